// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/frame.hpp>
#include <gossip/detail/message.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../gossip/shared_state.hpp"

// Two engines that know each other, at rest and in the middle of what they have to tell.
namespace fuzz {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
namespace wire = joinery::wire;
using gossip_test::address_of;
using gossip_test::config_of;
using gossip_test::engine;
using gossip_test::sent;
using gossip_test::shared_state;
using gossip_test::take_outgoing;
using namespace std::chrono_literals;

inline constexpr auto start = gossip::time_point{} + 1h;

inline constexpr std::size_t max_datagram = 700;

/// Small datagrams and short memories, so that repairs have something to do.
inline gossip::config settings_of(std::size_t node) {
    gossip::config made = config_of(node, 2);
    made.max_datagram = max_datagram;
    made.relay_bytes = 700;
    return made;
}

/// What peer 1 would send to engine 0 around these bytes.
inline std::vector<std::byte> sealed(std::span<const std::byte> message) {
    const gossip::config peer = config_of(1, 2);
    const gossip::detail::frame frame(peer.cluster, wire::keyed_hasher(peer.secret),
                                      {peer.name, peer.incarnation, peer.address});
    return frame.seal(message);
}

inline void work(engine& on, std::size_t node, std::uint32_t rounds) {
    for (std::uint32_t each = 0; each < rounds; ++each) {
        const std::string word = "word" + std::to_string(each % 7);
        on.update(&shared_state::seen, [&](auto& s, auto id) { return s.add(id, each); });
        on.update(&shared_state::tags, [&](auto& s, auto id) { return s.add(id, word); });
        on.update(&shared_state::hits, [&](auto& s, auto id) { return s.increment(id, each); });
        on.update(&shared_state::motto,
                  [&](auto& s, auto id) { return s.assign(id, each * 2 + node, word); });
        on.update(&shared_state::words, [&](auto& s, auto id) {
            return s.update(id, word, [](auto& n, auto self) { return n.increment(self); });
        });
        on.update(&shared_state::rooms, [&](auto& s, auto id) {
            return s.update(id, "room", [&](auto& r, auto self) { return r.add(self, word); });
        });
        while (on.poll_event()) {} // ends the turn: each travels by itself
    }
    on.update(&shared_state::tags, [](auto& s, auto id) { return s.remove(id, "word3"); });
}

/// A pair of engines and what they have said so far.
struct pair {
    std::vector<engine> both;
    std::vector<sent> said;
    gossip::time_point now = start;

    pair() {
        for (std::size_t node = 0; node < 2; ++node)
            both.emplace_back(settings_of(node), 90 + node);
    }

    /// The other hears what a node has to say now; with `deaf`, nothing arrives.
    void speak(std::size_t node, bool deaf = false) {
        for (sent& each : take_outgoing(both[node])) {
            if (!deaf) both[1 - node].receive(address_of(node), each.bytes, now);
            said.push_back(std::move(each));
        }
    }
    void exchange(bool deaf = false) {
        for (std::size_t node = 0; node < 2; ++node) speak(node, deaf);
    }

    void run_for(gossip::duration span, bool deaf = false) {
        for (const auto end = now + span; now < end; now += 50ms) {
            for (engine& each : both) each.tick(now);
            for (int round = 0; round < 4; ++round) exchange(deaf);
        }
    }
};

/// The message inside a datagram that sealed() could have made.
inline std::vector<std::byte> opened(std::span<const std::byte> datagram) {
    const gossip::config peer = config_of(1, 2);
    const gossip::detail::frame frame(peer.cluster, wire::keyed_hasher(peer.secret), {});
    gossip::detail::sender from;
    gossip::detail::bytes_view message;
    frame.open(datagram, {}, from, message);
    return {message.begin(), message.end()};
}

/// Engines that have met, and then worked apart: a repair is under way, and engine 0 has asked for
/// what it lacks.
inline pair mid_life() {
    pair made;
    for (std::size_t node = 0; node < 2; ++node) work(made.both[node], node, 6);
    made.run_for(5s);
    for (std::size_t node = 0; node < 2; ++node) work(made.both[node], node, 12);
    made.run_for(1s, true);
    const auto asked = [](const sent& each) {
        const auto message = opened(each.bytes);
        return !message.empty() &&
               message.front() == static_cast<std::byte>(gossip::detail::kind::ask);
    };
    for (; made.now < start + 1min; made.now += 50ms) {
        for (engine& each : made.both) each.tick(made.now);
        for (int round = 0; round < 4; ++round) {
            const auto before = static_cast<std::ptrdiff_t>(made.said.size());
            made.speak(0);
            if (std::any_of(made.said.begin() + before, made.said.end(), asked)) return made;
            made.speak(1);
        }
    }
    throw std::logic_error("there is no repair");
}

} // namespace fuzz
