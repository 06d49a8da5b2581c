// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace joinery::gossip {

enum class event_kind : std::uint8_t {
    member_up,           ///< heard for the first time, again after silence, or reborn
    member_silent,       ///< not heard for the timeout; still tried, ever more rarely
    merged,              ///< a received delta grew the state (config.report_merges)
    conflict,            ///< dots with two payloads, or stamps used twice; merged all the same
    history_gap,         ///< a log was truncated beyond what this state had; amount: events missed
    item_too_large,      ///< an irreducible part above max_blob stays where it is
    clock_too_far_ahead, ///< a delta from the future was refused and will be asked for again
    id_clash,            ///< two live addresses or names under one replica id
    self_ahead           ///< others know items of this incarnation that it has not made
};

/// Something that the application may want to know.
struct event {
    event_kind kind = event_kind::member_up;
    std::string name; ///< of the peer concerned, if any
    std::string address;
    std::vector<std::byte> delta; ///< merged: the delta's bytes, not framed
    std::uint64_t amount = 0;     ///< bytes, dots or milliseconds, as the kind has it

    friend bool operator==(const event&, const event&) = default;
};

/// What became of a received datagram. Whatever it is, the state is either joined with a valid
/// delta or bit-identical.
struct receipt {
    enum class status : std::uint8_t {
        ok,
        foreign_cluster,
        malformed,
        oversized,
        clock_too_far_ahead,
        own_message
    };
    enum status status = status::ok;

    friend bool operator==(const receipt&, const receipt&) = default;
};

/// Urgent: small messages that keep the cluster together. Bulk: payload.
enum class traffic_class : std::uint8_t { urgent, bulk };

/// A datagram in the caller's buffer: its destination and its size.
struct outgoing {
    std::string to;
    std::size_t size = 0;
    traffic_class cls = traffic_class::urgent;
};

} // namespace joinery::gossip
