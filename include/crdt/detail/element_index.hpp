// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/index_rows.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

namespace joinery::crdt::detail {

/// Where an element stands: the number of its chunk in the pool and its offset there, 34 bits.
using element_place = std::uint64_t;

/// Elements -> places. The elements themselves stay where they are: `at(place)` is the one that
/// stands there. With ExactHash no two elements have one hash, and none is looked at.
///
/// State      groups of 8 slots, filled from the left: a word with a mark of each, a cache line
///            with their hashes, half a line with the element's first place; elements in several
///            places have them all in a table beside. A full group overflows into the next; what
///            would go too far stands in order beside.
/// Invariant  at most seven eighths of the slots are taken, and no element is further than
///            max_steps from where it belongs: whoever makes hashes collide pays the logarithm.
/// Cost       the marks, a byte a slot, say that an element is absent; its hashes are asked for
///            meanwhile. A larger table is filled without looking at the elements.
template <class T, bool ExactHash = false>
class element_index {
public:
    std::size_t size() const { return size_ + far_.size(); }
    /// False if no element has several places.
    bool may_repeat() const { return !repeated_.empty() || !far_.empty(); }

    template <class At>
    void reserve(std::size_t n, At at) {
        auto groups = std::max<std::size_t>(rows_.size(), 1);
        while (n > room(groups)) groups = larger(groups);
        if (groups != rows_.size()) grow(groups, at);
    }

    /// Starts to load what will be asked for soon to find an element, or to insert it.
    void prefetch(std::uint64_t hash, bool inserted) const {
        if (rows_.empty()) return;
        const auto group = home(hash);
        rows_.prefetch_marks(group);
        rows_.prefetch_words(group);
        if (!ExactHash || inserted) rows_.prefetch_lower(group);
    }

    template <class At>
    bool contains(std::uint64_t hash, const T& value, At at) const {
        return slot_of(hash, value, at) != nowhere || (!far_.empty() && far_.contains(value));
    }

    /// One of the places of an element, the same until it changes. Precondition: it has one.
    template <class At>
    element_place place_for(std::uint64_t hash, const T& value, At at) const {
        const auto slot = slot_of(hash, value, at);
        return slot != nowhere ? place_of(slot) : *far_.find(value)->second.begin();
    }
    /// Calls f(place) for each place of an element, upwards.
    template <class At, class F>
    void for_places(std::uint64_t hash, const T& value, At at, F f) const {
        const auto slot = slot_of(hash, value, at);
        if (slot != nowhere && (rows_.word(slot) & several) == 0) return f(place_of(slot));
        if (slot != nowhere) {
            for (const auto place : repeated_.at(place_of(slot))) f(place);
        } else if (!far_.empty()) {
            if (const auto found = far_.find(value); found != far_.end())
                for (const auto place : found->second) f(place);
        }
    }

    template <class At>
    void insert(std::uint64_t hash, const T& value, element_place place, At at) {
        if (const auto slot = slot_of(hash, value, at); slot != nowhere) return repeat(slot, place);
        if (const auto found = far_.find(value); found != far_.end())
            found->second.insert(place);
        else
            insert_absent(hash, place, at);
    }
    /// The same for an element that is known to be nowhere.
    template <class At>
    void insert_absent(std::uint64_t hash, element_place place, At at) {
        if (size_ >= room(rows_.size())) grow(larger(rows_.size()), at);
        if (settle(rows_, taken | (hash & low_bits), (hash & ~low_bits) | place >> 32,
                   static_cast<std::uint32_t>(place)))
            ++size_;
        else
            far_[at(place)].insert(place);
    }

    /// Precondition: the element stands at `place` and was inserted.
    template <class At>
    void erase(std::uint64_t hash, const T& value, element_place place, At at) {
        auto group = home(hash);
        for (std::size_t far = 0; far <= max_steps; ++far, group = next(group)) {
            const auto marks = rows_.marks(group);
            for (auto hits = matching(marks, hash); hits != 0; hits &= hits - 1) {
                const auto slot = first_of(group, hits);
                if (((rows_.word(slot) ^ hash) & ~low_bits) != 0) continue;
                const bool lone = (rows_.word(slot) & several) == 0;
                // Where no other element has this hash, the place need not be waited for.
                if (!(ExactHash && lone) && place_of(slot) != place) continue;
                if (!lone) return forget(slot, place);
                --size_;
                return close_gap(slot);
            }
            if (!full(marks)) break;
        }
        if (const auto slot = slot_of(hash, value, at); slot != nowhere) return forget(slot, place);
        const auto found = far_.find(value);
        found->second.erase(place);
        if (found->second.empty()) far_.erase(found);
    }

private:
    static constexpr std::size_t width = index_rows::width, max_steps = 64;
    static constexpr std::size_t nowhere = ~std::size_t{0};
    static constexpr std::size_t max_groups = std::size_t{1} << (sizeof(std::size_t) > 4 ? 31 : 24);
    // A mark is the low bits of a hash and `taken`. A word is the hash, with the upper bits of the
    // place and whether there are several instead of the low bits.
    static constexpr std::uint64_t taken = 0x80, low_bits = 0x7f, several = 0x40, place_bits = 0x3f;
    static constexpr std::uint64_t each_byte = 0x0101010101010101U;

    static std::size_t room(std::size_t groups) { return groups * width / 8 * 7; }
    static std::size_t larger(std::size_t groups) {
        if (groups >= max_groups) throw std::length_error("too many elements");
        return groups < 3 ? groups + 1 : groups * 2;
    }

    static std::size_t home(std::uint64_t hash, const index_rows& rows) {
        return static_cast<std::size_t>((hash >> 32) * rows.size() >> 32);
    }
    std::size_t home(std::uint64_t hash) const { return home(hash, rows_); }
    std::size_t next(std::size_t group) const { return group + 1 == rows_.size() ? 0 : group + 1; }
    std::size_t steps(std::size_t from, std::size_t to) const {
        return to >= from ? to - from : to + rows_.size() - from;
    }

    static bool full(std::uint64_t marks) { return marks >> 56 != 0; }
    static std::size_t count(std::uint64_t marks) {
        return static_cast<std::size_t>(71 - std::countl_zero(marks)) / 8;
    }
    /// The top bits of the marks that an element of this hash could have.
    static std::uint64_t matching(std::uint64_t marks, std::uint64_t hash) {
        constexpr auto low = low_bits * each_byte;
        const auto other = marks ^ (taken | (hash & low_bits)) * each_byte;
        return ~(((other & low) + low) | other | low);
    }
    static std::size_t first_of(std::size_t group, std::uint64_t hits) {
        return group * width + static_cast<std::size_t>(std::countr_zero(hits)) / 8;
    }
    element_place place_of(std::size_t slot) const {
        return (rows_.word(slot) & place_bits) << 32 | rows_.lower(slot);
    }
    void move(std::size_t from, std::size_t to) {
        const auto at = to % width * 8;
        const auto mark = rows_.marks(from / width) >> from % width * 8 & 0xff;
        auto& marks = rows_.marks(to / width);
        marks = (marks & ~(std::uint64_t{0xff} << at)) | mark << at;
        rows_.word(to) = rows_.word(from);
        rows_.lower(to) = rows_.lower(from);
    }

    template <class At>
    std::size_t slot_of(std::uint64_t hash, const T& value, At at) const {
        if (rows_.empty()) return nowhere;
        auto group = home(hash);
        // Most often it is needed, and does not wait for the marks then.
        rows_.prefetch_words(group);
        if constexpr (!ExactHash) rows_.prefetch_lower(group);
        for (std::size_t far = 0; far <= max_steps; ++far, group = next(group)) {
            const auto marks = rows_.marks(group);
            for (auto hits = matching(marks, hash); hits != 0; hits &= hits - 1) {
                const auto slot = first_of(group, hits);
                if (((rows_.word(slot) ^ hash) & ~low_bits) != 0) continue;
                if constexpr (ExactHash) return slot;
                if (at(place_of(slot)) == value) return slot;
            }
            if (!full(marks)) return nowhere;
        }
        return nowhere;
    }

    /// Puts an element where it belongs; false if that is too far away.
    static bool settle(index_rows& rows, std::uint64_t mark, std::uint64_t word,
                       std::uint32_t lower) {
        auto group = home(word, rows);
        auto marks = rows.marks(group);
        for (std::size_t far = 0; full(marks); marks = rows.marks(group)) {
            if (++far > max_steps) return false;
            if (++group == rows.size()) group = 0;
        }
        const auto n = count(marks);
        rows.marks(group) = marks | mark << n * 8;
        rows.word(group * width + n) = word;
        rows.lower(group * width + n) = lower;
        return true;
    }

    template <class At>
    void grow(std::size_t groups, At at) {
        // Both of them local, or each write could be one to where they are.
        index_rows to(groups);
        const index_rows from = std::exchange(rows_, {});
        for (std::size_t group = 0; group < from.size(); ++group) {
            auto slot = group * width;
            for (auto marks = from.marks(group); marks != 0; marks >>= 8, ++slot)
                if (!settle(to, marks & 0xff, from.word(slot), from.lower(slot)))
                    put_far(from.word(slot), from.lower(slot), at);
        }
        rows_ = std::move(to);
    }
    /// Takes the element of an entry that could not settle out of the table.
    template <class At>
    void put_far(std::uint64_t word, std::uint32_t lower, At at) {
        const auto place = (word & place_bits) << 32 | lower;
        auto& places = far_[at(place)];
        places.insert(place);
        if ((word & several) != 0) places = std::move(repeated_.extract(place).mapped());
        --size_;
    }

    /// Takes a slot out. A full group may have overflowed: what belongs there comes back.
    void close_gap(std::size_t gap) {
        for (;;) {
            const auto group = gap / width;
            const auto marks = rows_.marks(group);
            const auto last = group * width + count(marks) - 1;
            move(last, gap);
            rows_.marks(group) &= ~(std::uint64_t{0xff} << last % width * 8);
            if (!full(marks)) return;
            const auto from = overflowed(group);
            if (from == nowhere) return;
            move(from, last);
            gap = from;
        }
    }
    /// A slot behind a group that belongs there or before, if there is one.
    std::size_t overflowed(std::size_t group) const {
        for (auto from = next(group); from != group; from = next(from)) {
            const auto n = count(rows_.marks(from)), far = steps(group, from);
            for (auto slot = from * width; slot < from * width + n; ++slot)
                if (steps(home(rows_.word(slot)), from) >= far) return slot;
            if (n < width || far >= max_steps) return nowhere;
        }
        return nowhere;
    }

    /// Another place of the element in a slot.
    void repeat(std::size_t slot, element_place place) {
        auto& places = repeated_[place_of(slot)];
        places.insert(place_of(slot));
        places.insert(place);
        rows_.word(slot) |= several;
    }
    /// One place less of the element in a slot, which has several.
    void forget(std::size_t slot, element_place place) {
        auto places = repeated_.extract(place_of(slot));
        places.mapped().erase(place);
        places.key() = *places.mapped().begin();
        rows_.word(slot) = (rows_.word(slot) & ~place_bits) | places.key() >> 32;
        rows_.lower(slot) = static_cast<std::uint32_t>(places.key());
        if (places.mapped().size() == 1)
            rows_.word(slot) &= ~several;
        else
            repeated_.insert(std::move(places));
    }

    index_rows rows_;
    std::size_t size_ = 0;
    std::map<element_place, std::set<element_place>> repeated_;
    std::map<T, std::set<element_place>> far_;
};

} // namespace joinery::crdt::detail
