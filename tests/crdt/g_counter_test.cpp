// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <crdt/g_counter.hpp>
#include <crdt/lattice.hpp>

namespace g_counter_test {

namespace crdt = joinery::crdt;

namespace {

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new counter counts nothing") {
    CHECK(crdt::to_string(crdt::g_counter{}.value()) == "0");
    CHECK(crdt::g_counter{}.slot(a) == 0);
}

TEST_CASE("an increment without an amount counts one") {
    crdt::g_counter n;
    n.increment(a);
    n.increment(a);
    CHECK(n.slot(a) == 2);
}

TEST_CASE("the value is the sum over replicas") {
    crdt::g_counter n;
    n.increment(a, 3);
    n.increment(b, 4);
    CHECK(crdt::to_string(n.value()) == "7");
    CHECK(n.slot(a) == 3);
    CHECK(n.slot(b) == 4);
}

TEST_CASE("replicas that count at once both count") {
    crdt::g_counter x;
    x.increment(a, 10);
    crdt::g_counter y = x;
    x.increment(a, 1);
    y.increment(b, 2);
    CHECK(crdt::to_string(crdt::join(x, y).value()) == "13");
}

TEST_CASE("a delta is one slot, whatever the counter holds") {
    crdt::g_counter n;
    for (std::uint64_t i = 0; i < 100; ++i) n.increment(crdt::replica_id{i});
    const auto delta = n.increment(a, 5);
    CHECK(delta.slot(a) == 6);
    CHECK(delta.slot(b) == 0);
}

TEST_CASE("the latest delta of a replica stands for the earlier ones") {
    crdt::g_counter author, reader;
    author.increment(a, 3);
    reader.merge(author.increment(a, 4));
    CHECK(reader == author);
}

TEST_CASE("a sum has all its decimal digits") {
    CHECK(crdt::to_string(crdt::uint128{0}) == "0");
    CHECK(crdt::to_string(~crdt::uint128{0}) == "340282366920938463463374607431768211455");
}

} // namespace g_counter_test
