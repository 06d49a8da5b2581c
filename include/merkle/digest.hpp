// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/hash.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace joinery::merkle {

using wire::digest;

/// The keyed digest of one (id, version) entry: what the nodes of an index add up.
inline digest leaf_digest(const wire::keyed_hasher& hasher, std::uint64_t id,
                          const digest& version) {
    std::array<std::byte, 24> bytes{};
    std::size_t at = 0;
    for (const std::uint64_t word : {id, version.hi, version.lo})
        for (unsigned shift = 0; shift < 64; shift += 8)
            bytes[at++] = static_cast<std::byte>((word >> shift) & 0xffU);
    return hasher(bytes);
}

/// 64 bits of a digest, by a salt. Two digests that truncate to the same bits under one salt do
/// not under the next, so a collision hides a difference for one session only. Never 0, which
/// stands for "absent".
inline std::uint64_t truncated(const digest& full, std::uint64_t salt) {
    const std::uint64_t bits = wire::mix(wire::mix(full.hi, salt), full.lo);
    return bits == 0 ? 1 : bits;
}

} // namespace joinery::merkle
