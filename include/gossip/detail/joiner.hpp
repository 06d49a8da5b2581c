// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/node.hpp>
#include <gossip/detail/replica.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace joinery::gossip::detail {

/// Joins what the network brings into the replica.
///
/// State      the node, the replica, the wall time told last, when the state changed last.
/// Invariant  received bytes are joined whole or leave the state as it was; with a wall time,
///            nothing stamped further ahead than max_ahead_ms is joined.
/// Cost       a delta O(|δ| log n).
template <crdt::replicated State>
class joiner {
public:
    joiner(config settings, std::uint64_t seed, const wire::keyed_hasher& hasher)
        : net(std::move(settings), seed, hasher), local(hasher) {}

    void observe_wall(std::uint64_t ms) {
        wall_ms_ = std::max(wall_ms_, ms);
        net.wanted.wall_reached(latest_ms());
    }

    /// Tells the application what a merge found wrong.
    void tell(const crdt::report& found, const std::string& name, const std::string& address) {
        const std::uint64_t conflicts = found.double_spent.size() + found.conflicting_stamps.size();
        if (conflicts != 0) net.tell({event_kind::conflict, name, address, {}, conflicts, {}});
        std::uint64_t missed = 0;
        for (const auto& gap : found.history_gaps) missed += gap.to - gap.from + 1;
        if (missed != 0) net.tell({event_kind::history_gap, name, address, {}, missed, {}});
    }

    void changed() {
        last_change_ = net.now;
        net.stir();
    }

    node net;
    replica<State> local;

protected:
    enum class outcome : std::uint8_t { joined, malformed, ahead };

    static constexpr std::size_t part_overhead = 1 + 3; // of a message that carries one part

    // Nothing under way explains a difference; pulls that bring nothing do not.
    bool quiet() const {
        const duration still = net.now - last_change_;
        return still >= net.settings.interval * (net.wanted.empty() ? 1 : 4) &&
               !net.large.fetching();
    }

    /// Decodes and joins a delta. `repaired`, if given, counts the entries that it changed.
    outcome join(const peer_record& peer, bytes_view bytes, std::uint64_t& needed_ms,
                 std::uint64_t* repaired) {
        State delta{};
        return join(peer, bytes, needed_ms, repaired, delta);
    }
    /// The same; `delta` is then what it was.
    outcome join(const peer_record& peer, bytes_view bytes, std::uint64_t& needed_ms,
                 std::uint64_t* repaired, State& delta) {
        wire::reader r(bytes, net.settings.limits, wire::unknown_fields::skip);
        wire::get(r, delta);
        if (!r.ok() || r.left() != 0) return outcome::malformed;
        net.stats.skipped_fields += r.skipped_fields();
        needed_ms = crdt::max_stamp(delta) >> 16U;
        if (wall_ms_ == 0 || needed_ms <= latest_ms()) {
            join(peer, delta, repaired);
            return outcome::joined;
        }
        // What is wrong with one entry of a repair must not keep the others away.
        if (repaired != nullptr)
            crdt::split(delta, 0, [&](const State& part) {
                if ((crdt::max_stamp(part) >> 16U) <= latest_ms()) join(peer, part, repaired);
            });
        return outcome::ahead;
    }

    void join(const peer_record& peer, const State& delta, std::uint64_t* repaired) {
        crdt::report found;
        const auto merged = local.merge(delta, found);
        ++(merged.grew ? net.stats.merges_grew : net.stats.merges_redundant);
        tell(found, peer.known.name, peer.known.address);
        if (!merged.grew) return;
        changed();
        if (repaired != nullptr) *repaired += merged.changed;
        if (net.settings.report_merges)
            net.tell({event_kind::merged,
                      peer.known.name,
                      peer.known.address,
                      wire::encode_nested(delta),
                      0,
                      {}});
    }

    std::uint64_t latest_ms() const {
        const std::uint64_t ahead = net.settings.max_ahead_ms;
        return wall_ms_ > ~ahead ? ~std::uint64_t{0} : wall_ms_ + ahead;
    }

    void refuse_ahead(peer_record& peer, std::uint64_t needed_ms, receipt& result) {
        net.refuse(result, receipt::status::clock_too_far_ahead);
        net.tell(event_kind::clock_too_far_ahead, peer, needed_ms);
        peer.held_ms = needed_ms;
        peer.held_until = net.now + clock_patience * net.settings.interval;
    }

    // While the wall must catch up a repair would fetch the same refused entries again and again.
    bool holding(const peer_record& peer) const {
        return net.now < peer.held_until && peer.held_ms > latest_ms();
    }

private:
    static constexpr int clock_patience = 64; // intervals without repair after a refusal

    std::uint64_t wall_ms_ = 0;
    time_point last_change_ = time_point{} - std::chrono::hours(1);
};

} // namespace joinery::gossip::detail
