// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../count_allocations.hpp"
#include "../measure.hpp"
#include "../rows.hpp"

#include <crdt/g_set.hpp>
#include <gossip/engine.hpp>
#include <gossip/membership.hpp>
#include <testing/network.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// A round is a gossip interval, 200 ms; the one-way delay is a twentieth of it. Bytes are those
// that the network carried, IP and UDP headers not counted.
namespace joinery::bench::gossiping {

using namespace std::chrono_literals;

using state = crdt::g_set<std::string>;

inline constexpr auto round = 200ms;
inline constexpr std::size_t payload_bytes = 100;

/// How often `what` is in the bytes.
inline std::uint64_t occurrences(std::span<const std::byte> in, std::string_view what) {
    const std::string_view text(reinterpret_cast<const char*>(in.data()), in.size());
    std::uint64_t found = 0;
    for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size()))
        ++found;
    return found;
}

struct counts {
    std::uint64_t copies = 0; ///< payloads handed to the network
    std::uint64_t allocations = 0;
    std::uint64_t received = 0;
};

/// An engine whose datagrams and allocations are counted from outside.
class watched : public gossip::engine<state> {
    using base = gossip::engine<bench::gossiping::state>;

public:
    using base::base;

    static inline counts all{};

    auto receive(std::string_view from, std::span<const std::byte> datagram,
                 gossip::time_point now) noexcept {
        const auto before = allocation_count;
        const auto made = base::receive(from, datagram, now);
        all.allocations += allocation_count - before;
        ++all.received;
        return made;
    }
    void tick(gossip::time_point now) noexcept {
        const auto before = allocation_count;
        base::tick(now);
        all.allocations += allocation_count - before;
    }
    auto poll_outgoing(std::span<std::byte> buffer) {
        static const std::string payload(payload_bytes, 'x');
        const auto before = allocation_count;
        const auto made = base::poll_outgoing(buffer);
        all.allocations += allocation_count - before;
        if (made) all.copies += occurrences(buffer.first(made->size), payload);
        return made;
    }
};

using network = testing::network<watched>;
using member_network = testing::network<gossip::membership>;

inline std::string name_of(std::size_t node) { return "n" + std::to_string(node); }

inline testing::faults with_loss(std::uint32_t percent) { return {percent * 10, 0, 10ms, 10ms}; }

inline std::string of(const std::string& what, std::size_t nodes, std::uint32_t loss) {
    return what + ", N=" + std::to_string(nodes) + ", loss " + std::to_string(loss) + " %";
}

inline gossip::config config_of(std::size_t node, std::size_t nodes) {
    gossip::config settings;
    settings.name = name_of(node);
    settings.address = name_of(node);
    settings.max_peers = 4 * nodes;
    for (std::size_t other = 0; other < 3; ++other) settings.seeds.push_back(name_of(other));
    return settings;
}

/// So many engines that know each other and are at rest.
inline network cluster(std::size_t nodes, std::uint64_t seed) {
    network net(seed, with_loss(0));
    for (std::size_t node = 0; node < nodes; ++node)
        net.add(name_of(node), watched(config_of(node, nodes), seed * 100'000 + node));
    net.run_until(
        [&] {
            for (std::size_t node = 0; node < nodes; ++node)
                if (std::as_const(net).engine(node).live_count() + 1 < nodes) return false;
            return true;
        },
        60s, 1s);
    // Whom a member has only been told of it pings, three a second, until all have answered.
    net.run_for(60s + nodes * 400ms);
    return net;
}

/// The same of membership alone.
inline member_network members(std::size_t nodes, std::uint64_t seed) {
    member_network net(seed, with_loss(0));
    for (std::size_t node = 0; node < nodes; ++node) {
        gossip::membership_config settings;
        settings.name = name_of(node);
        settings.address = name_of(node);
        settings.max_members = 4 * nodes;
        for (std::size_t other = 0; other < 3; ++other) settings.seeds.push_back(name_of(other));
        net.add(name_of(node), gossip::membership(settings, seed * 100'000 + node));
    }
    net.run_for(90s);
    return net;
}

inline double mean(const std::vector<double>& all) {
    double sum = 0;
    for (const double each : all) sum += each;
    return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

inline double p99(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all.empty() ? 0 : all[all.size() * 99 / 100];
}

inline double seconds(std::chrono::nanoseconds length) {
    return std::chrono::duration<double>(length).count();
}

} // namespace joinery::bench::gossiping
