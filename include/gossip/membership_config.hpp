// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/peer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace joinery::gossip {

/// Who a member is, whom it knows first, how it looks after the others, and its caps.
struct membership_config {
    std::string name;                ///< unique in the cluster, 1 to 255 bytes
    std::string address;             ///< what others are to send to; empty: where it comes from
    std::string zone;                ///< where it runs; replicas and helpers mind it
    std::vector<std::byte> metadata; ///< at most 512 bytes for the other applications
    std::uint64_t incarnation = 0;   ///< see crdt::next_incarnation
    std::string cluster = "joinery"; ///< members of another label or secret are not listened to
    std::vector<std::byte> secret;
    std::vector<std::vector<std::byte>> former_secrets; ///< whose users are told of the new one
    std::vector<std::string> seeds;                     ///< addresses that are never given up

    duration probe_interval = std::chrono::seconds(1);       ///< one member is pinged in each
    duration probe_timeout = std::chrono::milliseconds(250); ///< then others are asked to ping it
    duration gossip_interval = std::chrono::milliseconds(200);
    duration retry_interval = std::chrono::seconds(10); ///< seeds and the dead are looked for
    duration forget_after = std::chrono::hours(24);     ///< the dead and the left
    unsigned gossip_fanout = 3; ///< members that are told news in each gossip interval
    unsigned helpers = 3;       ///< members that are asked to ping for this one
    unsigned suspicion = 2;     ///< periods to deny a suspicion, times log10 of the cluster's size
    unsigned suspicion_spread = 3; ///< times more while nobody else confirms it

    std::size_t max_datagram = 1400;
    std::size_t max_members = 1024;
    std::size_t max_from_one = 512; ///< members that one source alone has told of
    std::size_t max_outgoing = 4096;
    std::size_t max_events = 1024;
    bool confirm_joins = false; ///< strangers wait for admit() once there are members
};

} // namespace joinery::gossip
