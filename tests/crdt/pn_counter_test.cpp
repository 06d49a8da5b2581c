// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>

#include <doctest/doctest.h>

#include <crdt/lattice.hpp>
#include <crdt/pn_counter.hpp>

namespace pn_counter_test {

namespace crdt = joinery::crdt;

namespace {

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new counter is at zero") {
    CHECK(crdt::to_string(crdt::pn_counter{}.value()) == "0");
    CHECK(crdt::pn_counter{}.added(a) == 0);
    CHECK(crdt::pn_counter{}.taken(a) == 0);
}

TEST_CASE("the value is what was added less what was taken away") {
    crdt::pn_counter n;
    n.increment(a, 10);
    n.decrement(a, 4);
    n.decrement(b);
    CHECK(crdt::to_string(n.value()) == "5");
    CHECK(n.added(a) == 10);
    CHECK(n.taken(a) == 4);
    CHECK(n.taken(b) == 1);
}

TEST_CASE("replicas that count at once all count") {
    crdt::pn_counter x;
    x.increment(a, 10);
    crdt::pn_counter y = x;
    x.increment(a, 1);
    y.decrement(b, 20);
    CHECK(crdt::to_string(crdt::join(x, y).value()) == "-9");
    CHECK(crdt::join(x, y) == crdt::join(y, x));
}

TEST_CASE("a delta holds the one sum that grew") {
    crdt::pn_counter n;
    for (std::uint64_t i = 0; i < 100; ++i) n.increment(crdt::replica_id{i}, 3);
    const auto delta = n.decrement(a, 5);
    CHECK(delta.added(a) == 0);
    CHECK(delta.taken(a) == 5);
    CHECK(joinery::wire::encoded_size(delta) == 11);
}

TEST_CASE("the difference holds only what the other lacks") {
    crdt::pn_counter x;
    x.increment(a, 5);
    crdt::pn_counter y = x;
    x.decrement(a, 2);
    CHECK(crdt::difference(x, y).added(a) == 0);
    CHECK(crdt::difference(x, y).taken(a) == 2);
    CHECK(crdt::difference(y, x) == crdt::pn_counter{});
}

TEST_CASE("an empty slot in bytes is refused") {
    crdt::pn_counter n;
    n.increment(a, 1);
    auto bytes = joinery::wire::encode(n);
    bytes[bytes.size() - 2] = std::byte{0};
    CHECK_THROWS_AS(joinery::wire::decode<crdt::pn_counter>(bytes), joinery::wire::decode_error);
}

TEST_CASE("signed sums have all their decimal digits") {
    constexpr auto least = static_cast<crdt::int128>(crdt::uint128{1} << 127U);
    CHECK(crdt::to_string(crdt::int128{0}) == "0");
    CHECK(crdt::to_string(crdt::int128{-1}) == "-1");
    CHECK(crdt::to_string(least) == "-170141183460469231731687303715884105728");
}

} // namespace pn_counter_test
