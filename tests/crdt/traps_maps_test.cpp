// SPDX-License-Identifier: Apache-2.0
// What other libraries get wrong about maps, by number of the trap.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/or_set.hpp>

#include "every_order.hpp"

namespace traps_maps_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using set = crdt::or_set<std::string>;
using sets = crdt::g_map<std::string, set>;
using counters = crdt::g_map<std::string, crdt::g_counter>;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("trap 32: only what was seen under a key is taken away, in nested maps too") {
    using nested = crdt::g_map<std::string, sets>;
    const auto on = [](auto change) {
        return [change](sets& inner, crdt::replica_id self) {
            return inner.update(self, "f",
                                [&](set& s, crdt::replica_id id) { return change(s, id); });
        };
    };
    nested at_a;
    at_a.update(a, "k", on([](set& s, crdt::replica_id id) { return s.add(id, "X"); }));
    nested at_b = at_a;
    at_a.update(a, "k", on([](set& s, crdt::replica_id id) { return s.clear(id); }));
    at_b.update(b, "k", on([](set& s, crdt::replica_id id) { return s.add(id, "Y"); }));
    const auto end = in_every_order<nested>({at_a, at_b});
    CHECK(end.find("k")->find("f")->elements() == std::vector<std::string>{"Y"});
}

TEST_CASE("trap 35: a map of other values is another type on the wire") {
    counters m;
    m.update(a, "k", [](crdt::g_counter& n, crdt::replica_id id) { return n.increment(id); });
    wire::error why;
    CHECK(!wire::try_decode<sets>(wire::encode(m), wire::limits{}, why));
    CHECK(why.code == wire::errc::wrong_type);
}

TEST_CASE("trap 36: reading a missing key changes nothing") {
    counters m;
    CHECK(m.find("k") == nullptr);
    CHECK(!m.contains("k"));
    CHECK(m == counters{});
    CHECK(wire::encode(m) == wire::encode(counters{}));
}

TEST_CASE("trap 36: a key whose value is bottom is no key") {
    counters m;
    const auto delta = m.update(
        a, "k", [](crdt::g_counter& n, crdt::replica_id id) { return n.increment(id, 0); });
    CHECK(delta == counters{});
    CHECK(m == counters{});
    sets s;
    s.update(a, "k", [](set& inner, crdt::replica_id id) { return inner.remove(id, "x"); });
    CHECK(s == sets{});
    CHECK(wire::encode(s) == wire::encode(sets{}));
}

TEST_CASE("trap 36: an encoded key with a bottom value is refused") {
    wire::writer w;
    w.varint(1);
    wire::put(w, std::string("k"));
    wire::put(w, crdt::g_counter{});
    counters m;
    CHECK(!wire::decode_nested(w.bytes(), m));
    CHECK(m == counters{});
}

TEST_CASE("trap 43: an update beats a concurrent clear, and what was cleared can come again") {
    const auto add = [](set& s, crdt::replica_id id) { return s.add(id, "x"); };
    const auto clear = [](set& s, crdt::replica_id id) { return s.clear(id); };
    sets at_a;
    at_a.update(a, "k", add);
    sets at_b = at_a;
    at_a.update(a, "k", clear);
    at_b.update(b, "k", add);
    CHECK(in_every_order<sets>({at_a, at_b}).find("k")->contains("x"));
    at_a.update(a, "k", add);
    CHECK(at_a.find("k")->contains("x"));
}

} // namespace traps_maps_test
