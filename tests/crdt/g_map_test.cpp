// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/or_set.hpp>
#include <crdt/struct.hpp>

namespace g_map_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using counters = crdt::g_map<std::string, crdt::g_counter>;

const crdt::replica_id a{1}, b{2};

counters count(counters& m, crdt::replica_id self, const std::string& key, int amount) {
    return m.update(self, key, [&](crdt::g_counter& n, crdt::replica_id id) {
        return n.increment(id, amount);
    });
}

// A value that a newer build gave another field.
struct older {
    BOOST_HANA_DEFINE_STRUCT(older, (crdt::g_counter, hits));
    static constexpr std::string_view schema_name = "page";
    friend bool operator==(const older&, const older&) = default;
};
struct newer {
    BOOST_HANA_DEFINE_STRUCT(newer, (crdt::g_counter, hits), (crdt::g_counter, misses));
    static constexpr std::string_view schema_name = "page";
    friend bool operator==(const newer&, const newer&) = default;
};

} // namespace

TEST_CASE("a new map has no keys") {
    CHECK(counters{}.size() == 0);
    CHECK(counters{}.find("k") == nullptr);
}

TEST_CASE("an update makes the key and changes its value") {
    counters m;
    count(m, a, "k", 3);
    count(m, a, "k", 4);
    REQUIRE(m.find("k") != nullptr);
    CHECK(m.find("k")->slot(a) == 7);
    CHECK(m.size() == 1);
}

TEST_CASE("a delta has the one key and the value's own delta") {
    counters m;
    count(m, b, "k", 3);
    count(m, b, "other", 1);
    const auto delta = count(m, a, "k", 2);
    CHECK(delta.size() == 1);
    CHECK(delta.find("k")->slot(a) == 2);
    CHECK(delta.find("k")->slot(b) == 0);
}

TEST_CASE("values under one key are joined") {
    counters x, y;
    count(x, a, "k", 1);
    count(y, b, "k", 2);
    count(y, b, "l", 3);
    const auto both = crdt::join(x, y);
    CHECK(crdt::to_string(both.find("k")->value()) == "3");
    CHECK(both.size() == 2);
}

TEST_CASE("an update that throws changes nothing") {
    counters m;
    count(m, a, "k", 1);
    const auto before = m;
    CHECK_THROWS_AS(count(m, a, "k", -1), crdt::negative_amount);
    CHECK_THROWS_AS(count(m, a, "new", -1), crdt::negative_amount);
    CHECK(m == before);
}

TEST_CASE("a lifted delta does what the value's delta does") {
    crdt::g_counter n;
    const auto change = n.increment(a, 5);
    counters m;
    m.merge(counters::lift("k", change));
    CHECK(*m.find("k") == n);
    CHECK(counters::lift("k", crdt::g_counter{}) == counters{});
}

TEST_CASE("keys with equal values are different entries") {
    counters m;
    count(m, a, "k", 1);
    count(m, a, "l", 1);
    std::vector<crdt::entry_id> ids;
    crdt::for_each_entry(m, [&](crdt::entry_id id, const auto&) { ids.push_back(id); });
    CHECK(crdt::id_set(ids).size() == 2);
}

TEST_CASE("the greatest stamp of a map is the greatest of its values") {
    using names = crdt::g_map<int, crdt::lww_register<std::string>>;
    names m;
    for (const crdt::stamp_t stamp : {3U, 9U, 5U})
        m.update(a, static_cast<int>(stamp),
                 [&](auto& r, crdt::replica_id id) { return r.assign(id, stamp, "v"); });
    CHECK(crdt::max_stamp(m) == 9);
}

// Two short lists of dots are one bitmap together, which can be longer than both.
TEST_CASE("the parts of a split keep to the limit where joined pieces grow") {
    using sets = crdt::g_map<std::string, crdt::or_set<std::string>>;
    for (std::size_t length = 1; length <= 8; ++length) {
        sets all;
        for (int each = 0; each < 34; ++each)
            all.update(crdt::replica_id{1}, "k", [&](auto& set, auto self) {
                return set.add(self, std::string(length, static_cast<char>('0' + each)));
            });
        // A gap: what lies behind it begins a piece.
        all.update(crdt::replica_id{1}, "k", [&](auto& set, auto self) {
            return set.remove(self, std::string(length, static_cast<char>('0' + 17)));
        });
        for (std::size_t most = 100; most <= 400; ++most) {
            sets joined;
            std::size_t longest = 0;
            crdt::split(all, most, [&](const sets& part) {
                longest = std::max(longest, wire::encode_nested(part).size());
                joined.merge(part);
            });
            CHECK(longest <= most);
            CHECK(joined == all);
        }
    }
}

// As wire/codec.hpp has it for a field that holds only fields this build does not know.
TEST_CASE("a value of which only unknown fields are told is passed over") {
    const std::string keys = "klmn";
    for (unsigned hit = 0; hit < 16; ++hit) { // which of the keys have what both builds know
        crdt::g_map<std::string, newer> sent;
        crdt::g_map<std::string, older> known;
        for (unsigned each = 0; each < keys.size(); ++each) {
            const std::string key(1, keys[each]);
            const bool both = (hit >> each & 1U) != 0;
            sent.update(a, key, [&](newer& page, crdt::replica_id self) {
                newer delta;
                if (both) delta.hits = page.hits.increment(self);
                delta.misses = page.misses.increment(self);
                return delta;
            });
            if (!both) continue;
            known.update(a, key, [](older& page, crdt::replica_id self) {
                return older{page.hits.increment(self)};
            });
        }
        wire::error why;
        std::size_t skipped = 0;
        const auto read = wire::try_decode_skipping<crdt::g_map<std::string, older>>(
            wire::encode(sent), {}, why, skipped);
        REQUIRE(read.has_value());
        CHECK(skipped == keys.size());
        CHECK(*read == known);
        CHECK(wire::encode(*read) == wire::encode(known));
    }
}

} // namespace g_map_test
