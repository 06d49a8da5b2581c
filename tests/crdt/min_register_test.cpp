// SPDX-License-Identifier: Apache-2.0
#include <limits>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <crdt/lattice.hpp>
#include <crdt/min_register.hpp>

namespace min_register_test {

namespace crdt = joinery::crdt;

namespace {

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new register has no value") {
    CHECK(crdt::min_register<int>{}.value() == std::nullopt);
}

TEST_CASE("the least value stays") {
    crdt::min_register<int> r;
    r.assign(a, 5);
    r.assign(b, 3);
    r.assign(a, 7);
    CHECK(r.value() == 3);
}

TEST_CASE("no value gives way to the greatest value") {
    crdt::min_register<int> r, greatest;
    greatest.assign(a, std::numeric_limits<int>::max());
    CHECK(r.merge(greatest));
    CHECK(r.value() == std::numeric_limits<int>::max());
}

TEST_CASE("strings are compared as strings") {
    crdt::min_register<std::string> x, y;
    x.assign(a, "b");
    y.assign(b, "abc");
    CHECK(crdt::join(x, y).value() == "abc");
    CHECK(crdt::join(y, x).value() == "abc");
}

TEST_CASE("a losing value is still a delta for those who have seen nothing") {
    crdt::min_register<int> r, reader;
    r.assign(a, 5);
    reader.merge(r.assign(a, 7));
    CHECK(reader.value() == 7);
    CHECK(r.value() == 5);
}

} // namespace min_register_test
