// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/node.hpp>
#include <gossip/statistics.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The counters, and how everything stands now.
inline statistics report(const node& of) {
    statistics all = of.stats;
    if (of.group) all.membership = of.group->counts;
    all.health = of.group ? of.group->health() : 0;
    std::uint64_t* const by_status[] = {&all.members_alive, &all.members_suspect, &all.members_dead,
                                        &all.members_left};
    const auto count = [&](member_status as) { ++*by_status[static_cast<std::size_t>(as)]; };
    if (of.group)
        of.group->table.for_each([&](auto id) { count(of.group->table.at(id).status); });
    else
        for (const peer& each : of.known.members()) count(each.status);
    all.relay_bytes = of.items.bytes();
    all.relay_bytes_max = of.settings.relay_bytes;
    all.outgoing = of.waiting();
    all.outgoing_max = of.settings.max_outgoing;
    all.pulls_waiting = of.wanted.size();
    all.pulls_waiting_max = of.settings.max_pulls;
    return all;
}

/// How far a node is behind each live peer.
inline std::vector<lag> lags(node& of) {
    std::vector<lag> all;
    const auto add = [&](std::string name, const std::string& address, duration round_trip) {
        lag made{std::move(name), address, 0, duration{0}, round_trip};
        if (const peer_record* record = of.find(address)) {
            if (record->heard_at != time_point{}) made.heard_ago = of.now - record->heard_at;
            for (const item_range& range : record->adverts)
                of.items.for_each_missing(
                    range, [&](std::uint64_t) { return ++made.deltas < of.settings.max_pulls; });
        }
        all.push_back(std::move(made));
    };
    if (of.group) {
        const auto& table = of.group->table;
        for (const std::uint32_t id : table.live()) {
            const std::string address(table.address(id));
            add(std::string(table.name(id)), address, of.round_trip_of(address));
        }
    } else {
        for (const std::string& address : of.known.live())
            add(of.find(address)->known.name, address, of.round_trip_of(address));
    }
    return all;
}

} // namespace joinery::gossip::detail
