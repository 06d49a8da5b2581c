// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <crdt/causal_context.hpp>
#include <crdt/lattice.hpp>

namespace causal_context_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

const crdt::replica_id a{1}, b{2};

crdt::causal_context run(crdt::replica_id id, std::uint64_t first, std::uint64_t last) {
    crdt::causal_context context;
    context.add(crdt::causal_context::interval{id, first, last});
    return context;
}

} // namespace

TEST_CASE("the next dot follows the greatest one seen") {
    crdt::causal_context context;
    CHECK((context.next(a) == crdt::dot{a, 1}));
    context.add(crdt::dot{a, 5});
    CHECK((context.next(a) == crdt::dot{a, 6}));
    CHECK((context.next(b) == crdt::dot{b, 1}));
}

TEST_CASE("no dot follows the last one") {
    const auto context = run(a, crdt::max_count, crdt::max_count);
    CHECK_THROWS_AS(context.next(a), crdt::counter_exhausted);
}

TEST_CASE("a dot that is there is no growth") {
    auto context = run(a, 1, 5);
    CHECK(!context.add(crdt::dot{a, 3}));
    CHECK(context.add(crdt::dot{a, 6}));
    CHECK(context == run(a, 1, 6));
}

TEST_CASE("an interval swallows those it covers or touches") {
    auto context = crdt::join(crdt::join(run(a, 2, 3), run(a, 5, 6)), run(a, 9, 9));
    context.add(crdt::causal_context::interval{a, 4, 8});
    CHECK(context == run(a, 2, 9));
}

TEST_CASE("difference and intersection take a context apart") {
    const auto x = crdt::join(run(a, 1, 10), run(b, 1, 2)), y = run(a, 4, 6);
    CHECK(x.difference(y) == crdt::join(crdt::join(run(a, 1, 3), run(a, 7, 10)), run(b, 1, 2)));
    CHECK(x.intersection(y) == y);
    CHECK(crdt::join(x.difference(y), x.intersection(y)) == x);
    CHECK(y.difference(x).empty());
}

TEST_CASE("the order is inclusion") {
    CHECK(crdt::leq(run(a, 2, 3), run(a, 1, 4)));
    CHECK(!crdt::leq(run(a, 1, 4), run(a, 2, 3)));
    CHECK(!crdt::leq(run(a, 1, 2), crdt::join(run(a, 1, 1), run(a, 3, 9))));
}

TEST_CASE("the size of a hostile context saturates") {
    crdt::causal_context context;
    for (std::uint64_t id = 1; id <= 4; ++id)
        context.merge(run(crdt::replica_id{id}, 1, crdt::max_count));
    CHECK(context.size() == ~std::uint64_t{0});
}

TEST_CASE("intervals that touch, or pass the last dot, are refused") {
    crdt::causal_context context;
    const auto bytes = [](std::uint64_t skip, std::uint64_t length) {
        wire::writer w;
        w.varint(1);
        w.fixed64(1);
        w.varint(1);
        w.varint(skip);
        w.varint(length);
        return w.take();
    };
    CHECK(wire::decode_nested(bytes(0, crdt::max_count - 1), context));
    CHECK(context == run(a, 1, crdt::max_count));
    CHECK(!wire::decode_nested(bytes(0, crdt::max_count), context));
    CHECK(!wire::decode_nested(bytes(crdt::max_count, 0), context));
    CHECK(!wire::decode_nested(bytes(~std::uint64_t{0}, ~std::uint64_t{0}), context));
    CHECK(context == run(a, 1, crdt::max_count));
}

} // namespace causal_context_test
