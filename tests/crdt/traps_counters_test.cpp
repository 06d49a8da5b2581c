// SPDX-License-Identifier: Apache-2.0
// What other libraries get wrong about counters, by number of the trap.
#include <doctest/doctest.h>

#include <crdt/g_counter.hpp>

#include "every_order.hpp"

namespace traps_counters_test {

namespace crdt = joinery::crdt;

namespace {

const crdt::replica_id a{1}, b{2}, c{3};

} // namespace

TEST_CASE("trap 6: a negative amount is refused and changes nothing") {
    crdt::g_counter n;
    n.increment(a, 5);
    const auto before = n;
    CHECK_THROWS_AS(n.increment(a, -3), crdt::negative_amount);
    CHECK(n == before);
}

TEST_CASE("trap 6: an increment by nothing is a bottom delta and makes no slot") {
    crdt::g_counter n;
    CHECK(n.increment(a, 0) == crdt::g_counter{});
    CHECK(n == crdt::g_counter{});
    CHECK(joinery::wire::encode(n) == joinery::wire::encode(crdt::g_counter{}));
}

TEST_CASE("trap 7: a full slot refuses one more and changes nothing") {
    crdt::g_counter n;
    n.increment(a, crdt::max_count);
    const auto before = n;
    CHECK_THROWS_AS(n.increment(a, 1), crdt::counter_exhausted);
    CHECK(n == before);
    n.increment(b, 1);
    CHECK(n.slot(b) == 1);
}

TEST_CASE("trap 7: an amount above the greatest slot is refused on an empty counter") {
    crdt::g_counter n;
    CHECK_THROWS_AS(n.increment(a, crdt::max_count + 1), crdt::counter_exhausted);
    CHECK_THROWS_AS(n.increment(a, ~std::uint64_t{0}), crdt::counter_exhausted);
    CHECK(n == crdt::g_counter{});
}

TEST_CASE("trap 7: sums above 2^32 and 2^63 are exact") {
    crdt::g_counter x, y, z;
    x.increment(a, std::uint64_t{1} << 32U);
    y.increment(b, crdt::max_count);
    z.increment(c, crdt::max_count);
    const auto all = in_every_order<crdt::g_counter>({x, y, z});
    CHECK(crdt::to_string(all.value()) == "18446744078004518910");
}

TEST_CASE("trap 22: merging with itself, a copy or nothing changes nothing") {
    crdt::g_counter n;
    n.increment(a, 5);
    const auto copy = n;
    CHECK(!n.merge(n));
    CHECK(!n.merge(copy));
    CHECK(!n.merge(crdt::g_counter{}));
    CHECK(n == copy);
}

} // namespace traps_counters_test
