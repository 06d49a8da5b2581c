// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/peer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace joinery::gossip {

/// What membership has done since it was made.
struct membership_statistics {
    using count = std::uint64_t;
    count probes = 0, probes_failed = 0, indirect_probes = 0, nacks = 0;
    count late_answers = 0; ///< pings in a row not answered in time by those asked themselves
    count suspicions = 0, denials = 0, deaths = 0;
    count refutations = 0; ///< wrong statements on this one that it has denied
    count stalls = 0;      ///< gaps in the time told, that count as none
    count replays = 0;     ///< answers to no question that is open
    count stale = 0;       ///< statements older than what is known
    count strangers = 0;   ///< messages of nobody known, or that only a verified member may send
    count refused_members = 0, syncs = 0, pages = 0, rumors_told = 0;
};

/// What an engine has done since it was made. Everything that is dropped or refused is counted.
struct statistics {
    using count = std::uint64_t;
    /// Message kinds by their wire number, see docs/wire-format.md; 0 is unused.
    static constexpr std::size_t kinds = 23;

    count datagrams_out = 0, datagrams_in = 0;
    count bytes_out = 0, bytes_in = 0;
    std::array<count, kinds> bytes_out_by_kind{}; ///< message bytes, headers not counted
    std::array<count, kinds> bytes_in_by_kind{};

    count updates = 0, bottom_deltas = 0, items_made = 0;
    count pushes = 0; ///< items pushed, once per receiver
    count pulls = 0, pull_retries = 0, pulls_given_up = 0;
    count items_relayed = 0; ///< items sent because a peer asked
    count items_received = 0, items_duplicate = 0;
    count merges_grew = 0, merges_redundant = 0;

    count repair_sessions = 0;                                        ///< sessions started here
    count session_frames = 0, differences = 0, asks = 0, answers = 0; ///< messages sent
    count sessions_given_up = 0; ///< the peer was gone or did not answer, or too much differed
    count sessions_yielded = 0;  ///< ended for the peer's own
    count entries_repaired = 0;  ///< entries that an answer has changed here
    count context_pieces_sent = 0, context_pieces_joined = 0, context_pieces_refused = 0;

    count blobs_offered = 0, blobs_received = 0, blobs_verified = 0, blobs_failed = 0;
    count blob_pieces_sent = 0, blob_retries = 0, blobs_given_up = 0;

    count refused_foreign = 0, refused_malformed = 0, refused_oversized = 0;
    count refused_own = 0, refused_clock = 0, refused_peers = 0;
    count refused_old_secret = 0, refused_unsupported = 0, refused_stale = 0;
    count dropped_unproven = 0; ///< answers above the question of one that may not be there
    count dropped_outgoing = 0; ///< the outgoing queue was full, or the buffer too small
    count deferred_bulk = 0;    ///< intervals in which payload had to wait
    count slowdowns = 0;        ///< times that the payload's budget was halved
    count superseded_bulk = 0;  ///< datagrams that waited too long; repair or a retry brings them
    count dropped_relay_items = 0, dropped_events = 0, items_too_large = 0;
    count skipped_fields = 0; ///< unknown fields of received deltas
    count index_rebuilds = 0;
    count out_of_memory = 0;

    membership_statistics membership;

    // How it stands now
    count members_alive = 0, members_suspect = 0, members_dead = 0, members_left = 0;
    count health = 0; ///< 0 well, 8 hardly at all
    count relay_bytes = 0, relay_bytes_max = 0;
    count outgoing = 0, outgoing_max = 0; ///< datagrams that wait
    count pulls_waiting = 0, pulls_waiting_max = 0;
    count entries = 0; ///< of the state
};

/// How far this engine is behind a peer.
struct lag {
    std::string name;
    std::string address;
    std::uint64_t deltas = 0; ///< that it has advertised and that have not come yet
    duration heard_ago{0};    ///< since its last adverts or answer
    duration round_trip{0};
};

} // namespace joinery::gossip
