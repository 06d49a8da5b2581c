// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/or_set.hpp>

namespace or_set_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using set = crdt::or_set<std::string>;
using strings = std::vector<std::string>;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new set is empty") {
    CHECK(set{}.empty());
    CHECK(set{}.elements().empty());
    CHECK(set{}.context().empty());
}

TEST_CASE("elements come in order, each once") {
    set s;
    s.add(b, "y");
    s.add(a, "x");
    s.add(a, "y");
    CHECK(s.elements() == strings{"x", "y"});
    CHECK(s.size() == 2);
}

TEST_CASE("a removed element is gone and leaves no tombstone but its dot") {
    set s;
    s.add(a, "a rather long element that would be costly to keep");
    s.remove(b, "a rather long element that would be costly to keep");
    CHECK(s.empty());
    CHECK(wire::encode(s).size() < 32);
}

TEST_CASE("adding a present element mints a dot and cancels the observed ones") {
    set s;
    s.add(a, "x");
    s.add(b, "x");
    CHECK(s.dots_of("x") == std::vector<crdt::dot>{{b, 1}});
    CHECK(s.context().contains({a, 1}));
}

TEST_CASE("concurrent adds of one element are one element with two dots") {
    set x, y;
    x.add(a, "v");
    y.add(b, "v");
    const set both = crdt::join(x, y);
    CHECK(both.size() == 1);
    CHECK(both.dots_of("v").size() == 2);
}

TEST_CASE("a remove takes away all dots it saw") {
    set x, y;
    x.add(a, "v");
    y.add(b, "v");
    x.merge(y);
    const set remove = x.remove(a, "v");
    CHECK(!x.contains("v"));
    CHECK(!crdt::join(y, remove).contains("v"));
}

TEST_CASE("clear takes away everything seen and nothing else") {
    set x;
    x.add(a, "one");
    x.add(a, "two");
    set y = x;
    x.clear(a);
    y.add(b, "three");
    CHECK(crdt::join(x, y).elements() == strings{"three"});
}

TEST_CASE("only a delta that takes something away removes") {
    set s;
    CHECK(!crdt::removes(s.add(a, "x")));
    CHECK(crdt::removes(s.add(a, "x")));
    CHECK(crdt::removes(s.remove(a, "x")));
    CHECK(!crdt::removes(s.remove(a, "x")));
}

TEST_CASE("the delta since a context is what its holder lacks") {
    set author;
    author.add(a, "x");
    set reader = author;
    author.add(a, "y");
    const set delta = author.delta_since(reader.context());
    CHECK(delta.elements() == strings{"y"});
    reader.merge(delta);
    CHECK(reader == author);
}

TEST_CASE("a dense set and a sparse one come back from their bytes") {
    for (const int kept_of : {1, 2, 40}) {
        crdt::or_set<std::uint64_t> s;
        for (std::uint64_t i = 0; i < 2000; ++i) s.add(a, i);
        for (std::uint64_t i = 0; i < 2000; ++i)
            if (i % static_cast<std::uint64_t>(kept_of) != 0) s.remove(a, i);
        CHECK(wire::decode<crdt::or_set<std::uint64_t>>(wire::encode(s)) == s);
    }
}

TEST_CASE("an entry that loses one of two dots changes, and the change is told before the merge") {
    set x, y;
    x.add(a, "v");
    const set first = x;
    y.add(b, "v");
    x.merge(y);
    set remover = first;
    const set remove = remover.remove(a, "v");
    std::size_t told = 0;
    crdt::changes(x, remove, [&](crdt::entry_id, const auto& old, const auto& now) {
        ++told;
        CHECK(!old.zero());
        CHECK(!now.zero());
        CHECK(old != now);
    });
    CHECK(told == 1);
    x.merge(remove);
    CHECK(x.contains("v"));
}

TEST_CASE("what was moved from is bottom and can be used again") {
    for (int n = 0; n < 4; ++n) {
        set s;
        for (int i = 0; i < n; ++i) s.add(a, std::to_string(i));
        const set moved = std::move(s);
        CHECK(moved.size() == static_cast<std::size_t>(n));
        CHECK(s == set{}); // NOLINT(bugprone-use-after-move)
        CHECK(wire::encode(s) == wire::encode(set{}));
        s.add(b, "again");
        CHECK(s.elements() == strings{"again"});
        set assigned;
        assigned = std::move(s);
        CHECK(s == set{});
        CHECK(assigned.contains("again"));
    }
}

} // namespace or_set_test
