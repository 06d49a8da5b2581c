// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <wire/detail/put.hpp>

namespace joinery::wire {

namespace detail {

/// Elements that take this much memory are reserved at once; the rest grows with what was read, so
/// that a lying count costs little.
inline constexpr std::size_t max_reserved_bytes = 65536;

/// Room for one more of n elements: for all of them once an eighth has come. The room before and
/// the room after then never take more than nine eighths of what all take.
template <class Column>
void make_room(Column& out, std::size_t n) {
    if (out.size() < out.capacity()) return;
    constexpr std::size_t first = max_reserved_bytes / sizeof(typename Column::value_type) + 1;
    std::size_t room = n;
    while (room > first && (room - 1) / 8 >= out.size()) room = (room - 1) / 8 + 1;
    out.reserve(std::max(room, out.size() + 1));
}
/// The memory of such a column, an element at a time.
template <class T>
inline constexpr std::size_t column_memory = sizeof(T) + sizeof(T) / 8 + 1;
/// The memory of a node of a standard map or set.
template <class T>
inline constexpr std::size_t tree_memory = 56 + sizeof(T);
/// What an allocation costs beside what was asked for.
inline constexpr std::size_t block_memory = 32;

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
        if (!r.take_memory(n, sizeof(element)) || !r.take_memory(n != 0 ? block_memory : 0)) return;
        out.resize(n);
        r.array(std::span<element>(out.data(), n));
    } else {
        if (n > r.left() / std::max<std::size_t>(min_bytes<element>(), 1))
            return r.fail(errc::truncated);
        if (!r.take_memory(n, column_memory<element>) || !r.take_memory(n != 0 ? block_memory : 0))
            return;
        for (std::size_t i = 0; i < n && r.ok(); ++i) {
            element value{};
            get(r, value);
            if constexpr (!std::same_as<element, bool>) make_room(out, n);
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
    const bool near = bytes.empty() || (is_string<T> && bytes.size() < 16);
    if (!near && !r.take_memory(bytes.size() + block_memory)) return;
    value.assign(bytes.size(), typename T::value_type{});
    if (!bytes.empty()) std::memcpy(value.data(), bytes.data(), bytes.size());
}

template <class T>
void get_vector(reader& r, T& value) {
    using element = typename T::value_type;
    if constexpr (byte_type<element>) {
        get_bytes(r, value);
    } else if constexpr (column_type<element>) {
        get_column_into(r, r.count(sizeof(element), 0), value);
    } else {
        const level inside(r);
        get_column_into(r, inside ? r.count(min_bytes<element>(), 0) : 0, value);
    }
}

template <class T>
struct mapped {
    using type = void;
};
template <class T>
    requires is_map<T>
struct mapped<T> {
    using type = typename T::mapped_type;
};

template <class T>
constexpr std::size_t min_entry_bytes() {
    if constexpr (is_map<T>) {
        return min_bytes<typename T::key_type>() + min_bytes<typename T::mapped_type>();
    } else {
        return min_bytes<typename T::key_type>();
    }
}

/// Maps and sets: keys strictly ascending in the order of the container. Nodes are made once all
/// is read, so that what is refused costs no tree.
template <class T>
void get_sorted(reader& r, T& values) {
    using key_type = typename T::key_type;
    using entry = std::conditional_t<is_map<T>, std::pair<key_type, typename mapped<T>::type>,
                                     std::tuple<key_type>>;
    values.clear();
    const level inside(r);
    if (!inside) return;
    const std::size_t n =
        r.count(min_entry_bytes<T>(), tree_memory<typename T::value_type> + column_memory<entry>);
    std::vector<entry> column;
    for (std::size_t i = 0; i < n; ++i) {
        make_room(column, n);
        auto& next = column.emplace_back();
        get(r, next);
        if (r.ok() && i != 0 && !values.key_comp()(std::get<0>(column[i - 1]), std::get<0>(next)))
            r.fail(errc::non_canonical);
        if (!r.ok()) return;
    }
    for (auto& next : column) {
        if constexpr (is_map<T>)
            values.emplace_hint(values.end(), std::move(next.first), std::move(next.second));
        else
            values.emplace_hint(values.end(), std::move(std::get<0>(next)));
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
    const std::size_t n = r.count(sizeof(std::uint32_t) + 1, 0);
    r.take_memory(sizeof(T));
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
        if (inside && r.take_memory(sizeof(T))) value.read(r);
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
