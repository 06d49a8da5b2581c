// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <stream/offset_filter.hpp>
#include <testing/laws.hpp>

#include <set>

namespace offset_filter_test {

using namespace stream_test;
namespace testing = joinery::testing;
using stream::admission;
using stream::offset_filter;
using ranges = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

TEST_CASE("A13 replayed offsets are duplicates, and counts equal those of a run without failure") {
    offset_filter input;
    std::uint64_t counted = 0, repeated = 0;
    const auto offer = [&](std::uint64_t offset) {
        const auto how = input.admit("p0", offset).first;
        counted += how == admission::fresh ? 1U : 0U;
        repeated += how == admission::duplicate ? 1U : 0U;
        REQUIRE(how != admission::gap);
    };
    input.start_at("p0", 100);
    for (std::uint64_t offset = 100; offset < 150; ++offset) offer(offset);
    const auto checkpoint = input;
    const auto counted_then = counted;
    for (std::uint64_t offset = 150; offset < 180; ++offset) offer(offset);
    // The worker is lost; what was not in the checkpoint is counted again, and nothing twice.
    input = wire::decode<offset_filter>(wire::encode(checkpoint));
    counted = counted_then;
    for (std::uint64_t offset = 100; offset < 200; ++offset) offer(offset);
    CHECK(repeated == 50);
    CHECK(counted == 100);
    CHECK(input.prefix("p0") == 200);
    CHECK(input.gaps("p0").empty());
}

TEST_CASE("records out of order are admitted within a bounded list of gaps") {
    offset_filter input;
    CHECK(input.admit("p0", 2, 2).first == admission::fresh);
    CHECK(input.admit("p0", 4, 2).first == admission::fresh);
    CHECK(input.gaps("p0") == ranges{{0, 2}, {3, 4}});
    const auto before = input;
    CHECK(input.admit("p0", 6, 2) == std::pair{admission::gap, offset_filter{}});
    CHECK(input == before);
    CHECK(input.admit("p0", 5, 2).first == admission::fresh);
    CHECK(input.admit("p0", 4, 2).first == admission::duplicate);
    CHECK(input.admit("p0", 3, 2).first == admission::fresh);
    CHECK(input.gaps("p0") == ranges{{0, 2}});
    CHECK(input.prefix("p0") == 0);
    CHECK(input.admit("p0", 0, 2).first == admission::fresh);
    CHECK(input.admit("p0", 1, 2).first == admission::fresh);
    CHECK(input.prefix("p0") == 6);
    CHECK(input.prefix("p1") == 0);
}

TEST_CASE("with no ranges beyond the prefix only the next offset is admitted") {
    offset_filter input;
    CHECK(input.admit("p0", 1, 0).first == admission::gap);
    CHECK(input.admit("p0", 0, 0).first == admission::fresh);
    CHECK(input.admit("p0", 0, 0).first == admission::duplicate);
    CHECK(input.admit("p0", 1, 0).first == admission::fresh);
    CHECK(input.admit("p0", ~std::uint64_t{0}).first == admission::gap);
    CHECK(input.admit("p0", ~std::uint64_t{0} - 1).first == admission::fresh);
    CHECK(wire::decode<offset_filter>(wire::encode(input)) == input);
}

TEST_CASE("ranges are the set of their offsets") {
    using set = std::set<std::uint64_t>;
    using stream::detail::offset_ranges;
    for (const std::uint64_t seed : seeds(20'000)) {
        INFO("JOINERY_SEED=" << seed);
        rng chance(seed);
        set a, b;
        offset_ranges x, y;
        const auto add = [&](set& all, offset_ranges& kept) {
            const auto begin = chance.below(30), end = begin + chance.below(5);
            for (auto offset = begin; offset < end; ++offset) all.insert(offset);
            kept.merge(offset_ranges(begin, end));
        };
        for (auto n = chance.below(7); n > 0; --n) add(a, x);
        for (auto n = chance.below(7); n > 0; --n) add(b, y);
        const auto elements = [](const offset_ranges& kept) {
            set all;
            for (const auto& each : kept.ranges())
                for (auto offset = each.begin; offset < each.end; ++offset) all.insert(offset);
            return all;
        };
        REQUIRE(elements(x) == a);
        for (std::uint64_t offset = 0; offset < 40; ++offset)
            REQUIRE(x.contains(offset) == a.contains(offset));
        set lacking, both = a;
        both.insert(b.begin(), b.end());
        for (const auto offset : a)
            if (!b.contains(offset)) lacking.insert(offset);
        REQUIRE(elements(x.difference(y)) == lacking);
        REQUIRE(x.leq(y) == lacking.empty());
        const auto before = x;
        REQUIRE(x.merge(y) == !y.leq(before));
        REQUIRE(elements(x) == both);
        for (std::size_t i = 1; i < x.ranges().size(); ++i)
            REQUIRE(x.ranges()[i - 1].end < x.ranges()[i].begin);
    }
}

TEST_CASE("an offset filter keeps every law") {
    const auto step = [](offset_filter& s, crdt::replica_id, rng& chance) {
        const auto partition = "p" + std::to_string(chance.below(2));
        if (chance.chance(1, 8)) return s.start_at(partition, chance.below(6));
        return s.admit(partition, chance.below(14), chance.below(5)).second;
    };
    const auto result = testing::check_laws<offset_filter>({.cases = cases_of(10'000)}, step);
    CHECK_MESSAGE(result.holds(), result.text());
    CHECK(result.laws.size() == 27);
}

} // namespace offset_filter_test
