// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace joinery::gossip {

enum class event_kind : std::uint8_t {
    member_up,      ///< heard of for the first time, or again after death or leave
    member_suspect, ///< does not answer; a fixed peer: silent for the timeout
    member_alive,   ///< has denied the suspicion
    member_down,    ///< did not deny it in time
    member_left,    ///< has said goodbye
    member_reborn,  ///< started again while it was taken for alive
    member_moved,   ///< the same at another address
    member_changed, ///< other metadata
    join_requested, ///< a stranger waits for membership's admit(); names: whom it brings
    displaced,      ///< another live process has this name and wins: this one is silent now
    merged,         ///< a received delta grew the state (config.report_merges)
    conflict,       ///< dots with two payloads, or stamps used twice; merged all the same
    history_gap,    ///< a log has been truncated beyond what this state had; amount: events missed
    item_too_large, ///< an irreducible part above max_blob stays where it is
    clock_too_far_ahead, ///< a delta from the future was refused and will be asked for again
    id_clash,            ///< two live addresses or names under one name or replica id
    self_ahead,          ///< others know items of this incarnation that it has not made
    secret_outdated      ///< the cluster has another secret now
};

/// Something that the application may want to know.
struct event {
    event_kind kind = event_kind::member_up;
    std::string name; ///< of the peer concerned, if any
    std::string address;
    std::vector<std::byte> delta;   ///< merged: the delta's bytes, not framed
    std::uint64_t amount = 0;       ///< bytes, dots or milliseconds, as the kind has it
    std::vector<std::string> names; ///< join_requested

    friend bool operator==(const event&, const event&) = default;
};

/// What became of a received datagram. Whatever it is, the state is either joined with a valid
/// delta or bit-identical.
struct receipt {
    enum class status : std::uint8_t {
        ok,
        foreign_cluster,
        old_secret,
        malformed,
        unsupported, ///< a version or a message that this one does not know
        oversized,
        clock_too_far_ahead,
        own_message,
        stale ///< from an earlier incarnation, or from nobody known
    };
    enum status status = status::ok;

    friend bool operator==(const receipt&, const receipt&) = default;
};

/// What became of something new that an engine has to say of itself. Unless it is announced,
/// nothing has changed.
enum class announcement : std::uint8_t {
    announced,
    too_large,     ///< an address above 255 bytes or for max_datagram, metadata above 512 bytes
    no_membership, ///< a fixed list of peers has nobody to follow it
    silent         ///< it has left, or another process has its name
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
