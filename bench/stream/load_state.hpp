// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/struct.hpp>
#include <stream/accumulator.hpp>
#include <stream/checkpoint.hpp>
#include <stream/partitioned.hpp>
#include <wire/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace joinery::bench {

/// What the processes under load count: updates by key, each partition its own.
using load_counts = crdt::g_map<std::uint64_t, crdt::g_counter>;
using load_accumulator = stream::accumulator<load_counts>;

/// What they gossip.
struct load_state {
    BOOST_HANA_DEFINE_STRUCT(load_state, (stream::partitioned<load_counts>, counted),
                             (stream::checkpoint, checkpoints));
    static constexpr std::string_view schema_name = "bench.load_state";
    friend bool operator==(const load_state&, const load_state&) = default;
};

inline constexpr std::uint64_t load_keys = 2000;

/// The load: epoch e of a partition ends before update e * updates_per_epoch; an epoch a second.
struct load_settings {
    std::size_t processes = 5;
    std::uint64_t updates_per_epoch = 20'000; ///< of one process
    std::uint64_t epochs = 60;
};

inline std::string load_partition(std::size_t number) { return "load-" + std::to_string(number); }

/// Which key update `offset` of a partition counts: so that a replay counts the same.
inline std::uint64_t load_key(std::uint64_t partition, std::uint64_t offset) {
    return wire::mix(partition, offset) % load_keys;
}

} // namespace joinery::bench
