// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/checkpoint_store.hpp"
#include "aggregates.hpp"
#include "worker_options.hpp"

#include <crdt/replica_id.hpp>
#include <gossip/config.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

namespace broker {

// Where a worker's datagrams are sent: a subject is its address.
inline std::string gossip_subject(std::size_t worker) { return "gossip." + worker_name(worker); }

// Names are known beforehand, so every other worker is a seed.
inline gossip::config gossip_settings(const worker_options& options, std::uint64_t incarnation,
                                      std::size_t max_datagram) {
    gossip::config made;
    made.name = worker_name(options.number);
    made.address = gossip_subject(options.number);
    made.incarnation = incarnation;
    made.cluster = "broker-example";
    for (std::size_t i = 0; i < options.workers; ++i) {
        if (i != options.number) made.seeds.push_back(gossip_subject(i));
    }
    made.interval = std::chrono::milliseconds(50);
    made.peer_timeout = std::chrono::seconds(2);
    made.max_datagram = max_datagram;
    return made;
}

// One that was never used: the state of the engine does not outlive the process.
inline std::uint64_t next_incarnation(const cluster::checkpoint_store& store) {
    std::random_device device;
    const std::uint64_t high = device();
    return crdt::next_incarnation(store.lease(), 0, (high << 32U) | device());
}

} // namespace broker
