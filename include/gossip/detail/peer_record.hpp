// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/message.hpp>
#include <gossip/peer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace joinery::gossip::detail {

/// How often something may start with a peer: at least an interval apart, doubling while it does
/// not help. Losses make some attempts vain, so that one alone does not count.
struct pace {
    static constexpr unsigned vain_per_level = 4;
    time_point next = time_point::min();
    unsigned vain = 0;
    wire::digest own; ///< what was compared when it last started
    wire::digest theirs;

    bool due(time_point now) const { return now >= next; }
    void started(time_point now, duration interval, const wire::digest& mine,
                 const wire::digest& other) {
        const bool progress = own != mine || theirs != other;
        vain = progress ? 0 : std::min(vain + 1, 3 * vain_per_level);
        own = mine;
        theirs = other;
        next = now + interval * (1 << (vain / vain_per_level));
    }
};

/// All that an engine keeps of one address that it talks to, besides what membership knows.
struct peer_record {
    peer known;
    bool seed = false;
    bool heard = false;
    bool clash_told = false;
    unsigned unanswered = 0; ///< tries since it was last heard
    time_point heard_at;
    time_point next_try = time_point::min();
    std::uint64_t nonce = 0; ///< of the latest question to it
    time_point asked_at;
    std::uint64_t its_nonce = 0; ///< of its latest adverts
    pace repairing;
    time_point questioned = time_point::min(); ///< when it last asked for differences
    time_point pulled = time_point::min();     ///< when it last asked for items
    pace contexts;
    std::uint64_t held_ms = 0; ///< no repair before the wall is there, or before held_until
    time_point held_until = time_point::min();
    std::vector<item_range> adverts; ///< its latest
    std::uint64_t used = 0;          ///< counts what is used, so that the idle are found
    bool live = false;               ///< a member that is, or one of a fixed list that answers
    std::size_t live_at = 0;         ///< in a fixed list, its place among the live
};

} // namespace joinery::gossip::detail
