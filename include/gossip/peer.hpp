// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/replica_id.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace joinery::gossip {

using duration = std::chrono::nanoseconds;

/// Steady nanoseconds of any origin, read by the application. It has no now(): no engine does
/// read a clock.
struct steady_ticks {
    using rep = std::int64_t;
    using period = std::nano;
    using duration = std::chrono::nanoseconds;
    using time_point = std::chrono::time_point<steady_ticks>;
    static constexpr bool is_steady = true;
};
using time_point = steady_ticks::time_point;

enum class member_status : std::uint8_t { alive, silent };

/// What an engine knows about another one that it has heard.
struct peer {
    std::string name;
    std::string address;
    std::uint64_t incarnation = 0;
    crdt::replica_id id;
    member_status status = member_status::alive;
    time_point last_heard;
    duration round_trip{0}; ///< smoothed; 0 before the first measurement

    friend bool operator==(const peer&, const peer&) = default;
};

} // namespace joinery::gossip
