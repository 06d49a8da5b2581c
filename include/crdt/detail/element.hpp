// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <type_traits>

namespace joinery::crdt {

/// What may be an element, a key or a register's value: regular, ordered and encodable. Floating
/// point is left out: NaN is not equal to itself, and -0.0 equals 0.0 with other bytes.
template <class T>
concept element = std::regular<T> && std::totally_ordered<T> && !std::is_floating_point_v<T>;

namespace detail {

/// The bytes of a value in a column, where integers have their full width.
template <class T>
std::size_t column_bytes(const T& value) {
    if constexpr (std::integral<T>)
        return sizeof(T);
    else
        return wire::encoded_size(value);
}

/// Last tie-break everywhere: lexicographic order of the canonical bytes.
template <class T>
std::strong_ordering compare_bytes(const T& a, const T& b) {
    if (a == b) return std::strong_ordering::equal;
    const auto x = wire::encode_nested(a);
    const auto y = wire::encode_nested(b);
    return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
}

} // namespace detail
} // namespace joinery::crdt
