// SPDX-License-Identifier: Apache-2.0
// A restart that reuses dots: the trap that loses data in every library without a rule (37).
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/or_set.hpp>
#include <crdt/replica_id.hpp>

#include "every_order.hpp"

namespace traps_identity_test {

namespace crdt = joinery::crdt;

namespace {

using set = crdt::or_set<std::string>;

const crdt::replica_id a{1};

} // namespace

TEST_CASE("trap 37: a dot spent twice is told on both sides, and all agree on one payload") {
    set x, y;
    x.add(a, "x");
    y.add(a, "y");
    for (const bool forward : {true, false}) {
        set s = forward ? x : y;
        crdt::report found;
        crdt::merge(s, forward ? y : x, found);
        CHECK(found.double_spent == std::vector<crdt::dot>{{a, 1}});
        CHECK(s.elements() == std::vector<std::string>{"y"});
    }
    in_every_order<set>({x, y});
}

TEST_CASE("trap 37: correct replicas are never told of a dot spent twice") {
    set x;
    x.add(a, "x");
    set y = x;
    y.add(crdt::replica_id{2}, "x");
    crdt::report found;
    crdt::merge(x, y, found);
    crdt::merge(y, x, found);
    CHECK(found.empty());
}

TEST_CASE("trap 37: a restart from an older checkpoint under the next incarnation loses nothing") {
    const auto first = crdt::replica_id::of("worker", 1);
    set state;
    state.add(first, "kept");
    const set checkpoint = state;
    const set peer_saw = state.add(first, "after the checkpoint");
    set restored = checkpoint;
    const crdt::lease found{1, false, 2};
    const auto second = crdt::replica_id::of("worker", crdt::next_incarnation(found, 1, 99));
    CHECK(second != first);
    restored.add(second, "after the restart");
    const auto all = in_every_order<set>({checkpoint, peer_saw, restored});
    CHECK(all.size() == 3);
}

TEST_CASE("trap 37: an incarnation is kept only after a clean stop with a state as new") {
    CHECK(crdt::next_incarnation(crdt::lease{7, true, 5}, 5, 99) == 7);
    CHECK(crdt::next_incarnation(crdt::lease{7, true, 5}, 6, 99) == 7);
    CHECK(crdt::next_incarnation(crdt::lease{7, true, 5}, 4, 99) == 8);
    CHECK(crdt::next_incarnation(crdt::lease{7, false, 5}, 5, 99) == 8);
    CHECK(crdt::next_incarnation(std::nullopt, 5, 99) == 99);
}

} // namespace traps_identity_test
