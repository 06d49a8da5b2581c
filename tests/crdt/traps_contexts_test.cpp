// SPDX-License-Identifier: Apache-2.0
// What other libraries get wrong about clocks and causal contexts, by number of the trap.
#include <compare>
#include <concepts>

#include <doctest/doctest.h>

#include <crdt/causal_context.hpp>
#include <crdt/lattice.hpp>
#include <crdt/version_vector.hpp>

#include "every_order.hpp"

namespace traps_contexts_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

const crdt::replica_id a{1}, b{2};

crdt::causal_context with(std::initializer_list<crdt::dot> dots) {
    crdt::causal_context context;
    for (const auto& d : dots) context.add(d);
    return context;
}

} // namespace

TEST_CASE("trap 21: a gap stays a gap until its dot comes") {
    auto context = with({{a, 1}, {a, 2}, {a, 4}, {b, 7}});
    CHECK(!context.contains({a, 3}));
    CHECK(!context.contains({b, 6}));
    CHECK(context.intervals().size() == 3);
    CHECK(context.add(crdt::dot{a, 3}));
    CHECK(context.intervals().size() == 2);
    for (const std::uint64_t n : {1U, 2U, 3U, 4U}) CHECK(context.contains({a, n}));
    CHECK(!context.contains({a, 5}));
    CHECK(context.contains({b, 7}));
    CHECK(!context.contains({b, 1}));
}

TEST_CASE("trap 21: dots in any order make the same context") {
    const auto whole = in_every_order<crdt::causal_context>(
        {with({{a, 1}, {a, 2}}), with({{a, 4}}), with({{a, 3}}), with({{b, 2}, {b, 9}})});
    CHECK(whole == with({{b, 9}, {a, 4}, {a, 3}, {a, 2}, {a, 1}, {b, 2}}));
}

TEST_CASE("trap 21: joining a copy loses nothing") {
    auto context = with({{a, 1}, {a, 2}, {a, 4}});
    const auto copy = context;
    CHECK(!context.merge(copy));
    context.add(crdt::dot{a, 3});
    CHECK(context.contains({a, 1}));
}

TEST_CASE("trap 39: an empty clock and one that counts nothing are one value") {
    crdt::version_vector v;
    CHECK(v.get(a) == 0);
    CHECK(v == crdt::version_vector{});
    wire::writer w;
    w.varint(1);
    w.fixed64(a.value);
    w.varint(0);
    CHECK(!wire::decode_nested(w.bytes(), v));
}

TEST_CASE("trap 39: clocks of different replicas are concurrent, and there is no total order") {
    crdt::version_vector x, y;
    x.increment(a);
    y.increment(b);
    CHECK((crdt::compare(x, y) == std::partial_ordering::unordered));
    CHECK((crdt::compare(y, x) == std::partial_ordering::unordered));
    CHECK((crdt::compare(x, crdt::join(x, y)) == std::partial_ordering::less));
    static_assert(!std::totally_ordered<crdt::version_vector>);
    static_assert(!std::totally_ordered<crdt::causal_context>);
}

} // namespace traps_contexts_test
