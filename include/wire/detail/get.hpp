// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include <wire/detail/put.hpp>

namespace joinery::wire {

namespace detail {

/// Elements that take this much memory are reserved at once; the rest grows with what was read, so
/// that a lying count costs little.
inline constexpr std::size_t max_reserved_bytes = 65536;

/// One level of depth for the lifetime of a call.
class level {
public:
    explicit level(reader& r) : reader_(r), entered_(r.enter()) {}
    level(const level&) = delete;
    level& operator=(const level&) = delete;
    ~level() {
        if (entered_) reader_.leave();
    }
    explicit operator bool() const { return entered_; }

private:
    reader& reader_;
    bool entered_;
};

template <class Container>
void get_column_into(reader& r, std::size_t n, Container& out) {
    using element = typename Container::value_type;
    out.clear();
    if constexpr (column_type<element>) {
        // before the memory is taken, whoever counted
        if (n > r.left() / sizeof(element)) return r.fail(errc::truncated);
        out.resize(n);
        r.array(std::span<element>(out.data(), n));
    } else {
        constexpr std::size_t size = sizeof(element);
        out.reserve(std::min({n, r.left(), max_reserved_bytes / size + 1}));
        for (std::size_t i = 0; i < n && r.ok(); ++i) {
            element value{};
            get(r, value);
            out.push_back(std::move(value));
        }
    }
}

} // namespace detail

/// Reads n elements written by put_column(), replacing `out`. Nothing is allocated for elements
/// that the bytes left cannot hold.
template <class T>
void get_column(reader& r, std::size_t n, std::vector<T>& out) {
    detail::get_column_into(r, n, out);
}

namespace detail {

template <class T>
void get_integer(reader& r, T& value) {
    using limit = std::numeric_limits<T>;
    if constexpr (sizeof(T) == 1) {
        value = static_cast<T>(r.u8());
    } else {
        const auto wide = [&r] {
            if constexpr (std::is_signed_v<T>)
                return r.svarint();
            else
                return r.varint();
        }();
        const bool fits = wide >= limit::min() && wide <= limit::max();
        if (!fits) r.fail(errc::bad_value);
        value = fits ? static_cast<T>(wide) : T{0};
    }
}

inline bool get_flag(reader& r) {
    const std::uint8_t byte = r.u8();
    if (byte > 1) r.fail(errc::bad_value);
    return byte == 1;
}

template <class T>
void get_floating(reader& r, T& value) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "long double differs by platform");
    // on the bits, so that no compiler flag about floating point can remove the checks
    constexpr bool narrow = sizeof(T) == 4;
    const std::uint64_t bits = narrow ? r.fixed32() : r.fixed64();
    constexpr std::uint64_t sign = narrow ? 0x80000000U : 0x8000000000000000U;
    constexpr std::uint64_t infinity = narrow ? 0x7f800000U : 0x7ff0000000000000U;
    const bool refused = bits == sign || (bits & ~sign) > infinity;
    if (refused) r.fail(errc::non_canonical);
    if constexpr (narrow) {
        value = std::bit_cast<T>(refused ? 0U : static_cast<std::uint32_t>(bits));
    } else {
        value = std::bit_cast<T>(refused ? std::uint64_t{0} : bits);
    }
}

template <class T>
void get_bytes(reader& r, T& value) {
    const auto bytes = r.raw(r.length());
    value.assign(bytes.size(), typename T::value_type{});
    if (!bytes.empty()) std::memcpy(value.data(), bytes.data(), bytes.size());
}

template <class T>
void get_vector(reader& r, T& value) {
    using element = typename T::value_type;
    if constexpr (byte_type<element>) {
        get_bytes(r, value);
    } else if constexpr (column_type<element>) {
        get_column_into(r, r.count(sizeof(element)), value);
    } else {
        const level inside(r);
        get_column_into(r, inside ? r.count(min_bytes<element>()) : 0, value);
    }
}

template <class T>
constexpr std::size_t min_entry_bytes() {
    if constexpr (is_map<T>) {
        return min_bytes<typename T::key_type>() + min_bytes<typename T::mapped_type>();
    } else {
        return min_bytes<typename T::key_type>();
    }
}

/// Maps and sets: keys strictly ascending in the order of the container.
template <class T>
void get_sorted(reader& r, T& values) {
    using key_type = typename T::key_type;
    values.clear();
    const level inside(r);
    if (!inside) return;
    const std::size_t n = r.count(min_entry_bytes<T>());
    for (std::size_t i = 0; i < n; ++i) {
        key_type key{};
        get(r, key);
        if (!r.ok()) return;
        if constexpr (is_map<T>) {
            if (!values.empty() && !values.key_comp()(values.rbegin()->first, key)) {
                return r.fail(errc::non_canonical);
            }
            typename T::mapped_type value{};
            get(r, value);
            if (!r.ok()) return;
            values.emplace_hint(values.end(), std::move(key), std::move(value));
        } else {
            if (!values.empty() && !values.key_comp()(*values.rbegin(), key)) {
                return r.fail(errc::non_canonical);
            }
            values.emplace_hint(values.end(), std::move(key));
        }
    }
}

template <class F, class T>
void get_field(reader& r, T& object) {
    const std::size_t skipped = r.skipped_fields();
    const std::byte* outer = r.narrow(r.length());
    get(r, F::get(object));
    r.widen(outer);
    // a field that holds only fields we do not know is bottom to us, and rightly there
    if (r.skipped_fields() == skipped && is_bottom<F>(object)) r.fail(errc::non_canonical);
}

template <class T>
void get_fields(reader& r, T& object) {
    object = T{};
    const level inside(r);
    if (!inside) return;
    const std::size_t n = r.count(sizeof(std::uint32_t) + 1);
    std::uint32_t previous = 0;
    for (std::size_t i = 0; i < n && r.ok(); ++i) {
        const std::uint32_t id = r.fixed32();
        if (i > 0 && id <= previous) return r.fail(errc::non_canonical);
        previous = id;
        const bool known = [&]<class... F>(fields<F...>) {
            return ((id == F::id && (get_field<F>(r, object), true)) || ...);
        }(fields_of<T>{});
        if (known || !r.ok()) continue;
        if (r.on_unknown() == unknown_fields::refuse) return r.fail(errc::unknown_field);
        r.raw(r.length());
        r.note_skipped();
    }
}

} // namespace detail

/// Reads what put() wrote, replacing `value`. On failure the reader says so and `value` is some
/// valid value that must not be used.
template <class T>
void get(reader& r, T& value) {
    if constexpr (native<T>) {
        const detail::level inside(r);
        if (inside) value.read(r);
    } else if constexpr (detail::field_coded<T>) {
        detail::get_fields(r, value);
    } else if constexpr (std::same_as<T, bool>) {
        value = detail::get_flag(r);
    } else if constexpr (std::integral<T>) {
        detail::get_integer(r, value);
    } else if constexpr (std::floating_point<T>) {
        detail::get_floating(r, value);
    } else if constexpr (std::is_enum_v<T>) {
        std::underlying_type_t<T> number{};
        get(r, number);
        value = static_cast<T>(number);
    } else if constexpr (detail::is_string<T>) {
        detail::get_bytes(r, value);
    } else if constexpr (detail::is_vector<T>) {
        detail::get_vector(r, value);
    } else if constexpr (detail::is_map<T> || detail::is_set<T>) {
        detail::get_sorted(r, value);
    } else if constexpr (detail::is_array<T>) {
        using element = typename T::value_type;
        if constexpr (detail::column_type<element>) {
            r.array(std::span<element>(value));
        } else {
            for (auto& each : value) get(r, each);
        }
    } else if constexpr (detail::is_tuple<T>) {
        std::apply([&](auto&... each) { (get(r, each), ...); }, value);
    } else if constexpr (detail::is_optional<T>) {
        value.reset();
        if (detail::get_flag(r)) get(r, value.emplace());
    } else {
        if (r.ok()) r(value);
    }
}

} // namespace joinery::wire
