// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/mv_register.hpp>

#include "every_order.hpp"

namespace mv_register_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using reg = crdt::mv_register<std::string>;
using strings = std::vector<std::string>;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new register has no value") {
    CHECK(reg{}.value().empty());
    CHECK(reg{}.empty());
}

TEST_CASE("an assignment replaces what it saw") {
    reg r;
    r.assign(a, "x");
    r.assign(b, "y");
    CHECK(r.value() == strings{"y"});
}

TEST_CASE("concurrent assignments stay, in the order of the values") {
    reg x, y;
    x.assign(a, "late");
    y.assign(b, "early");
    CHECK(in_every_order<reg>({x, y}).value() == strings{"early", "late"});
}

TEST_CASE("clearing takes away what it saw and costs what it removes") {
    reg x;
    for (int i = 0; i < 100; ++i) x.assign(a, "x");
    reg y = x;
    const reg delta = y.clear(b);
    x.assign(a, "unseen");
    CHECK(crdt::removes(delta));
    CHECK(wire::encode_nested(delta).size() < 24);
    CHECK(in_every_order<reg>({x, y}).value() == strings{"unseen"});
    CHECK(y.clear(b) == reg{});
}

TEST_CASE("the delta since a context is what its holder lacks") {
    reg author;
    author.assign(a, "x");
    reg reader = author;
    author.assign(a, "y");
    const reg delta = author.delta_since(reader.context());
    CHECK(delta.context().size() == 1);
    reader.merge(delta);
    CHECK(reader.value() == strings{"x", "y"});
    reader.merge(author);
    CHECK(reader == author);
}

TEST_CASE("a register is one entry and no entry without a value") {
    std::size_t entries = 0;
    const auto count = [&](crdt::entry_id, const wire::digest&) { ++entries; };
    reg r, other;
    crdt::for_each_entry(r, count);
    CHECK(entries == 0);
    r.assign(a, "x");
    other.assign(b, "y");
    r.merge(other);
    crdt::for_each_entry(r, count);
    CHECK(entries == 1);
}

TEST_CASE("a register of bools comes back from its bytes") {
    crdt::mv_register<bool> x, y;
    x.assign(a, true);
    y.assign(b, false);
    x.merge(y);
    CHECK(x.value() == std::vector<bool>{false, true});
    CHECK(wire::decode<crdt::mv_register<bool>>(wire::encode(x)) == x);
}

} // namespace mv_register_test
