// SPDX-License-Identifier: Apache-2.0
#include <gossip/placement.hpp>
#include <gossip/random.hpp>

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace placement_test {

namespace gossip = joinery::gossip;
using gossip::place;
using gossip::placement;

namespace {

std::vector<place> nodes(std::size_t count, std::size_t zones = 1) {
    std::vector<place> all;
    for (std::size_t each = 0; each < count; ++each)
        all.push_back(
            {"node" + std::to_string(each), "zone" + std::to_string(each % zones), 1, true});
    return all;
}

std::vector<std::uint64_t> keys(std::size_t count) {
    gossip::random random(1);
    std::vector<std::uint64_t> all;
    for (std::size_t each = 0; each < count; ++each) all.push_back(random.next());
    return all;
}

std::map<std::string, std::size_t> load(const placement& on,
                                        const std::vector<std::uint64_t>& all) {
    std::map<std::string, std::size_t> count;
    for (const std::uint64_t key : all)
        for (const auto& owner : on.owners(key)) ++count[owner];
    return count;
}

} // namespace

TEST_CASE("no node has a fifth more or less than its share") {
    for (const std::size_t size : {3U, 10U, 30U}) {
        const auto count = load(placement(nodes(size), 1), keys(10'000 * size));
        REQUIRE(count.size() == size);
        for (const auto& [name, held] : count) {
            CHECK(held > 8'000);
            CHECK(held < 12'000);
        }
    }
    const auto thrice = load(placement(nodes(12, 3), 3), keys(40'000));
    for (const auto& [name, held] : thrice) {
        CHECK(held > 8'000);
        CHECK(held < 12'000);
    }
}

TEST_CASE("a node's share goes with its weight") {
    auto all = nodes(4);
    all[1].weight = 2;
    all[2].weight = 5;
    all[3].weight = 0;
    const auto count = load(placement(all, 1), keys(80'000));
    CHECK(count.size() == 3);
    CHECK(count.at("node0") > 9'000);
    CHECK(count.at("node0") < 11'000);
    CHECK(count.at("node1") > 19'000);
    CHECK(count.at("node1") < 21'000);
    CHECK(count.at("node2") > 49'000);
    CHECK(count.at("node2") < 51'000);
}

TEST_CASE("replicas are in different zones as far as there are any") {
    for (const std::size_t zones : {1U, 2U, 3U, 5U}) {
        const placement on(nodes(10, zones), 3);
        for (const std::uint64_t key : keys(500)) {
            const auto owners = on.owners(key);
            REQUIRE(owners.size() == 3);
            std::set<std::string> names(owners.begin(), owners.end());
            CHECK(names.size() == 3);
            std::set<std::string> seen;
            for (const place& each : on.places())
                if (names.contains(each.name)) seen.insert(each.zone);
            CHECK(seen.size() == std::min<std::size_t>(zones, 3));
        }
    }
    CHECK(placement({}, 3).owners("key").empty());
    CHECK(placement(nodes(2), 3).owners("key").size() == 2);
}

TEST_CASE("a node that comes or goes moves only the keys that it gets or had") {
    const auto all = keys(20'000);
    const placement ten(nodes(10), 2);
    const placement eleven(nodes(11), 2);
    const auto moves = gossip::moves_between(ten, eleven, all);
    CHECK(moves.size() > all.size() * 2 / 11 * 9 / 10);
    CHECK(moves.size() < all.size() * 2 / 11 * 11 / 10);
    for (const gossip::move& each : moves) {
        CHECK(each.to == "node10");
        CHECK(each.from != "node10");
        CHECK(!each.from.empty());
    }
    for (const gossip::move& each : gossip::moves_between(eleven, ten, all)) {
        const auto old = eleven.owners(each.key_hash);
        CHECK(std::find(old.begin(), old.end(), "node10") != old.end());
        CHECK(each.from != "node10"); // the replica that stays has it too
    }
    CHECK(gossip::moves_between(ten, ten, all).empty());
}

TEST_CASE("a zone that goes leaves its keys' other replicas where they are") {
    const auto all = keys(5'000);
    const placement three(nodes(12, 3), 2);
    auto left = nodes(12, 3);
    std::erase_if(left, [](const place& each) { return each.zone == "zone2"; });
    const placement two(left, 2);
    for (const std::uint64_t key : all) {
        const auto old = three.owners(key);
        const auto now = two.owners(key);
        for (const auto& each : old) {
            const auto at = std::find_if(left.begin(), left.end(),
                                         [&](const place& p) { return p.name == each; });
            if (at != left.end()) CHECK(std::find(now.begin(), now.end(), each) != now.end());
        }
    }
}

TEST_CASE("the order in which places are given, and doubles, do not matter") {
    auto all = nodes(9, 3);
    const placement one(all, 3);
    std::reverse(all.begin(), all.end());
    all.push_back(all.front());
    const placement other(all, 3);
    for (const std::uint64_t key : keys(200)) CHECK(one.owners(key) == other.owners(key));
    CHECK(one.owners("a key") == one.preference("a key", {}, 0));
}

TEST_CASE("a router asks the primary, then the near and the healthy, then who would be next") {
    auto all = nodes(9, 3);
    const placement well(all, 3);
    const auto owners = well.owners("key");
    const auto zone_of = [&](const std::string& name) {
        for (const place& each : all)
            if (each.name == name) return each.zone;
        return std::string{};
    };
    const auto near = well.preference("key", zone_of(owners[2]));
    REQUIRE(near.size() == 4);
    CHECK(near[0] == owners[0]);
    CHECK(near[1] == owners[2]);
    CHECK(near[2] == owners[1]);
    CHECK(std::find(owners.begin(), owners.end(), near[3]) == owners.end());
    for (place& each : all) each.healthy = each.name != owners[0];
    const auto ill = placement(all, 3).preference("key");
    CHECK(ill[2] == owners[0]);
    CHECK(placement(all, 3).owners("key") == owners); // a suspicion moves nothing
}

TEST_CASE("the retry schedule goes through the list with ever longer waits") {
    gossip::retry_schedule schedule;
    const auto all = schedule.attempts(3);
    REQUIRE(all.size() == 12);
    CHECK(all[0].whom == 0);
    CHECK(all[2].whom == 2);
    CHECK(all[3].whom == 0);
    CHECK(all[3].wait == 2 * all[0].wait);
    CHECK(schedule.attempts(0).empty());
}

TEST_CASE("the live members are the places") {
    std::vector<gossip::peer> members(3);
    members[0].name = "a";
    members[1].name = "b";
    members[1].status = gossip::member_status::dead;
    members[2].name = "c";
    members[2].status = gossip::member_status::suspect;
    const auto all = gossip::places_of(members, {"me", "z", 1, true});
    REQUIRE(all.size() == 3);
    CHECK(all[0].name == "me");
    CHECK(all[1].name == "a");
    CHECK(!all[2].healthy);
}

} // namespace placement_test
