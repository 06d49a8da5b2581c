// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/g_set.hpp>

namespace g_set_test {

namespace crdt = joinery::crdt;

namespace {

using set = crdt::g_set<std::string>;

const crdt::replica_id a{1};

} // namespace

TEST_CASE("a new set is empty") {
    CHECK(set{}.size() == 0);
    CHECK(!set{}.contains("x"));
}

TEST_CASE("an element stays once it was added") {
    set s;
    s.add(a, "x");
    CHECK(s.contains("x"));
    CHECK(s.elements() == std::set<std::string>{"x"});
}

TEST_CASE("adding what is there is a bottom delta") {
    set s;
    s.add(a, "x");
    CHECK(s.add(a, "x") == set{});
    CHECK(s.size() == 1);
}

TEST_CASE("the join has the elements of both") {
    set x, y;
    x.add(a, "x");
    y.add(a, "y");
    CHECK(crdt::join(x, y).elements() == std::set<std::string>{"x", "y"});
}

TEST_CASE("the difference is what the other lacks") {
    set x, y;
    x.add(a, "x");
    x.add(a, "y");
    y.add(a, "y");
    CHECK(crdt::difference(x, y).elements() == std::set<std::string>{"x"});
    CHECK(crdt::difference(y, x) == set{});
}

TEST_CASE("a large set is split into parts within the limit") {
    set s;
    for (int i = 0; i < 500; ++i) s.add(a, "element-" + std::to_string(i));
    set joined;
    std::size_t parts = 0;
    crdt::split(s, 200, [&](const set& part) {
        CHECK(joinery::wire::encoded_size(part) <= 200);
        joined.merge(part);
        ++parts;
    });
    CHECK(joined == s);
    CHECK(parts < 100);
}

TEST_CASE("an entry's id is the element's on every replica") {
    set x, y;
    x.add(a, "x");
    y.add(crdt::replica_id{9}, "x");
    crdt::entry_id id_of_x = 0, id_of_y = 1;
    crdt::for_each_entry(x, [&](crdt::entry_id id, const auto&) { id_of_x = id; });
    crdt::for_each_entry(y, [&](crdt::entry_id id, const auto&) { id_of_y = id; });
    CHECK(id_of_x == id_of_y);
}

} // namespace g_set_test
