// SPDX-License-Identifier: Apache-2.0
// What other libraries get wrong about last-writer-wins and hybrid time, by number of the trap.
#include <string>

#include <doctest/doctest.h>

#include <crdt/hybrid_clock.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/max_register.hpp>

#include "every_order.hpp"

namespace traps_registers_test {

namespace crdt = joinery::crdt;

namespace {

using text_register = crdt::lww_register<std::string>;

const crdt::replica_id a{1}, b{2};

text_register written(crdt::replica_id by, crdt::stamp_t stamp, const std::string& value) {
    text_register r;
    r.assign(by, stamp, value);
    return r;
}

} // namespace

TEST_CASE("trap 1: two replicas that write at one stamp agree on the greater replica's value") {
    const auto winner = in_every_order<text_register>(
        {written(a, 5, "z"), written(b, 5, "a"), written(a, 4, "zz")});
    REQUIRE(winner.value() != nullptr);
    CHECK(*winner.value() == "a");
    CHECK(winner.writer() == b);
}

TEST_CASE("trap 2: one replica with two values at one stamp still converges, and is told") {
    const auto x = written(a, 5, "x"), y = written(a, 5, "y");
    CHECK(*in_every_order<text_register>({x, y}).value() == "y");
    for (const bool forward : {true, false}) {
        text_register r = forward ? x : y;
        crdt::report found;
        crdt::merge(r, forward ? y : x, found);
        CHECK(found.conflicting_stamps == std::vector<crdt::stamp_t>{5});
    }
}

TEST_CASE("trap 3: a clock that lags behind the stored stamp still makes a write that wins") {
    text_register r = written(b, crdt::stamp_t{100} << 16U, "old");
    crdt::hybrid_clock clock;
    REQUIRE(clock.observe(r.stamp(), 90));
    r.assign(a, clock.tick(90), "new");
    CHECK(*r.value() == "new");
    CHECK(r.stamp() > crdt::stamp_t{100} << 16U);
    CHECK(crdt::hybrid_clock::milliseconds(r.stamp()) == 100);
}

TEST_CASE("trap 4: an explicit write below what is there changes nothing") {
    text_register r = written(a, 5, "y");
    const auto before = r;
    r.assign(a, 5, "x");
    CHECK(r == before);
    r.assign(b, 4, "z");
    CHECK(r == before);
    CHECK(*in_every_order<text_register>({before, written(a, 5, "x")}).value() == "y");
}

TEST_CASE("trap 4: a lesser value offered to a max_register changes nothing") {
    crdt::max_register<int> r;
    r.assign(a, 5);
    const auto before = r;
    r.assign(b, 3);
    CHECK(r == before);
}

TEST_CASE("trap 5: a stamp too far ahead is refused and leaves the clock as it was") {
    crdt::hybrid_clock clock;
    clock.tick(1'000);
    const auto before = clock;
    CHECK(!clock.observe(crdt::stamp_t{62'000} << 16U, 1'000, 60'000));
    CHECK(clock == before);
    CHECK(clock.observe(crdt::stamp_t{61'000} << 16U, 1'000, 60'000));
}

TEST_CASE("trap 5: a very old stamp is always fine") {
    crdt::hybrid_clock clock;
    clock.tick(1'000'000);
    const auto before = clock;
    CHECK(clock.observe(1, 1'000'000, 0));
    CHECK(clock.observe(0, 1'000'000, 0));
    CHECK(clock == before);
}

} // namespace traps_registers_test
