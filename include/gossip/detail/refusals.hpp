// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/event.hpp>
#include <gossip/statistics.hpp>

#include <cstddef>
#include <cstdint>

namespace joinery::gossip::detail {

/// Counts a datagram that was refused, by its reason.
inline void count_refusal(statistics& stats, enum receipt::status why) {
    using s = statistics;
    static constexpr std::uint64_t s::*counters[] = {nullptr,
                                                     &s::refused_foreign,
                                                     &s::refused_old_secret,
                                                     &s::refused_malformed,
                                                     &s::refused_unsupported,
                                                     &s::refused_oversized,
                                                     &s::refused_clock,
                                                     &s::refused_own,
                                                     &s::refused_stale};
    if (const auto counter = counters[static_cast<std::size_t>(why)]) ++(stats.*counter);
}

} // namespace joinery::gossip::detail
