// SPDX-License-Identifier: Apache-2.0
#include <gossip/detail/intervals.hpp>
#include <gossip/detail/relay.hpp>
#include <gossip/random.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "seeds.hpp"

namespace relay_test {

namespace {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
using gossip::detail::intervals;
using gossip::detail::item_key;
using gossip::detail::relay;

std::vector<std::byte> bytes_of(std::size_t n) { return std::vector<std::byte>(n, std::byte{7}); }

} // namespace

TEST_CASE("a relay with room for few origins forgets who was silent longest, and its bytes") {
    relay items(1 << 20, 4);
    for (std::uint64_t sequence = 1; sequence <= 3; ++sequence)
        for (std::uint64_t origin = 1; origin <= 4; ++origin)
            items.add({{origin}, sequence}, bytes_of(10 * origin));
    const std::size_t before = items.bytes();
    items.add({{2}, 4}, bytes_of(1)); // so that 1 is the oldest
    items.add({{5}, 1}, bytes_of(1));
    CHECK(!items.received({{1}, 1}));
    CHECK(items.find({{1}, 3}) == nullptr);
    CHECK(items.received({{2}, 1}));
    CHECK(items.received({{5}, 1}));
    // Three items of 10 bytes have gone, two of one have come, and each item costs the same.
    const std::size_t cost = (before - 3 * 100) / 12;
    CHECK(items.bytes() == before - 30 - 3 * cost + 2 + 2 * cost);
    // What is left goes in order of arrival, without what was forgotten.
    relay few(3 * (cost + 100), 4);
    for (std::uint64_t each = 1; each <= 20; ++each) {
        few.add({{1 + each % 7}, each}, bytes_of(100));
        CHECK(few.bytes() <= 3 * (cost + 100));
        CHECK(few.find({{1 + each % 7}, each}) != nullptr);
    }
}

TEST_CASE("numbers with gaps, of however many origins, take little memory") {
    constexpr std::uint64_t origins = 2000, each = 200;
    relay items(1000, origins);
    for (std::uint64_t sequence = 2; sequence <= 2 * each; sequence += 2)
        for (std::uint64_t origin = 1; origin <= origins; ++origin)
            items.add({{origin}, sequence}, bytes_of(1));
    const auto gaps_of = [&](std::uint64_t origin) {
        std::size_t gaps = 0;
        items.for_each_missing({{origin}, 1, 2 * each}, [&](std::uint64_t) { return ++gaps > 0; });
        return gaps;
    };
    std::size_t all = 0;
    for (std::uint64_t origin = 1; origin <= origins; ++origin) {
        all += gaps_of(origin);
        for (std::uint64_t sequence = 2; sequence <= 2 * each; sequence += 2)
            REQUIRE(items.received({{origin}, sequence}));
    }
    CHECK(all < 70'000);
    CHECK(gaps_of(7) >= 15); // the latest are remembered
    // A few origins alone may have many.
    relay few(1000, origins);
    for (std::uint64_t sequence = 2; sequence <= 2000; sequence += 2)
        few.add({{1}, sequence}, bytes_of(1));
    std::size_t gaps = 0;
    few.for_each_missing({{1}, 1, 2000}, [&](std::uint64_t) { return ++gaps > 0; });
    CHECK(gaps == 1000);
}

TEST_CASE("a relay that has more origins than room for adverts tells of each in turn") {
    constexpr std::uint64_t origins = 50;
    constexpr std::size_t most = 8;
    relay items(1 << 20, 100);
    for (std::uint64_t origin = 1; origin <= origins; ++origin)
        items.add({{origin}, 1}, bytes_of(1));
    std::map<std::uint64_t, int> told;
    for (int round = 0; round < 13; ++round) {
        const auto ranges = items.adverts(most);
        CHECK(ranges.size() == most);
        for (const auto& each : ranges) ++told[each.origin.value];
    }
    CHECK(told.size() == origins); // half of each are the latest, (50 - 4) / 4 rounds the others
    CHECK(told[origins] == 13);
}

TEST_CASE("closing the lowest gaps loses no number and adds none above them") {
    for (const std::uint64_t seed : gossip_test::seeds(20)) {
        INFO("seed " << seed);
        gossip::random random(seed);
        intervals some;
        std::set<std::uint64_t> model;
        for (int i = 0; i < 300; ++i) {
            const auto n = random.below(600);
            some.insert(n);
            model.insert(n);
        }
        const std::size_t most = 1 + random.below(40);
        REQUIRE(some.size() > most);
        some.coarsen(most);
        CHECK(some.size() == most);
        const auto closed_to = some.spans().begin()->second;
        for (std::uint64_t n = 0; n < 600; ++n) {
            if (model.contains(n)) REQUIRE(some.contains(n));
            if (some.contains(n) && !model.contains(n)) REQUIRE(n < closed_to);
        }
    }
}

} // namespace relay_test
