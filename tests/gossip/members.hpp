// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/membership.hpp>
#include <testing/network.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

// Clusters of members alone, and what tests ask of them.
namespace gossip_test {

namespace gossip = joinery::gossip;
namespace testing = joinery::testing;

using namespace std::chrono_literals;
using gossip::event_kind;
using gossip::member_status;

using member_network = testing::network<gossip::membership>;

inline std::string member_name(std::size_t node) { return "m" + std::to_string(node); }
inline std::string member_address(std::size_t node) { return member_name(node) + ":1"; }

// One of many members, all of which know the first three.
inline gossip::membership_config member_config(std::size_t node) {
    gossip::membership_config made;
    made.name = member_name(node);
    made.address = member_address(node);
    made.cluster = "members";
    for (std::size_t seed = 0; seed < 3; ++seed) made.seeds.push_back(member_address(seed));
    return made;
}

inline member_network members_of(std::size_t nodes, std::uint64_t seed,
                                 const testing::faults& chances = {}) {
    member_network net(seed, chances);
    for (std::size_t node = 0; node < nodes; ++node)
        net.add(member_address(node), gossip::membership(member_config(node), seed * 1000 + node));
    return net;
}

// The seeds to run: the one that JOINERY_SEED names, or 20 of them, five times as many with
// JOINERY_LONG, of which slow builds take a part.
inline std::vector<std::uint64_t> scenario_seeds(std::uint64_t count = 20) {
    if (const char* named = std::getenv("JOINERY_SEED")) return {std::strtoull(named, nullptr, 10)};
    if (std::getenv("JOINERY_LONG") != nullptr) count *= 5;
    std::vector<std::uint64_t> all;
    const std::uint64_t part = std::max<std::uint64_t>(count / JOINERY_CASES_DIVISOR, 1);
    for (std::uint64_t seed = 1; seed <= part; ++seed) all.push_back(seed);
    return all;
}
inline bool long_run() { return std::getenv("JOINERY_LONG") != nullptr; }

// How one member sees another; left if it does not know it.
template <class Network>
member_status seen(const Network& net, std::size_t by, std::size_t other) {
    for (const gossip::peer& each : std::as_const(net).engine(by).members())
        if (each.name == member_name(other)) return each.status;
    return member_status::left;
}

// Whether each of `among` takes exactly the others of them for alive.
template <class Network>
bool all_see(const Network& net, const std::vector<std::size_t>& among) {
    for (const std::size_t by : among) {
        std::size_t alive = 0;
        for (const gossip::peer& each : std::as_const(net).engine(by).members()) {
            if (each.status != member_status::alive) {
                if (each.live()) return false;
                continue;
            }
            const auto is = [&](std::size_t node) { return member_name(node) == each.name; };
            if (std::none_of(among.begin(), among.end(), is)) return false;
            ++alive;
        }
        if (alive + 1 != among.size()) return false;
    }
    return true;
}

inline std::vector<std::size_t> up_to(std::size_t nodes, std::size_t from = 0) {
    std::vector<std::size_t> all;
    for (std::size_t node = from; node < nodes; ++node) all.push_back(node);
    return all;
}

// What an engine has told since it was asked last.
template <class Engine>
std::vector<gossip::event> take_events(Engine& of) {
    std::vector<gossip::event> all;
    while (auto each = of.poll_event()) all.push_back(std::move(*each));
    return all;
}
// Forgets what all engines have told so far.
template <class Network>
void drop_events(Network& net) {
    for (std::size_t node = 0; node < net.size(); ++node) take_events(net.engine(node));
}

inline std::size_t count_of(const std::vector<gossip::event>& events, event_kind kind,
                            const std::string& name = {}) {
    return static_cast<std::size_t>(
        std::count_if(events.begin(), events.end(), [&](const gossip::event& each) {
            return each.kind == kind && (name.empty() || each.name == name);
        }));
}

} // namespace gossip_test
