// SPDX-License-Identifier: Apache-2.0
// What other libraries get wrong about observed-remove sets, by number of the trap.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/or_set.hpp>

#include "every_order.hpp"

namespace traps_sets_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using set = crdt::or_set<std::string>;
using strings = std::vector<std::string>;

const crdt::replica_id a{1}, b{2};

set after(set s, const set& delta) {
    s.merge(delta);
    return s;
}

} // namespace

TEST_CASE("trap 12: an add that a remove has not seen survives it") {
    set at_a;
    at_a.add(a, "x");
    set at_b = at_a;
    at_a.add(a, "x");
    at_b.remove(b, "x");
    CHECK(in_every_order<set>({at_a, at_b}).elements() == strings{"x"});
}

TEST_CASE("trap 13: a remove and a new add beat a concurrent remove") {
    set at_a;
    at_a.add(a, "x");
    set at_b = at_a;
    at_a.remove(a, "x");
    at_a.add(a, "x");
    at_b.remove(b, "x");
    CHECK(in_every_order<set>({at_a, at_b}).contains("x"));
}

TEST_CASE("trap 14: an old copy of an add that both sides removed does not come back") {
    set at_a, at_b;
    at_a.add(a, "x");
    at_b.add(b, "x");
    const set at_c = at_a;
    at_a.remove(a, "x");
    at_a.merge(at_b);
    at_b.remove(b, "x");
    CHECK(in_every_order<set>({at_b, at_a, at_c}).elements().empty());
}

TEST_CASE("trap 15: a remove takes away one element and no other") {
    set at_a, at_b;
    at_a.add(a, "foo");
    at_a.add(a, "bar");
    at_b.add(b, "baz");
    const set at_c = crdt::join(at_a, at_b);
    at_a.remove(a, "bar");
    CHECK(in_every_order<set>({at_a, at_c}).elements() == strings{"baz", "foo"});
}

TEST_CASE("trap 16: removing what is absent is a bottom delta and leaves the context alone") {
    set s;
    s.add(a, "x");
    const set before = s;
    CHECK(s.remove(a, "y") == set{});
    CHECK(s == before);
}

TEST_CASE("trap 17: deltas out of order are both seen, and a gap is not taken for knowledge") {
    set author;
    const set d1 = author.add(a, "x"), d2 = author.add(a, "y");
    set reader;
    reader.merge(d2);
    CHECK(!reader.context().contains({a, 1}));
    CHECK(reader.context().contains({a, 2}));
    reader.merge(d1);
    CHECK(reader == author);
    CHECK(reader.context().intervals().size() == 1);
    in_every_order<set>({d1, d2});
}

TEST_CASE("trap 18: a remove that arrives before its add keeps the element away for ever") {
    set author;
    const set add = author.add(a, "x");
    const set remove = after(set{}, author.remove(b, "x"));
    const set end = in_every_order<set>({remove, add, remove});
    CHECK(end.elements().empty());
    CHECK(after(end, add) == end);
}

TEST_CASE("trap 19: a remove says nothing of what its sender happens to know besides") {
    set at_a, at_b;
    at_a.add(a, "x");
    const set add_z = at_b.add(b, "z");
    at_a.merge(add_z);
    set at_c;
    at_c.merge(at_a.remove(a, "x"));
    CHECK(!at_c.context().contains({b, 1}));
    at_c.merge(add_z);
    CHECK(at_c.elements() == strings{"z"});
}

TEST_CASE("trap 22: merging with itself, a copy or nothing changes nothing") {
    set s;
    s.add(a, "x");
    s.add(a, "y");
    s.remove(a, "x");
    const set copy = s;
    CHECK(!s.merge(s));
    CHECK(!s.merge(copy));
    CHECK(!s.merge(set{}));
    CHECK(s == copy);
}

TEST_CASE("trap 23: a copy is a value of its own") {
    set s;
    s.add(a, "x");
    const auto bytes = wire::encode(s);
    set copy = s;
    copy.add(a, "y");
    copy.remove(a, "x");
    CHECK(wire::encode(s) == bytes);
}

TEST_CASE("trap 24: a delta tells what its mutator did, and is small") {
    set s;
    for (int i = 0; i < 200; ++i) s.add(a, "element-" + std::to_string(i));
    const set before = s;
    const set add = s.add(a, "x");
    CHECK(crdt::join(before, add) == s);
    const set middle = s;
    const set remove = s.remove(b, "element-7");
    CHECK(crdt::join(middle, remove) == s);
    CHECK(wire::encode(add).size() < 64);
    CHECK(wire::encode(remove).size() < 64);
    CHECK(crdt::join(before, crdt::join(add, remove)) == s);
}

TEST_CASE("trap 25: a set falls into parts that join to it, none of them redundant") {
    set s;
    for (int i = 0; i < 20; ++i) s.add(i % 2 == 0 ? a : b, std::to_string(i % 12));
    s.remove(a, "3");
    std::vector<set> parts;
    crdt::split(s, 1, [&](set part) { parts.push_back(std::move(part)); });
    for (std::size_t left_out = 0; left_out < parts.size(); ++left_out) {
        set rest;
        for (std::size_t i = 0; i < parts.size(); ++i)
            if (i != left_out) rest.merge(parts[i]);
        CHECK(rest != s);
        rest.merge(parts[left_out]);
        CHECK(rest == s);
    }
}

TEST_CASE("trap 25: the difference to a peer brings the peer to the join") {
    set at_a, at_b;
    at_a.add(a, "x");
    at_a.add(a, "y");
    at_b.merge(at_a);
    at_a.remove(a, "x");
    at_b.add(b, "z");
    CHECK(crdt::join(at_b, crdt::difference(at_a, at_b)) == crdt::join(at_a, at_b));
    CHECK(crdt::difference(at_a, at_a) == set{});
}

TEST_CASE("trap 38: a remove ahead of its adds hides what it saw and nothing that came after") {
    set author;
    std::vector<set> deltas;
    for (int i = 0; i < 4; ++i) deltas.push_back(author.add(a, "x"));
    set remover = author;
    const set remove = remover.remove(b, "x");
    const set later = author.add(a, "x");
    set reader;
    reader.merge(remove);
    reader.merge(deltas[3]);
    CHECK(!reader.contains("x"));
    reader.merge(later);
    CHECK(reader.contains("x"));
    in_every_order<set>({remove, deltas[3], deltas[2], later});
}

TEST_CASE("trap 38: a thousand removes ahead of their adds cost one interval") {
    set author, reader;
    std::vector<set> adds;
    for (int i = 0; i < 1000; ++i) {
        adds.push_back(author.add(a, std::to_string(i)));
        reader.merge(author.remove(b, std::to_string(i)));
    }
    CHECK(reader.context().intervals().size() == 1);
    CHECK(wire::encode(reader).size() < 64);
    for (const set& add : adds) CHECK(!reader.merge(add));
    CHECK(reader == author);
}

TEST_CASE("trap 43: a removed element can be added again, before and after the remove is seen") {
    set at_a;
    at_a.add(a, "x");
    set at_c = at_a;
    at_a.remove(a, "x");
    CHECK(!at_a.contains("x"));
    const set again = at_a.add(a, "x");
    CHECK(at_a.contains("x"));
    at_c.merge(again);
    CHECK(at_c.contains("x"));
    CHECK(in_every_order<set>({at_a, at_c, again}).contains("x"));
}

} // namespace traps_sets_test
