// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/chunk_bits.hpp>
#include <crdt/detail/element.hpp>
#include <crdt/detail/element_index.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// Integers, and arrays of them, whose memory tells them apart.
template <class T>
inline constexpr bool plain_element = std::integral<T>;
template <std::integral I, std::size_t N>
inline constexpr bool plain_element<std::array<I, N>> = !std::same_as<I, bool>;

/// A hash of an element's canonical bytes, for use in memory alone.
template <class T>
std::uint64_t element_hash(const T& value) {
    if constexpr (std::integral<T>) {
        return wire::mix(static_cast<std::uint64_t>(value));
    } else if constexpr (plain_element<T>) {
        return wire::content_hash64(std::as_bytes(std::span(value)));
    } else if constexpr (std::same_as<T, std::string>) {
        return wire::content_hash64(std::as_bytes(std::span(value)));
    } else {
        wire::writer w;
        wire::put(w, value);
        return wire::content_hash64(w.bytes());
    }
}

/// Whether element_hash() tells all elements apart: it mixes integers, and loses nothing of them.
template <class T>
inline constexpr bool exact_hash = std::integral<T> && sizeof(T) <= sizeof(std::uint64_t);

/// Where the elements of a chunk stand. A vector<bool> has no elements to point at.
template <class T>
using chunk_column = std::conditional_t<std::same_as<T, bool>, std::deque<T>, std::vector<T>>;

/// The elements under up to 512 neighbouring counters of one replica.
///
/// State      which offsets are alive, their elements in that order without holes, and the sum of
///            hash(offset, element), which tells equal chunks without reading the elements; a chunk
///            with elements from outside has none, for who wrote them could choose it.
template <class T, class Column = chunk_column<T>>
struct element_chunk {
    using column = Column;

    replica_id replica;
    std::uint64_t number = 0;
    chunk_bits alive;
    column items;
    std::uint64_t sum = 0;
    bool summed = true;

    dot dot_at(unsigned offset) const { return {replica, (number << chunk_bits::shift) + offset}; }
    dot first_dot() const {
        unsigned w = 0;
        while (alive.words()[w] == 0) ++w;
        return dot_at(w * 64 + static_cast<unsigned>(std::countr_zero(alive.words()[w])));
    }
    /// How many items stand before the one at an offset.
    std::size_t rank(unsigned offset) const {
        return items.size() == chunk_bits::size ? offset : alive.below(offset);
    }
    /// Precondition: the offset is alive.
    decltype(auto) at(unsigned offset) const { return items[rank(offset)]; }

    static std::uint64_t term(unsigned offset, std::uint64_t hash) {
        return wire::mix(hash + (offset + 1) * std::uint64_t{0x9e3779b97f4a7c15U});
    }

    /// Precondition: the offset is not alive.
    void put(unsigned offset, const T& value, std::uint64_t hash) {
        if (alive.none_from(offset)) {
            items.push_back(value);
        } else {
            const auto place = static_cast<std::ptrdiff_t>(alive.below(offset));
            items.insert(items.begin() + place, value);
        }
        alive.set(offset);
        if (summed) sum += term(offset, hash);
    }
    /// Precondition: the offset is alive.
    void replace(unsigned offset, T&& value, std::uint64_t hash) {
        subtract(offset);
        items[rank(offset)] = std::move(value);
        if (summed) sum += term(offset, hash);
    }
    /// As it was made. Asks for no memory.
    void clear() {
        replica = {};
        number = 0;
        alive = {};
        sum = 0;
        summed = true;
        if constexpr (std::same_as<T, bool>)
            items.clear(); // an empty deque takes memory
        else
            items = column();
    }
    /// Precondition: all of `gone` is alive.
    void drop(const chunk_bits& gone) {
        std::size_t from = 0, to = 0;
        gone.for_each([&](unsigned offset) { subtract(offset); });
        const auto move_until = [&](std::size_t end) {
            if (from != to)
                std::move(items.begin() + static_cast<std::ptrdiff_t>(from),
                          items.begin() + static_cast<std::ptrdiff_t>(end),
                          items.begin() + static_cast<std::ptrdiff_t>(to));
            to += end - from;
            from = end;
        };
        gone.for_each([&](unsigned offset) {
            move_until(rank(offset));
            ++from;
        });
        move_until(items.size());
        items.erase(items.begin() + static_cast<std::ptrdiff_t>(to), items.end());
        alive = alive - gone;
        shrink();
    }

    std::uint64_t term_at(unsigned offset) const { return term(offset, element_hash(at(offset))); }
    /// The sum without some offsets. Precondition: there is a sum, and they are alive.
    std::uint64_t sum_without(const chunk_bits& some) const {
        auto rest = sum;
        some.for_each([&](unsigned offset) { rest -= term_at(offset); });
        return rest;
    }

    /// Calls f(offset, mine, theirs) for the offsets that both have and whose elements differ.
    template <class Other, class F>
    void compare(const element_chunk<T, Other>& other, F f) const {
        const auto mine = alive - other.alive, theirs = other.alive - alive;
        if (summed && other.summed && mine.count() + theirs.count() < chunk_bits::size / 8 &&
            sum_without(mine) == other.sum_without(theirs))
            return;
        if (equal_in_common(other)) return;
        std::size_t i = 0, j = 0;
        for (unsigned w = 0; w < chunk_bits::word_count; ++w) {
            const auto m = alive.words()[w], t = other.alive.words()[w];
            for (auto bits = m | t; bits != 0; bits &= bits - 1) {
                const auto bit = bits & (~bits + 1);
                if ((m & t & bit) != 0 && !(items[i] == other.items[j]))
                    f(w * 64 + static_cast<unsigned>(std::countr_zero(bit)), items[i],
                      other.items[j]);
                i += (m & bit) != 0;
                j += (t & bit) != 0;
            }
        }
    }

    /// Becomes what the other one is. Precondition: it has no elements.
    template <class Other>
    void take_all(const element_chunk<T, Other>& other) {
        if constexpr (std::same_as<Column, Other>)
            items = other.items;
        else
            other.items.copy_to(items);
        replica = other.replica;
        number = other.number;
        alive = other.alive;
        sum = other.sum;
        summed = other.summed;
    }

    friend bool operator==(const element_chunk& a, const element_chunk& b) {
        return a.number == b.number && a.alive == b.alive && a.items == b.items;
    }

private:
    /// Where there is no memory to hash what goes, the sum goes too.
    void subtract(unsigned offset) {
        if (!summed) return;
        try {
            sum -= term_at(offset);
        } catch (...) {
            summed = false;
        }
    }

    /// Gives memory back; where there is none for the smaller column, the larger one stays.
    void shrink() {
        if constexpr (!std::same_as<T, bool>) {
            if (items.capacity() <= 2 * items.size() + 8) return;
            try {
                items.shrink_to_fit();
            } catch (...) {}
        }
    }

    /// Whether memory says that all elements under the offsets that both have are equal.
    template <class Other>
    bool equal_in_common(const element_chunk<T, Other>& other) const {
        if constexpr (!plain_element<T> || std::same_as<T, bool>) return false;
        // Between two offsets that one of them lacks, both columns go on alike.
        std::size_t i = 0, j = 0, run = 0;
        for (unsigned w = 0; w < chunk_bits::word_count; ++w) {
            auto mine = alive.words()[w];
            for (auto apart = mine ^ other.alive.words()[w]; apart != 0; apart &= apart - 1) {
                const auto bit = apart & (~apart + 1);
                run += ones(mine & (bit - 1));
                if (!equal_run(i, other, j, run)) return false;
                const bool here = (mine & bit) != 0;
                i += run + (here ? 1 : 0);
                j += run + (here ? 0 : 1);
                run = 0;
                mine &= ~(bit | (bit - 1));
            }
            run += ones(mine);
        }
        return equal_run(i, other, j, run);
    }
    template <class Other>
    bool equal_run(std::size_t i, const element_chunk<T, Other>& other, std::size_t j,
                   std::size_t n) const {
        const void* mine = items.data();
        const void* theirs = other.items.data();
        return n == 0 || std::memcmp(static_cast<const std::byte*>(mine) + i * sizeof(T),
                                     static_cast<const std::byte*>(theirs) + j * sizeof(T),
                                     n * sizeof(T)) == 0;
    }
};

} // namespace joinery::crdt::detail
