// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/counts.hpp>
#include <crdt/detail/signed_int128.hpp>
#include <crdt/detail/slot_merge.hpp>
#include <crdt/detail/small_column.hpp>
#include <crdt/entries.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <utility>

namespace joinery::crdt::detail {

/// key -> count, joined slot by slot: a sorted column of keys beside a column
/// of counts, both with inline room for a few. No count is bottom, so that
/// equal values have equal bytes. `Slot` is {key, count} with key() and
/// put_key, get_key, key_bytes.
template <class Slot>
class slot_list {
public:
    using slot = Slot;
    using key_type = typename Slot::key_type;
    using count_type = decltype(Slot::count);

    count_type get(const key_type& key) const {
        const auto at = find(key);
        return at != size() && keys_[at] == key ? counts_[at] : count_type{};
    }

    /// The count under `key`, to be raised; null if there is none. `place` is where the key was
    /// last time, or anything, and becomes where it is or would be.
    count_type* slot_of(const key_type& key, std::size_t& place) {
        if (place >= size() || !(keys_[place] == key)) {
            place = find(key);
            if (place == size() || !(keys_[place] == key)) return nullptr;
        }
        return &counts_[place];
    }

    /// Becomes one slot. Precondition: it is as it was constructed, and the count
    /// is not bottom.
    void set_first(const key_type& key, const count_type& count) {
        keys_.set_first(key);
        counts_.set_first(count);
    }

    /// Raises one slot to at least `count`; true if it grew.
    bool raise(const key_type& key, const count_type& count) {
        std::size_t place = 0;
        if (auto* mine = slot_of(key, place)) return raise_count(*mine, count);
        if (count == count_type{}) return false;
        insert(place, key, count);
        return true;
    }
    /// Puts a slot where slot_of() found none. Precondition: the count is not bottom.
    void insert(std::size_t place, const key_type& key, const count_type& count) {
        keys_.make_room(1); // before either column changes
        counts_.make_room(1);
        keys_.insert(place, key);
        counts_.insert(place, count);
    }

    bool merge(const slot_list& other) {
        if (same_keys(other)) return raise_counts(counts_.data(), other.counts_.data(), size());
        if (other.size() * 8 < size()) {
            bool grew = false;
            for (const auto s : other.slots()) grew |= raise(s.key(), s.count);
            return grew;
        }
        return merge_all(other);
    }

    bool leq(const slot_list& other) const {
        if (same_keys(other)) return counts_leq(counts_.data(), other.counts_.data(), size());
        if (size() > other.size()) return false;
        std::size_t at = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            while (at < other.size() && other.keys_[at] < keys_[i]) ++at;
            if (at == other.size() || !(other.keys_[at] == keys_[i])) return false;
            if (!count_leq(counts_[i], other.counts_[at])) return false;
        }
        return true;
    }

    slot_list difference(const slot_list& known) const {
        slot_list delta;
        std::size_t place = 0;
        for (std::size_t i = 0; i < size(); ++i) {
            ++place; // where the key is if both have the same
            if (place > i + 1 || place - 1 >= known.size() || !(known.keys_[place - 1] == keys_[i]))
                place = known.find(keys_[i]) + 1;
            const bool there = place <= known.size() && known.keys_[place - 1] == keys_[i];
            const auto rest =
                count_difference(counts_[i], there ? known.counts_[place - 1] : count_type{});
            if (!(rest == count_type{})) delta.push_back(keys_[i], rest);
        }
        return delta;
    }

    std::size_t size() const { return keys_.size(); }
    bool empty() const { return keys_.empty(); }
    std::span<const count_type> counts() const { return {counts_.data(), counts_.size()}; }

    /// The slots by ascending key, made as they are read.
    class view {
    public:
        class iterator {
        public:
            iterator(const slot_list& list, std::size_t at) : list_(&list), at_(at) {}
            Slot operator*() const { return {list_->keys_[at_], list_->counts_[at_]}; }
            iterator& operator++() {
                ++at_;
                return *this;
            }
            bool operator!=(const iterator& other) const { return at_ != other.at_; }

        private:
            const slot_list* list_;
            std::size_t at_;
        };

        explicit view(const slot_list& list) : list_(list) {}
        iterator begin() const { return {list_, 0}; }
        iterator end() const { return {list_, list_.size()}; }
        std::size_t size() const { return list_.size(); }

    private:
        const slot_list& list_;
    };
    view slots() const { return view(*this); }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        for (const auto s : slots()) f(path_of(path, s.key()), version(s));
    }

    template <class F>
    void touched(const slot_list& delta, entry_id path, F& f) const {
        for (const auto s : delta.slots())
            if (const auto count = get(s.key()); !(count == count_type{}))
                f(path_of(path, s.key()), version(Slot{s.key(), count}));
    }

    template <class F>
    void changes(const slot_list& delta, entry_id path, F& f) const {
        for (const auto s : delta.slots()) {
            const Slot before{s.key(), get(s.key())};
            Slot after = before;
            if (raise_count(after.count, s.count))
                f(path_of(path, s.key()), version(before), version(after));
        }
    }

    slot_list fragment(entry_id path, const id_set& ids) const {
        slot_list part;
        for (const auto s : slots())
            if (ids.contains(path_of(path, s.key()))) part.push_back(s.key(), s.count);
        return part;
    }

    template <class F>
    void split(std::size_t max_bytes, F& f) const {
        part_builder<slot_list, F> parts(room_after(max_bytes, 5), f);
        for (const auto s : slots())
            parts.add(Slot::key_bytes + count_bytes(s.count),
                      [&](auto& part) { part.push_back(s.key(), s.count); });
        parts.flush();
    }

    void write(wire::writer& w) const {
        w.varint(size());
        for (const auto s : slots()) s.put_key(w);
        for (const auto& count : counts()) put_count(w, count);
    }

    void read(wire::reader& r) {
        const auto n = r.count(Slot::key_bytes + count_bytes(count_type{}),
                               sizeof(key_type) + sizeof(count_type));
        r.take_memory(n > inline_slots ? 2 * wire::detail::block_memory : 0);
        keys_.resize(n);
        counts_.resize(n);
        for (auto& key : keys_) {
            Slot s;
            s.get_key(r);
            key = s.key();
        }
        for (auto& count : counts_) get_count(r, count);
        for (std::size_t i = 1; r.ok() && i < n; ++i)
            if (keys_[i] <= keys_[i - 1]) r.fail(wire::errc::non_canonical);
    }

    friend bool operator==(const slot_list&, const slot_list&) = default;

private:
    static constexpr std::size_t inline_slots = sizeof(Slot) > 24 ? 2 : 4;

    /// The place of the first key not below `key`.
    std::size_t find(const key_type& key) const {
        if constexpr (std::same_as<key_type, replica_id>) {
            const auto place = near_place(key);
            if (place <= size()) return place;
        }
        const auto* from = keys_.data();
        const auto* const first = from;
        for (std::size_t n = size(); n > 1;) {
            const auto half = n / 2;
            from += half & (std::size_t{0} - static_cast<std::size_t>(from[half - 1] < key));
            n -= half;
        }
        return static_cast<std::size_t>(from - first) + (size() != 0 && *from < key ? 1 : 0);
    }

    /// Ids are hashes, so that the place of one follows nearly from its value:
    /// two guesses, and then the keys around are counted without a branch. More
    /// than size() if that was not the place.
    std::size_t near_place(replica_id key) const {
        constexpr std::size_t window = 16;
        const auto n = size();
        if (n < 2 * window) return n + 1;
        const auto* keys = keys_.data();
        const auto first = static_cast<std::size_t>((uint128{key.value} * n) >> 64);
        const auto off = static_cast<std::int64_t>(key.value - keys[first].value);
        const auto step = static_cast<std::int64_t>((int128{off} * static_cast<int128>(n)) >> 64);
        const auto guess = static_cast<std::int64_t>(first) + step - std::int64_t{window / 2};
        const auto last = static_cast<std::int64_t>(n - window);
        const auto from = static_cast<std::size_t>(std::clamp<std::int64_t>(guess, 0, last));
        std::size_t below = 0;
        for (std::size_t i = 0; i < window; ++i) below += keys[from + i] < key ? 1U : 0U;
        const bool starts = below != 0 || from == 0 || keys[from - 1] < key;
        const bool ends = below != window || from + window == n || !(keys[from + window] < key);
        return starts && ends ? from + below : n + 1;
    }

    bool same_keys(const slot_list& other) const {
        static_assert(std::has_unique_object_representations_v<key_type>);
        return size() == other.size() &&
               std::memcmp(keys_.data(), other.keys_.data(), size() * sizeof(key_type)) == 0;
    }

    void push_back(const key_type& key, const count_type& count) {
        keys_.push_back(key);
        counts_.push_back(count);
    }

    static wire::digest version(const Slot& s) {
        if (s.count == count_type{}) return {};
        return version_of([&](wire::writer& w) {
            s.put_key(w);
            put_version(w, s.count);
        });
    }

    bool merge_all(const slot_list& other) {
        slot_list all;
        all.keys_.resize_for_overwrite(size() + other.size());
        all.counts_.resize_for_overwrite(size() + other.size());
        std::size_t merged = 0;
        bool grew = false;
        if constexpr (std::same_as<key_type, replica_id>) {
            const slot_merge<count_type> lanes(
                {keys_.data(), counts_.data(), size()},
                {other.keys_.data(), other.counts_.data(), other.size()}, all.keys_.data(),
                all.counts_.data());
            merged = lanes.size();
            grew = lanes.grew();
        } else {
            merged = merge_into(all, other, grew);
        }
        all.keys_.resize(merged);
        all.counts_.resize(merged);
        *this = std::move(all);
        return grew;
    }

    std::size_t merge_into(slot_list& all, const slot_list& other, bool& grew) {
        std::size_t i = 0, j = 0, n = 0;
        for (; i < size() || j < other.size(); ++n) {
            const bool theirs = i == size() || (j < other.size() && !(keys_[i] < other.keys_[j]));
            const bool mine = j == other.size() || (i < size() && !(other.keys_[j] < keys_[i]));
            count_type count = mine ? counts_[i] : count_type{};
            all.keys_[n] = mine ? keys_[i] : other.keys_[j];
            if (theirs) grew |= raise_count(count, other.counts_[j++]);
            all.counts_[n] = count;
            i += mine ? 1U : 0U;
        }
        return n;
    }

    small_column<key_type, inline_slots> keys_;
    small_column<count_type, inline_slots> counts_;
};

/// A CRDT that is its slots: all but the mutators and the value.
template <class Self, class Slots>
class slot_lattice {
public:
    bool merge(const Self& other, report* = nullptr) { return slots_.merge(other.slots_); }
    bool leq(const Self& other) const { return slots_.leq(other.slots_); }
    Self difference(const Self& known) const { return lift(slots_.difference(known.slots_)); }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        slots_.for_each_entry(path, f);
    }
    template <class F>
    void touched(const Self& delta, entry_id path, F& f) const {
        slots_.touched(delta.slots_, path, f);
    }
    template <class F>
    void changes(const Self& delta, entry_id path, F& f) const {
        slots_.changes(delta.slots_, path, f);
    }
    Self fragment(entry_id path, const id_set& ids) const {
        return lift(slots_.fragment(path, ids));
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        auto lifted = [&](Slots part) { f(lift(std::move(part))); };
        slots_.split(max_bytes, lifted);
    }

    void write(wire::writer& w) const { slots_.write(w); }
    void read(wire::reader& r) { slots_.read(r); }

    friend bool operator==(const slot_lattice&, const slot_lattice&) = default;

protected:
    slot_lattice() = default;

    static Self lift(Slots&& part) {
        Self lifted;
        lifted.slots_ = std::move(part);
        return lifted;
    }

    /// Raises one slot to `count`, which is not bottom, and returns the delta.
    Self raise(const typename Slots::key_type& key, const typename Slots::count_type& count) {
        Self delta;
        delta.slots_.set_first(key, count);
        slots_.raise(key, count);
        return delta;
    }

    Slots slots_;
};

} // namespace joinery::crdt::detail
