// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <wire.hpp>
#include <wire/fields.hpp>

// Values as JSON, in the shapes that docs/wire-format.md gives for golden vectors.
namespace golden {

namespace wire = joinery::wire;
using bytes = std::vector<std::byte>;

inline std::string json_text(std::string_view text) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += '\\';
        if (byte < 0x20) {
            out += "\\u00";
            out += digits[byte >> 4U];
            out += digits[byte & 0xfU];
        } else {
            out += c;
        }
    }
    return out + '"';
}

inline std::string hex(std::span<const std::byte> all) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const std::byte byte : all) {
        const auto value = std::to_integer<unsigned>(byte);
        text += digits[value >> 4U];
        text += digits[value & 0xfU];
    }
    return text;
}

inline bytes from_hex(std::string_view text) {
    bytes all;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        unsigned value = 0;
        std::from_chars(text.data() + i, text.data() + i + 2, value, 16);
        all.push_back(static_cast<std::byte>(value));
    }
    return all;
}

inline std::string listed(const std::vector<std::string>& parts) {
    std::string out = "[";
    for (const auto& part : parts) out += (out.size() > 1 ? ", " : "") + part;
    return out + "]";
}

using member = std::pair<std::string_view, std::string>;
inline std::string object(const std::vector<member>& members) {
    std::string out = "{";
    for (const auto& [name, value] : members)
        out += (out.size() > 1 ? ", " : "") + json_text(name) + ": " + value;
    return out + "}";
}

/// How a type is shown that is no scalar, no standard container and no struct.
template <class T>
struct show_type;

template <class T>
std::string show(const T& value);

template <class T>
std::string show_float(T value) {
    constexpr T infinity = std::numeric_limits<T>::infinity();
    if (value == infinity) return "\"inf\"";
    if (value == -infinity) return "\"-inf\"";
    std::string digits(64, ' ');
    // the double of the same value: its shortest digits are what other languages read back
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                   static_cast<double>(value), std::chars_format::scientific);
    digits.resize(static_cast<std::size_t>(end.ptr - digits.data()));
    return digits;
}

template <class Range>
std::string show_all(const Range& values) {
    std::vector<std::string> parts;
    for (const auto& value : values) parts.push_back(show<typename Range::value_type>(value));
    return listed(parts);
}

template <class T>
constexpr bool is_byte_list() {
    if constexpr (wire::detail::is_vector<T>)
        return wire::detail::byte_type<typename T::value_type>;
    else
        return false;
}

template <class T>
std::string show_fields(const T& value) {
    std::vector<member> members;
    wire::for_each_field<T>([&]<class Field>(Field) {
        using type = typename Field::template type<T>;
        if (!(Field::get(value) == type{}))
            members.emplace_back(Field::name(), show(Field::get(value)));
    });
    return object(members);
}

template <class T>
std::string show(const T& value) {
    using namespace wire::detail;
    if constexpr (std::same_as<T, bool>) {
        return value ? "true" : "false";
    } else if constexpr (std::integral<T>) {
        return std::to_string(value);
    } else if constexpr (std::floating_point<T>) {
        return show_float(value);
    } else if constexpr (std::is_enum_v<T>) {
        return show(static_cast<std::underlying_type_t<T>>(value));
    } else if constexpr (is_string<T>) {
        return json_text(value);
    } else if constexpr (is_byte_list<T>()) {
        return json_text(hex(std::as_bytes(std::span(value))));
    } else if constexpr (is_vector<T> || is_set<T> || is_array<T>) {
        return show_all(value);
    } else if constexpr (is_map<T>) {
        std::vector<std::string> parts;
        for (const auto& [key, held] : value) parts.push_back(listed({show(key), show(held)}));
        return listed(parts);
    } else if constexpr (is_tuple<T>) {
        return std::apply([](const auto&... each) { return listed({show(each)...}); }, value);
    } else if constexpr (is_optional<T>) {
        return value ? listed({show(*value)}) : "null";
    } else if constexpr (wire::reflected<T>) {
        return show_fields(value);
    } else {
        return show_type<T>::of(value);
    }
}

template <>
struct show_type<wire::digest> {
    static std::string of(const wire::digest& d) {
        std::string text;
        for (const std::uint64_t word : {d.hi, d.lo})
            for (unsigned shift = 64; shift > 0; shift -= 8) {
                const std::byte one = static_cast<std::byte>((word >> (shift - 8)) & 0xffU);
                text += hex(std::span(&one, 1));
            }
        return json_text(text);
    }
};

} // namespace golden
