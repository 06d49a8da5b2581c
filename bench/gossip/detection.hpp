// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "clusters.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace joinery::bench::gossiping {

inline void drop_events(member_network& net) {
    for (std::size_t node = 0; node < net.size(); ++node)
        while (net.engine(node).poll_event()) {}
}

/// One member after another dies: when it is first suspected, and when all know that it is dead.
inline void detection(rows& into, std::size_t nodes, std::size_t deaths) {
    member_network net = members(nodes, 3);
    std::vector<double> first, agreed;
    for (std::size_t each = 0; each < deaths; ++each) {
        drop_events(net);
        const std::size_t victim = nodes - 1 - each;
        const auto start = net.now();
        net.stop(victim);
        double suspected = 0;
        std::size_t dead = 0;
        while (dead + 1 + each < nodes && net.now() < start + 60s) {
            net.run_for(100ms);
            for (std::size_t node = 0; node < victim; ++node)
                while (const auto told = net.engine(node).poll_event()) {
                    if (told->name != name_of(victim)) continue;
                    dead += told->kind == gossip::event_kind::member_down ? 1U : 0U;
                    if (suspected == 0 && told->kind == gossip::event_kind::member_suspect)
                        suspected = seconds(net.now() - start);
                }
        }
        first.push_back(suspected);
        agreed.push_back(seconds(net.now() - start));
    }
    into.figure("first suspicion, mean periods, N=1000", "periods", mean(first), {2, 1.6});
    into.figure("agreed death p99, N=1000", "s", p99(agreed), {10, 8});
}

inline void false_deaths(rows& into, std::uint32_t loss, const aim& to) {
    member_network net = members(100, 5);
    net.set_faults(with_loss(loss));
    drop_events(net);
    std::uint64_t dead = 0;
    for (int part = 0; part < 100; ++part) {
        net.run_for(100s);
        for (std::size_t node = 0; node < net.size(); ++node)
            while (const auto told = net.engine(node).poll_event())
                dead += told->kind == gossip::event_kind::member_down ? 1U : 0U;
    }
    into.figure("false deaths in 10^6 node-periods, loss " + std::to_string(loss) + " %", "",
                static_cast<double>(dead), to);
}

inline void contact(rows& into) {
    std::vector<double> all;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        member_network net = members(20, seed);
        std::vector<std::size_t> half;
        for (std::size_t node = 0; node < 10; ++node) half.push_back(node);
        net.partition({half});
        net.run_for(600s);
        net.heal();
        const auto start = net.now();
        const auto met = [&] { return std::as_const(net).engine(0).live_count() == 19; };
        net.run_until(met, 120s, 100ms);
        all.push_back(seconds(net.now() - start));
    }
    into.figure("contact after a 10-minute partition", "s",
                *std::max_element(all.begin(), all.end()), {45, 30});
}

} // namespace joinery::bench::gossiping
