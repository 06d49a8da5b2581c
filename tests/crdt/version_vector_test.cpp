// SPDX-License-Identifier: Apache-2.0
#include <compare>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/lattice.hpp>
#include <crdt/version_vector.hpp>

namespace version_vector_test {

namespace crdt = joinery::crdt;

namespace {

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new vector has seen nothing") {
    CHECK(crdt::version_vector{}.get(a) == 0);
    CHECK(!crdt::version_vector{}.contains({a, 1}));
}

TEST_CASE("an increment records the next event") {
    crdt::version_vector v;
    v.increment(a);
    v.increment(a);
    CHECK(v.get(a) == 2);
    CHECK(v.contains({a, 1}));
    CHECK(v.contains({a, 2}));
    CHECK(!v.contains({a, 3}));
}

TEST_CASE("the join is the greater count of each replica") {
    crdt::version_vector x, y;
    x.increment(a);
    x.increment(a);
    y.increment(a);
    y.increment(b);
    const auto both = crdt::join(x, y);
    CHECK(both.get(a) == 2);
    CHECK(both.get(b) == 1);
}

TEST_CASE("what follows from an event comes after it") {
    crdt::version_vector cause;
    cause.increment(a);
    auto effect = cause;
    effect.increment(b);
    CHECK(crdt::leq(cause, effect));
    CHECK(!crdt::leq(effect, cause));
    CHECK((crdt::compare(effect, cause) == std::partial_ordering::greater));
}

TEST_CASE("replicas are visited in order") {
    crdt::version_vector v;
    v.increment(b);
    v.increment(a);
    std::vector<crdt::replica_id> order;
    v.for_each([&](crdt::replica_id id, std::uint64_t) { order.push_back(id); });
    CHECK((order == std::vector<crdt::replica_id>{a, b}));
}

} // namespace version_vector_test
