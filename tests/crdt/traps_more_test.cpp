// SPDX-License-Identifier: Apache-2.0
// What other libraries get wrong about counters with two directions, registers that choose, sets
// that forget for ever and maps of last writes, by number of the trap.
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/bounded_counter.hpp>
#include <crdt/hybrid_clock.hpp>
#include <crdt/lww_map.hpp>
#include <crdt/min_register.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/two_p_set.hpp>
#include <crdt/voted_register.hpp>

#include "every_order.hpp"

namespace traps_more_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using map = crdt::lww_map<std::string, std::string>;
using set = crdt::two_p_set<std::string>;

const crdt::replica_id a{1}, b{2}, c{3};

map put(crdt::replica_id by, crdt::stamp_t stamp, const std::string& value) {
    map m;
    m.put(by, stamp, "k", value);
    return m;
}

map erased(crdt::replica_id by, crdt::stamp_t stamp) {
    map m;
    m.erase(by, stamp, "k");
    return m;
}

} // namespace

TEST_CASE("trap 1: two replicas that put at one stamp agree on the greater replica's value") {
    const auto winner = in_every_order<map>({put(a, 5, "z"), put(b, 5, "a"), put(a, 4, "zz")});
    REQUIRE(winner.contains("k"));
    CHECK(*winner.find("k") == "a");
}

TEST_CASE("trap 1: a put and an erase at one stamp agree too") {
    CHECK(!in_every_order<map>({put(a, 5, "z"), erased(b, 5)}).contains("k"));
    CHECK(in_every_order<map>({put(b, 5, "z"), erased(a, 5)}).contains("k"));
}

TEST_CASE("trap 2: one replica with two writes at one stamp still converges, and is told") {
    CHECK(*in_every_order<map>({put(a, 5, "x"), put(a, 5, "y")}).find("k") == "y");
    CHECK(*in_every_order<map>({put(a, 5, ""), erased(a, 5)}).find("k") == "");
    for (const map& second : {put(a, 5, "y"), erased(a, 5)}) {
        map m = put(a, 5, "x");
        crdt::report found;
        crdt::merge(m, second, found);
        CHECK(found.conflicting_stamps == std::vector<crdt::stamp_t>{5});
    }
    map m = put(a, 5, "x");
    crdt::report found;
    crdt::merge(m, put(a, 5, "x"), found);
    crdt::merge(m, put(b, 5, "y"), found);
    CHECK(found.empty());
}

TEST_CASE("trap 3: a clock that lags behind the stored stamp still makes a put that wins") {
    map m = put(b, crdt::stamp_t{100} << 16U, "old");
    crdt::hybrid_clock clock;
    REQUIRE(clock.observe(crdt::max_stamp(m), 90));
    m.put(a, clock.tick(90), "k", "new");
    CHECK(*m.find("k") == "new");
}

TEST_CASE("trap 4: an explicit put or erase below what is there changes nothing") {
    map m = put(a, 5, "y");
    const auto before = m;
    m.put(a, 5, "k", "x");
    m.put(b, 4, "k", "z");
    m.erase(a, 5, "k");
    m.erase(b, 4, "k");
    CHECK(m == before);
    CHECK(*in_every_order<map>({before, put(a, 5, "x"), erased(b, 4)}).find("k") == "y");
}

TEST_CASE("trap 4: a greater value offered to a min_register changes nothing") {
    crdt::min_register<int> r;
    r.assign(a, 3);
    const auto before = r;
    r.assign(b, 5);
    CHECK(r == before);
}

TEST_CASE("trap 6: a negative amount is refused in both directions and changes nothing") {
    crdt::pn_counter n;
    n.increment(a, 5);
    const auto before = n;
    CHECK_THROWS_AS(n.increment(a, -3), crdt::negative_amount);
    CHECK_THROWS_AS(n.decrement(a, -3), crdt::negative_amount);
    CHECK(n == before);
}

TEST_CASE("trap 6: counting nothing is a bottom delta and makes no slot") {
    crdt::pn_counter n;
    CHECK(n.increment(a, 0) == crdt::pn_counter{});
    CHECK(n.decrement(a, 0) == crdt::pn_counter{});
    CHECK(n == crdt::pn_counter{});
    CHECK(wire::encode(n) == wire::encode(crdt::pn_counter{}));
}

TEST_CASE("trap 7: a full slot refuses one more in its direction and changes nothing") {
    crdt::pn_counter n;
    n.increment(a, crdt::max_count);
    n.decrement(a, crdt::max_count);
    const auto before = n;
    CHECK_THROWS_AS(n.increment(a, 1), crdt::counter_exhausted);
    CHECK_THROWS_AS(n.decrement(a, 1), crdt::counter_exhausted);
    CHECK_THROWS_AS(n.decrement(b, crdt::max_count + 1), crdt::counter_exhausted);
    CHECK(n == before);
}

TEST_CASE("trap 7: sums beyond 2^63 are exact on both sides of zero") {
    crdt::pn_counter x, y, z;
    x.decrement(a, crdt::max_count);
    y.decrement(b, crdt::max_count);
    z.decrement(c, crdt::max_count);
    z.increment(a, 1);
    const auto all = in_every_order<crdt::pn_counter>({x, y, z});
    CHECK(crdt::to_string(all.value()) == "-27670116110564327420");
}

TEST_CASE("trap 8: a decrement on an empty counter is -1") {
    crdt::pn_counter n;
    n.decrement(a);
    CHECK(n.value() == -1);
    CHECK(crdt::to_string(n.value()) == "-1");
}

TEST_CASE("trap 9: two decrements are -2") {
    crdt::pn_counter n;
    n.decrement(a);
    n.decrement(a);
    CHECK(crdt::to_string(n.value()) == "-2");
}

TEST_CASE("trap 10: a decrement beyond the own rights is refused; the total never passes 0") {
    crdt::bounded_counter n;
    n.increment(a, 10);
    n.transfer(a, b, 5, n);
    const auto before = n;
    CHECK_THROWS_AS(n.decrement(a, 6, n), crdt::insufficient_rights);
    CHECK(n == before);
    crdt::bounded_counter x = n, y = n;
    const auto from_a = x.decrement(a, 5, x), from_b = y.decrement(b, 5, y);
    const auto all = in_every_order<crdt::bounded_counter>({n, from_a, from_b});
    CHECK(all.value() == 0);
    CHECK(all.added() == all.taken());
    CHECK(all.rights(a) + all.rights(b) == 0);
}

TEST_CASE("trap 22: merging with itself, a copy or nothing changes nothing") {
    map m = put(a, 5, "x");
    set s;
    s.add(a, "x");
    s.remove(a, "x");
    crdt::pn_counter n;
    n.decrement(a, 5);
    const auto unchanged = [](auto value) {
        const auto copy = value;
        CHECK(!value.merge(value));
        CHECK(!value.merge(copy));
        CHECK(!value.merge(decltype(value){}));
        CHECK((value == copy));
    };
    unchanged(m);
    unchanged(s);
    unchanged(n);
}

// There is no set of stamped adds and removes: a map to nothing is one, and ties as registers do.
TEST_CASE("trap 27: an add and a remove at one stamp come to one result, whatever the order") {
    CHECK_FALSE(in_every_order<map>({put(a, 1, "x"), erased(b, 1)}).contains("k"));
    CHECK(in_every_order<map>({put(b, 1, "x"), erased(a, 1)}).contains("k"));
}

TEST_CASE("trap 28: an element removed before it was ever added is barred for ever") {
    set remover, adder;
    const auto removal = remover.remove(a, "x");
    CHECK(removal.removed("x"));
    const auto addition = adder.add(b, "x");
    CHECK(adder.contains("x"));
    const auto both = in_every_order<set>({removal, addition});
    CHECK(!both.contains("x"));
    set after = both;
    CHECK(after.add(b, "x") == set{});
    CHECK(!after.contains("x"));
}

TEST_CASE("trap 30: concurrent votes for one value show it once") {
    crdt::voted_register<std::string> x, y;
    x.assign(a, 1, 1, "v");
    y.assign(b, 1, 1, "v");
    const auto both = in_every_order<crdt::voted_register<std::string>>({x, y});
    CHECK(*both.value() == "v");
    CHECK(both.candidates() == 2);
}

TEST_CASE("trap 36: reading a missing key changes neither state nor bytes") {
    map m;
    CHECK(m.find("k") == nullptr);
    CHECK(!m.contains("k"));
    CHECK(wire::encode(m) == wire::encode(map{}));
}

TEST_CASE("trap 40: equal maps built in different orders have equal bytes") {
    map x, y;
    x.put(a, 1, "p", "1");
    x.put(a, 2, "q", "2");
    x.erase(a, 3, "p");
    y.erase(a, 3, "p");
    y.put(a, 2, "q", "2");
    CHECK(x == y);
    CHECK(wire::encode(x) == wire::encode(y));
}

TEST_CASE("trap 43: of a delete and a concurrent update the greater stamp wins") {
    const auto start = put(a, 1, "v");
    CHECK(!in_every_order<map>({start, erased(a, 5), put(b, 4, "w")}).contains("k"));
    CHECK(*in_every_order<map>({start, erased(a, 4), put(b, 5, "w")}).find("k") == "w");
}

TEST_CASE("trap 43: a re-insert after a delete works everywhere") {
    map m = put(a, 1, "v");
    const auto deletion = m.erase(a, 2, "k");
    const auto again = m.put(b, 3, "k", "back");
    REQUIRE(m.contains("k"));
    CHECK(m.size() == 1);
    const auto everywhere = in_every_order<map>({put(a, 1, "v"), deletion, again});
    REQUIRE(everywhere.contains("k"));
    CHECK(*everywhere.find("k") == "back");
}

} // namespace traps_more_test
