// SPDX-License-Identifier: Apache-2.0
// Merging from bytes does what decoding and merging does, and refuses what decoding refuses.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/g_counter.hpp>
#include <crdt/merge_encoded.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <testing/random_history.hpp>

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace merge_encoded_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;
using joinery::testing::rng;

namespace {

using bytes = std::vector<std::byte>;

template <class T>
T value_of(std::uint64_t n) {
    if constexpr (std::integral<T>)
        return static_cast<T>(n * 0x9e3779b97f4a7c15U >> 7);
    else
        return T("value ") + std::to_string(n);
}

// Sets that have met one another in part: deltas got lost, came late or twice, chunks are full or
// nearly empty, and now and then two authors share an id.
template <class T>
std::vector<crdt::or_set<T>> acquainted(rng& random, std::size_t steps, std::uint64_t values) {
    std::vector<crdt::or_set<T>> all(4), deltas(1);
    for (std::size_t step = 0; step < steps; ++step) {
        const auto who = random.below(all.size());
        auto& s = all[who];
        // The last one writes under the id of the first.
        const crdt::replica_id self{who == 3 && random.chance(1, 4) ? 1 : who + 1};
        switch (random.below(10)) {
            case 0: deltas.push_back(s.remove(self, value_of<T>(random.below(values)))); break;
            case 1: s.merge(deltas[random.below(deltas.size())]); break;
            case 2:
                if (random.chance(1, 20)) s.merge(all[random.below(all.size())]);
                break;
            case 3:
                if (random.chance(1, 200)) deltas.push_back(s.clear(self));
                break;
            default: deltas.push_back(s.add(self, value_of<T>(random.below(values))));
        }
    }
    for (int i = 0; i < 5; ++i) all.push_back(deltas[random.below(deltas.size())]);
    all.push_back(all[0].context_part());
    all.push_back(all[1].difference(all[2]));
    all.push_back({});
    return all;
}

template <class L>
void same_as_decoding(const L& live, const bytes& message, const wire::limits& allowed = {}) {
    wire::error why_decoded, why;
    const auto theirs = wire::try_decode<L>(message, allowed, why_decoded);
    L expected = live, merged = live;
    crdt::report reported, found;
    std::optional<bool> grew;
    if (theirs) grew = crdt::merge(expected, *theirs, &reported);
    REQUIRE(crdt::merge_encoded(merged, message, allowed, why, &found) == grew);
    REQUIRE(why == why_decoded);
    REQUIRE(merged == expected);
    REQUIRE(wire::encode(merged) == wire::encode(expected));
    REQUIRE(found.double_spent == reported.double_spent);
}

// Also what the index knows, which may have been made before or not.
template <class T>
void same_elements(const crdt::or_set<T>& live, const crdt::or_set<T>& other, bool looked) {
    auto expected = live, merged = live;
    if (looked) static_cast<void>(merged.contains(value_of<T>(0)) || expected.size() == 0);
    expected.merge(other);
    wire::error why;
    const auto message = wire::encode(other);
    {
        // At an address that suits no integer; and gone when it is looked at.
        bytes elsewhere(message.size() + 1);
        std::copy(message.begin(), message.end(), elsewhere.begin() + 1);
        REQUIRE(crdt::merge_encoded(merged, std::span<const std::byte>(elsewhere).subspan(1), {},
                                    why) == !crdt::leq(other, live));
    }
    REQUIRE(merged.size() == expected.size());
    REQUIRE(merged.elements() == expected.elements());
    for (const auto& value : live.elements()) {
        REQUIRE(merged.contains(value) == expected.contains(value));
        REQUIRE(merged.dots_of(value) == expected.dots_of(value));
    }
    for (const auto& value : other.elements())
        REQUIRE(merged.dots_of(value) == expected.dots_of(value));
}

template <class T>
void check(std::uint64_t seed, std::size_t steps, std::uint64_t values) {
    CAPTURE(seed);
    rng random(seed);
    const auto all = acquainted<T>(random, steps, values);
    for (const auto& live : all)
        for (const auto& other : all) {
            same_as_decoding(live, wire::encode(other));
            same_elements(live, other, random.chance(1, 2));
        }
}

} // namespace

TEST_CASE("merging from bytes is decoding and merging") {
    for (std::uint64_t seed = 1; seed <= 40 / JOINERY_CASES_DIVISOR + 1; ++seed) {
        check<std::uint64_t>(seed, 30, 20);
        check<std::uint64_t>(seed + 100, 400, 200);
        check<std::int32_t>(seed + 200, 200, 100);
        check<std::uint8_t>(seed + 300, 200, 300);
        check<std::string>(seed + 400, 200, 100);
    }
    check<std::uint64_t>(500, 8000 / JOINERY_CASES_DIVISOR, 5000);
}

TEST_CASE("bytes that decoding refuses change nothing, and for the same reason") {
    rng random(7);
    const auto small = acquainted<std::uint64_t>(random, 40, 20);
    const auto large = acquainted<std::uint16_t>(random, 900, 1000);
    const auto damaged = [](const auto& live, const auto& other, std::size_t stride) {
        const bytes message = wire::encode(other);
        for (std::size_t n = 0; n < message.size(); n += stride)
            same_as_decoding(
                live, bytes(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(n)));
        for (std::size_t bit = 0; bit < 8 * message.size(); bit += stride) {
            bytes flipped = message;
            flipped[bit / 8] ^= std::byte{1} << bit % 8;
            same_as_decoding(live, flipped);
        }
        bytes longer = message;
        longer.push_back(std::byte{0});
        same_as_decoding(live, longer);
    };
    damaged(small[0], small[1], JOINERY_CASES_DIVISOR);
    damaged(small[1], small[5], JOINERY_CASES_DIVISOR);
    damaged(large[0], large[2], 7 * JOINERY_CASES_DIVISOR);
}

TEST_CASE("limits are those of decoding") {
    rng random(9);
    const auto all = acquainted<std::uint64_t>(random, 300, 200);
    const bytes message = wire::encode(all[1]);
    for (std::size_t n = 0; n < message.size() + 50; n += JOINERY_CASES_DIVISOR) {
        wire::limits allowed;
        allowed.max_bytes = n;
        same_as_decoding(all[0], message, allowed);
        allowed = {};
        allowed.max_items = n;
        same_as_decoding(all[0], message, allowed);
    }
    for (std::size_t n = 0; n < 4; ++n) {
        wire::limits allowed;
        allowed.max_depth = n;
        same_as_decoding(all[0], message, allowed);
    }
    // One element a chunk: much memory for few bytes.
    crdt::or_set<std::uint64_t> sparse;
    for (std::uint64_t i = 0; i < 2000; ++i)
        sparse.merge(crdt::or_set<std::uint64_t>().add({i}, i));
    const bytes dear = wire::encode(sparse);
    wire::limits allowed;
    const auto suffices = [&](std::size_t memory) {
        allowed.max_memory = memory;
        wire::error why;
        return wire::try_decode<decltype(sparse)>(dear, allowed, why).has_value();
    };
    std::size_t low = 0, high = 10'000'000;
    REQUIRE(!suffices(low));
    REQUIRE(suffices(high));
    while (high - low > 1) (suffices((low + high) / 2) ? high : low) = (low + high) / 2;
    for (const auto memory : {low / 2, low, high}) {
        allowed.max_memory = memory;
        same_as_decoding(all[0], dear, allowed);
    }
}

TEST_CASE("any lattice merges from bytes") {
    crdt::g_counter one, two;
    one.increment({1}, 3);
    two.increment({2}, 4);
    same_as_decoding(one, wire::encode(two));
    same_as_decoding(two, wire::encode(two));
    crdt::or_map<std::string, crdt::or_set<std::uint64_t>> map;
    map.update({1}, "a", [](auto& s, crdt::replica_id self) { return s.add(self, 7); });
    same_as_decoding(decltype(map)(), wire::encode(map));
    wire::error why;
    CHECK(!crdt::merge_encoded(one, wire::encode(map), {}, why));
    CHECK(why.code == wire::errc::wrong_type);
}

} // namespace merge_encoded_test
