// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "clusters.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace joinery::bench::gossiping {

struct marks {
    std::uint32_t loss;
    aim rounds;
};

inline void update(network& net, std::size_t node, const std::string& text) {
    net.engine(node).update([&](state& set, crdt::replica_id self) { return set.add(self, text); });
}

inline std::string text_of(std::size_t number) {
    return std::string(payload_bytes, 'x') + std::to_string(number);
}

inline std::vector<std::size_t> everybody(const network& net) {
    std::vector<std::size_t> all(net.size());
    for (std::size_t node = 0; node < all.size(); ++node) all[node] = node;
    return all;
}

/// Runs until all have the text: seconds.
inline double spread(network& net, const std::string& text) {
    const auto start = net.now();
    auto left = everybody(net);
    net.run_until(
        [&] {
            std::erase_if(left, [&](std::size_t node) {
                return std::as_const(net).engine(node).state().contains(text);
            });
            return left.empty();
        },
        120s, 10ms);
    return seconds(net.now() - start);
}

/// Updates of random nodes, one at a time: rounds until all have each.
inline std::vector<double> rounds_of(network& net, std::size_t updates, std::size_t first = 0) {
    gossip::random random(7 + first);
    std::vector<double> rounds;
    for (std::size_t each = first; each < first + updates; ++each) {
        net.run_for(round * static_cast<int>(random.below(20)) / 20);
        update(net, random.below(net.size()), text_of(each));
        rounds.push_back(spread(net, text_of(each)) / seconds(round));
        net.run_for(2s);
    }
    return rounds;
}

inline void tell_rounds(rows& into, std::size_t nodes, const marks& to,
                        const std::vector<double>& rounds) {
    into.figure(of("rounds to all, mean", nodes, to.loss), "rounds", mean(rounds), to.rounds);
    into.figure(of("rounds to all, p99", nodes, to.loss), "rounds", p99(rounds),
                {to.rounds.bar * 1.5, to.rounds.goal * 1.5});
}

/// Rounds until all have an update, and copies of the payload.
inline void one_writer(rows& into, network net, std::size_t updates, const marks& to) {
    net.set_faults(with_loss(to.loss));
    const auto before = watched::all.copies;
    tell_rounds(into, net.size(), to, rounds_of(net, updates));
    const double floor = 1 / (1 - to.loss / 100.0);
    const double wanted = static_cast<double>((net.size() - 1) * updates) * floor;
    into.figure(of("payload copies over the floor, one writer", net.size(), to.loss), "",
                static_cast<double>(watched::all.copies - before) / wanted, {1.1, 1.02});
}

/// Every node makes an update at the same time.
inline void all_writers(rows& into, network net, std::uint32_t loss) {
    net.set_faults(with_loss(loss));
    const std::size_t nodes = net.size();
    const auto before = watched::all.copies;
    for (std::size_t node = 0; node < nodes; ++node) update(net, node, text_of(node));
    net.run_until(
        [&] {
            for (std::size_t node = 0; node < nodes; ++node)
                if (std::as_const(net).engine(node).state().size() < nodes) return false;
            return true;
        },
        120s, 100ms);
    net.run_for(5s);
    const double floor = 1 / (1 - loss / 100.0);
    into.figure(of("payload copies over the floor, all writers", nodes, loss), "",
                static_cast<double>(watched::all.copies - before) /
                    (static_cast<double>(nodes * (nodes - 1)) * floor),
                {1.1, 1.02});
}

/// Half of all datagrams are lost: what has not reached everybody after ten minutes.
inline void delivery(rows& into, network net) {
    net.set_faults(with_loss(50));
    gossip::random random(9);
    constexpr std::size_t updates = 200;
    for (std::size_t each = 0; each < updates; ++each) {
        update(net, random.below(net.size()), text_of(each));
        net.run_for(round / 2);
    }
    const auto missing = [&] {
        std::size_t sum = 0;
        for (std::size_t node = 0; node < net.size(); ++node)
            sum += updates - std::as_const(net).engine(node).state().size();
        return sum;
    };
    net.run_until([&] { return missing() == 0; }, 600s, 1s);
    into.figure("updates never delivered, loss 50 %", "", static_cast<double>(missing()), {0, 0});
}

inline void traffic(rows& into, network net) {
    const auto n = static_cast<double>(net.size());
    const auto bytes_of = [&](auto length) {
        const auto before = net.bytes_sent();
        net.run_for(length);
        return static_cast<double>(net.bytes_sent() - before) / n;
    };
    const double idle = bytes_of(60s) / 60;
    const std::string size = ", N=" + std::to_string(net.size());
    into.figure("idle bytes per node and second" + size, "B", idle, {450, 300});
    update(net, 5, std::string(payload_bytes, 'y'));
    into.figure("bytes per node for one 100-byte update, alone" + size, "B",
                bytes_of(30s) - 30 * idle, {400, 320});
    for (std::size_t each = 0; each < 50; ++each)
        update(net, each * 7 % net.size(), std::string(98, 'z') + std::to_string(10 + each));
    into.figure("bytes per node for one 100-byte update, batched" + size, "B",
                (bytes_of(30s) - 30 * idle) / 50, {260, 225});
    into.figure("largest packet" + size, "B", static_cast<double>(net.largest_datagram()),
                {1400, 1400});
}

} // namespace joinery::bench::gossiping
