// SPDX-License-Identifier: Apache-2.0
#include "members.hpp"

#include <crdt/or_set.hpp>
#include <gossip/engine.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace announcement_test {

using namespace gossip_test;

// What an engine has to say of itself, through the bytes that the others receive.
namespace {

namespace crdt = joinery::crdt;

using engine = gossip::engine<crdt::or_set<std::string>>;
using network = testing::network<engine>;
using gossip::announcement;

gossip::config engine_config(std::size_t node, bool membership = true) {
    gossip::config made;
    made.name = member_name(node);
    made.address = member_address(node);
    made.membership = membership;
    for (std::size_t seed = 0; seed < 3; ++seed) made.seeds.push_back(member_address(seed));
    return made;
}

network settled_members(std::size_t nodes, std::uint64_t seed) {
    network net(seed, testing::faults{50, 0, 1ms, 10ms});
    for (std::size_t node = 0; node < nodes; ++node)
        net.add(member_address(node), engine(engine_config(node), seed * 100 + node));
    REQUIRE(net.run_until([&] { return all_see(net, up_to(nodes)); }, 60s, 200ms));
    net.run_for(3s);
    drop_events(net);
    return net;
}

// Whether all others know this of the member.
template <class Holds>
bool all_know(const network& net, std::size_t others, std::size_t of, Holds holds) {
    for (std::size_t node = 0; node < others; ++node) {
        const auto all = net.engine(node).members();
        if (std::none_of(all.begin(), all.end(), [&](const gossip::peer& each) {
                return each.name == member_name(of) && holds(each);
            }))
            return false;
    }
    return true;
}

void grow(network& net, std::size_t node, const std::string& text) {
    net.engine(node).update([&](auto& set, crdt::replica_id self) { return set.add(self, text); });
}

} // namespace

TEST_CASE("an engine that moves is followed, and nobody takes it for dead") {
    auto seeds = scenario_seeds();
    // With these some hear data from the new address before they hear that it is one, and may
    // then say less there than a ping has.
    if (seeds.size() > 1) seeds.insert(seeds.end(), {43, 66, 70});
    for (const std::uint64_t seed : seeds) {
        INFO("JOINERY_SEED=" << seed);
        network net = settled_members(8, seed);
        const std::string address = "elsewhere, and a longer address than it was:9";
        net.stop(7);
        const std::size_t moved = net.add(address, std::as_const(net).engine(7));
        REQUIRE(net.engine(moved).set_address(address) == announcement::announced);
        CHECK(net.run_until(
            [&] {
                return all_know(net, 7, 7,
                                [&](const gossip::peer& at) { return at.address == address; });
            },
            10s));
        grow(net, 0, "to the new address");
        grow(net, moved, "from the new address");
        CHECK(net.run_until(
            [&] {
                const auto& there = std::as_const(net).engine(moved).state();
                const auto& here = std::as_const(net).engine(3).state();
                return there.size() == 2 && here.size() == 2;
            },
            10s));
        net.run_for(20s);
        for (std::size_t node = 0; node < 7; ++node) {
            const auto events = take_events(net.engine(node));
            CHECK(count_of(events, event_kind::member_moved, member_name(7)) == 1);
            CHECK(count_of(events, event_kind::member_down) == 0);
        }
        CHECK(net.largest_datagram() <= 1400);
    }
}

TEST_CASE("an engine's new metadata arrives everywhere and outlives a restore") {
    for (const std::uint64_t seed : scenario_seeds()) {
        INFO("JOINERY_SEED=" << seed);
        network net = settled_members(8, seed);
        const std::vector<std::byte> said(300, std::byte{7});
        REQUIRE(net.engine(5).set_metadata(said) == announcement::announced);
        const auto known = [&] {
            return all_know(net, 5, 5, [&](const gossip::peer& at) { return at.metadata == said; });
        };
        CHECK(net.run_until(known, 10s));
        CHECK(count_of(take_events(net.engine(0)), event_kind::member_changed, "m5") >= 1);
        engine back = std::as_const(net).engine(5);
        back.restore(std::as_const(net).engine(5).snapshot(), 2);
        net.restart(5, std::move(back));
        net.run_for(10s);
        CHECK(known());
    }
}

TEST_CASE("what cannot be announced changes nothing, and says so") {
    engine alone(engine_config(0, false), 1);
    CHECK(alone.set_address("elsewhere:1") == announcement::no_membership);
    CHECK(alone.set_metadata({std::byte{1}}) == announcement::no_membership);

    engine at(engine_config(0), 1);
    CHECK(at.set_metadata(std::vector<std::byte>(513)) == announcement::too_large);
    CHECK(at.set_address(std::string(256, 'x')) == announcement::too_large);
    CHECK(at.set_metadata(std::vector<std::byte>(512)) == announcement::announced);
    CHECK(at.set_address(std::string(255, 'x')) == announcement::announced);

    auto small = engine_config(0);
    small.max_datagram = 300;
    engine narrow(small, 1);
    CHECK(narrow.set_address(std::string(200, 'x')) == announcement::too_large);
    CHECK(narrow.set_address("elsewhere:1") == announcement::announced);

    at.leave();
    CHECK(at.set_metadata({}) == announcement::silent);
    CHECK(at.set_address("elsewhere:1") == announcement::silent);
}

TEST_CASE("who could not say what it is within a datagram is not made") {
    gossip::membership_config settings;
    settings.name = "one";
    settings.address = "one:1";
    settings.max_datagram = 400;
    settings.metadata.resize(300);
    CHECK_THROWS_AS(gossip::membership(settings, 1), std::invalid_argument);
    settings.metadata.resize(100);
    gossip::membership fits(settings, 1);
    CHECK_THROWS_AS(fits.set_metadata(std::vector<std::byte>(300)), std::invalid_argument);
    CHECK_THROWS_AS(fits.set_address(std::string(200, 'x')), std::invalid_argument);
    fits.set_metadata({});

    auto whole = engine_config(0);
    whole.max_datagram = 400;
    whole.metadata.resize(300);
    CHECK_THROWS_AS(engine(whole, 1), std::invalid_argument);
    whole.metadata.resize(100);
    engine narrow(whole, 1);
    CHECK(narrow.set_metadata(std::vector<std::byte>(300)) == announcement::too_large);
}

TEST_CASE("what is said of a member with a long name leaves a small datagram within its limit") {
    namespace detail = gossip::detail;
    gossip::membership_config settings;
    settings.name = "one";
    settings.address = "one:1";
    settings.metadata.resize(50);
    constexpr std::size_t room = 320;
    detail::swim at(settings, 1, room);
    at.advance(gossip::time_point{1h});
    detail::member_record said;
    said.name = std::string(200, 'n');
    said.address = "two:1";
    said.version = 1;
    at.table.apply(said, 7, gossip::time_point{1h});
    said.status = gossip::member_status::suspect;
    at.table.apply(said, 7, gossip::time_point{1h});
    at.challenge(at.table.find(said.name)); // who is suspected hears of it, and of this one
    detail::member_view::out sent;
    std::size_t pings = 0;
    for (; at.poll(sent); ++pings) {
        if (sent.probe) sent.carry(std::vector<std::byte>(at.max_attachment), room);
        CHECK(sent.bytes.size() <= room);
    }
    CHECK(pings > 0);
}

TEST_CASE("a long new address leaves no datagram of membership above the limit") {
    member_network net = members_of(40, 3);
    REQUIRE(net.run_until([&] { return all_see(net, up_to(40)); }, 60s, 200ms));
    const std::string address(250, 'a');
    net.stop(39);
    const std::size_t moved = net.add(address, std::as_const(net).engine(39));
    net.engine(moved).set_address(address);
    for (std::size_t node = 0; node < 39; ++node)
        net.engine(node).set_metadata(std::vector<std::byte>(400, std::byte{3}));
    net.run_for(60s);
    CHECK(net.largest_datagram() <= 1400);
}

} // namespace announcement_test
