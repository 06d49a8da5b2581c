// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/lww_register.hpp>

namespace lww_register_test {

namespace crdt = joinery::crdt;

namespace {

using text_register = crdt::lww_register<std::string>;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new register has no value and no stamp") {
    const text_register r;
    CHECK(r.value() == nullptr);
    CHECK(r.stamp() == 0);
}

TEST_CASE("the write with the greater stamp stays, in either order") {
    text_register early, late;
    early.assign(b, 1, "early");
    late.assign(a, 2, "late");
    CHECK(*crdt::join(early, late).value() == "late");
    CHECK(*crdt::join(late, early).value() == "late");
}

TEST_CASE("stamp, writer and value are told together") {
    text_register r;
    r.assign(a, 7, "v");
    CHECK(*r.value() == "v");
    CHECK(r.stamp() == 7);
    CHECK(r.writer() == a);
    CHECK(crdt::max_stamp(r) == 7);
}

TEST_CASE("a write at stamp 0 is a write") {
    text_register r;
    r.assign(a, 0, "");
    REQUIRE(r.value() != nullptr);
    CHECK(r.value()->empty());
    CHECK(r != text_register{});
}

TEST_CASE("a losing write is still a delta for those who have seen nothing") {
    text_register r, reader;
    r.assign(a, 9, "new");
    reader.merge(r.assign(b, 3, "old"));
    CHECK(*reader.value() == "old");
    CHECK(*r.value() == "new");
}

TEST_CASE("the same write again is no growth and no conflict") {
    text_register r;
    const auto delta = r.assign(a, 5, "v");
    crdt::report found;
    CHECK(!crdt::merge(r, delta, found));
    CHECK(found.empty());
}

} // namespace lww_register_test
