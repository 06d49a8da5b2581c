// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

namespace peers_test {

// Engines without membership, which talk to their seeds and to whoever speaks.

using namespace gossip_test;
using gossip::event_kind;

namespace {

gossip::config alone_config(std::size_t node, std::size_t nodes) {
    auto made = config_of(node, nodes);
    made.membership = false;
    return made;
}

std::size_t count_of_events(engine& from, event_kind kind) {
    std::size_t count = 0;
    while (const auto each = from.poll_event()) count += each->kind == kind;
    return count;
}

void add_seen(engine& to, std::uint32_t number) {
    to.update(&shared_state::seen, [&](auto& set, auto self) { return set.add(self, number); });
}

} // namespace

TEST_CASE("a peer that begins anew under another incarnation is met anew") {
    network net(3);
    for (std::size_t node = 0; node < 2; ++node)
        net.add(address_of(node), engine(alone_config(node, 2), node));
    net.run_for(3s);
    CHECK(count_of_events(net.engine(0), event_kind::member_up) == 1);
    net.stop(1);
    auto again = alone_config(1, 2);
    again.incarnation = 2;
    net.restart(1, engine(again, 7));
    add_seen(net.engine(1), 1);
    add_seen(net.engine(0), 2);
    REQUIRE(net.run_until([&] { return in_sync(net); }, 30s));
    CHECK(equal_bytes(net));
    CHECK(count_of_events(net.engine(0), event_kind::member_up) == 1);
    const auto members = std::as_const(net).engine(0).members();
    REQUIRE(members.size() == 1);
    CHECK(members[0].incarnation == 2);
    CHECK(members[0].status == gossip::member_status::alive);
}

TEST_CASE("two peers of one name and incarnation are told of once, and both are talked to") {
    network net(4);
    for (std::size_t node = 0; node < 3; ++node) {
        auto settings = alone_config(node, 3);
        if (node == 2) settings.name = "node1";
        net.add(address_of(node), engine(settings, node));
    }
    net.run_for(5s);
    CHECK(count_of_events(net.engine(0), event_kind::id_clash) == 1);
    CHECK(std::as_const(net).engine(0).members().size() == 2);
    add_seen(net.engine(0), 1);
    CHECK(net.run_until([&] { return in_sync(net); }, 30s));
}

TEST_CASE("a full table makes room of who is silent, and refuses others while all speak") {
    network net(5);
    auto settings = alone_config(0, 1);
    settings.max_peers = 3;
    net.add(address_of(0), engine(settings, 0));
    for (std::size_t node = 1; node < 6; ++node) {
        auto other = alone_config(node, 1);
        other.seeds = {address_of(0)};
        net.add(address_of(node), engine(other, node));
    }
    net.run_for(10s);
    const auto& full = std::as_const(net).engine(0);
    CHECK(full.members().size() == 3);
    CHECK(full.statistics().refused_peers > 0);
    // All that it talks to fall silent, and the others take their places.
    std::vector<std::string> former;
    for (const auto& each : full.members()) former.push_back(each.address);
    for (std::size_t node = 1; node < 6; ++node)
        if (std::count(former.begin(), former.end(), address_of(node)) != 0) net.stop(node);
    net.run_for(120s);
    std::size_t replaced = 0;
    for (const auto& each : full.members())
        replaced += std::count(former.begin(), former.end(), each.address) == 0;
    CHECK(replaced == 2);
    CHECK(full.members().size() == 3);
}

TEST_CASE("an engine that still has the former secret is told so") {
    network net(6);
    for (std::size_t node = 0; node < 3; ++node) {
        auto settings = alone_config(node, 3);
        settings.secret = secret_of(node < 2 ? "new" : "old");
        if (node < 2) settings.former_secrets = {secret_of("old")};
        net.add(address_of(node), engine(settings, node));
    }
    add_seen(net.engine(2), 9);
    net.run_for(10s);
    CHECK(count_of_events(net.engine(2), event_kind::secret_outdated) == 1);
    CHECK(std::as_const(net).engine(0).statistics().refused_old_secret > 0);
    CHECK(std::as_const(net).engine(0).state().seen.size() == 0);
    CHECK(std::as_const(net).engine(0).members().size() == 1);
}

TEST_CASE("events that nobody takes make room for later ones and are counted") {
    network net(7);
    auto settings = alone_config(0, 4);
    settings.max_events = 2;
    net.add(address_of(0), engine(settings, 0));
    for (std::size_t node = 1; node < 4; ++node)
        net.add(address_of(node), engine(alone_config(node, 4), node));
    net.run_for(5s);
    CHECK(std::as_const(net).engine(0).statistics().dropped_events == 1);
    CHECK(count_of_events(net.engine(0), event_kind::member_up) == 2);
}

TEST_CASE("what an engine cannot work with is refused when it is made") {
    const auto refused = [](auto change) {
        for (const bool membership : {false, true}) {
            auto settings = config_of(0, 2);
            settings.membership = membership;
            change(settings);
            CHECK_THROWS_AS(engine(settings, 1), std::invalid_argument);
        }
    };
    refused([](gossip::config& c) { c.name = std::string(256, 'n'); });
    refused([](gossip::config& c) { c.address = std::string(256, 'a'); });
    refused([](gossip::config& c) { c.max_datagram = 16; });
    refused([](gossip::config& c) { c.interval = gossip::duration::zero(); });
    auto settings = config_of(0, 2);
    settings.metadata.resize(513);
    CHECK_THROWS_AS(engine(settings, 1), std::invalid_argument);
    settings.metadata = {};
    settings.zone = std::string(256, 'z');
    CHECK_THROWS_AS(engine(settings, 1), std::invalid_argument);
}

} // namespace peers_test
