// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/lww_map.hpp>

namespace lww_map_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using map = crdt::lww_map<std::string, std::string>;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new map is empty, and reading a missing key changes nothing") {
    const map m;
    CHECK(m.empty());
    CHECK(m.find("k") == nullptr);
    CHECK(m.stamp("k") == 0);
    CHECK(m == map{});
}

TEST_CASE("the last write to a key stays, in either order") {
    map early, late;
    early.put(b, 1, "k", "early");
    late.put(a, 2, "k", "late");
    CHECK(*crdt::join(early, late).find("k") == "late");
    CHECK(*crdt::join(late, early).find("k") == "late");
}

TEST_CASE("an erase is a write: later ones win over it, earlier ones do not") {
    map m;
    m.put(a, 1, "k", "v");
    m.erase(a, 5, "k");
    CHECK(!m.contains("k"));
    CHECK(m.size() == 0);
    CHECK(m.stamp("k") == 5);
    m.put(b, 4, "k", "old");
    CHECK(!m.contains("k"));
    m.put(b, 6, "k", "new");
    CHECK(*m.find("k") == "new");
    CHECK(m.size() == 1);
}

TEST_CASE("erasing a key that nobody here has seen stops earlier puts from elsewhere") {
    map m, other;
    m.erase(a, 5, "k");
    other.put(b, 4, "k", "v");
    CHECK(!crdt::join(m, other).contains("k"));
}

TEST_CASE("keys come in order with their values") {
    map m;
    m.put(a, 1, "z", "1");
    m.put(a, 2, "m", "2");
    m.put(a, 3, "b", "3");
    m.erase(a, 4, "m");
    CHECK(m.entries() == std::vector<std::pair<std::string, std::string>>{{"b", "3"}, {"z", "1"}});
}

TEST_CASE("a losing write is still a delta for those who have seen nothing") {
    map m, reader;
    m.put(a, 9, "k", "new");
    reader.merge(m.put(b, 3, "k", "old"));
    CHECK(*reader.find("k") == "old");
    CHECK(*m.find("k") == "new");
}

TEST_CASE("a delta is one key, and its stamp is told") {
    map m;
    for (int i = 0; i < 100; ++i) m.put(a, 1, "key-" + std::to_string(i), "v");
    const auto delta = m.erase(a, 7, "key-5");
    CHECK(crdt::max_stamp(delta) == 7);
    CHECK(wire::encoded_size(delta) < 30);
    CHECK(m.size() == 99);
}

TEST_CASE("the size follows merges, differences, fragments and bytes") {
    map x, y;
    for (const auto* key : {"p", "q", "r"}) x.put(a, 1, key, "v");
    y.erase(b, 2, "q");
    y.put(b, 2, "s", "v");
    const auto both = crdt::join(x, y);
    CHECK(both.size() == 3);
    CHECK(both.size() == both.entries().size());
    CHECK(crdt::difference(both, x).size() == 1);
    CHECK(wire::decode<map>(wire::encode(both)).size() == 3);
    crdt::split(both, 1, [](const map& part) { CHECK(part.size() == part.entries().size()); });
}

TEST_CASE("a tombstone is an entry that replication sees") {
    map m;
    m.put(a, 1, "k", "v");
    wire::digest with_value, erased;
    crdt::for_each_entry(m, [&](crdt::entry_id, const wire::digest& v) { with_value = v; });
    m.erase(a, 2, "k");
    crdt::for_each_entry(m, [&](crdt::entry_id, const wire::digest& v) { erased = v; });
    CHECK(!erased.zero());
    CHECK(erased != with_value);
}

TEST_CASE("what was moved from is empty and counts anew") {
    map m, assigned;
    m.put(a, 1, "key", "value");
    const auto moved = std::move(m);
    CHECK(moved.size() == 1);
    CHECK(m.empty()); // NOLINT(bugprone-use-after-move)
    m.put(a, 2, "key", "value");
    CHECK(m.size() == 1);
    assigned = std::move(m);
    CHECK(m.empty());
    CHECK(assigned.size() == 1);
}

} // namespace lww_map_test
