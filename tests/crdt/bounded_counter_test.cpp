// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include <doctest/doctest.h>

#include <crdt/bounded_counter.hpp>
#include <crdt/lattice.hpp>

namespace bounded_counter_test {

namespace crdt = joinery::crdt;
using crdt::bounded_counter;

namespace {

const crdt::replica_id a{1}, b{2}, c{3};

bounded_counter with_rights(crdt::replica_id who, std::uint64_t amount) {
    bounded_counter n;
    n.increment(who, amount);
    return n;
}

} // namespace

TEST_CASE("a new counter is at zero and nobody has rights") {
    CHECK(bounded_counter{}.value() == 0);
    CHECK(bounded_counter{}.rights(a) == 0);
}

TEST_CASE("an increment gives rights to its replica alone") {
    const auto n = with_rights(a, 10);
    CHECK(n.value() == 10);
    CHECK(n.rights(a) == 10);
    CHECK(n.rights(b) == 0);
}

TEST_CASE("a decrement without rights is refused and changes nothing") {
    auto n = with_rights(a, 10);
    const auto before = n;
    CHECK_THROWS_AS(n.decrement(b, 1, n), crdt::insufficient_rights);
    CHECK_THROWS_AS(n.decrement(a, 11, n), crdt::insufficient_rights);
    CHECK_THROWS_AS(n.decrement(a, ~std::uint64_t{0}, n), crdt::insufficient_rights);
    CHECK_THROWS_AS(n.transfer(a, b, 11, n), crdt::insufficient_rights);
    CHECK(n == before);
}

TEST_CASE("negative amounts are refused and change nothing") {
    auto n = with_rights(a, 10);
    const auto before = n;
    CHECK_THROWS_AS(n.increment(a, -1), crdt::negative_amount);
    CHECK_THROWS_AS(n.decrement(a, -1, n), crdt::negative_amount);
    CHECK_THROWS_AS(n.transfer(a, b, -1, n), crdt::negative_amount);
    CHECK(n == before);
}

TEST_CASE("nothing added, taken or given is a bottom delta") {
    auto n = with_rights(a, 10);
    CHECK(n.increment(b, 0) == bounded_counter{});
    CHECK(n.decrement(b, 0, n) == bounded_counter{});
    CHECK(n.transfer(b, a, 0, n) == bounded_counter{});
    CHECK(n.transfer(a, a, 5, n) == bounded_counter{});
    CHECK(n.hand_on(b, c, n) == bounded_counter{});
    CHECK(n == with_rights(a, 10));
}

TEST_CASE("rights that were given can be spent by who got them, and by nobody else") {
    auto n = with_rights(a, 10);
    n.transfer(a, b, 4, n);
    CHECK(n.value() == 10);
    CHECK(n.rights(a) == 6);
    CHECK(n.rights(b) == 4);
    n.decrement(b, 3, n);
    CHECK(n.value() == 7);
    CHECK_THROWS_AS(n.decrement(b, 2, n), crdt::insufficient_rights);
    n.transfer(b, c, 1, n);
    n.decrement(c, 1, n);
    CHECK(n.value() == 6);
}

TEST_CASE("only rights that are durable are spent") {
    auto n = with_rights(a, 3);
    const auto durable = n;
    n.increment(a, 7);
    CHECK(n.rights(a) == 10);
    CHECK(n.rights(a, durable) == 3);
    CHECK_THROWS_AS(n.decrement(a, 4, durable), crdt::insufficient_rights);
    n.decrement(a, 2, durable);
    CHECK_THROWS_AS(n.decrement(a, 2, durable), crdt::insufficient_rights);
    CHECK_THROWS_AS(n.transfer(a, b, 2, durable), crdt::insufficient_rights);
    n.decrement(a, 8, n);
    CHECK(n.value() == 0);
}

TEST_CASE("what a durable state shows and this one does not cannot be spent") {
    const auto durable = with_rights(a, 10);
    bounded_counter n;
    CHECK_THROWS_AS(n.decrement(a, 1, durable), crdt::insufficient_rights);
}

TEST_CASE("the value stays at the bound while the rights that paid are under way") {
    auto n = with_rights(a, 5);
    const auto increments = n;
    const auto given = n.transfer(a, b, 5, n);
    const auto taken = n.decrement(b, 5, n);
    bounded_counter reader;
    reader.merge(taken);
    CHECK(reader.value() == 0);
    CHECK(reader.rights(b) == 0);
    reader.merge(given);
    reader.merge(increments);
    CHECK(reader == n);
    CHECK(reader.value() == 0);
}

TEST_CASE("the delta of a decrement or a transfer shows the own increments that paid for it") {
    auto n = with_rights(a, 5);
    bounded_counter reader, other;
    reader.merge(n.decrement(a, 2, n));
    CHECK(reader.value() == 3);
    other.merge(n.transfer(a, b, 1, n));
    CHECK(other.value() == 3);
    CHECK(other.rights(a) == 2);
    CHECK(other.rights(b) == 1);
}

TEST_CASE("an incarnation that stops cleanly hands its rights on") {
    const crdt::replica_id next = crdt::replica_id::of("a", 2);
    auto n = with_rights(a, 10);
    n.decrement(a, 3, n);
    n.hand_on(a, next, n);
    CHECK(n.rights(a) == 0);
    CHECK(n.rights(next) == 7);
    n.decrement(next, 7, n);
    CHECK(n.value() == 0);
    CHECK(n.hand_on(next, next, n) == bounded_counter{});
}

TEST_CASE("only durable rights are handed on") {
    auto n = with_rights(a, 3);
    const auto durable = n;
    n.increment(a, 7);
    n.hand_on(a, b, durable);
    CHECK(n.rights(a) == 7);
    CHECK(n.rights(b) == 3);
}

TEST_CASE("the rights of a dead incarnation stay locked until they are reclaimed") {
    const crdt::replica_id next = crdt::replica_id::of("a", 2);
    auto old_disk = with_rights(a, 10);
    bounded_counter n = old_disk;
    const auto late = old_disk.decrement(a, 4, old_disk);
    CHECK_THROWS_AS(n.decrement(next, 1, n), crdt::insufficient_rights);
    n.reclaim(next, a, old_disk);
    CHECK(n.rights(a) == 0);
    CHECK(n.rights(next) == 6);
    CHECK(!n.merge(late));
    n.decrement(next, 6, n);
    CHECK(n.value() == 0);
}

TEST_CASE("reclaiming again takes only what came since") {
    auto n = with_rights(a, 10);
    n.increment(b, 5);
    n.reclaim(c, a, n);
    CHECK(n.reclaim(c, a, n) == bounded_counter{});
    n.transfer(b, a, 5, n);
    CHECK(n.rights(a) == 5);
    n.reclaim(c, a, n);
    CHECK(n.rights(c) == 15);
    CHECK(n.rights(a) == 0);
    CHECK(n.reclaim(c, c, n) == bounded_counter{});
}

TEST_CASE("reclaimed rights too are spent only when they are durable") {
    auto n = with_rights(a, 10);
    const auto durable = n;
    n.reclaim(b, a, n);
    CHECK_THROWS_AS(n.decrement(b, 1, durable), crdt::insufficient_rights);
    n.decrement(b, 1, n);
    CHECK(n.value() == 9);
}

TEST_CASE("a full cell refuses more and changes nothing") {
    auto n = with_rights(a, crdt::max_count);
    n.increment(b, 5);
    n.transfer(b, a, 5, n);
    const auto before = n;
    CHECK_THROWS_AS(n.increment(a, 1), crdt::counter_exhausted);
    CHECK_THROWS_AS(n.hand_on(a, c, n), crdt::counter_exhausted);
    CHECK_THROWS_AS(n.reclaim(c, a, n), crdt::counter_exhausted);
    CHECK(n == before);
    CHECK(crdt::to_string(n.value()) == "9223372036854775812");
}

TEST_CASE("cells out of order, twice, empty or too full are refused") {
    using joinery::wire::decode_nested;
    const auto bytes = [](crdt::replica_id second, std::uint64_t up) {
        joinery::wire::writer w;
        w.varint(2);
        for (const auto writer : {b, second}) {
            writer.write(w);
            b.write(w);
        }
        w.varint(1);
        w.varint(0);
        w.varint(up);
        w.varint(0);
        return w.take();
    };
    bounded_counter n;
    CHECK(decode_nested(bytes(c, crdt::max_count), n));
    CHECK(n.value() == 1);
    CHECK(!decode_nested(bytes(c, crdt::max_count + 1), n));
    CHECK(!decode_nested(bytes(c, 0), n));
    CHECK(!decode_nested(bytes(b, 5), n));
    CHECK(!decode_nested(bytes(a, 5), n));
    CHECK(n.value() == 1);
}

} // namespace bounded_counter_test
