// SPDX-License-Identifier: Apache-2.0
#pragma once

// put(writer&, value) and get(reader&, value) for every type the library can carry:
//   bool 0 or 1; 8-bit integers one byte; unsigned varint, signed zigzag varint; enums as their
//   integer; float and double as fixed-width bits; string: length and bytes; vector of integers:
//   count and a little-endian column; other vectors, set, map: count and elements, keys strictly
//   ascending; array, pair, tuple: the elements; optional: 0, or 1 and the value; types with write
//   and read members; Boost.Hana structs by field; anything else through its cereal functions.

#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include <wire/detail/get.hpp>
#include <wire/detail/put.hpp>
#include <wire/error.hpp>
#include <wire/limits.hpp>
#include <wire/schema.hpp>

namespace joinery::wire {

inline constexpr std::uint8_t format_version = 1;

namespace detail {

template <class T>
void put_frame(writer& w, const T& value) {
    w.u8('J');
    w.u8('N');
    w.u8(format_version);
    w.fixed32(type_id<T>());
    put(w, value);
}

template <class T>
bool get_header(reader& r) {
    const bool magic = r.u8() == 'J' && r.u8() == 'N';
    if (!magic) r.fail(errc::bad_magic);
    if (magic && r.u8() != format_version) r.fail(errc::unsupported_version);
    if (r.fixed32() != type_id<T>()) r.fail(errc::wrong_type);
    return r.ok();
}

/// The value that `read` fills from the whole of the reader's bytes; every way to fail becomes the
/// reader's error, which ends up in `why`.
template <class T, class Read>
std::optional<T> guarded(reader& r, error& why, Read read) noexcept {
    try {
        T value{};
        read(value);
        if (r.left() != 0) r.fail(errc::trailing_bytes);
        why = r.error();
        if (r.ok()) return std::optional<T>(std::in_place, std::move(value));
        return std::nullopt;
    } catch (const std::bad_alloc&) {
        r.fail(errc::too_large);
    } catch (const std::length_error&) {
        r.fail(errc::too_large);
    } catch (...) {
        r.fail(errc::bad_value); // a user's cereal function threw
    }
    why = r.error();
    return std::nullopt;
}

template <class T>
std::optional<T> decode_frame(reader& r, error& why) noexcept {
    return guarded<T>(r, why, [&](T& value) {
        if (get_header<T>(r)) get(r, value);
    });
}

} // namespace detail

/// The framed bytes of a top-level value: 'J' 'N', version, type id, value.
template <class T>
std::vector<std::byte> encode(const T& value) {
    writer w;
    detail::put_frame(w, value);
    return w.take();
}

/// The value that has exactly these framed bytes, or nothing and why. Unknown fields are refused.
template <class T>
std::optional<T> try_decode(std::span<const std::byte> bytes, const limits& allowed,
                            error& why) noexcept {
    reader r(bytes, allowed, unknown_fields::refuse);
    return detail::decode_frame<T>(r, why);
}

/// As try_decode(), but fields of structs that this build does not know are passed over and
/// counted in `skipped`.
template <class T>
std::optional<T> try_decode_skipping(std::span<const std::byte> bytes, const limits& allowed,
                                     error& why, std::size_t& skipped) noexcept {
    reader r(bytes, allowed, unknown_fields::skip);
    auto value = detail::decode_frame<T>(r, why);
    skipped = r.skipped_fields();
    return value;
}

/// The value that has exactly these framed bytes. Throws decode_error; unknown fields are refused.
template <class T>
T decode(std::span<const std::byte> bytes, const limits& allowed = {}) {
    error why;
    auto value = try_decode<T>(bytes, allowed, why);
    if (!value) throw decode_error(why);
    return std::move(*value);
}

/// The number of bytes of the nested form, without writing them.
template <class T>
std::size_t encoded_size(const T& value) {
    writer w = writer::counting();
    put(w, value);
    return w.size();
}

/// The nested form: no frame.
template <class T>
std::vector<std::byte> encode_nested(const T& value) {
    writer w;
    put(w, value);
    return w.take();
}

/// Reads exactly a nested form. Returns false and leaves `value` unchanged if it is refused.
template <class T>
bool decode_nested(std::span<const std::byte> bytes, T& value, const limits& allowed = {},
                   unknown_fields unknown = unknown_fields::refuse) noexcept {
    reader r(bytes, allowed, unknown);
    error why;
    auto read = detail::guarded<T>(r, why, [&](T& into) { get(r, into); });
    if (read) value = std::move(*read);
    return read.has_value();
}

} // namespace joinery::wire
