// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/rw_set.hpp>

#include "every_order.hpp"

namespace rw_set_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using set = crdt::rw_set<std::string>;
using strings = std::vector<std::string>;

const crdt::replica_id a{1}, b{2}, c{3};

} // namespace

TEST_CASE("elements come in order, each once") {
    set s;
    CHECK(s.empty());
    s.add(b, "y");
    s.add(a, "x");
    s.add(a, "y");
    CHECK(s.elements() == strings{"x", "y"});
    CHECK(s.size() == 2);
}

TEST_CASE("a remove wins over a concurrent add, an add over a remove it saw") {
    set x;
    x.add(a, "v");
    set y = x;
    x.add(a, "v");
    y.remove(b, "v");
    set both = in_every_order<set>({x, y});
    CHECK(!both.contains("v"));
    CHECK(both.size() == 0);
    both.add(c, "v");
    CHECK(both.elements() == strings{"v"});
}

TEST_CASE("a remove is about its element alone") {
    set x;
    x.add(a, "v");
    x.add(a, "w");
    x.remove(a, "v");
    CHECK(x.elements() == strings{"w"});
}

TEST_CASE("an add that replaced an add still loses to a remove of neither") {
    set x, y;
    const set first = x.add(a, "v");
    y.remove(b, "v");
    set z = first;
    z.add(c, "v");
    CHECK(!in_every_order<set>({x, y, z}).contains("v"));
}

TEST_CASE("repeated removes keep one event an element") {
    set s;
    for (int i = 0; i < 1000; ++i) s.remove(a, "v");
    CHECK(wire::encode(s).size() < 64);
    CHECK(s.context().last(a) == 1000);
}

TEST_CASE("an element is one entry, also while it is removed") {
    set s;
    s.add(a, "v");
    s.remove(a, "v");
    std::size_t entries = 0;
    crdt::for_each_entry(s, [&](crdt::entry_id, const wire::digest&) { ++entries; });
    CHECK(entries == 1);
}

TEST_CASE("one element's name is on the wire once, however many events it has") {
    const std::string name(1000, 'x');
    set all;
    for (std::uint64_t i = 1; i <= 50; ++i) {
        set one;
        one.add(crdt::replica_id{i}, name);
        all.merge(one);
    }
    CHECK(wire::encode(all).size() < 4000);
    CHECK(wire::decode<set>(wire::encode(all)) == all);
}

} // namespace rw_set_test
