// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <wire/detail/archive.hpp>

namespace joinery::wire {

/// A type with its own codec: `void write(writer&) const` and `void read(reader&)`, where read
/// calls reader::fail for every value that breaks an invariant. Precondition: at least one byte.
template <class T>
concept native = requires(const T& c, T& t, writer& w, reader& r) {
    c.write(w);
    t.read(r);
};

namespace detail {

template <class T>
concept column_type = std::integral<T> && !std::same_as<T, bool>;

template <class T>
concept byte_type = sizeof(T) == 1 && (column_type<T> || std::same_as<T, std::byte>);

template <class T>
inline constexpr bool is_string = false;
template <class Traits, class Alloc>
inline constexpr bool is_string<std::basic_string<char, Traits, Alloc>> = true;

template <class T>
inline constexpr bool is_vector = false;
template <class T, class Alloc>
inline constexpr bool is_vector<std::vector<T, Alloc>> = true;

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

template <class T>
inline constexpr bool is_tuple = false;
template <class A, class B>
inline constexpr bool is_tuple<std::pair<A, B>> = true;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_map = false;
template <class K, class V, class C, class A>
inline constexpr bool is_map<std::map<K, V, C, A>> = true;

template <class T>
inline constexpr bool is_set = false;
template <class K, class C, class A>
inline constexpr bool is_set<std::set<K, C, A>> = true;

template <class T>
inline constexpr bool is_unordered = requires {
    typename T::hasher;
    typename T::key_equal;
};

/// The fewest bytes that a value of T takes; 0 only for types that have a single value.
template <class T>
constexpr std::size_t min_bytes() {
    if constexpr (std::floating_point<T>) {
        return sizeof(T);
    } else if constexpr (is_array<T>) {
        using element = typename T::value_type;
        constexpr std::size_t each = column_type<element> ? sizeof(element) : min_bytes<element>();
        return std::tuple_size_v<T> * each;
    } else if constexpr (is_tuple<T>) {
        return []<std::size_t... I>(std::index_sequence<I...>) {
            return (std::size_t{0} + ... + min_bytes<std::tuple_element_t<I, T>>());
        }(std::make_index_sequence<std::tuple_size_v<T>>{});
    } else {
        return 1;
    }
}

} // namespace detail
} // namespace joinery::wire
