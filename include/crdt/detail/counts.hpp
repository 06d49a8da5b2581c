// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/dot.hpp>
#include <crdt/entries.hpp>
#include <crdt/error.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace joinery::crdt::detail {

// What one slot counts: a number, or a pair of numbers that one writer raises.
// Joined by maximum, number by number; bottom is never stored, so that equal
// states have equal bytes.

struct count_pair {
    std::uint64_t up = 0;
    std::uint64_t down = 0;
    friend bool operator==(const count_pair&, const count_pair&) = default;
};

/// Raises `mine` to at least `theirs`; true if it grew.
inline bool raise_count(std::uint64_t& mine, std::uint64_t theirs) {
    const bool grows = mine < theirs;
    if (grows) mine = theirs;
    return grows;
}
inline bool raise_count(count_pair& mine, const count_pair& theirs) {
    const bool up = raise_count(mine.up, theirs.up);
    return raise_count(mine.down, theirs.down) || up;
}

inline bool count_leq(std::uint64_t a, std::uint64_t b) { return a <= b; }
inline bool count_leq(const count_pair& a, const count_pair& b) {
    return a.up <= b.up && a.down <= b.down;
}

/// `a` under a mask of all ones, `b` under one of zeros.
inline std::uint64_t count_if(std::uint64_t a, std::uint64_t b, std::uint64_t mask) {
    return b ^ ((a ^ b) & mask);
}
inline count_pair count_if(const count_pair& a, const count_pair& b, std::uint64_t mask) {
    return {count_if(a.up, b.up, mask), count_if(a.down, b.down, mask)};
}

/// raise_count() without a branch: counts stay below 2^63, so that the
/// difference tells which is greater. What a count grew by is added to `grown`
/// bit by bit.
inline void raise_counts(std::uint64_t& mine, std::uint64_t theirs, std::uint64_t& grown) {
    const auto more = theirs - mine;
    const auto growth = more & ((more >> 63) - 1);
    mine += growth;
    grown |= growth;
}
inline void raise_counts(count_pair& mine, const count_pair& theirs, count_pair& grown) {
    raise_counts(mine.up, theirs.up, grown.up);
    raise_counts(mine.down, theirs.down, grown.down);
}

/// The same for columns of n counts, which the processor takes several at once;
/// true if one grew.
template <class Count>
bool raise_counts(Count* mine, const Count* theirs, std::size_t n) {
    Count grown{};
    for (std::size_t i = 0; i < n; ++i) raise_counts(mine[i], theirs[i], grown);
    return !(grown == Count{});
}

/// count_leq() for all of n counts.
inline bool counts_leq(const std::uint64_t* a, const std::uint64_t* b, std::size_t n) {
    std::uint64_t above = 0;
    for (std::size_t i = 0; i < n; ++i) above |= b[i] - a[i];
    return above >> 63 == 0;
}
inline bool counts_leq(const count_pair* a, const count_pair* b, std::size_t n) {
    std::uint64_t above = 0;
    for (std::size_t i = 0; i < n; ++i) above |= (b[i].up - a[i].up) | (b[i].down - a[i].down);
    return above >> 63 == 0;
}

/// The part of `a` that `known` lacks.
inline std::uint64_t count_difference(std::uint64_t a, std::uint64_t known) {
    return a > known ? a : 0;
}
inline count_pair count_difference(const count_pair& a, const count_pair& known) {
    return {count_difference(a.up, known.up), count_difference(a.down, known.down)};
}

inline void put_count(wire::writer& w, std::uint64_t count) { w.varint(count); }
inline void put_count(wire::writer& w, const count_pair& count) {
    w.varint(count.up);
    w.varint(count.down);
}

/// Fails the reader on a bottom count and on one above max_count.
inline void get_count(wire::reader& r, std::uint64_t& count) {
    count = r.varint();
    if (r.ok() && (count == 0 || count > max_count)) r.fail(wire::errc::bad_value);
}
inline void get_count(wire::reader& r, count_pair& count) {
    count.up = r.varint();
    count.down = r.varint();
    const bool fits = count.up <= max_count && count.down <= max_count;
    if (r.ok() && (count == count_pair{} || !fits)) r.fail(wire::errc::bad_value);
}

inline std::size_t count_bytes(std::uint64_t count) { return varint_size(count); }
inline std::size_t count_bytes(const count_pair& count) {
    return varint_size(count.up) + varint_size(count.down);
}

inline void put_version(wire::writer& w, std::uint64_t count) { w.fixed64(count); }
inline void put_version(wire::writer& w, const count_pair& count) {
    w.fixed64(count.up);
    w.fixed64(count.down);
}

/// `before` raised by `amount`. Throws negative_amount or counter_exhausted.
template <std::integral Amount>
std::uint64_t raised_by(std::uint64_t before, Amount amount) {
    if (std::cmp_less(amount, 0)) throw negative_amount();
    if (std::cmp_greater(amount, max_count - before)) throw counter_exhausted();
    return before + static_cast<std::uint64_t>(amount);
}

} // namespace joinery::crdt::detail
