// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/hyperloglog.hpp>
#include <crdt/max_register.hpp>
#include <crdt/struct.hpp>
#include <stream/checkpoint.hpp>
#include <stream/partitioned.hpp>
#include <stream/windowed.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace cluster {

namespace crdt = joinery::crdt;
namespace stream = joinery::stream;

using word_counts = crdt::g_map<std::string, crdt::g_counter>;
using progress_by_partition = crdt::g_map<std::string, crdt::max_register<std::uint64_t>>;

using word_sketch = crdt::hyperloglog<std::string, 12>;

// What is counted of one window of event time.
struct window_counts {
    BOOST_HANA_DEFINE_STRUCT(window_counts, (crdt::g_counter, words), (crdt::g_counter, lines));
    static constexpr std::string_view schema_name = "cluster.window_counts";
    friend bool operator==(const window_counts&, const window_counts&) = default;
};

// What is counted, of a partition or of them all. A line's event time is the number of lines of its
// partition before it.
struct counts {
    BOOST_HANA_DEFINE_STRUCT(counts, (word_counts, words), (crdt::g_counter, word_count),
                             (crdt::g_counter, lines), (crdt::g_counter, bytes),
                             (crdt::g_counter, unreadable_files), (word_sketch, distinct),
                             (stream::windowed<window_counts>, windows));
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

inline constexpr std::int64_t window_size = 1000;
inline constexpr std::int64_t end_of_time = std::numeric_limits<std::int64_t>::max();

// Values of counters that 64 bits surely hold here: bytes and words of files.
inline std::uint64_t value_of(const crdt::g_counter& counter) {
    return static_cast<std::uint64_t>(counter.value());
}

// The event time of the next line of a partition: no line before it comes any more.
inline std::int64_t event_time(const counts& of_partition) {
    return static_cast<std::int64_t>(value_of(of_partition.lines));
}

} // namespace cluster
