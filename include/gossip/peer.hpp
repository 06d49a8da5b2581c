// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/replica_id.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

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

/// alive: answers, or others say so. suspect: does not answer, and has not denied it yet. dead: did
/// not deny it in time; tried again now and then. left: has said goodbye; not looked for.
enum class member_status : std::uint8_t { alive, suspect, dead, left };

/// What an engine knows about another one.
struct peer {
    std::string name;
    std::string address;
    std::string zone;
    std::vector<std::byte> metadata; ///< whatever the member's application has set
    std::uint64_t incarnation = 0;
    crdt::replica_id id;
    member_status status = member_status::alive;
    bool verified = false; ///< has returned a number that only its address was told
    time_point last_heard;
    duration round_trip{0}; ///< smoothed; 0 before the first measurement

    bool live() const { return status == member_status::alive || status == member_status::suspect; }

    friend bool operator==(const peer&, const peer&) = default;
};

} // namespace joinery::gossip
