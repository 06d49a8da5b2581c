// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/or_map.hpp>
#include <crdt/voted_register.hpp>

#include "every_order.hpp"

namespace voted_register_test {

namespace crdt = joinery::crdt;

namespace {

using text_register = crdt::voted_register<std::string>;

const crdt::replica_id a{1}, b{2}, c{3};

text_register written(crdt::replica_id by, std::uint64_t confidence, crdt::stamp_t stamp,
                      const std::string& value) {
    text_register r;
    r.assign(by, confidence, stamp, value);
    return r;
}

std::string winner_of(const std::vector<text_register>& parts) {
    const auto joined = in_every_order<text_register>(parts);
    return joined.value() == nullptr ? "" : *joined.value();
}

} // namespace

TEST_CASE("a new register has no value") {
    CHECK(text_register{}.value() == nullptr);
    CHECK(text_register{}.confidence() == 0);
    CHECK(text_register{}.candidates() == 0);
}

TEST_CASE("a later write wins whatever its confidence and stamp") {
    text_register r = written(a, 9, 9, "sure");
    r.assign(b, 0, 0, "later");
    CHECK(*r.value() == "later");
    CHECK(r.confidence() == 0);
    CHECK(r.candidates() == 1);
}

TEST_CASE("of concurrent writes the more confident wins, then stamp, then replica") {
    CHECK(winner_of({written(a, 3, 1, "x"), written(b, 2, 9, "y")}) == "x");
    CHECK(winner_of({written(a, 3, 2, "x"), written(b, 3, 1, "y")}) == "x");
    CHECK(winner_of({written(a, 3, 2, "y"), written(b, 3, 2, "x")}) == "x");
    CHECK(winner_of({written(a, 1, 1, "x"), written(b, 2, 1, "y"), written(c, 2, 0, "z")}) == "y");
}

TEST_CASE("of one replica's writes that nobody ordered the greater bytes win") {
    const text_register x = written(a, 1, 1, "x");
    text_register forgetful = crdt::context(x);
    const auto y = forgetful.assign(a, 1, 1, "y");
    CHECK(winner_of({x, y}) == "y");
    CHECK(crdt::join(x, y).candidates() == 2);
}

TEST_CASE("the loser stays a candidate until a write has seen it") {
    text_register x = written(a, 3, 1, "x"), y = written(b, 2, 1, "y");
    text_register both = crdt::join(x, y);
    CHECK(both.candidates() == 2);
    x.assign(a, 0, 2, "later than x alone");
    both.merge(x);
    CHECK(*both.value() == "y");
    both.assign(c, 0, 3, "later than both");
    CHECK(both.candidates() == 1);
    CHECK(*both.value() == "later than both");
}

TEST_CASE("a delta is the one write and what it replaces") {
    text_register r = written(a, 3, 1, "x");
    r.merge(written(b, 2, 1, "y"));
    const auto delta = r.assign(c, 1, 7, "z");
    CHECK(delta.candidates() == 1);
    CHECK(delta.context().size() == 3);
    CHECK(crdt::removes(delta));
    CHECK(crdt::max_stamp(delta) == 7);
    CHECK(crdt::join(written(a, 3, 1, "x"), delta).candidates() == 1);
}

TEST_CASE("a peer is sent what its context lacks") {
    text_register r = written(a, 3, 1, "x");
    const auto known = r.context();
    CHECK(r.delta_since(known) == text_register{});
    r.assign(b, 1, 1, "y");
    text_register peer = written(a, 3, 1, "x");
    peer.merge(r.delta_since(known));
    CHECK(peer.candidates() == 2);
}

TEST_CASE("one dot with two votes is told, and the greater bytes win everywhere") {
    const auto x = written(a, 1, 1, "x"), y = written(a, 1, 1, "y");
    CHECK(winner_of({x, y}) == "y");
    text_register r = x;
    crdt::report found;
    crdt::merge(r, y, found);
    CHECK(found.double_spent == std::vector<crdt::dot>{{a, 1}});
}

TEST_CASE("the stamps of votes are told below any number of keys") {
    crdt::or_map<std::string, text_register> m;
    m.update(a, "k", [](auto& r, auto self) { return r.assign(self, 1, 7, "x"); });
    const auto delta =
        m.update(b, "l", [](auto& r, auto self) { return r.assign(self, 1, 5, "y"); });
    CHECK(crdt::max_stamp(m) == 7);
    CHECK(crdt::max_stamp(delta) == 5);
    crdt::or_map<int, crdt::or_map<std::string, text_register>> outer;
    outer.update(a, 1, [](auto& inner, auto self) {
        return inner.update(self, "k", [](auto& r, auto id) { return r.assign(id, 1, 9, "x"); });
    });
    CHECK(crdt::max_stamp(outer) == 9);
}

} // namespace voted_register_test
