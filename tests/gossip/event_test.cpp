// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <utility>

namespace event_test {

using namespace gossip_test;
using gossip::event_kind;

namespace {

network pair_of(const gossip::config& first, const gossip::config& second) {
    network net(8);
    net.add(address_of(0), engine(first, 1));
    net.add(address_of(1), engine(second, 2));
    return net;
}

std::vector<gossip::event> events_of(engine& at, event_kind kind) {
    std::vector<gossip::event> all;
    while (auto each = at.poll_event())
        if (each->kind == kind) all.push_back(std::move(*each));
    return all;
}

void write_motto(engine& on, std::uint64_t stamp, const std::string& text) {
    on.update(&shared_state::motto,
              [&](auto& motto, auto self) { return motto.assign(self, stamp, text); });
}

} // namespace

TEST_CASE("merges are told with their deltas, and the deltas alone rebuild the state") {
    gossip::config telling = config_of(1, 2);
    telling.report_merges = true;
    network net = pair_of(config_of(0, 2), telling);
    for (std::uint32_t each = 0; each < 50; ++each) {
        net.engine(0).update(&shared_state::seen,
                             [&](auto& set, auto self) { return set.add(self, each); });
        net.engine(0).update(&shared_state::tags, [&](auto& set, auto self) {
            return each % 3 == 2 ? set.remove(self, "b") : set.add(self, each % 3 == 0 ? "a" : "b");
        });
        net.run_for(20ms);
    }
    REQUIRE(net.run_until([&] { return in_sync(net); }, 30s));
    shared_state rebuilt;
    const auto told = events_of(net.engine(1), event_kind::merged);
    for (const gossip::event& each : told) {
        shared_state delta;
        REQUIRE(wire::decode_nested(each.delta, delta, {}, wire::unknown_fields::refuse));
        CHECK(crdt::merge(rebuilt, delta));
        CHECK(each.name == "node0");
    }
    CHECK(!told.empty());
    CHECK(rebuilt == std::as_const(net).engine(1).state());
    CHECK(events_of(net.engine(0), event_kind::merged).empty());
}

TEST_CASE("a stamp too far ahead is refused until the wall clock has caught up") {
    network net = pair_of(config_of(0, 2), config_of(1, 2));
    const std::uint64_t wall = 1'000'000;
    net.engine(1).observe_wall(wall);
    net.run_for(2s);
    const std::uint64_t far = wall + 200'000;
    write_motto(net.engine(0), far << 16U, "from the future");
    net.engine(0).update(&shared_state::hits,
                         [](auto& hits, auto self) { return hits.increment(self, 4); });
    net.run_for(10s);
    const auto& late = std::as_const(net).engine(1);
    CHECK(late.state().motto.value() == nullptr);
    CHECK(late.state().hits.value() == 4);
    CHECK(!events_of(net.engine(1), event_kind::clock_too_far_ahead).empty());
    CHECK(late.statistics().refused_clock > 0);
    CHECK(late.statistics().refused_clock < 20);
    net.engine(1).observe_wall(far);
    CHECK(net.run_until([&] { return in_sync(net); }, 60s));
    CHECK(*late.state().motto.value() == "from the future");
}

TEST_CASE("old stamps are always fine") {
    network net = pair_of(config_of(0, 2), config_of(1, 2));
    net.engine(1).observe_wall(1'000'000'000);
    write_motto(net.engine(0), 1, "from the past");
    CHECK(net.run_until([&] { return std::as_const(net).engine(1).state().motto.value(); }, 10s));
    CHECK(std::as_const(net).engine(1).statistics().refused_clock == 0);
}

TEST_CASE("two engines of one name and incarnation are told of") {
    gossip::config same = config_of(1, 2);
    same.name = "node0";
    network net = pair_of(config_of(0, 2), same);
    net.run_for(5s);
    // The winner says so, the loser too, and is silent from then on.
    const bool first = net.engine(1).displaced();
    CHECK(first != net.engine(0).displaced());
    CHECK(events_of(net.engine(first ? 0 : 1), event_kind::id_clash).size() == 1);
    CHECK(events_of(net.engine(first ? 1 : 0), event_kind::displaced).size() == 1);
}

TEST_CASE("a member that comes, falls silent and comes again is told of each time") {
    network net = pair_of(config_of(0, 2), config_of(1, 2));
    net.run_for(3s);
    auto up = events_of(net.engine(0), event_kind::member_up);
    REQUIRE(up.size() == 1);
    CHECK(up[0].name == "node1");
    CHECK(up[0].address == address_of(1));
    net.stop(1);
    net.run_for(60s);
    CHECK(events_of(net.engine(0), event_kind::member_down).size() == 1);
    gossip::config again = config_of(1, 2);
    again.incarnation = 2;
    net.restart(1, engine(again, 3));
    net.run_for(20s);
    up = events_of(net.engine(0), event_kind::member_up);
    CHECK(up.size() == 1);
    CHECK(std::as_const(net).engine(0).members().at(0).incarnation == 2);
}

TEST_CASE("an engine that lost its past under an old incarnation is told and reuses no number") {
    network net = pair_of(config_of(0, 2), config_of(1, 2));
    const auto hit = [&](std::uint64_t times) {
        net.engine(0).update(&shared_state::seen, [&](auto& set, auto self) {
            return set.add(self, static_cast<std::uint32_t>(times));
        });
    };
    for (std::uint64_t each = 0; each < 10; ++each) {
        hit(each);
        net.run_for(1ms);
    }
    net.run_for(2s);
    net.stop(0);
    net.restart(0, engine(config_of(0, 2), 9));
    hit(100);
    net.run_for(5s);
    CHECK(!events_of(net.engine(0), event_kind::self_ahead).empty());
    hit(101);
    CHECK(net.run_until([&] { return in_sync(net); }, 60s));
    CHECK(std::as_const(net).engine(1).state().seen.size() == 12);
}

TEST_CASE("an idle cluster is nearly silent") {
    network net(12);
    constexpr std::size_t nodes = 10;
    for (std::size_t node = 0; node < nodes; ++node)
        net.add(address_of(node), engine(config_of(node, nodes), node));
    net.engine(3).update(&shared_state::hits,
                         [](auto& hits, auto self) { return hits.increment(self, 1); });
    net.run_for(20s);
    REQUIRE(in_sync(net));
    const std::uint64_t before = net.bytes_sent();
    net.run_for(100s);
    const std::uint64_t each_second = (net.bytes_sent() - before) / 100 / nodes;
    MESSAGE("bytes a second and node: " << each_second);
    CHECK(each_second < 4000);
}

} // namespace event_test
