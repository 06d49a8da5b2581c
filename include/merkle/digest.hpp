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
                          std::uint64_t version) {
    std::array<std::byte, 16> bytes{};
    for (unsigned at = 0; at < 8; ++at) {
        bytes[at] = static_cast<std::byte>((id >> (8 * at)) & 0xffU);
        bytes[8 + at] = static_cast<std::byte>((version >> (8 * at)) & 0xffU);
    }
    return hasher(bytes);
}

/// 64 bits of a digest, by a salt. Two digests that truncate to the same bits under one salt do
/// not under the next, so a collision hides a difference for one session only. Never 0, which
/// stands for "absent".
inline std::uint64_t truncated(const digest& full, std::uint64_t salt) {
    const std::uint64_t bits = wire::mix(wire::mix(full.hi, salt), full.lo);
    return bits == 0 ? 1 : bits;
}

/// The 64 bits of a version that an index keeps. Two versions of one id share them by accident
/// once in 2^64; versions that are added up are to be content digests.
constexpr std::uint64_t kept_version(const digest& version) {
    return version.lo + 0x9e3779b97f4a7c15U * version.hi;
}

} // namespace joinery::merkle
