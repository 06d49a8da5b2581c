// SPDX-License-Identifier: Apache-2.0
#include <gossip/detail/estimates.hpp>
#include <gossip/detail/holdings.hpp>
#include <gossip/detail/pulls.hpp>
#include <gossip/detail/rings.hpp>
#include <gossip/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace news_test {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
using namespace std::chrono_literals;
using gossip::detail::holdings;
using gossip::detail::item_key;
using gossip::detail::item_range;
using gossip::detail::rings;

// How news travels: circles of neighbours, what peers are known to have, what losses tell.
namespace {

constexpr crdt::replica_id one{1}, two{2};

gossip::peer member_at(std::size_t node, const std::string& zone = {}) {
    gossip::peer made;
    made.name = "m" + std::to_string(node);
    made.address = made.name + ":1";
    made.zone = zone;
    return made;
}

std::string zone_of(std::size_t node, std::size_t zones) {
    return zones == 0 ? std::string{} : "zone" + std::to_string(node % zones);
}

// The neighbours of each of so many members that know each other.
std::vector<std::vector<std::string>> circles(std::size_t nodes, std::size_t count,
                                              std::size_t zones = 0) {
    std::vector<std::vector<std::string>> all;
    for (std::size_t self = 0; self < nodes; ++self) {
        rings made(count, member_at(self).name, zone_of(self, zones));
        for (std::size_t node = 0; node < nodes; ++node)
            if (node != self) made.add(member_at(node, zone_of(node, zones)));
        all.push_back(made.all());
    }
    return all;
}

std::size_t reached_from(const std::vector<std::vector<std::string>>& next, std::size_t start) {
    std::set<std::size_t> met{start};
    std::vector<std::size_t> left{start};
    while (!left.empty()) {
        const std::size_t at = left.back();
        left.pop_back();
        for (const auto& address : next[at]) {
            const std::size_t to = std::stoul(address.substr(1));
            if (met.insert(to).second) left.push_back(to);
        }
    }
    return met.size();
}

bool same(const std::vector<item_range>& a, const std::vector<item_range>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
        return x.origin == y.origin && x.lo == y.lo && x.hi == y.hi;
    });
}

} // namespace

TEST_CASE("circles of all members reach everybody, whoever begins, and burden all alike") {
    for (const std::size_t zones : {0U, 3U})
        for (const std::size_t nodes : {2U, 3U, 4U, 10U, 200U}) {
            INFO("nodes " << nodes << ", zones " << zones);
            const auto next = circles(nodes, 3, zones);
            std::map<std::string, std::size_t> told;
            for (std::size_t node = 0; node < nodes; ++node) {
                CHECK(reached_from(next, node) == nodes);
                CHECK(next[node].size() <= 3);
                for (const auto& to : next[node]) ++told[to];
            }
            CHECK(told.size() == nodes);
            for (const auto& [to, times] : told) CHECK(times <= 3);
        }
}

TEST_CASE("with zones one circle alone crosses them") {
    const auto next = circles(60, 3, 3);
    std::size_t across = 0;
    for (std::size_t node = 0; node < next.size(); ++node) {
        const auto far = std::count_if(next[node].begin(), next[node].end(), [&](const auto& to) {
            return std::stoul(to.substr(1)) % 3 != node % 3;
        });
        CHECK(far <= 1);
        across += static_cast<std::size_t>(far);
    }
    CHECK(across > 0);
}

TEST_CASE("a lost neighbour is told, another loss is not") {
    rings made(3, "self", "");
    for (std::size_t node = 0; node < 50; ++node) made.add(member_at(node));
    const auto before = made.all();
    for (std::size_t node = 0; node < 50; ++node) {
        const std::string address = member_at(node).address;
        const bool neighbour = std::find(before.begin(), before.end(), address) != before.end();
        if (!neighbour) CHECK(!made.remove(address));
    }
    CHECK(made.all() == before);
    CHECK(made.remove(before.front()));
}

TEST_CASE("what a peer is known to have is left out, no more and no less") {
    holdings at;
    const std::vector<item_range> news{{one, 3, 9}, {two, 1, 1}};
    CHECK(same(at.lacking("a", news), news));
    at.note("a", {{one, 3, 5}});
    CHECK(same(at.lacking("a", news), {{one, 6, 9}, {two, 1, 1}}));
    CHECK(same(at.lacking("b", news), news));
    at.note("a", {{one, 6, 9}, {two, 1, 4}});
    CHECK(at.lacking("a", news).empty());
    at.note("a", {{one, 20, 22}}); // a gap: what is before it is known no more
    CHECK(at.lacking("a", {{one, 20, 22}}).empty());
    CHECK(same(at.lacking("a", {{one, 19, 20}}), {{one, 19, 20}}));
    CHECK(same(at.lacking("a", {{one, 22, 23}}), {{one, 23, 23}}));
    at.note("a", {{one, 18, 20}});
    CHECK(at.lacking("a", {{one, 18, 22}}).empty());
    at.forget("a");
    CHECK(same(at.lacking("a", news), news));
}

TEST_CASE("64 peers are remembered, the one not heard of for longest goes first") {
    holdings at;
    const auto name = [](std::size_t peer) { return "p" + std::to_string(peer); };
    for (std::size_t peer = 0; peer < 64; ++peer) at.note(name(peer), {{one, 1, 5}});
    CHECK(at.size() == 64);
    at.note(name(0), {{one, 6, 6}});
    for (std::size_t peer = 64; peer < 1000; ++peer) {
        at.note(name(peer), {{one, 1, 5}});
        CHECK(at.size() == 64);
        at.note(name(0), {{two, peer, peer}});
    }
    CHECK(at.lacking(name(0), {{one, 1, 6}}).empty());
    CHECK(at.lacking(name(999), {{one, 1, 5}}).empty());
    CHECK(!at.lacking(name(1), {{one, 1, 5}}).empty());
    at.note("silent", {});
    CHECK(at.size() == 64);
    for (std::uint64_t origin = 1; origin < 10'000; ++origin)
        at.note("many", {{crdt::replica_id{origin}, 1, 1}});
    std::size_t kept = 0;
    for (std::uint64_t origin = 1; origin < 10'000; ++origin)
        kept += at.lacking("many", {{crdt::replica_id{origin}, 1, 1}}).empty() ? 1U : 0U;
    CHECK(kept <= holdings::max_origins);
    CHECK(kept > 0);
}

TEST_CASE("losses by chance are told from a path that is gone") {
    gossip::detail::loss_estimate at;
    CHECK(!at.considerable());
    CHECK(at.by_chance() == 1);
    gossip::random random(1);
    for (int each = 0; each < 500; ++each) at.note(random.chance(51, 100)); // 30 % each way
    CHECK(at.considerable());
    CHECK(at.by_chance() >= 3);
    CHECK(at.by_chance() <= 12);
    for (int each = 0; each < 100; ++each) at.note(false);
    CHECK(!at.considerable());
    CHECK(at.by_chance() == 1);
    unsigned row = 0; // all is lost at once: that is no chance
    for (; row < 12 && row <= at.by_chance(); ++row) at.note(true);
    CHECK(row < 6);
}

TEST_CASE("the usual round trip follows what is measured") {
    gossip::detail::round_trips at;
    CHECK(at.patience() == gossip::duration::zero());
    for (int each = 0; each < 50; ++each) at.note(20ms);
    CHECK(at.patience() >= 40ms);
    CHECK(at.patience() < 50ms);
    for (int each = 0; each < 50; ++each) at.note(each % 2 == 0 ? 20ms : 200ms);
    CHECK(at.patience() > 200ms);
}

TEST_CASE("an item that is late twice is asked for where it is advertised next") {
    gossip::detail::pulls at(10);
    const gossip::detail::relay nothing(1000, 10);
    const std::vector<item_range> news{{one, 1, 1}};
    const gossip::time_point start{1h};
    CHECK(at.plan(news, nothing, "a", start, start + 40ms).size() == 1);
    CHECK(at.plan(news, nothing, "b", start, start + 40ms).empty());
    CHECK(at.overdue(start + 40ms).items == 1);
    CHECK(at.plan(news, nothing, "b", start + 50ms, start + 90ms).empty()); // once is chance
    CHECK(at.overdue(start + 10s).items == 1);
    CHECK(at.plan(news, nothing, "a", start + 10s, start + 11s).empty());
    CHECK(at.plan(news, nothing, "b", start + 10s, start + 11s).size() == 1);
    CHECK(at.plan(news, nothing, "c", start + 10s, start + 11s).empty());
    CHECK(at.done({one, 1}, start + 10s + 20ms) == gossip::duration(20ms));
    CHECK(at.empty());
    CHECK(at.plan(news, nothing, "a", start, start + 40ms).size() == 1);
    CHECK(at.overdue(start + 40ms).items == 1);
    CHECK(!at.done({one, 1}, start + 60ms)); // of which question, nobody knows
}

} // namespace news_test
