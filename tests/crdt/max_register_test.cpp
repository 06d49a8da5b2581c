// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <crdt/lattice.hpp>
#include <crdt/max_register.hpp>

namespace max_register_test {

namespace crdt = joinery::crdt;

namespace {

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new register has no value") {
    CHECK(crdt::max_register<int>{}.value() == std::nullopt);
}

TEST_CASE("the greatest value stays") {
    crdt::max_register<int> r;
    r.assign(a, 3);
    r.assign(b, 7);
    r.assign(a, 5);
    CHECK(r.value() == 7);
}

TEST_CASE("no value is below the least value") {
    crdt::max_register<int> r;
    CHECK(r.merge([] {
        crdt::max_register<int> least;
        least.assign(a, std::numeric_limits<int>::min());
        return least;
    }()));
    CHECK(r.value() == std::numeric_limits<int>::min());
}

TEST_CASE("strings are compared as strings") {
    crdt::max_register<std::string> x, y;
    x.assign(a, "b");
    y.assign(b, "abc");
    CHECK(crdt::join(x, y).value() == "b");
    CHECK(crdt::join(y, x).value() == "b");
}

TEST_CASE("a losing value is still a delta for those who have seen nothing") {
    crdt::max_register<int> r, reader;
    r.assign(a, 7);
    reader.merge(r.assign(a, 5));
    CHECK(reader.value() == 5);
    CHECK(r.value() == 7);
}

} // namespace max_register_test
