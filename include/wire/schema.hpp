// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <wire/detail/traits.hpp>

namespace joinery::wire {

inline constexpr std::uint32_t fnv1a_offset = 2166136261U;

/// FNV-1a of the characters: names of fields and types. Not a digest.
constexpr std::uint32_t fnv1a(std::string_view text, std::uint32_t hash = fnv1a_offset) {
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    return hash;
}

/// Appends the four bytes of `part`, least significant first.
constexpr std::uint32_t fnv1a_combine(std::uint32_t hash, std::uint32_t part) {
    for (unsigned shift = 0; shift < 32; shift += 8) {
        hash = (hash ^ ((part >> shift) & 0xffU)) * 16777619U;
    }
    return hash;
}

/// A type that names its schema: `static constexpr std::string_view schema_name`, if it has
/// parameters `using schema_parameters = std::tuple<...>`, and `static constexpr unsigned
/// schema_major`, to be raised with each incompatible change (absent means 1).
template <class T>
concept named_schema = requires {
    { T::schema_name } -> std::convertible_to<std::string_view>;
};

template <class T>
constexpr std::uint32_t type_id();

namespace detail {

template <class T>
constexpr std::string_view scalar_name() {
    if constexpr (std::same_as<T, bool>)
        return "bool";
    else if constexpr (std::same_as<T, float>)
        return "f32";
    else if constexpr (std::same_as<T, double>)
        return "f64";
    else if constexpr (std::same_as<T, char>)
        return "char"; // its sign differs by platform
    else if constexpr (sizeof(T) == 1)
        return std::is_signed_v<T> ? "i8" : "u8";
    else if constexpr (sizeof(T) == 2)
        return std::is_signed_v<T> ? "i16" : "u16";
    else if constexpr (sizeof(T) == 4)
        return std::is_signed_v<T> ? "i32" : "u32";
    else
        return std::is_signed_v<T> ? "i64" : "u64";
}

template <class Tuple>
constexpr std::uint32_t combine_types(std::uint32_t hash) {
    return [hash]<std::size_t... I>(std::index_sequence<I...>) {
        [[maybe_unused]] std::uint32_t h = hash;
        ((h = fnv1a_combine(h, type_id<std::tuple_element_t<I, Tuple>>())), ...);
        return h;
    }(std::make_index_sequence<std::tuple_size_v<Tuple>>{});
}

template <class T>
constexpr std::uint32_t named_type_id() {
    std::uint32_t hash = fnv1a(T::schema_name);
    if constexpr (requires { T::schema_major; }) {
        if (T::schema_major != 1) {
            hash = fnv1a_combine(hash, static_cast<std::uint32_t>(T::schema_major));
        }
    }
    if constexpr (requires { typename T::schema_parameters; }) {
        hash = combine_types<typename T::schema_parameters>(hash);
    }
    return hash;
}

} // namespace detail

/// The identity of T's bytes in a frame: its name, major version and parameters, not its fields.
/// A type without a name is "struct", whatever it holds.
template <class T>
constexpr std::uint32_t type_id() {
    using detail::combine_types;
    if constexpr (named_schema<T>) {
        return detail::named_type_id<T>();
    } else if constexpr (std::is_enum_v<T>) {
        return type_id<std::underlying_type_t<T>>();
    } else if constexpr (std::is_arithmetic_v<T>) {
        return fnv1a(detail::scalar_name<T>());
    } else if constexpr (detail::is_string<T>) {
        return fnv1a("string");
    } else if constexpr (detail::is_vector<T>) {
        return combine_types<std::tuple<typename T::value_type>>(fnv1a("list"));
    } else if constexpr (detail::is_array<T>) {
        const auto length = static_cast<std::uint32_t>(std::tuple_size_v<T>);
        return combine_types<std::tuple<typename T::value_type>>(
            fnv1a_combine(fnv1a("array"), length));
    } else if constexpr (detail::is_tuple<T>) {
        return combine_types<T>(fnv1a("tuple"));
    } else if constexpr (detail::is_optional<T>) {
        return combine_types<std::tuple<typename T::value_type>>(fnv1a("optional"));
    } else if constexpr (detail::is_map<T>) {
        using types = std::tuple<typename T::key_type, typename T::mapped_type>;
        return combine_types<types>(fnv1a("map"));
    } else if constexpr (detail::is_set<T>) {
        return combine_types<std::tuple<typename T::key_type>>(fnv1a("set"));
    } else {
        return fnv1a("struct");
    }
}

} // namespace joinery::wire
