// SPDX-License-Identifier: Apache-2.0
// What other libraries get wrong about causal types and maps of them, by number of the trap.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/causal_counter.hpp>
#include <crdt/dw_flag.hpp>
#include <crdt/entries.hpp>
#include <crdt/ew_flag.hpp>
#include <crdt/mv_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <crdt/rw_set.hpp>
#include <testing/random_history.hpp>

#include "every_order.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace traps_causal_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using strings = std::vector<std::string>;
using set = crdt::or_set<std::string>;
using sets = crdt::or_map<std::string, set>;
using counter = crdt::causal_counter;
using counters = crdt::or_map<std::string, counter>;
using reg = crdt::mv_register<std::string>;

const crdt::replica_id a{1}, b{2}, c{3};

const auto add = [](const std::string& value) {
    return [value](set& s, crdt::replica_id id) { return s.add(id, value); };
};
const auto increment = [](unsigned amount) {
    return [amount](counter& n, crdt::replica_id id) { return n.increment(id, amount); };
};

} // namespace

TEST_CASE("trap 9: two decrements are -2") {
    counter n;
    n.decrement(a);
    n.decrement(a);
    CHECK(n.value() == -2);
    counters m;
    for (int i = 0; i < 2; ++i)
        m.update(a, "k", [](counter& value, crdt::replica_id id) { return value.decrement(id); });
    CHECK(m.find("k")->value() == -2);
}

TEST_CASE("trap 11: a reset takes away what it saw, and an unseen increment stays") {
    const auto run = [](auto start, auto inc, auto reset) {
        auto at_a = start;
        inc(at_a, a, 100U);
        auto at_b = at_a;
        reset(at_b, b);
        inc(at_a, a, 7U);
        return in_every_order<decltype(start)>({at_a, at_b});
    };
    const auto alone = run(
        counter{}, [](counter& n, crdt::replica_id id, unsigned by) { n.increment(id, by); },
        [](counter& n, crdt::replica_id id) { n.reset(id); });
    CHECK(alone.value() == 7);
    const auto embedded = run(
        counters{},
        [](counters& m, crdt::replica_id id, unsigned by) { m.update(id, "k", increment(by)); },
        [](counters& m, crdt::replica_id id) {
            m.update(id, "k", [](counter& n, crdt::replica_id self) { return n.reset(self); });
        });
    CHECK(embedded.find("k")->value() == 7);
}

TEST_CASE("trap 26: of a concurrent add and remove the remove wins, an add after both is present") {
    crdt::rw_set<std::string> at_a, at_b;
    at_a.add(a, "x");
    at_b.remove(b, "x");
    auto both = in_every_order<crdt::rw_set<std::string>>({at_a, at_b});
    CHECK(!both.contains("x"));
    both.add(c, "x");
    CHECK(in_every_order<crdt::rw_set<std::string>>({at_a, at_b, both}).contains("x"));
}

TEST_CASE("trap 29: of enable and disable the flag's name says which wins; both start false") {
    CHECK(!crdt::ew_flag{}.value());
    CHECK(!crdt::dw_flag{}.value());
    crdt::ew_flag ew_a, ew_b;
    ew_a.enable(a);
    ew_b.disable(b);
    CHECK(in_every_order<crdt::ew_flag>({ew_a, ew_b}).value());
    crdt::dw_flag dw_a, dw_b;
    dw_a.enable(a);
    dw_b.disable(b);
    CHECK(!in_every_order<crdt::dw_flag>({dw_a, dw_b}).value());
}

TEST_CASE("trap 29: two states that are true may be false together") {
    crdt::ew_flag x, y;
    x.enable(a);
    y.enable(b);
    crdt::ew_flag x_disabled = x, y_disabled = y;
    const auto off_x = x_disabled.disable(c);
    const auto off_y = y_disabled.disable(c);
    x.merge(off_y);
    y.merge(off_x);
    CHECK(x.value());
    CHECK(y.value());
    CHECK(!in_every_order<crdt::ew_flag>({x, y}).value());
}

TEST_CASE("trap 30: equal values collapse, different ones stay, a write after both replaces both") {
    reg x, y;
    x.assign(a, "v");
    y.assign(b, "v");
    CHECK(in_every_order<reg>({x, y}).value() == strings{"v"});
    x.assign(a, "x");
    y.assign(b, "y");
    reg both = in_every_order<reg>({x, y});
    CHECK(both.value() == strings{"x", "y"});
    both.assign(c, "z");
    CHECK(in_every_order<reg>({x, y, both}).value() == strings{"z"});
}

TEST_CASE("trap 31: two writes from one stale state are reported, and one wins in every order") {
    reg start;
    start.assign(a, "start");
    reg first = start, second = start;
    first.assign(a, "10");
    second.assign(a, "20");
    crdt::report found;
    reg met = first;
    met.merge(second, &found);
    CHECK(found.double_spent == std::vector<crdt::dot>{{a, 2}});
    CHECK(in_every_order<reg>({start, first, second}).value() == strings{"20"});
}

TEST_CASE("trap 32: an erased key keeps what the erasing had not seen, in nested maps too") {
    using maps = crdt::or_map<std::string, sets>;
    const auto in = [](const std::string& value) {
        return [value](sets& m, crdt::replica_id id) { return m.update(id, "F", add(value)); };
    };
    for (const bool again : {false, true}) {
        sets at_a;
        maps nested_a;
        at_a.update(a, "F", add("X"));
        nested_a.update(a, "k", in("X"));
        sets at_b = at_a;
        maps nested_b = nested_a;
        at_a.erase(a, "F");
        nested_a.erase(a, "k");
        at_b.update(b, "F", add("Y"));
        nested_b.update(b, "k", in("Y"));
        if (again) {
            at_a.update(a, "F", add("Z"));
            nested_a.update(a, "k", in("Z"));
        }
        const strings expected = again ? strings{"Y", "Z"} : strings{"Y"};
        CHECK(in_every_order<sets>({at_a, at_b}).find("F")->elements() == expected);
        const auto nested = in_every_order<maps>({nested_a, nested_b});
        CHECK(nested.find("k")->find("F")->elements() == expected);
    }
}

TEST_CASE("trap 33: of 100 erased and 7 added meanwhile 7 is left, by deltas and by states") {
    counters at_a;
    const counters first = at_a.update(a, "k", increment(100));
    counters at_b = at_a;
    const counters erased = at_a.erase(a, "k");
    const counters added = at_b.update(b, "k", increment(7));
    CHECK(in_every_order<counters>({first, erased, added}).find("k")->value() == 7);
    CHECK(in_every_order<counters>({at_a, at_b}).find("k")->value() == 7);
    at_a.merge(added);
    at_b.merge(erased);
    CHECK(at_a == at_b);
}

TEST_CASE("trap 34: an old copy does not bring back what was erased before the key came again") {
    counters m;
    m.update(a, "k", increment(5));
    const counters old = m;
    m.erase(a, "k");
    m.update(a, "k", increment(2));
    CHECK(in_every_order<counters>({m, old}).find("k")->value() == 2);
}

TEST_CASE("trap 35: a map of other values is another type on the wire") {
    sets m;
    m.update(a, "k", add("x"));
    wire::error why;
    CHECK(!wire::try_decode<counters>(wire::encode(m), wire::limits{}, why));
    CHECK(why.code == wire::errc::wrong_type);
    using registers = crdt::or_map<std::string, reg>;
    CHECK(!wire::try_decode<registers>(wire::encode(m), wire::limits{}, why));
    CHECK(why.code == wire::errc::wrong_type);
}

TEST_CASE("trap 36: reading a missing key changes nothing, a key without dots is no key") {
    counters m;
    CHECK(m.find("k") == nullptr);
    CHECK(!m.contains("k"));
    CHECK(m.update(a, "k", increment(0)) == counters{});
    CHECK(m.update(a, "k", [](counter& n, crdt::replica_id id) { return n.reset(id); }) ==
          counters{});
    CHECK(m.erase(a, "k") == counters{});
    CHECK(m == counters{});
    CHECK(wire::encode(m) == wire::encode(counters{}));
}

TEST_CASE("trap 36: an encoded key without dots is refused") {
    using numbered = crdt::or_map<std::uint64_t, counter>;
    const auto bytes = [](std::vector<std::uint64_t> keys, std::uint64_t which) {
        wire::writer w;
        crdt::causal_context seen;
        seen.add(crdt::dot{a, 1});
        seen.write(w);
        w.varint(1);
        w.fixed64(a.value);
        for (const unsigned part : {1U, 0U, 1U, 1U}) w.varint(part);
        wire::put(w, keys);
        w.varint(which);
        w.svarint(5);
        return w.take();
    };
    numbered m;
    CHECK(wire::decode_nested(bytes({7}, 0), m));
    CHECK(m.find(7)->value() == 5);
    CHECK(wire::encode_nested(m) == bytes({7}, 0));
    const numbered before = m;
    CHECK(!wire::decode_nested(bytes({7, 8}, 0), m));
    CHECK(!wire::decode_nested(bytes({8, 7}, 0), m));
    CHECK(!wire::decode_nested(bytes({7}, 1), m));
    CHECK(!wire::decode_nested(bytes({}, 0), m));
    CHECK(m == before);
}

TEST_CASE("trap 37: a replica that starts again under its old id is told, and states converge") {
    sets before, after;
    before.update(a, "k", add("x"));
    after.update(a, "l", add("y"));
    crdt::report found;
    sets met = before;
    met.merge(after, &found);
    CHECK(found.double_spent.size() == 1);
    in_every_order<sets>({before, after});

    sets renewed;
    renewed.update(crdt::replica_id::of("a", 2), "l", add("y"));
    CHECK(in_every_order<sets>({before, renewed}).keys() == strings{"k", "l"});
}

TEST_CASE("trap 38: a removal from the future hides what it names and leaves no more than dots") {
    sets author;
    std::vector<sets> updates;
    for (int i = 1; i <= 5; ++i) updates.push_back(author.update(a, "k", add(std::to_string(i))));
    sets remover = updates[2];
    remover.merge(updates[3]);
    const sets removal = remover.erase(b, "k");
    sets reader;
    reader.merge(removal);
    reader.merge(updates[2]);
    CHECK(!reader.contains("k"));
    reader.merge(updates[4]);
    CHECK(reader.find("k")->elements() == strings{"5"});

    sets many;
    for (int i = 0; i < 1000; ++i) {
        const sets added = author.update(a, "later", add(std::to_string(i)));
        sets one = added;
        many.merge(one.erase(b, "later"));
    }
    CHECK(many.empty());
    CHECK(wire::encode(many).size() < 40);
}

namespace {

// Three replicas that talk of at most two entries at a time; what nobody removed must survive.
struct partial_sync {
    using map = crdt::or_map<std::uint64_t, crdt::or_set<std::uint64_t>>;

    std::array<map, 3> replicas;
    std::set<std::uint64_t> added, removed;
    joinery::testing::rng random;
    bool whole_context; // the planted bug: answers carry all that the answerer has seen

    partial_sync(std::uint64_t seed, bool bug) : random(seed), whole_context(bug) {}

    static crdt::replica_id id(std::size_t i) { return {i + 1}; }
    std::size_t any() { return static_cast<std::size_t>(random.below(3)); }

    void act() {
        const auto at = any();
        const auto key = random.below(6);
        map& m = replicas[at];
        if (random.chance(1, 3)) {
            if (const auto* seen = m.find(key))
                for (const auto element : seen->elements()) removed.insert(element);
            m.erase(id(at), key);
            return;
        }
        const auto element = added.size();
        added.insert(element);
        m.update(id(at), key, [&](auto& s, auto self) { return s.add(self, element); });
    }

    static std::vector<crdt::entry_id> ids_of(const map& m) {
        std::vector<crdt::entry_id> ids;
        crdt::for_each_entry(m, [&](crdt::entry_id e, const wire::digest&) { ids.push_back(e); });
        return ids;
    }

    void exchange(std::size_t from, std::size_t to, std::size_t most) {
        auto ids = ids_of(crdt::join(replicas[to], replicas[from]));
        for (const auto gone : ids_of(replicas[to])) ids.push_back(gone);
        while (ids.size() > most) {
            std::swap(ids[static_cast<std::size_t>(random.below(ids.size()))], ids.back());
            ids.pop_back();
        }
        const crdt::id_set some(std::move(ids));
        const map question = crdt::held(replicas[to], some);
        map answer = crdt::answer(replicas[from], some, question);
        if (whole_context) crdt::absorb(answer, crdt::context(replicas[from]));
        crdt::merge(replicas[to], answer);
    }

    // Whether, in the end, exactly what nobody removed is there, everywhere and in equal bytes.
    bool right() {
        for (int i = 0; i < 60; ++i) {
            if (random.chance(1, 2)) act();
            const auto from = any(), to = any();
            if (from != to) exchange(from, to, 2);
        }
        for (int round = 0; round < 3; ++round)
            for (std::size_t to = 0; to < 3; ++to)
                for (std::size_t from = 0; from < 3; ++from) exchange(from, to, ~std::size_t{0});
        std::set<std::uint64_t> left, expected = added;
        for (const auto element : removed) expected.erase(element);
        for (const auto key : replicas[0].keys())
            for (const auto element : replicas[0].find(key)->elements()) left.insert(element);
        for (auto& one : replicas)
            for (const auto& other : replicas) crdt::absorb(one, crdt::context(other));
        return left == expected && replicas[0] == replicas[1] && replicas[1] == replicas[2] &&
               wire::encode(replicas[0]) == wire::encode(replicas[2]);
    }
};

} // namespace

constexpr std::uint64_t seeds = std::max<std::uint64_t>(500 / JOINERY_CASES_DIVISOR, 40);

TEST_CASE("trap 20: syncing a few keys at a time loses no update and brings nothing back") {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        REQUIRE(partial_sync(seed, false).right());
    }
}

TEST_CASE("trap 20: with whole contexts in the answers nearly every run loses updates") {
    std::uint64_t wrong = 0;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed)
        wrong += partial_sync(seed, true).right() ? 0 : 1;
    CHECK(wrong > seeds * 9 / 10);
}

} // namespace traps_causal_test
