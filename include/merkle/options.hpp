// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace joinery::merkle {

/// The limits of a session; each side keeps its own.
struct options {
    std::size_t frame_limit = 1200;        ///< bytes of a frame, at least 256
    std::uint64_t credit = 96 * 1024;      ///< bytes that a question allows an answer beyond 8 ×
    std::uint64_t max_credit = 1U << 20U;  ///< how much of that a responder grants at most
    std::uint64_t max_bytes = 256U << 20U; ///< of a session, both ways
    unsigned max_rounds = 64;              ///< how often a session asks again
    std::size_t max_found = 1U << 20U;     ///< differences out of one frame
    unsigned digest_bits = 64;             ///< of truncated digests; fewer only to test collisions
    double estimate_factor = 1;            ///< other than 1 only to test wrong estimates
};

/// An entry of this side that the other side lacks or holds in another version.
struct difference {
    std::uint64_t id = 0;
    bool changed = false; ///< the other side seems to hold another version of it

    friend auto operator<=>(const difference&, const difference&) = default;
};

} // namespace joinery::merkle
