// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/g_counter.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/or_set.hpp>
#include <crdt/struct.hpp>

namespace struct_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

const crdt::replica_id a{1}, b{2};

struct cart {
    BOOST_HANA_DEFINE_STRUCT(cart, (crdt::g_counter, visits), (crdt::or_set<std::string>, items));
    bool operator==(const cart&) const = default;
};

struct cart_of_next_year {
    BOOST_HANA_DEFINE_STRUCT(cart_of_next_year, (crdt::lww_register<std::string>, note),
                             (crdt::or_set<std::string>, items), (crdt::g_counter, visits));
    bool operator==(const cart_of_next_year&) const = default;
};

static_assert(crdt::crdt_struct<cart>);
static_assert(crdt::replicated<cart>);

} // namespace

TEST_CASE("a struct of lattices joins field by field") {
    cart x, y;
    x.visits.increment(a, 2);
    x.items.add(a, "milk");
    y.visits.increment(b, 3);
    y.items.add(b, "bread");
    const cart both = crdt::join(x, y);
    CHECK(crdt::to_string(both.visits.value()) == "5");
    CHECK(both.items.size() == 2);
}

TEST_CASE("every field is merged, also after one that grew") {
    cart x, y;
    y.visits.increment(b);
    y.items.add(b, "bread");
    CHECK(crdt::merge(x, y));
    CHECK(x == y);
    CHECK(!crdt::merge(x, y));
}

TEST_CASE("a field's delta in an empty struct is the struct's delta") {
    cart x, reader;
    cart delta;
    delta.items = x.items.add(a, "milk");
    crdt::merge(reader, delta);
    CHECK(reader == x);
}

TEST_CASE("an empty struct has no entries and the fewest bytes") {
    std::size_t entries = 0;
    crdt::for_each_entry(cart{}, [&](crdt::entry_id, const auto&) { ++entries; });
    CHECK(entries == 0);
    CHECK(wire::encode_nested(cart{}).size() == 1);
}

TEST_CASE("fields added and reordered change no bytes of the others") {
    cart x;
    x.visits.increment(a, 2);
    x.items.add(a, "milk");
    cart_of_next_year read;
    REQUIRE(wire::decode_nested(wire::encode_nested(x), read));
    CHECK(read.visits == x.visits);
    CHECK(read.items == x.items);
    CHECK(wire::encode_nested(read) == wire::encode_nested(x));
}

TEST_CASE("a field this build does not know is refused in a file and skipped in a delta") {
    cart_of_next_year x;
    x.note.assign(a, 1, "hello");
    x.visits.increment(a, 2);
    const auto bytes = wire::encode_nested(x);
    cart read;
    CHECK(!wire::decode_nested(bytes, read));
    REQUIRE(wire::decode_nested(bytes, read, {}, wire::unknown_fields::skip));
    CHECK(read.visits == x.visits);
}

TEST_CASE("each field has its own entries") {
    cart x;
    x.items.add(a, "milk");
    x.visits.increment(a);
    std::vector<crdt::entry_id> ids;
    crdt::for_each_entry(x, [&](crdt::entry_id id, const auto&) { ids.push_back(id); });
    CHECK(crdt::id_set(ids).size() == 2);
}

} // namespace struct_test
