// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>

#include <wire/detail/cereal_support.hpp>

namespace joinery::wire {

/// The elements of a column without their number: integers as one fixed-width block, others one by
/// one.
template <class T>
void put_column(writer& w, const std::vector<T>& values) {
    if constexpr (detail::column_type<T>) {
        w.array(std::span<const T>(values));
    } else {
        for (const auto& value : values) put<T>(w, value);
    }
}

namespace detail {

template <class T>
void put_integer(writer& w, T value) {
    if constexpr (sizeof(T) == 1) {
        w.u8(static_cast<std::uint8_t>(value));
    } else if constexpr (std::is_signed_v<T>) {
        w.svarint(value);
    } else {
        w.varint(value);
    }
}

template <class T>
void put_floating(writer& w, T value) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "long double differs by platform");
    assert(value == value && "NaN has no canonical bytes");
    if (value == T{0}) value = T{0}; // -0.0 is written as 0.0
    if constexpr (sizeof(T) == 4) {
        w.fixed32(std::bit_cast<std::uint32_t>(value));
    } else {
        w.fixed64(std::bit_cast<std::uint64_t>(value));
    }
}

template <class T>
void put_sequence(writer& w, const T& values) {
    using element = typename T::value_type;
    static_assert(min_bytes<element>() > 0 && !(std::is_empty_v<element> && cereal_coded<element>),
                  "a list of values without bytes cannot be bounded");
    w.varint(values.size());
    if constexpr (is_vector<T> && byte_type<element>) {
        w.raw(std::as_bytes(std::span(values.data(), values.size())));
    } else if constexpr (is_vector<T> && column_type<element>) {
        w.array(std::span<const element>(values.data(), values.size()));
    } else {
        for (const auto& value : values) put<element>(w, value);
    }
}

template <class T>
void put_map(writer& w, const T& values) {
    w.varint(values.size());
    for (const auto& [key, value] : values) {
        put(w, key);
        put(w, value);
    }
}

template <class F, class T>
bool is_bottom(const T& object) {
    using value = typename F::template type<T>;
    static_assert(std::equality_comparable<value>, "a field of a struct needs operator==");
    return F::get(object) == value{};
}

template <class F, class T>
void put_field(writer& w, const T& object, bool bottom) {
    if (bottom) return;
    w.fixed32(F::id);
    const std::size_t start = w.begin_sized();
    put(w, F::get(object));
    w.end_sized(start);
}

template <class T>
void put_fields(writer& w, const T& object) {
    [&]<class... F>(fields<F...>) {
        const std::array<bool, sizeof...(F) + 1> bottom{is_bottom<F>(object)..., true};
        std::size_t present = 0;
        for (const bool absent : bottom) present += absent ? 0U : 1U;
        w.varint(present);
        [[maybe_unused]] std::size_t i = 0;
        (put_field<F>(w, object, bottom[i++]), ...);
    }(fields_by_id<T>{});
}

} // namespace detail

/// Writes `value` in its nested form, the same bytes on every platform.
/// Precondition: no NaN inside.
template <class T>
void put(writer& w, const T& value) {
    static_assert(!detail::is_unordered<T> || native<T>,
                  "an unordered container has no canonical bytes: use std::map or std::set");
    if constexpr (native<T>) {
        value.write(w);
    } else if constexpr (detail::field_coded<T>) {
        detail::put_fields(w, value);
    } else if constexpr (std::same_as<T, bool>) {
        w.u8(value ? 1 : 0);
    } else if constexpr (std::integral<T>) {
        detail::put_integer(w, value);
    } else if constexpr (std::floating_point<T>) {
        detail::put_floating(w, value);
    } else if constexpr (std::is_enum_v<T>) {
        put(w, static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (detail::is_string<T>) {
        w.varint(value.size());
        w.raw(std::as_bytes(std::span(value.data(), value.size())));
    } else if constexpr (detail::is_vector<T> || detail::is_set<T>) {
        detail::put_sequence(w, value);
    } else if constexpr (detail::is_map<T>) {
        detail::put_map(w, value);
    } else if constexpr (detail::is_array<T>) {
        using element = typename T::value_type;
        if constexpr (detail::column_type<element>) {
            w.array(std::span<const element>(value));
        } else {
            for (const auto& each : value) put(w, each);
        }
    } else if constexpr (detail::is_tuple<T>) {
        std::apply([&](const auto&... each) { (put(w, each), ...); }, value);
    } else if constexpr (detail::is_optional<T>) {
        w.u8(value ? 1 : 0);
        if (value) put(w, *value);
    } else {
        w(value);
    }
}

} // namespace joinery::wire
