// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <stream/frontier.hpp>
#include <testing/laws.hpp>

namespace frontier_test {

using namespace stream_test;
namespace testing = joinery::testing;
using stream::frontier;

TEST_CASE("A16 a frontier is the least of the members that are not idle, and never falls") {
    std::vector<std::string> members{"a", "b", "c"};
    frontier now;
    CHECK_FALSE(now.read(members).has_value());
    now.advance("a", 1, 5);
    now.advance("b", 1, 7);
    CHECK_FALSE(now.read(members).has_value());
    now.advance("c", 1, 9);
    CHECK(now.read(members) == 5);
    now.hold(members);
    now.idle("a", 1);
    CHECK(now.read(members) == 7);
    now.hold(members);
    members.erase(members.begin());
    CHECK(now.read(members) == 7);
    CHECK_FALSE(now.regressed(members));
    members.push_back("d");
    now.advance("d", 1, 6);
    CHECK(now.regressed(members));
    CHECK(now.read(members) == 7);
    now.hold(members);
    CHECK(now.read(members) == 7);
    now.advance("d", 1, 8);
    now.advance("b", 1, 10);
    CHECK_FALSE(now.regressed(members));
    CHECK(now.read(members) == 8);
}

TEST_CASE("an idle member comes back as its next incarnation") {
    const std::vector<std::string> members{"a"};
    frontier now;
    now.advance("a", 1, 5);
    now.hold(members);
    CHECK(now.advance("a", 1, 4) == frontier{});
    now.idle("a", 1);
    CHECK(now.read(members) == 5);
    CHECK(now.advance("a", 1, 9) == frontier{});
    CHECK(now.advance("a", 2, 3) != frontier{});
    CHECK(now.regressed(members));
    CHECK(now.read(members) == 5);
    CHECK(frontier{}.read({}) == std::nullopt);
}

TEST_CASE("a frontier keeps every law") {
    const auto step = [](frontier& s, crdt::replica_id, rng& chance) {
        const std::vector<std::string> all{"a", "b", "c"};
        const auto& member = all[static_cast<std::size_t>(chance.below(3))];
        const auto incarnation = chance.below(3);
        if (chance.chance(1, 8)) return s.idle(member, incarnation);
        if (chance.chance(1, 4)) return s.hold(all);
        return s.advance(member, incarnation, static_cast<std::int64_t>(chance.below(9)) - 4);
    };
    const auto result = testing::check_laws<frontier>({.cases = cases_of(10'000)}, step);
    CHECK_MESSAGE(result.holds(), result.text());
    CHECK(result.laws.size() == 27);
}

} // namespace frontier_test
