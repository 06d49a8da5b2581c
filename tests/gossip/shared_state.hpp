// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/g_set.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/max_register.hpp>
#include <crdt/or_set.hpp>
#include <crdt/struct.hpp>
#include <gossip/config.hpp>
#include <gossip/engine.hpp>
#include <testing/network.hpp>
#include <wire/codec.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// The state and the small helpers that all gossip tests use.
namespace gossip_test {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
namespace testing = joinery::testing;
namespace wire = joinery::wire;

using namespace std::chrono_literals;

using word_counts = crdt::g_map<std::string, crdt::g_counter>;
using room_members = crdt::g_map<std::string, crdt::or_set<std::string>>;

// One field of every type that replicates.
struct shared_state {
    BOOST_HANA_DEFINE_STRUCT(shared_state, (crdt::g_counter, hits),
                             (crdt::max_register<std::uint64_t>, peak),
                             (crdt::lww_register<std::string>, motto),
                             (crdt::g_set<std::uint32_t>, seen), (crdt::or_set<std::string>, tags),
                             (word_counts, words), (room_members, rooms));
    bool operator==(const shared_state&) const = default;
};

using engine = gossip::engine<shared_state>;
using network = testing::network<engine>;

inline std::vector<std::byte> secret_of(std::string_view text) {
    std::vector<std::byte> bytes;
    for (const char each : text) {
        bytes.push_back(static_cast<std::byte>(each));
    }
    return bytes;
}

inline std::string address_of(std::size_t node) { return "node" + std::to_string(node) + ":7000"; }

// The configuration of one of `nodes` engines that all know each other's addresses.
inline gossip::config config_of(std::size_t node, std::size_t nodes) {
    gossip::config made;
    made.name = "node" + std::to_string(node);
    made.address = address_of(node);
    made.incarnation = 1;
    made.cluster = "test";
    made.secret = secret_of("a secret of the cluster");
    for (std::size_t other = 0; other < nodes; ++other) {
        if (other != node) {
            made.seeds.push_back(address_of(other));
        }
    }
    made.check_updates = true;
    return made;
}

// Whether all engines of the network hold one state, by what the engines themselves compare.
template <class Network>
bool in_sync(const Network& net) {
    for (std::size_t node = 1; node < net.size(); ++node) {
        if (net.engine(node).root() != net.engine(0).root() ||
            net.engine(node).context_digest() != net.engine(0).context_digest()) {
            return false;
        }
    }
    return true;
}

// Whether all engines of the network hold equal bytes, whatever their digests say.
template <class Network>
bool equal_bytes(const Network& net) {
    const auto first = wire::encode(net.engine(0).state());
    for (std::size_t node = 1; node < net.size(); ++node) {
        if (wire::encode(net.engine(node).state()) != first) {
            return false;
        }
    }
    return true;
}

// Everything that the engine wants to send now.
struct sent {
    std::string to;
    std::vector<std::byte> bytes;
};

template <class Engine>
std::vector<sent> take_outgoing(Engine& from) {
    std::vector<sent> all;
    std::vector<std::byte> buffer(65536);
    while (const auto next = from.poll_outgoing(std::span<std::byte>(buffer))) {
        const auto used = buffer.begin() + static_cast<std::ptrdiff_t>(next->size);
        all.push_back({std::string(next->to), std::vector<std::byte>(buffer.begin(), used)});
    }
    return all;
}

} // namespace gossip_test
