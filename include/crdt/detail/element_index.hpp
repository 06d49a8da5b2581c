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
/// they are: `same(place)` asks whether the one that stands there is the one in question.
///
/// State      buckets of 8 slots, one cache line, filled from the left; a slot has 28 bits of the
///            hash, which also say where it belongs, and the element's first place; elements in
///            several places have them all in a table beside. A full bucket overflows into the
///            next.
/// Invariant  at most three quarters of the slots are taken. The seed of the hash follows from the
///            content once an element has to go suspiciously far, so that nobody can prepare one.
/// Cost       one cache miss for each operation, and few branches that depend on what it brings; a
///            larger table is filled without looking at the elements.
class element_index {
public:
    explicit element_index(std::uint64_t seed = 0) : seed_(seed) {}

    std::uint64_t seed() const { return seed_; }
    std::size_t size() const { return size_; }
    /// True when it should be made anew with another seed.
    bool crowded() const { return crowded_; }
    bool has_repeated() const { return !repeated_.empty(); }

    void reserve(std::size_t n) {
        unsigned bits = 0;
        while (n * 4 > (std::size_t{3} << bits) * width) ++bits;
        if (buckets_.empty() || bits > bits_) grow(bits);
    }

    /// Starts to load the bucket of an element that will be asked for soon.
    void prefetch(std::uint64_t hash) const {
#if defined(__GNUC__)
        if (!buckets_.empty()) __builtin_prefetch(&buckets_[home(tag_of(hash))]);
#else
        static_cast<void>(hash);
#endif
    }

    template <class Same>
    bool contains(std::uint64_t hash, Same same) const {
        return slot_of(hash, same) != nullptr;
    }

    /// Calls f(place) for each place of an element, upwards.
    template <class Same, class F>
    void for_places(std::uint64_t hash, Same same, F f) const {
        const auto* slot = slot_of(hash, same);
        if (slot == nullptr) return;
        if ((*slot & several) == 0) return f(place_of(*slot));
        for (const auto place : repeated_.at(place_of(*slot))) f(place);
    }

    template <class Same>
    void insert(std::uint64_t hash, element_place place, Same same) {
        if (const auto* slot = slot_of(hash, same))
            return repeat(const_cast<std::uint64_t&>(*slot), place);
        insert_absent(hash, place);
    }
    /// The same for an element that is known to be nowhere.
    void insert_absent(std::uint64_t hash, element_place place) {
        if ((size_ + 1) * 4 > buckets_.size() * width * 3) grow(buckets_.empty() ? 0 : bits_ + 1);
        const auto far = settle(taken | tag_of(hash) << place_bits | place);
        ++size_;
        crowded_ = crowded_ || far > max_steps;
    }

    /// Precondition: the element stands at `place` and was inserted.
    template <class Same>
    void erase(std::uint64_t hash, element_place place, Same same) {
        auto at = home(tag_of(hash));
        for (;; at = next(at)) {
            auto& b = buckets_[at];
            const auto n = count(b);
            for (std::size_t i = 0; i < n; ++i) {
                if (place_of(b[i]) != place) continue;
                if ((b[i] & several) != 0) return forget(b[i], place);
                --size_;
                return close_gap(at, i);
            }
            if (n < width) break;
        }
        forget(const_cast<std::uint64_t&>(*slot_of(hash, same)), place);
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

    template <class Same>
    const std::uint64_t* slot_of(std::uint64_t hash, Same same) const {
        if (buckets_.empty()) return nullptr;
        const auto wanted = taken | tag_of(hash) << place_bits;
        constexpr auto mask = taken | tag_mask << place_bits;
        for (auto at = home(tag_of(hash));; at = next(at)) {
            const auto& b = buckets_[at];
            // All eight without a branch: which one it is cannot be foreseen.
            unsigned hits = 0;
            for (unsigned i = 0; i < width; ++i)
                hits |= static_cast<unsigned>((b[i] & mask) == wanted) << i;
            for (; hits != 0; hits &= hits - 1) {
                const auto& slot = b[static_cast<std::size_t>(std::countr_zero(hits))];
                if (same(place_of(slot))) return &slot;
            }
            if (b[width - 1] == 0) return nullptr;
        }
    }

    /// Puts a slot where it belongs; how many full buckets it had to pass.
    std::size_t settle(std::uint64_t slot) {
        auto at = home(tag_in(slot));
        std::size_t far = 0;
        for (; buckets_[at][width - 1] != 0; at = next(at)) ++far;
        auto& b = buckets_[at];
        b[count(b)] = slot;
        return far;
    }

    void grow(unsigned bits) {
        if (bits > tag_bits) throw std::length_error("too many elements");
        const auto old = std::exchange(buckets_, std::vector<bucket>(std::size_t{1} << bits));
        bits_ = bits;
        for (const auto& b : old)
            for (const auto slot : b.slots)
                if (slot != 0) settle(slot);
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
            if (count(b) < width || from == at) return {from, width};
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
    bool crowded_ = false;
    std::uint64_t seed_;
    std::map<element_place, std::set<element_place>> repeated_;
};

} // namespace joinery::crdt::detail
