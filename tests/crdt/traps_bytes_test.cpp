// SPDX-License-Identifier: Apache-2.0
// What other libraries get wrong about encodings and digests, by number of the trap.
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/g_set.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/or_set.hpp>

#include "every_order.hpp"

namespace traps_bytes_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using set = crdt::or_set<std::string>;

const crdt::replica_id a{1}, b{2};

template <class T>
wire::errc refusal(const std::vector<std::byte>& bytes) {
    wire::error why;
    const std::optional<T> value = wire::try_decode<T>(bytes, wire::limits{}, why);
    return value ? wire::errc::none : why.code;
}

template <class T, class Body>
std::vector<std::byte> framed(Body body) {
    auto bytes = wire::encode(T{});
    bytes.resize(7);
    wire::writer w;
    body(w);
    bytes.insert(bytes.end(), w.bytes().begin(), w.bytes().end());
    return bytes;
}

template <class T>
std::map<crdt::entry_id, wire::digest> entries(const T& s) {
    std::map<crdt::entry_id, wire::digest> all;
    crdt::for_each_entry(s, [&](crdt::entry_id id, const wire::digest& v) { all[id] = v; });
    return all;
}

} // namespace

TEST_CASE("trap 40: states built in different orders have the same bytes") {
    set x, y;
    const set one = x.add(a, "one"), two = x.add(a, "two");
    const set three = y.add(b, "three");
    in_every_order<set>({one, two, three, x.remove(a, "one")});
}

TEST_CASE("trap 40: a count of zero is refused") {
    const auto bytes = framed<crdt::g_counter>([](wire::writer& w) {
        w.varint(1);
        w.fixed64(1);
        w.varint(0);
    });
    CHECK(refusal<crdt::g_counter>(bytes) == wire::errc::bad_value);
}

TEST_CASE("trap 40: replicas and elements twice or out of order are refused") {
    for (const auto& [first, second] : {std::pair{1U, 1U}, std::pair{2U, 1U}}) {
        const auto slots = framed<crdt::g_counter>([&](wire::writer& w) {
            w.varint(2);
            w.fixed64(first);
            w.fixed64(second);
            w.varint(1);
            w.varint(1);
        });
        CHECK(refusal<crdt::g_counter>(slots) == wire::errc::non_canonical);
        const auto elements = framed<crdt::g_set<std::uint32_t>>([&](wire::writer& w) {
            w.varint(2);
            w.fixed32(first);
            w.fixed32(second);
        });
        CHECK(refusal<crdt::g_set<std::uint32_t>>(elements) == wire::errc::non_canonical);
    }
}

TEST_CASE("trap 40: another type's bytes and another version's are refused") {
    crdt::g_counter n;
    n.increment(a, 3);
    auto bytes = wire::encode(n);
    CHECK(refusal<set>(bytes) == wire::errc::wrong_type);
    bytes[2] = std::byte{2};
    CHECK(refusal<crdt::g_counter>(bytes) == wire::errc::unsupported_version);
}

TEST_CASE("trap 40: bytes cut anywhere are refused, and so are bytes too many") {
    set s;
    s.add(a, "one");
    s.add(b, "two");
    s.remove(a, "one");
    const auto bytes = wire::encode(s);
    for (std::size_t n = 0; n < bytes.size(); ++n)
        CHECK(refusal<set>({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(n)}) !=
              wire::errc::none);
    auto longer = bytes;
    longer.push_back(std::byte{0});
    CHECK(refusal<set>(longer) == wire::errc::trailing_bytes);
}

TEST_CASE("trap 40: a payload whose dot the context lacks is refused") {
    set s;
    s.add(a, "x");
    auto bytes = wire::encode(s);
    // frame 7, replicas 1, id 8, runs 1, then the gap before the first interval
    bytes[7 + 1 + 8 + 1] = std::byte{1};
    CHECK(refusal<set>(bytes) != wire::errc::none);
}

TEST_CASE("trap 41: the same elements under other dots are another version") {
    set x, y;
    x.add(a, "v");
    y.add(b, "v");
    CHECK(x.elements() == y.elements());
    CHECK(entries(x) != entries(y));
}

TEST_CASE("trap 41: the same value at another stamp is another version") {
    crdt::lww_register<std::string> x, y;
    x.assign(a, 1, "v");
    y.assign(a, 2, "v");
    CHECK(entries(x) != entries(y));
}

TEST_CASE("trap 41: equal states have equal entries whatever led to them") {
    set x;
    const set one = x.add(a, "one"), two = x.add(a, "two");
    set y;
    y.merge(two);
    y.merge(one);
    CHECK(entries(x) == entries(y));
}

} // namespace traps_bytes_test
