// SPDX-License-Identifier: Apache-2.0
#pragma once

// Optional: nothing else includes this. It lets cereal's JSON archives show and read back every
// type of the library: a struct as one named node per field, any other type of ours as the
// hexadecimal text of its nested bytes. JSON is for people to look at: never feed it hostile text.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cereal/archives/json.hpp>
#include <cereal/types/array.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>

#include <wire/codec.hpp>

namespace joinery::wire {

/// Two lower-case digits a byte.
inline std::string to_hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::byte byte : bytes) {
        const auto value = std::to_integer<unsigned>(byte);
        text += digits[value >> 4U];
        text += digits[value & 0xfU];
    }
    return text;
}

/// The bytes of to_hex(). Throws decode_error for any other text.
inline std::vector<std::byte> from_hex(std::string_view text) {
    const auto nibble = [&](std::size_t i) -> unsigned {
        const char c = text[i];
        if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
        if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10U;
        throw decode_error({errc::bad_value, i});
    };
    if (text.size() % 2 != 0) throw decode_error({errc::truncated, text.size()});
    std::vector<std::byte> bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        bytes.push_back(static_cast<std::byte>((nibble(i) << 4U) | nibble(i + 1)));
    }
    return bytes;
}

} // namespace joinery::wire

namespace cereal {

template <class T>
    requires joinery::wire::native<T>
void save(JSONOutputArchive& archive, const T& value) {
    const auto bytes = joinery::wire::encode_nested(value);
    archive(make_nvp("bytes", joinery::wire::to_hex(bytes)));
}

template <class T>
    requires joinery::wire::native<T>
void load(JSONInputArchive& archive, T& value) {
    std::string text;
    archive(make_nvp("bytes", text));
    const auto bytes = joinery::wire::from_hex(text);
    joinery::wire::reader r(bytes);
    T read{};
    joinery::wire::get(r, read);
    if (r.ok() && r.left() != 0) r.fail(joinery::wire::errc::trailing_bytes);
    if (!r.ok()) throw joinery::wire::decode_error(r.error());
    value = std::move(read);
}

template <class T>
    requires joinery::wire::detail::field_coded<T>
void save(JSONOutputArchive& archive, const T& object) {
    joinery::wire::for_each_field<T>(
        [&]<class F>(F) { archive(make_nvp(F::name(), F::get(object))); });
}

template <class T>
    requires joinery::wire::detail::field_coded<T>
void load(JSONInputArchive& archive, T& object) {
    joinery::wire::for_each_field<T>(
        [&]<class F>(F) { archive(make_nvp(F::name(), F::get(object))); });
}

} // namespace cereal
