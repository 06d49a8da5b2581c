// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace joinery::gossip {

/// What an engine has done since it was made. Everything that is dropped or refused is counted.
struct statistics {
    using count = std::uint64_t;
    /// Message kinds by their wire number, see docs/wire-format.md; 0 is unused.
    static constexpr std::size_t kinds = 14;

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

    count repair_sessions = 0;                             ///< sessions started here
    count summaries = 0, lists = 0, asks = 0, answers = 0; ///< sent
    count entries_repaired = 0; ///< entries that an answer has changed here
    count context_pieces_sent = 0, context_pieces_joined = 0, context_pieces_refused = 0;

    count blobs_offered = 0, blobs_received = 0, blobs_verified = 0, blobs_failed = 0;
    count blob_pieces_sent = 0, blob_retries = 0, blobs_given_up = 0;

    count refused_foreign = 0, refused_malformed = 0, refused_oversized = 0;
    count refused_own = 0, refused_clock = 0, refused_peers = 0;
    count dropped_outgoing = 0; ///< the outgoing queue was full, or the buffer too small
    count dropped_relay_items = 0, dropped_events = 0, items_too_large = 0;
    count skipped_fields = 0; ///< unknown fields of received deltas
    count index_rebuilds = 0;
    count out_of_memory = 0;
};

} // namespace joinery::gossip
