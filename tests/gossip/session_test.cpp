// SPDX-License-Identifier: Apache-2.0
// Sessions of repair: when they begin, who gives way, when they are given up.
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <utility>

namespace session_test {

using namespace gossip_test;

namespace {

using names = crdt::or_set<std::string>;
using naming_engine = gossip::engine<names>;
using naming_network = testing::network<naming_engine>;

names named(const std::string& prefix, std::size_t count, crdt::replica_id by) {
    names made;
    for (std::size_t each = 0; each < count; ++each) made.add(by, prefix + std::to_string(each));
    return made;
}

// An engine that holds a state and has nothing to disseminate.
naming_engine holding(std::size_t node, std::size_t nodes, const names& state,
                      std::uint64_t incarnation = 2) {
    const gossip::config settings = config_of(node, nodes);
    naming_engine saved(settings, 1), started(settings, 40 + node + 100 * incarnation);
    saved.merge_local(state);
    started.restore(std::as_const(saved).snapshot(), incarnation);
    return started;
}

template <class Network>
std::uint64_t sum(const Network& net, std::uint64_t gossip::statistics::*counter) {
    std::uint64_t all = 0;
    for (std::size_t node = 0; node < net.size(); ++node)
        all += net.engine(node).statistics().*counter;
    return all;
}

using s = gossip::statistics;

struct many_fields {
    BOOST_HANA_DEFINE_STRUCT(many_fields, (crdt::g_counter, alpha), (crdt::g_counter, beta),
                             (crdt::g_counter, gamma), (crdt::g_counter, delta),
                             (crdt::g_counter, epsilon), (crdt::g_counter, zeta),
                             (crdt::g_counter, eta), (crdt::g_counter, theta),
                             (crdt::g_counter, iota), (crdt::g_counter, kappa),
                             (crdt::g_counter, lambda), (crdt::g_counter, mu),
                             (crdt::g_counter, nu), (crdt::g_counter, xi),
                             (crdt::g_counter, omicron), (crdt::g_counter, pi));
    bool operator==(const many_fields&) const = default;
};

} // namespace

TEST_CASE("removals that only one side knows of cross by repair, payloads or not") {
    for (const std::uint64_t seed : seeds(20)) {
        INFO("JOINERY_SEED=" << seed);
        const crdt::replica_id author{9};
        names before = named("common", 400, author);
        names after = before;
        for (std::size_t each = 0; each < 300; ++each)
            after.remove(author, "common" + std::to_string(each));
        naming_network net(seed, testing::faults{50, 20, 1ms, 20ms});
        net.add(address_of(0), holding(0, 2, seed % 2 == 0 ? before : after));
        net.add(address_of(1), holding(1, 2, seed % 2 == 0 ? after : before));
        REQUIRE(net.run_until([&] { return in_sync(net); }, 60s));
        CHECK(equal_bytes(net));
        CHECK(std::as_const(net).engine(0).state().size() == 100);
    }
}

TEST_CASE("of two sessions about one field the one of the lesser id ends") {
    std::uint64_t sessions = 0, given_way = 0;
    for (const std::uint64_t seed : seeds(20)) {
        INFO("JOINERY_SEED=" << seed);
        naming_network net(seed, testing::faults{0, 0, 1ms, 60ms});
        for (std::size_t node = 0; node < 2; ++node)
            net.add(address_of(node),
                    holding(node, 2, named("of" + std::to_string(node), 500, {node + 7})));
        REQUIRE(net.run_until([&] { return in_sync(net); }, 60s));
        CHECK(equal_bytes(net));
        sessions += sum(std::as_const(net), &s::repair_sessions);
        given_way += sum(std::as_const(net), &s::sessions_yielded);
        CHECK(sum(std::as_const(net), &s::sessions_given_up) == 0);
    }
    CHECK(sessions > 0);
    MESSAGE(sessions << " sessions, " << given_way << " gave way");
}

TEST_CASE("a session with one that has gone is given up, and its next life gets another") {
    for (const std::uint64_t seed : seeds(20)) {
        INFO("JOINERY_SEED=" << seed);
        naming_network net(seed, testing::faults{50, 0, 5ms, 20ms});
        for (std::size_t node = 0; node < 2; ++node)
            net.add(address_of(node),
                    holding(node, 2, named("of" + std::to_string(node), 3000, {node + 7})));
        REQUIRE(net.run_until(
            [&] { return std::as_const(net).engine(0).statistics().repair_sessions > 0; }, 60s,
            1ms));
        net.stop(1);
        net.run_for(30s);
        const auto& left = std::as_const(net).engine(0);
        const auto ended = left.statistics();
        CHECK(ended.sessions_given_up == ended.repair_sessions);
        net.run_for(10s);
        CHECK(left.statistics().session_frames == ended.session_frames);
        net.restart(1, holding(1, 2, named("anew", 3000, {11}), 3));
        REQUIRE(net.run_until([&] { return in_sync(net); }, 120s));
        CHECK(equal_bytes(net));
        CHECK(left.state().size() >= 6000);
    }
}

TEST_CASE("fields that need several datagrams are all compared") {
    using wide_engine = gossip::engine<many_fields>;
    testing::network<wide_engine> net(3, testing::faults{50, 0, 1ms, 20ms});
    for (std::size_t node = 0; node < 2; ++node) {
        gossip::config settings = config_of(node, 2);
        settings.max_datagram = 256;
        wide_engine saved(settings, 1), started(settings, 40 + node);
        saved.update(node == 0 ? &many_fields::alpha : &many_fields::pi,
                     [](auto& count, auto self) { return count.increment(self, 3); });
        started.restore(std::as_const(saved).snapshot(), 2);
        net.add(address_of(node), std::move(started));
    }
    REQUIRE(net.run_until([&] { return in_sync(net); }, 60s));
    CHECK(equal_bytes(net));
    CHECK(std::as_const(net).engine(1).state().alpha.value() == 3);
    CHECK(std::as_const(net).engine(0).state().pi.value() == 3);
    CHECK(net.largest_datagram() <= 256);
}

TEST_CASE("with a fixed list of peers a session begins once they have proven themselves") {
    // With a fixed list nobody has proven anything at first: the answers to digests do.
    naming_network net(5);
    for (std::size_t node = 0; node < 2; ++node) {
        gossip::config settings = config_of(node, 2);
        settings.membership = false;
        naming_engine saved(settings, 1), started(settings, 40 + node);
        saved.merge_local(named("of" + std::to_string(node), 200, {node + 7}));
        started.restore(std::as_const(saved).snapshot(), 2);
        net.add(address_of(node), std::move(started));
    }
    REQUIRE(net.run_until([&] { return in_sync(net); }, 60s));
    CHECK(equal_bytes(net));
}

} // namespace session_test
