// SPDX-License-Identifier: Apache-2.0
#include <compare>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/causal_counter.hpp>
#include <crdt/entries.hpp>
#include <crdt/ew_flag.hpp>
#include <crdt/mv_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>

#include "every_order.hpp"

namespace or_map_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using strings = std::vector<std::string>;
using set = crdt::or_set<std::string>;
using sets = crdt::or_map<std::string, set>;

const crdt::replica_id a{1}, b{2};

const auto add = [](const std::string& value) {
    return [value](set& s, crdt::replica_id id) { return s.add(id, value); };
};

// A key that counts how often it is compared.
struct counted_key {
    static inline std::size_t comparisons = 0;

    std::uint64_t value = 0;

    void write(wire::writer& w) const { w.varint(value); }
    void read(wire::reader& r) { value = r.varint(); }
    friend bool operator==(const counted_key&, const counted_key&) = default;
    friend std::strong_ordering operator<=>(const counted_key& x, const counted_key& y) {
        ++comparisons;
        return x.value <=> y.value;
    }
};

} // namespace

TEST_CASE("an update gives a delta of its key that claims what it added and cancelled") {
    sets m;
    m.update(a, "k", add("x"));
    m.update(a, "other", add("z"));
    const sets delta = m.update(b, "k", add("x"));
    CHECK(delta.keys() == strings{"k"});
    CHECK(delta.context().size() == 2);
    CHECK(delta.context().contains({a, 1}));
    CHECK(delta.context().contains({b, 1}));
    CHECK(m.find("k")->elements() == strings{"x"});
    CHECK(m.keys() == strings{"k", "other"});
    CHECK(m.size() == 2);
}

TEST_CASE("generic mutators work on any value") {
    crdt::or_map<std::string, crdt::or_map<std::uint64_t, crdt::mv_register<std::string>>> m;
    const auto delta = m.update(a, "k", [](auto& inner, auto self) {
        return inner.update(self, 7, [](auto& r, auto id) { return r.assign(id, "v"); });
    });
    CHECK(delta == m);
    CHECK(m.find("k")->find(7)->value() == strings{"v"});
    CHECK(m.find("k")->find(8) == nullptr);
}

TEST_CASE("one context: dots are minted for the whole map") {
    sets m;
    m.update(a, "k", add("x"));
    m.update(a, "l", add("y"));
    CHECK(m.context().last(a) == 2);
    CHECK(m.find("l")->dots_of("y") == std::vector<crdt::dot>{{a, 2}});
}

TEST_CASE("erasing takes away what was seen, an unseen update survives alone") {
    sets x;
    x.update(a, "k", add("old"));
    sets y = x;
    const sets erased = x.erase(a, "k");
    CHECK(!x.contains("k"));
    CHECK(crdt::removes(erased));
    CHECK(erased.context().size() == 1);
    y.update(b, "k", add("new"));
    const sets both = in_every_order<sets>({x, y});
    CHECK(both.find("k")->elements() == strings{"new"});
    CHECK(x.erase(a, "k") == sets{});
}

TEST_CASE("an erased key can come again") {
    sets m;
    m.update(a, "k", add("x"));
    const sets old = m;
    m.erase(a, "k");
    m.update(a, "k", add("y"));
    CHECK(crdt::join(m, old).find("k")->elements() == strings{"y"});
    CHECK(crdt::join(m, old) == m);
}

TEST_CASE("a key whose value becomes empty is absent") {
    sets m;
    m.update(a, "k", add("x"));
    m.update(a, "k", [](set& s, crdt::replica_id id) { return s.remove(id, "x"); });
    CHECK(!m.contains("k"));
    CHECK(m.empty());
    sets erased;
    erased.update(a, "k", add("x"));
    erased.erase(a, "k");
    CHECK(m == erased);
    CHECK(wire::encode(m) == wire::encode(erased));
}

TEST_CASE("clear takes away every key seen") {
    sets x;
    x.update(a, "k", add("x"));
    x.update(a, "l", add("x"));
    x.clear(a);
    CHECK(x.empty());
}

TEST_CASE("a mutator that refuses leaves the map unchanged") {
    crdt::or_map<std::string, crdt::causal_counter> m;
    m.update(a, "k", [](auto& n, auto id) { return n.increment(id, 5); });
    const auto before = m;
    for (const char* key : {"k", "fresh"})
        CHECK_THROWS_AS(m.update(a, key, [](auto& n, auto id) { return n.increment(id, -1); }),
                        crdt::negative_amount);
    CHECK(m == before);
    CHECK(!m.contains("fresh"));
}

TEST_CASE("several mutator calls in one update stay consistent if their deltas are joined") {
    sets m;
    m.update(a, "k", add("x"));
    const sets before = m;
    const sets delta = m.update(a, "k", [](set& s, crdt::replica_id id) {
        const set first = s.add(id, "y");
        return crdt::join(first, s.remove(id, "x"));
    });
    CHECK(m.find("k")->elements() == strings{"y"});
    CHECK(crdt::join(before, delta) == m);
}

TEST_CASE("what callers should not do in an update cannot break the map") {
    sets m;
    m.update(a, "k", add("x"));
    m.update(a, "l", add("y"));
    m.update(a, "gone", add("z"));
    const sets full = m;
    m.erase(a, "gone");
    SUBCASE("throw after the mutator") {
        CHECK_THROWS_AS(m.update(a, "k",
                                 [](set& s, crdt::replica_id id) -> set {
                                     s.add(id, "late");
                                     throw std::runtime_error("late");
                                 }),
                        std::runtime_error);
        CHECK(m.find("k")->contains("late"));
    }
    SUBCASE("replace the value") {
        m.update(a, "k", [](set& s, crdt::replica_id) { return s = set{}; });
        CHECK(!m.contains("k"));
    }
    SUBCASE("merge what was removed, or lives under another key") {
        set foreign;
        for (const char* value : {"1", "2", "3", "4"}) foreign.add(a, value);
        m.update(a, "k", [&](set& s, crdt::replica_id) {
            s.merge(foreign);
            return set{};
        });
        CHECK(m.find("k")->contains("4"));
        CHECK(!m.find("k")->contains("3"));
        CHECK(!m.find("k")->contains("2"));
        CHECK(m.find("l")->contains("y"));
    }
    CHECK(wire::decode<sets>(wire::encode(m)) == m);
    CHECK(crdt::join(m, full).find("l")->elements() == strings{"y"});
    m.clear(a);
    CHECK(m.empty());
    CHECK(m.context().contains({a, 3}));
}

TEST_CASE("deltas of a key are lifted without a map") {
    sets author, reader;
    author.update(a, "k", add("x"));
    set alone;
    const set change = alone.add(a, "x");
    reader.merge(sets::lift("k", change));
    CHECK(reader == author);
}

TEST_CASE("a dot under two keys is reported, and one key wins everywhere") {
    sets x, y, later;
    x.update(a, "k", add("x"));
    y.update(a, "l", add("x"));
    crdt::report found;
    sets both = x;
    both.merge(y, &found);
    CHECK(found.double_spent == std::vector<crdt::dot>{{a, 1}});
    later.update(b, "m", add("y"));
    CHECK(in_every_order<sets>({x, y, later}).keys() == strings{"l", "m"});
}

TEST_CASE("merging a removal looks at the removed key alone") {
    crdt::or_map<counted_key, crdt::ew_flag> m;
    const auto enable = [](crdt::ew_flag& f, crdt::replica_id id) { return f.enable(id); };
    for (std::uint64_t i = 0; i < 4096; ++i) m.update(a, {i}, enable);
    auto remover = m;
    const auto removal = remover.erase(b, {1234});
    const auto update = remover.update(b, {77}, enable);
    counted_key::comparisons = 0;
    m.merge(removal);
    CHECK(counted_key::comparisons < 64);
    m.merge(update);
    m.update(b, {4000}, enable);
    m.erase(b, {4001});
    CHECK(counted_key::comparisons < 256);
    CHECK(m.size() == 4094);
}

TEST_CASE("a removal costs what it removes") {
    sets m;
    for (int i = 0; i < 1000; ++i) m.update(a, std::to_string(i), add("x"));
    CHECK(wire::encoded_size(m.erase(b, "500")) < 24);
}

TEST_CASE("the delta since a context is what its holder lacks") {
    sets author;
    author.update(a, "k", add("x"));
    sets reader = author;
    author.update(a, "l", add("y"));
    const sets delta = author.delta_since(reader.context());
    CHECK(delta.keys() == strings{"l"});
    reader.merge(delta);
    CHECK(reader == author);
}

TEST_CASE("copies and moved maps are values") {
    sets m;
    m.update(a, "k", add("x"));
    sets copy = m;
    sets moved = std::move(m);
    copy.erase(a, "k");
    CHECK(moved.find("k")->elements() == strings{"x"});
    moved.update(a, "k", add("y"));
    const sets again = moved;
    moved = copy;
    CHECK(moved.empty());
    moved = again;
    moved.erase(a, "k");
    CHECK(moved.empty());
    CHECK(again.find("k")->size() == 2);
}

} // namespace or_map_test
