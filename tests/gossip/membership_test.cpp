// SPDX-License-Identifier: Apache-2.0
#include "members.hpp"

#include <doctest/doctest.h>

namespace membership_test {

using namespace gossip_test;

TEST_CASE("members find each other from seeds") {
    for (const std::size_t nodes : {1U, 2U, 3U, 5U, 30U}) {
        INFO("nodes " << nodes);
        member_network net = members_of(nodes, 3);
        CHECK(net.run_until([&] { return all_see(net, up_to(nodes)); }, 20s));
        net.run_for(60s);
        CHECK(all_see(net, up_to(nodes)));
        for (std::size_t node = 0; node < nodes; ++node) {
            const auto events = take_events(net.engine(node));
            CHECK(count_of(events, event_kind::member_up) == nodes - 1);
            CHECK(count_of(events, event_kind::member_suspect) == 0);
            for (const auto& each : std::as_const(net).engine(node).members()) {
                CHECK(each.verified);
                CHECK(each.round_trip >= 1ms);
                CHECK(each.round_trip <= 10ms);
            }
        }
        CHECK(net.counts().stalled == 0);
    }
}

TEST_CASE("a member that dies is suspected, then dead, at all others") {
    for (const std::size_t nodes : {2U, 3U, 4U, 20U}) {
        INFO("nodes " << nodes);
        member_network net = members_of(nodes, 5, testing::faults{20, 0, 1ms, 20ms});
        REQUIRE(net.run_until([&] { return all_see(net, up_to(nodes)); }, 20s));
        net.run_for(5s);
        for (std::size_t node = 0; node < nodes; ++node) take_events(net.engine(node));
        net.stop(nodes - 1);
        CHECK(net.run_until([&] { return all_see(net, up_to(nodes - 1)); }, 20s));
        net.run_for(20s);
        for (std::size_t node = 0; node + 1 < nodes; ++node) {
            CHECK(seen(net, node, nodes - 1) == member_status::dead);
            const auto events = take_events(net.engine(node));
            CHECK(count_of(events, event_kind::member_down) == 1);
        }
    }
}

TEST_CASE("a member that leaves is known to have left, not to be dead") {
    member_network net = members_of(8, 7);
    REQUIRE(net.run_until([&] { return all_see(net, up_to(8)); }, 20s));
    net.engine(7).leave();
    CHECK(net.run_until(
        [&] {
            for (std::size_t node = 0; node < 7; ++node)
                if (seen(net, node, 7) != member_status::left) return false;
            return all_see(net, up_to(7));
        },
        3s));
    net.run_for(60s);
    for (std::size_t node = 0; node < 7; ++node) {
        const auto events = take_events(net.engine(node));
        CHECK(count_of(events, event_kind::member_left) == 1);
        CHECK(count_of(events, event_kind::member_down) == 0);
        CHECK(count_of(events, event_kind::member_suspect) == 0);
    }
}

TEST_CASE("metadata, zone and a new address reach everybody") {
    member_network net(4);
    for (std::size_t node = 0; node < 6; ++node) {
        auto settings = member_config(node);
        settings.zone = node % 2 == 0 ? "east" : "west";
        settings.metadata.assign(node * 50, static_cast<std::byte>(node));
        net.add(member_address(node), gossip::membership(settings, node));
    }
    REQUIRE(net.run_until([&] { return all_see(net, up_to(6)); }, 20s));
    net.run_for(3s);
    const auto right = [&](std::size_t changed, std::byte value) {
        for (std::size_t node = 0; node < 6; ++node)
            for (const auto& each : std::as_const(net).engine(node).members()) {
                const auto other = static_cast<std::size_t>(each.name[1] - '0');
                const auto with = other == changed ? value : static_cast<std::byte>(other);
                if (each.zone != (other % 2 == 0 ? "east" : "west")) return false;
                if (each.metadata != std::vector<std::byte>(other * 50, with)) return false;
            }
        return true;
    };
    CHECK(net.run_until([&] { return right(9, {}); }, 20s));
    net.engine(4).set_metadata(std::vector<std::byte>(200, std::byte{77}));
    CHECK(net.run_until([&] { return right(4, std::byte{77}); }, 5s));
    CHECK(count_of(take_events(net.engine(1)), event_kind::member_changed, "m4") >= 1);
}

TEST_CASE("two copies given the same inputs say the same") {
    member_network net = members_of(5, 9, testing::faults{100, 50, 1ms, 50ms});
    net.run_for(7s);
    member_network copy = net;
    net.run_for(20s);
    copy.run_for(20s);
    CHECK(net.trace() == copy.trace());
    CHECK(net.counts() == copy.counts());
}

TEST_CASE("versions are ordered around the circle, so every claim can be denied") {
    using gossip::detail::newer;
    CHECK(newer(1, 0));
    CHECK(newer(0, ~std::uint64_t{0}));
    CHECK(!newer(5, 5));
    CHECK(newer((std::uint64_t{1} << 63U) - 1, 0));
    CHECK(!newer(0, (std::uint64_t{1} << 63U) - 1));
}

TEST_CASE("time that nobody lived through makes no timer run out") {
    gossip::detail::witnessed_clock clock;
    const auto start = gossip::time_point{} + 9h;
    clock.advance(start, gossip::time_point::max(), 1s);
    const auto begun = clock.now();
    CHECK(!clock.advance(start + 500ms, begun + 1s, 1s));
    CHECK(clock.now() == begun + 500ms);
    CHECK(clock.advance(start + 1h, begun + 1s, 1s));
    CHECK(clock.now() == begun + 500ms);
    CHECK(!clock.advance(start - 1h, begun + 1s, 1s));
    CHECK(clock.now() == begun + 500ms);
    CHECK(!clock.advance(start - 1h + 1s, begun + 1s, 1s));
    CHECK(clock.now() == begun + 1500ms);
    CHECK(clock.outside(begun + 2s) == start - 1h + 1500ms);
}

} // namespace membership_test
