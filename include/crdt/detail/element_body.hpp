// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/chunk_places.hpp>
#include <crdt/detail/element_chunk.hpp>
#include <crdt/detail/element_index.hpp>
#include <crdt/lattice.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// An index that is made when somebody first looks for an element. Several threads may look at one
/// constant set: the first index that is ready stays.
template <class T>
class late_index {
public:
    using index = element_index<T, exact_hash<T>>;

    late_index() = default;
    late_index(const late_index& other) {
        if (const auto* made = other.get()) index_ = new index(*made);
    }
    late_index(late_index&& other) noexcept : index_(other.index_.exchange(nullptr)) {}
    late_index& operator=(late_index other) noexcept {
        delete index_.exchange(other.index_.exchange(nullptr));
        return *this;
    }
    ~late_index() { delete get(); }

    index* get() { return index_.load(std::memory_order_acquire); }
    const index* get() const { return index_.load(std::memory_order_acquire); }
    const index* offer(std::unique_ptr<index> made) const {
        index* before = nullptr;
        if (!index_.compare_exchange_strong(before, made.get())) return before;
        return made.release();
    }

private:
    mutable std::atomic<index*> index_ = nullptr;
};

/// Elements by dot in chunks, per replica in order, and an index of them by value.
///
/// State      chunks, whose numbers the index keeps.
/// Invariant  no chunk is empty.
/// Cost       put, drop O(log chunks) plus the elements shifted in one chunk.
template <class T, class Column = chunk_column<T>>
class element_body {
public:
    using chunk = element_chunk<T, Column>;
    using run = typename chunk_places<chunk>::run;
    using run_map = typename chunk_places<chunk>::run_map;

    std::size_t dot_count() const { return count_; }
    const run_map& runs() const { return chunks_.runs(); }
    const chunk& chunk_of(const typename run::value_type& named) const {
        return chunks_[named.second];
    }
    /// The number of a chunk, which stays while it has elements. Precondition: it is one of these.
    std::uint32_t id_of(const chunk& c) const { return chunks_.id_of(c); }

    const run* find(replica_id replica) const { return chunks_.find(replica); }
    const chunk* find(replica_id replica, std::uint64_t number) const {
        return chunks_.find(replica, number);
    }
    const T* find(const dot& d) const {
        const auto* c = find(d.replica, chunk_bits::number_of(d.counter));
        const auto offset = chunk_bits::offset_of(d.counter);
        return c != nullptr && c->alive.test(offset) ? &c->at(offset) : nullptr;
    }

    /// Precondition: the dot is not held; `outside` is not denied of what may have been read from
    /// bytes, and `absent` is not said of an element that is here.
    void put(const dot& d, const T& value, bool outside, bool absent = false) {
        const auto id = chunks_.make(d.replica, chunk_bits::number_of(d.counter));
        const auto hash = element_hash(value);
        const auto offset = chunk_bits::offset_of(d.counter);
        if (outside) chunks_[id].summed = false;
        try {
            chunks_[id].put(offset, value, hash);
        } catch (...) {
            if (chunks_[id].items.empty()) chunks_.remove(id);
            throw;
        }
        ++count_;
        keep_index([&](index_type& index) {
            if (absent)
                index.insert_absent(hash, place(id, offset), standing());
            else
                index.insert(hash, value, place(id, offset), standing());
        });
    }
    /// Precondition: the dot is held.
    void replace(const dot& d, T value, bool outside) {
        const auto id = id_of(*find(d.replica, chunk_bits::number_of(d.counter)));
        const auto offset = chunk_bits::offset_of(d.counter);
        auto& c = chunks_[id];
        const auto hash = element_hash(value);
        keep_index([&](index_type& index) {
            const T& old = c.at(offset);
            index.erase(element_hash(old), old, place(id, offset), standing());
        });
        if (outside) c.summed = false;
        c.replace(offset, std::move(value), hash);
        keep_index([&](index_type& index) {
            index.insert(hash, c.at(offset), place(id, offset), standing());
        });
    }
    /// Precondition: the dot is held.
    void drop(const dot& d) {
        chunk_bits gone;
        gone.set(chunk_bits::offset_of(d.counter));
        drop(id_of(*find(d.replica, chunk_bits::number_of(d.counter))), gone);
    }
    /// Precondition: all of `gone` is alive in the chunk of this number. Asks for no memory that it
    /// cannot do without.
    void drop(std::uint32_t id, const chunk_bits& gone) {
        auto& c = chunks_[id];
        keep_index([&](index_type& index) {
            gone.for_each([&](unsigned offset) {
                const T& value = c.at(offset);
                index.erase(element_hash(value), value, place(id, offset), standing());
            });
        });
        count_ -= gone.count();
        c.drop(gone);
        if (c.items.empty()) chunks_.remove(id);
    }

    /// Starts to load what drop() will ask for.
    void prefetch(std::uint32_t id, const chunk_bits& gone) const {
        const auto* index = index_.get();
        if constexpr (plain_element<T>)
            if (index != nullptr)
                gone.for_each([&](unsigned offset) {
                    index->prefetch(element_hash(chunks_[id].at(offset)), false);
                });
    }

    /// Compares the elements under dots that both chunks hold, of which `mine` is one of these: the
    /// greater bytes stay, and the dot is reported; true if one was replaced.
    template <class Other>
    bool reconcile(const chunk& mine, const element_chunk<T, Other>& theirs, report* found) {
        std::vector<std::pair<dot, T>> greater;
        mine.compare(theirs, [&](unsigned offset, const T& a, const T& b) {
            const auto order = compare_bytes(a, b);
            if (order != 0 && found != nullptr) found->double_spent.push_back(mine.dot_at(offset));
            if (order < 0) greater.emplace_back(mine.dot_at(offset), b);
        });
        for (auto& [d, value] : greater) replace(d, std::move(value), !theirs.summed);
        return !greater.empty();
    }

    /// Puts the elements of another chunk under `fresh`, none of which is alive here.
    template <class Other>
    void take(const element_chunk<T, Other>& other, const chunk_bits& fresh) {
        const auto id = chunks_.make(other.replica, other.number);
        auto& c = chunks_[id];
        const auto before = c.items.size();
        if (!other.summed) c.summed = false;
        try {
            if (before == 0 && fresh == other.alive)
                c.take_all(other);
            else
                fresh.for_each([&](unsigned offset) {
                    const T& value = other.at(offset);
                    c.put(offset, value, c.summed ? element_hash(value) : 0);
                });
        } catch (...) { // memory ran out: some have been put
            index_ = {};
            count_ += c.items.size() - before;
            if (c.items.empty()) chunks_.remove(id);
            throw;
        }
        count_ += fresh.count();
        keep_index([&](index_type& index) { enter_all(index, id, fresh); });
    }
    element_body() = default;
    /// What these chunks hold, which are in order and not empty.
    explicit element_body(std::vector<chunk>&& chunks) : chunks_(std::move(chunks)) {
        for_chunks([&](const chunk& c) { count_ += c.items.size(); });
    }

    /// Calls f(dot, element) in dot order.
    template <class F>
    void for_each(F f) const {
        for_chunks([&](const chunk& c) {
            std::size_t i = 0;
            c.alive.for_each([&](unsigned offset) { f(c.dot_at(offset), c.items[i++]); });
        });
    }
    /// Calls f(element) once an element, however many dots it has.
    template <class F>
    void for_each_element(F f) const {
        const auto& index = this->index();
        for_chunks([&](const chunk& c) {
            std::size_t i = 0;
            c.alive.for_each([&](unsigned offset) {
                const T& value = c.items[i++];
                if (!index.may_repeat() || index.place_for(element_hash(value), value,
                                                           standing()) == place(id_of(c), offset))
                    f(value);
            });
        });
    }
    /// Calls f(dot, element) for the dots of one element, not in order.
    template <class F>
    void for_dots(const T& value, F f) const {
        index().for_places(element_hash(value), value, standing(), [&](element_place p) {
            const auto& c = chunks_[p >> chunk_bits::shift];
            f(c.dot_at(p % chunk_bits::size), c.at(p % chunk_bits::size));
        });
    }
    bool contains(const T& value) const {
        return index().contains(element_hash(value), value, standing());
    }
    std::size_t element_count() const { return index().size(); }

    friend bool operator==(const element_body& a, const element_body& b) {
        if (a.count_ != b.count_ || a.runs().size() != b.runs().size()) return false;
        bool equal = true;
        auto other = b.runs().begin();
        for (const auto& [replica, chunks] : a.runs()) {
            equal = equal && replica == other->first &&
                    std::equal(chunks.begin(), chunks.end(), other->second.begin(),
                               other->second.end(), [&](const auto& x, const auto& y) {
                                   return a.chunk_of(x) == b.chunk_of(y);
                               });
            ++other;
        }
        return equal;
    }

private:
    using index_type = typename late_index<T>::index;

    static element_place place(std::uint32_t id, unsigned offset) {
        return (element_place{id} << chunk_bits::shift) + offset;
    }
    /// Calls f(chunk) in dot order.
    template <class F>
    void for_chunks(F f) const {
        for (const auto& [replica, chunks] : runs())
            for (const auto& named : chunks) f(chunk_of(named));
    }
    /// The element at a place, for the index.
    auto standing() const {
        return [this](element_place p) -> const T& {
            return chunks_[p >> chunk_bits::shift].at(p % chunk_bits::size);
        };
    }

    const index_type& index() const {
        if (const auto* made = index_.get()) return *made;
        auto made = std::make_unique<index_type>();
        made->reserve(count_, standing());
        for_chunks([&](const chunk& c) { enter_all(*made, id_of(c), c.alive); });
        return *index_.offer(std::move(made));
    }
    void enter_all(index_type& index, std::uint32_t id, const chunk_bits& which) const {
        const auto& c = chunks_[id];
        std::array<std::uint64_t, chunk_bits::size> hashes;
        std::size_t n = 0;
        which.for_each([&](unsigned offset) {
            hashes[n] = element_hash(c.at(offset));
            index.prefetch(hashes[n++], true);
        });
        n = 0;
        which.for_each([&](unsigned offset) {
            index.insert(hashes[n++], c.at(offset), place(id, offset), standing());
        });
    }
    /// Changes the index, if there is one; one that cannot follow is made anew when it is needed.
    template <class Change>
    void keep_index(Change change) {
        auto* index = index_.get();
        if (index == nullptr) return;
        try {
            change(*index);
        } catch (...) {
            index_ = {};
        }
    }

    chunk_places<chunk> chunks_;
    std::size_t count_ = 0;
    late_index<T> index_;
};

} // namespace joinery::crdt::detail
