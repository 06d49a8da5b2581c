// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/random.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace broker {

// What dies at once, when, and when it comes back: by how much of the input is published.
struct fault {
    double at = 0;
    double back_at = 0;
    std::vector<std::size_t> workers;
    bool disk_lost = false; // the store of the worker goes with it
    bool broker_too = false;
};

// Three faults, decided by the seed alone: a worker; then all workers at once (odd seeds) or one
// with its disk; then a worker and the broker.
inline std::vector<fault> plan_faults(std::uint64_t seed, std::size_t workers) {
    joinery::gossip::random chance(seed);
    const auto between = [&](unsigned low, unsigned high) {
        return (low + static_cast<double>(chance.below(10 * (high - low))) / 10) / 100;
    };
    const auto one = [&] { return std::vector<std::size_t>{chance.below(workers)}; };
    std::vector<fault> made(3);
    made[0].at = between(20, 32);
    made[0].workers = one();
    made[1].at = between(44, 56);
    if (seed % 2 == 1) {
        for (std::size_t i = 0; i < workers; ++i) made[1].workers.push_back(i);
    } else {
        made[1].workers = one();
        made[1].disk_lost = true;
    }
    made[2].at = between(68, 80);
    made[2].workers = one();
    made[2].broker_too = true;
    for (fault& each : made) each.back_at = each.at + between(2, 6);
    return made;
}

} // namespace broker
