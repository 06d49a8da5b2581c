// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/two_p_set.hpp>

namespace two_p_set_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using set = crdt::two_p_set<std::string>;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new set is empty") {
    CHECK(set{}.empty());
    CHECK(!set{}.contains("x"));
    CHECK(!set{}.removed("x"));
}

TEST_CASE("an element is there from its add to its remove") {
    set s;
    s.add(a, "x");
    s.add(a, "y");
    CHECK(s.contains("x"));
    CHECK(s.size() == 2);
    s.remove(b, "x");
    CHECK(!s.contains("x"));
    CHECK(s.removed("x"));
    CHECK(s.elements() == std::vector<std::string>{"y"});
    CHECK(s.size() == 1);
}

TEST_CASE("an add after the remove is a bottom delta") {
    set s;
    s.add(a, "x");
    s.remove(a, "x");
    const auto before = s;
    CHECK(s.add(b, "x") == set{});
    CHECK(s == before);
}

TEST_CASE("a second add and a second remove are bottom deltas") {
    set s;
    s.add(a, "x");
    CHECK(s.add(b, "x") == set{});
    s.remove(a, "x");
    CHECK(s.remove(b, "x") == set{});
}

TEST_CASE("a remove wins over every add, whatever the order of arrival") {
    set adder, remover;
    const auto added = adder.add(a, "x");
    remover.merge(added);
    const auto removed = remover.remove(b, "x");
    set late;
    late.merge(removed);
    CHECK(!late.merge(added));
    CHECK(!late.contains("x"));
    CHECK(late == crdt::join(adder, removed));
}

TEST_CASE("the size follows merges, differences, fragments and bytes") {
    set x, y;
    for (const auto* value : {"p", "q", "r"}) x.add(a, value);
    y.remove(b, "q");
    y.add(b, "s");
    const auto both = crdt::join(x, y);
    CHECK(both.size() == 3);
    CHECK(both.size() == both.elements().size());
    CHECK(crdt::difference(both, x).size() == 1);
    CHECK(wire::decode<set>(wire::encode(both)).size() == 3);
    crdt::split(both, 1, [](const set& part) { CHECK(part.size() == part.elements().size()); });
}

TEST_CASE("bytes with an unknown stage are refused") {
    crdt::two_p_set<std::uint64_t> s;
    s.add(a, 7);
    auto bytes = wire::encode(s);
    for (const int stage : {0, 3, 255}) {
        bytes.back() = static_cast<std::byte>(stage);
        CHECK_THROWS_AS(wire::decode<crdt::two_p_set<std::uint64_t>>(bytes), wire::decode_error);
    }
}

TEST_CASE("what was moved from is empty and counts anew") {
    set s, assigned;
    s.add(a, "a");
    const auto moved = std::move(s);
    CHECK(moved.size() == 1);
    CHECK(s.empty()); // NOLINT(bugprone-use-after-move)
    s.add(b, "b");
    CHECK(s.size() == 1);
    assigned = std::move(s);
    CHECK(s.empty());
    CHECK(assigned.size() == 1);
}

} // namespace two_p_set_test
