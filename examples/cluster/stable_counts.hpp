// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "held_checkpoints.hpp"
#include "partition_run.hpp"
#include "state.hpp"

#include <string>
#include <utility>

namespace cluster {

// What the stable checkpoint says of one partition. Precondition: there is one.
inline partition_run::accumulator part_of(const held_checkpoints<shared_state>& held,
                                          const std::string& partition) {
    wire::error why;
    auto part = partition_run::accumulator::resume(held.bytes_of(partition), why);
    if (!part) throw failure("the stored bytes of " + partition + " do not decode");
    return std::move(*part);
}

// What it says of all partitions. Precondition: there is one.
inline shared_state stable_state(const held_checkpoints<shared_state>& held) {
    shared_state state;
    for (const stream::submission& each : held.stable()->submissions) {
        const auto part = part_of(held, each.member);
        state.counted.advance(each.member, part.state());
        state.progress.update(
            {}, each.member, [&](auto& most, auto self) { return most.assign(self, part.next()); });
    }
    return state;
}

} // namespace cluster
