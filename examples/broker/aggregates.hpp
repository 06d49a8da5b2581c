// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/state.hpp"

#include <crdt/struct.hpp>
#include <gossip/engine.hpp>
#include <stream/checkpoint.hpp>
#include <stream/partitioned.hpp>

#include <chrono>
#include <string_view>

namespace broker {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
namespace stream = joinery::stream;
namespace wire = joinery::wire;

using cluster::counts;
using cluster::partition_name;

// What the workers gossip: the counts of all partitions and the checkpoints of them all.
struct aggregates {
    BOOST_HANA_DEFINE_STRUCT(aggregates, (stream::partitioned<counts>, counted),
                             (stream::checkpoint, checkpoints));
    static constexpr std::string_view schema_name = "broker.aggregates";
    friend bool operator==(const aggregates&, const aggregates&) = default;
};

using engine = gossip::engine<aggregates>;

inline gossip::time_point engine_time(std::chrono::steady_clock::time_point now) {
    return gossip::time_point(std::chrono::duration_cast<gossip::duration>(now.time_since_epoch()));
}

} // namespace broker
