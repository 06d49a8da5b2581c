// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/max_register.hpp>
#include <crdt/struct.hpp>
#include <stream/checkpoint.hpp>
#include <stream/partitioned.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace cluster {

namespace crdt = joinery::crdt;
namespace stream = joinery::stream;

using word_counts = crdt::g_map<std::string, crdt::g_counter>;
using progress_by_partition = crdt::g_map<std::string, crdt::max_register<std::uint64_t>>;

// What is counted, of a partition or of them all.
struct counts {
    BOOST_HANA_DEFINE_STRUCT(counts, (word_counts, words), (crdt::g_counter, word_count),
                             (crdt::g_counter, lines), (crdt::g_counter, bytes),
                             (crdt::g_counter, unreadable_files));
    static constexpr std::string_view schema_name = "cluster.counts";
    friend bool operator==(const counts&, const counts&) = default;
};

// What the workers gossip. Progress, the records counted of each partition, is for people and for
// telling replayed records from new ones; nobody resumes from it.
struct shared_state {
    BOOST_HANA_DEFINE_STRUCT(shared_state, (stream::partitioned<counts>, counted),
                             (stream::checkpoint, checkpoints), (progress_by_partition, progress));
    static constexpr std::string_view schema_name = "cluster.state";
    friend bool operator==(const shared_state&, const shared_state&) = default;
};

inline std::string partition_name(std::size_t partition) {
    return (partition < 10 ? "partition-0" : "partition-") + std::to_string(partition);
}

// Values of counters that 64 bits surely hold here: bytes and words of files.
inline std::uint64_t value_of(const crdt::g_counter& counter) {
    return static_cast<std::uint64_t>(counter.value());
}

} // namespace cluster
