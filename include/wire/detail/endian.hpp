// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <type_traits>

namespace joinery::wire::detail {

inline constexpr bool little_endian = std::endian::native == std::endian::little;

/// Writes the sizeof(I) bytes of `value`, least significant first.
template <std::integral I>
inline void store_le(std::byte* out, I value) {
    if constexpr (little_endian || sizeof(I) == 1) {
        std::memcpy(out, &value, sizeof(I));
    } else {
        auto bits = static_cast<std::make_unsigned_t<I>>(value);
        for (std::size_t i = 0; i < sizeof(I); ++i) {
            out[i] = static_cast<std::byte>(bits & 0xffU);
            bits = static_cast<std::make_unsigned_t<I>>(bits >> 8U);
        }
    }
}

/// Reads sizeof(I) bytes, least significant first.
template <std::integral I>
inline I load_le(const std::byte* in) {
    if constexpr (little_endian || sizeof(I) == 1) {
        I value;
        std::memcpy(&value, in, sizeof(I));
        return value;
    } else {
        using bits_t = std::make_unsigned_t<I>;
        bits_t bits = 0;
        for (std::size_t i = sizeof(I); i-- > 0;) {
            bits = static_cast<bits_t>((bits << 8U) | std::to_integer<bits_t>(in[i]));
        }
        return static_cast<I>(bits);
    }
}

} // namespace joinery::wire::detail
