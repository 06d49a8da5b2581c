// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

#include <crdt/causal_counter.hpp>
#include <crdt/entries.hpp>

#include "every_order.hpp"

namespace causal_counter_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using counter = crdt::causal_counter;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("increments add up, decrements go below zero") {
    counter x, y;
    x.increment(a, 5);
    y.decrement(b, 7);
    y.increment(b);
    CHECK(in_every_order<counter>({x, y}).value() == -1);
    CHECK(crdt::to_string(crdt::join(x, y).value()) == "-1");
}

TEST_CASE("a reset takes away what it saw and mints no dot") {
    counter x;
    x.increment(a, 100);
    counter y = x;
    x.increment(a, 7);
    const counter delta = y.reset(b);
    CHECK(y.value() == 0);
    CHECK(y.context() == delta.context());
    CHECK(in_every_order<counter>({x, y}).value() == 7);
    CHECK(y.reset(b) == counter{});
}

TEST_CASE("an amount of nothing is bottom") {
    counter x;
    CHECK(x.increment(a, 0) == counter{});
    CHECK(x.decrement(a, 0) == counter{});
    CHECK(x == counter{});
}

TEST_CASE("amounts below zero or without a slot are refused and change nothing") {
    counter x;
    x.increment(a, 3);
    const counter before = x;
    CHECK_THROWS_AS(x.increment(a, -1), crdt::negative_amount);
    CHECK_THROWS_AS(x.decrement(a, -1), crdt::negative_amount);
    CHECK_THROWS_AS(x.increment(a, crdt::max_count + 1), crdt::counter_exhausted);
    CHECK_THROWS_AS(x.decrement(a, std::numeric_limits<std::uint64_t>::max()),
                    crdt::counter_exhausted);
    CHECK(x == before);
}

TEST_CASE("sums beyond 64 bits are exact") {
    counter x;
    for (int i = 0; i < 4; ++i) x.decrement(a, crdt::max_count);
    CHECK(x.value() == -4 * crdt::int128{crdt::max_count});
    CHECK(wire::decode<counter>(wire::encode(x)) == x);
}

TEST_CASE("compacting folds the own dots and leaves the value") {
    counter x, y;
    for (int i = 0; i < 1000; ++i) x.increment(a, 2);
    x.decrement(a, 500);
    y.increment(b, 4);
    x.merge(y);
    const auto long_form = wire::encode(x).size();
    const counter before = x;
    const counter delta = x.compact(a);
    CHECK(x.value() == 1504);
    CHECK(wire::encode(x).size() < long_form / 10);
    CHECK(crdt::join(before, delta) == x);
    CHECK(x.compact(a) == counter{});
    CHECK(x.compact(b) == counter{});
}

TEST_CASE("dots that sum to nothing are folded away") {
    counter x;
    x.increment(a, 3);
    x.decrement(a, 3);
    x.compact(a);
    CHECK(x.value() == 0);
    std::size_t entries = 0;
    crdt::for_each_entry(x, [&](crdt::entry_id, const wire::digest&) { ++entries; });
    CHECK(entries == 0);
}

TEST_CASE("a sum without a slot is not folded") {
    counter x;
    x.increment(a, crdt::max_count);
    x.increment(a, 1);
    const counter before = x;
    CHECK_THROWS_AS(x.compact(a), crdt::counter_exhausted);
    CHECK(x == before);
}

TEST_CASE("a concurrent reset misses the folded part") {
    counter x;
    x.increment(a, 60);
    x.increment(a, 40);
    counter y = x;
    x.compact(a);
    y.reset(b);
    CHECK(in_every_order<counter>({x, y}).value() == 100);
}

TEST_CASE("an encoded amount of zero is refused") {
    counter x;
    x.increment(a, 1);
    auto bytes = wire::encode_nested(x);
    CHECK(bytes.back() == std::byte{2});
    bytes.back() = std::byte{0};
    counter read;
    CHECK(!wire::decode_nested(bytes, read));
}

} // namespace causal_counter_test
