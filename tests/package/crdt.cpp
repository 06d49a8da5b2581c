// SPDX-License-Identifier: Apache-2.0
#include <crdt/g_counter.hpp>
#include <crdt/replica_id.hpp>

namespace crdt = joinery::crdt;

int main() {
    crdt::g_counter left;
    crdt::g_counter right;
    right.merge(left.increment(crdt::replica_id::of("left", 1), 2));
    return right == left && right.value() == 2 ? 0 : 1;
}
