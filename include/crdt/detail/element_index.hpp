// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/hash.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// Where an element stands: the number of its chunk in the pool and its offset there, 34 bits.
using element_place = std::uint64_t;

/// Elements -> places, one slot of 8 bytes for each element. The elements themselves stay where
/// they are: `at(place)` is the one that stands there.
///
/// State      buckets of 8 slots, one cache line, filled from the left; a slot has 28 bits of the
///            hash, which also say where it belongs, and the element's first place; elements in
///            several places have them all in a table beside. A full bucket overflows into the
///            next; what would go too far stands in order beside.
/// Invariant  at most three quarters of the slots are taken, and no element is further than
///            max_steps from where it belongs: whoever makes hashes collide pays the logarithm.
/// Cost       one cache miss for each operation, and few branches that depend on what it brings; a
///            larger table is filled without looking at the elements.
template <class T>
class element_index {
public:
    std::size_t size() const { return size_ + far_.size(); }
    /// False if no element has several places.
    bool may_repeat() const { return !repeated_.empty() || !far_.empty(); }

    template <class At>
    void reserve(std::size_t n, At at) {
        unsigned bits = 0;
        while (n * 4 > (std::size_t{3} << bits) * width) ++bits;
        if (buckets_.empty() || bits > bits_) grow(bits, at);
    }

    /// Starts to load the bucket of an element that will be asked for soon.
    void prefetch(std::uint64_t hash) const {
#if defined(__GNUC__)
        if (!buckets_.empty()) __builtin_prefetch(&buckets_[home(tag_of(hash))]);
#else
        static_cast<void>(hash);
#endif
    }

    template <class At>
    bool contains(std::uint64_t hash, const T& value, At at) const {
        return slot_of(hash, value, at) != nullptr || far_.contains(value);
    }

    /// One of the places of an element, the same until it changes. Precondition: it has one.
    template <class At>
    element_place place_for(std::uint64_t hash, const T& value, At at) const {
        const auto* slot = slot_of(hash, value, at);
        return slot != nullptr ? place_of(*slot) : *far_.find(value)->second.begin();
    }
    /// Calls f(place) for each place of an element, upwards.
    template <class At, class F>
    void for_places(std::uint64_t hash, const T& value, At at, F f) const {
        const auto* slot = slot_of(hash, value, at);
        if (slot != nullptr && (*slot & several) == 0) return f(place_of(*slot));
        if (slot != nullptr) {
            for (const auto place : repeated_.at(place_of(*slot))) f(place);
        } else if (const auto found = far_.find(value); found != far_.end()) {
            for (const auto place : found->second) f(place);
        }
    }

    template <class At>
    void insert(std::uint64_t hash, const T& value, element_place place, At at) {
        if (const auto* slot = slot_of(hash, value, at))
            return repeat(const_cast<std::uint64_t&>(*slot), place);
        if (const auto found = far_.find(value); found != far_.end())
            found->second.insert(place);
        else
            insert_absent(hash, place, at);
    }
    /// The same for an element that is known to be nowhere.
    template <class At>
    void insert_absent(std::uint64_t hash, element_place place, At at) {
        if ((size_ + 1) * 4 > buckets_.size() * width * 3)
            grow(buckets_.empty() ? 0 : bits_ + 1, at);
        if (settle(taken | tag_of(hash) << place_bits | place))
            ++size_;
        else
            far_[at(place)].insert(place);
    }

    /// Precondition: the element stands at `place` and was inserted.
    template <class At>
    void erase(std::uint64_t hash, const T& value, element_place place, At at) {
        auto where = home(tag_of(hash));
        for (std::size_t far = 0; far <= max_steps; ++far, where = next(where)) {
            auto& b = buckets_[where];
            const auto n = count(b);
            for (std::size_t i = 0; i < n; ++i) {
                if (place_of(b[i]) != place) continue;
                if ((b[i] & several) != 0) return forget(b[i], place);
                --size_;
                return close_gap(where, i);
            }
            if (n < width) break;
        }
        if (const auto* slot = slot_of(hash, value, at))
            return forget(const_cast<std::uint64_t&>(*slot), place);
        const auto found = far_.find(value);
        found->second.erase(place);
        if (found->second.empty()) far_.erase(found);
    }

private:
    static constexpr std::size_t width = 8;
    static constexpr unsigned tag_bits = 28, place_bits = 34;
    static constexpr std::uint64_t taken = std::uint64_t{1} << 63, several = taken >> 1;
    static constexpr std::uint64_t tag_mask = (std::uint64_t{1} << tag_bits) - 1;
    static constexpr std::size_t max_steps = 64;

    struct alignas(64) bucket {
        std::array<std::uint64_t, width> slots{};
        std::uint64_t& operator[](std::size_t i) { return slots[i]; }
        const std::uint64_t& operator[](std::size_t i) const { return slots[i]; }
    };

    static std::uint64_t tag_of(std::uint64_t hash) { return hash >> (64 - tag_bits); }
    static std::uint64_t tag_in(std::uint64_t slot) { return slot >> place_bits & tag_mask; }
    static element_place place_of(std::uint64_t slot) {
        return slot & ((std::uint64_t{1} << place_bits) - 1);
    }
    std::size_t home(std::uint64_t tag) const { return tag >> (tag_bits - bits_); }
    std::size_t next(std::size_t at) const { return (at + 1) & (buckets_.size() - 1); }

    static std::size_t count(const bucket& b) {
        std::size_t n = 0;
        for (const auto slot : b.slots) n += slot >> 63;
        return n;
    }

    template <class At>
    const std::uint64_t* slot_of(std::uint64_t hash, const T& value, At at) const {
        if (buckets_.empty()) return nullptr;
        const auto wanted = taken | tag_of(hash) << place_bits;
        constexpr auto mask = taken | tag_mask << place_bits;
        auto where = home(tag_of(hash));
        for (std::size_t far = 0; far <= max_steps; ++far, where = next(where)) {
            const auto& b = buckets_[where];
            // All eight without a branch: which one it is cannot be foreseen.
            unsigned hits = 0;
            for (unsigned i = 0; i < width; ++i)
                hits |= static_cast<unsigned>((b[i] & mask) == wanted) << i;
            for (; hits != 0; hits &= hits - 1) {
                const auto& slot = b[static_cast<std::size_t>(std::countr_zero(hits))];
                if (at(place_of(slot)) == value) return &slot;
            }
            if (b[width - 1] == 0) return nullptr;
        }
        return nullptr;
    }

    /// Puts a slot where it belongs; false if that is too far away.
    bool settle(std::uint64_t slot) {
        auto where = home(tag_in(slot));
        for (std::size_t far = 0; buckets_[where][width - 1] != 0; where = next(where))
            if (++far > max_steps) return false;
        auto& b = buckets_[where];
        b[count(b)] = slot;
        return true;
    }
    /// Takes the element of a slot that could not settle out of the table.
    template <class At>
    void put_far(std::uint64_t slot, At at) {
        auto& places = far_[at(place_of(slot))];
        places.insert(place_of(slot));
        if ((slot & several) != 0) places = std::move(repeated_.extract(place_of(slot)).mapped());
        --size_;
    }

    template <class At>
    void grow(unsigned bits, At at) {
        if (bits > tag_bits) throw std::length_error("too many elements");
        const auto old = std::exchange(buckets_, std::vector<bucket>(std::size_t{1} << bits));
        bits_ = bits;
        for (const auto& b : old)
            for (const auto slot : b.slots)
                if (slot != 0 && !settle(slot)) put_far(slot, at);
    }

    /// Takes a slot out. A full bucket may have overflowed: what belongs there comes back.
    void close_gap(std::size_t at, std::size_t i) {
        for (;;) {
            auto& b = buckets_[at];
            const auto n = count(b);
            b[i] = b[n - 1];
            b[n - 1] = 0;
            if (n < width) return;
            const auto [from, which] = overflowed(at);
            if (which == width) return;
            b[width - 1] = buckets_[from][which];
            at = from;
            i = which;
        }
    }
    /// A slot behind bucket `at` that belongs there or before; width if there is none.
    std::pair<std::size_t, std::size_t> overflowed(std::size_t at) const {
        for (auto from = next(at);; from = next(from)) {
            const auto& b = buckets_[from];
            const auto mask = buckets_.size() - 1;
            for (std::size_t i = 0; i < count(b); ++i)
                if (((from - home(tag_in(b[i]))) & mask) >= ((from - at) & mask)) return {from, i};
            if (count(b) < width || ((from - at) & mask) >= std::min(max_steps, mask))
                return {from, width};
        }
    }

    /// Another place of the element in a slot.
    void repeat(std::uint64_t& slot, element_place place) {
        auto& places = repeated_[place_of(slot)];
        places.insert(place_of(slot));
        places.insert(place);
        slot |= several;
    }

    /// One place less of the element in a slot, which has several.
    void forget(std::uint64_t& slot, element_place place) {
        auto places = repeated_.extract(place_of(slot));
        places.mapped().erase(place);
        places.key() = *places.mapped().begin();
        slot = (slot & ~((std::uint64_t{1} << place_bits) - 1)) | places.key();
        if (places.mapped().size() == 1)
            slot &= ~several;
        else
            repeated_.insert(std::move(places));
    }

    std::vector<bucket> buckets_;
    std::size_t size_ = 0;
    unsigned bits_ = 0;
    std::map<element_place, std::set<element_place>> repeated_;
    std::map<T, std::set<element_place>> far_;
};

} // namespace joinery::crdt::detail
