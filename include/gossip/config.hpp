// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/membership_config.hpp>
#include <gossip/peer.hpp>
#include <wire/limits.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace joinery::gossip {

/// How an engine is called, whom it knows, and the caps of everything that it keeps.
struct config {
    std::string name;                ///< unique in the cluster, at most 255 bytes
    std::string address;             ///< what others are to send to; empty: where it comes from
    std::uint64_t incarnation = 0;   ///< see crdt::next_incarnation
    std::string cluster = "joinery"; ///< engines of another label or secret are not listened to
    std::vector<std::byte> secret;   ///< keys the digests that peers compare
    std::vector<std::vector<std::byte>> former_secrets; ///< whose users are told of the new one
    std::vector<std::string> seeds;                     ///< addresses that are never given up
    std::string zone;                ///< where it runs; nearer peers are asked more often
    std::vector<std::byte> metadata; ///< at most 512 bytes for the other applications

    duration interval = std::chrono::milliseconds(200);
    unsigned fanout = 3; ///< peers that are told something each interval

    bool membership = true; ///< off: the seeds, and whoever speaks, are all there is
    duration peer_timeout = std::chrono::seconds(10); ///< silent after this, without membership
    unsigned probe_intervals = 5;                     ///< intervals in a period of membership
    unsigned suspicion = 2;                           ///< see membership_config
    bool confirm_joins = false; ///< strangers wait for admit() once there are members

    std::size_t max_datagram = 1400;
    std::size_t bulk_bytes = std::size_t{256} << 10U; ///< payload an interval, at most
    std::size_t push_bytes = 64; ///< deltas up to this size are pushed, others advertised
    std::size_t max_blob = std::size_t{1} << 20U;    ///< greatest irreducible part of a delta
    std::size_t relay_bytes = std::size_t{4} << 20U; ///< deltas kept for others; beyond: repair
    std::size_t max_peers = 1024;
    std::size_t max_outgoing = 4096; ///< datagrams waiting to be sent
    std::size_t max_events = 1024;   ///< events waiting to be polled; the oldest are dropped
    std::size_t max_pulls = 1024;    ///< items asked for and not yet here

    std::uint64_t max_ahead_ms = 60'000; ///< how far ahead of observe_wall a stamp may be
    wire::limits limits;
    bool check_updates = false; ///< verify that state before ⊔ delta is the state after
    bool report_merges = false; ///< an event, with the delta, for each merge that grew the state
};

/// The membership that an engine of this configuration runs. The times of membership_config, which
/// are those of an interval of 200 ms, go with the interval.
inline membership_config membership_of(const config& settings) {
    membership_config made;
    made.name = settings.name;
    made.address = settings.address;
    made.zone = settings.zone;
    made.metadata = settings.metadata;
    made.incarnation = settings.incarnation;
    made.seeds = settings.seeds;
    made.probe_interval = settings.interval * settings.probe_intervals;
    made.probe_timeout = made.probe_interval / 4;
    made.gossip_interval = settings.interval;
    made.retry_interval = settings.interval * 50;
    made.suspicion = settings.suspicion;
    made.max_members = settings.max_peers;
    made.max_from_one = settings.max_peers / 2;
    made.max_outgoing = settings.max_outgoing;
    made.confirm_joins = settings.confirm_joins;
    return made;
}

} // namespace joinery::gossip
