// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace engine_test {

using namespace gossip_test;

namespace {

network cluster_of(std::size_t nodes, std::uint64_t seed, const testing::faults& chances = {}) {
    network net(seed, chances);
    for (std::size_t node = 0; node < nodes; ++node) {
        net.add(address_of(node), engine(config_of(node, nodes), seed + node));
    }
    return net;
}

void add_tag(engine& to, const std::string& tag) {
    to.update(&shared_state::tags, [&](auto& tags, auto self) { return tags.add(self, tag); });
}

void remove_tag(engine& from, const std::string& tag) {
    from.update(&shared_state::tags, [&](auto& tags, auto self) { return tags.remove(self, tag); });
}

void hit(engine& on, std::uint64_t times = 1) {
    on.update(&shared_state::hits,
              [&](auto& hits, auto self) { return hits.increment(self, times); });
}

} // namespace

TEST_CASE("clusters of one, two and three engines come in sync") {
    for (std::size_t nodes = 1; nodes <= 3; ++nodes) {
        INFO("nodes " << nodes);
        network net = cluster_of(nodes, 7);
        for (std::size_t node = 0; node < nodes; ++node) {
            hit(net.engine(node), node + 1);
            add_tag(net.engine(node), "tag" + std::to_string(node));
        }
        net.run_for(3s);
        REQUIRE(net.run_until([&] { return in_sync(net); }, 30s));
        CHECK(equal_bytes(net));
        CHECK(std::as_const(net).engine(0).state().tags.size() == nodes);
        CHECK(std::as_const(net).engine(0).state().hits.value() == nodes * (nodes + 1) / 2);
        CHECK(net.counts().stalled == 0);
        CHECK((nodes > 1 || net.bytes_sent() == 0));
    }
}

TEST_CASE("an update reaches a quiet cluster soon and without repair") {
    network net = cluster_of(5, 11);
    net.run_for(5s);
    hit(net.engine(2));
    CHECK(net.run_until([&] { return in_sync(net); }, 3s));
    for (std::size_t node = 0; node < net.size(); ++node) {
        CHECK(net.engine(node).statistics().entries_repaired == 0);
    }
}

TEST_CASE("what a peer has advertised is not advertised to it") {
    network net(3);
    for (std::size_t node = 0; node < 2; ++node) {
        auto settings = config_of(node, 2);
        settings.push_bytes = 0;
        net.add(address_of(node), engine(settings, node));
    }
    net.run_for(5s);
    net.engine(0).update(&shared_state::tags,
                         [](auto& set, auto self) { return set.add(self, std::string(200, 'x')); });
    net.run_for(3s);
    CHECK(in_sync(net));
    constexpr auto advert = static_cast<std::size_t>(gossip::detail::kind::advert);
    CHECK(std::as_const(net).engine(0).statistics().bytes_out_by_kind[advert] > 0);
    CHECK(std::as_const(net).engine(1).statistics().bytes_out_by_kind[advert] == 0);
}

TEST_CASE("updates of one turn travel as one item a field") {
    network net = cluster_of(2, 12);
    net.run_for(5s);
    const auto made = net.engine(0).statistics().items_made;
    for (int each = 0; each < 100; ++each) hit(net.engine(0));
    add_tag(net.engine(0), "kept");
    add_tag(net.engine(0), "taken back");
    remove_tag(net.engine(0), "taken back");
    CHECK(net.run_until([&] { return in_sync(net); }, 3s));
    CHECK(net.engine(0).statistics().items_made == made + 2);
    CHECK(net.engine(1).statistics().items_received == 2);
    CHECK(std::as_const(net).engine(1).state().hits.value() == 100);
    CHECK(std::as_const(net).engine(1).state().tags.size() == 1);
    CHECK(equal_bytes(net));
}

TEST_CASE("an update returns the delta that others need and no more") {
    engine one(config_of(0, 1), 1);
    hit(one, 5);
    const shared_state before = one.state();
    const shared_state delta =
        one.update(&shared_state::tags, [](auto& tags, auto self) { return tags.add(self, "a"); });
    CHECK(delta.hits == crdt::g_counter{});
    CHECK(crdt::join(before, delta) == one.state());
}

TEST_CASE("a mutator that throws has changed nothing") {
    engine one(config_of(0, 1), 1);
    add_tag(one, "kept");
    const auto bytes = wire::encode(one.state());
    const auto root = one.root();
    const auto context = one.context_digest();
    CHECK_THROWS_AS(one.update(&shared_state::tags,
                               [](auto& tags, auto self) -> crdt::or_set<std::string> {
                                   tags.add(self, "half");
                                   throw std::runtime_error("no");
                               }),
                    std::runtime_error);
    CHECK_THROWS_AS(one.update([](shared_state& state, crdt::replica_id self) -> shared_state {
        state.hits.increment(self, 3);
        state.tags.remove(self, "kept");
        throw std::runtime_error("no");
    }),
                    std::runtime_error);
    CHECK(wire::encode(one.state()) == bytes);
    CHECK(one.root() == root);
    CHECK(one.context_digest() == context);
    add_tag(one, "after");
    CHECK(one.state().tags.size() == 2);
}

TEST_CASE("an update whose delta is not what it did is refused and changes nothing") {
    engine one(config_of(0, 1), 1);
    const auto bytes = wire::encode(one.state());
    CHECK_THROWS(one.update(&shared_state::hits, [](auto& hits, auto self) {
        hits.increment(self, 1);
        return crdt::g_counter{};
    }));
    CHECK(wire::encode(one.state()) == bytes);
}

TEST_CASE("late, repeated and backward ticks are harmless") {
    network net = cluster_of(3, 5);
    hit(net.engine(0));
    net.run_for(2s);
    engine& one = net.engine(0);
    const auto now = net.now();
    for (int again = 0; again < 100; ++again) {
        one.tick(now);
    }
    CHECK(take_outgoing(one).size() < 20);
    one.tick(now - 1h);
    one.tick(now - 1s);
    CHECK(one.next_deadline() > now - 2h);
    const auto bytes = wire::encode(one.state());
    one.tick(now + 30s);
    CHECK(take_outgoing(one).size() < 40);
    CHECK(wire::encode(one.state()) == bytes);
    hit(net.engine(1));
    net.run_for(40s);
    CHECK(net.run_until([&] { return in_sync(net); }, 60s));
    CHECK(equal_bytes(net));
    CHECK(std::as_const(net).engine(2).state().hits.value() == 2);
}

TEST_CASE("a copy of an engine that is given the same inputs says the same") {
    engine one(config_of(0, 2), 3);
    engine other(config_of(1, 2), 4);
    auto now = gossip::time_point{} + 1h;
    hit(one, 2);
    engine copy = one;
    for (int round = 0; round < 50; ++round, now += 100ms) {
        one.tick(now);
        copy.tick(now);
        const auto said = take_outgoing(one);
        const auto copied = take_outgoing(copy);
        REQUIRE(said.size() == copied.size());
        for (std::size_t each = 0; each < said.size(); ++each) {
            REQUIRE(said[each].to == copied[each].to);
            REQUIRE(said[each].bytes == copied[each].bytes);
            other.receive(address_of(0), said[each].bytes, now);
        }
        other.tick(now);
        for (const sent& each : take_outgoing(other)) {
            one.receive(address_of(1), each.bytes, now);
            copy.receive(address_of(1), each.bytes, now);
        }
    }
    CHECK(wire::encode(one.state()) == wire::encode(copy.state()));
    CHECK(one.root() == other.root());
}

TEST_CASE("engines whose generators have equal seeds still converge") {
    network net(1);
    for (std::size_t node = 0; node < 4; ++node) {
        net.add(address_of(node), engine(config_of(node, 4), 42));
        hit(net.engine(node));
    }
    net.run_for(2s);
    CHECK(net.run_until([&] { return in_sync(net); }, 30s));
    CHECK(equal_bytes(net));
}

TEST_CASE("a one-way cut keeps nobody out of sync") {
    network net = cluster_of(4, 9);
    net.run_for(3s);
    net.cut(0, 1);
    for (std::size_t round = 0; round < 10; ++round) {
        add_tag(net.engine(0), "from0-" + std::to_string(round));
        add_tag(net.engine(1), "from1-" + std::to_string(round));
        net.run_for(1s);
    }
    CHECK(net.run_until([&] { return in_sync(net); }, 60s));
    CHECK(equal_bytes(net));
    CHECK(std::as_const(net).engine(3).state().tags.size() == 20);
    CHECK(net.counts().cut > 0);
}

TEST_CASE("a node restarted from a snapshot catches up and mints no dot twice") {
    network net = cluster_of(3, 21, testing::faults{50, 20, 1ms, 20ms});
    std::set<crdt::dot> minted;
    std::size_t additions = 0;
    const auto add = [&](std::size_t node, const std::string& tag) {
        add_tag(net.engine(node), tag);
        for (const crdt::dot& each : dots_of(std::as_const(net).engine(node).state().tags, tag)) {
            minted.insert(each);
        }
        ++additions;
    };
    add(0, "a");
    add(1, "b");
    net.run_for(3s);
    const auto saved = std::as_const(net).engine(0).snapshot();
    add(0, "after the snapshot");
    net.run_for(2s);
    net.stop(0);
    add(1, "while it was away");
    remove_tag(net.engine(1), "a");
    net.run_for(10s);
    gossip::config again = config_of(0, 3);
    again.incarnation = 2;
    engine reborn(again, 99);
    reborn.restore(saved, 2);
    net.restart(0, reborn);
    add(0, "after the restart");
    add(0, "once more");
    net.run_for(3s);
    REQUIRE(net.run_until([&] { return in_sync(net); }, 60s));
    CHECK(equal_bytes(net));
    CHECK(minted.size() == additions);
    for (std::size_t node = 0; node < 3; ++node) {
        const auto& tags = std::as_const(net).engine(node).state().tags;
        CHECK(tags.contains("after the snapshot"));
        CHECK(tags.contains("while it was away"));
        CHECK(tags.contains("after the restart"));
        CHECK(!tags.contains("a"));
    }
}

TEST_CASE("a node that lost everything gets it all back from the others") {
    network net = cluster_of(3, 22);
    for (int each = 0; each < 30; ++each) {
        add_tag(net.engine(0), "tag" + std::to_string(each));
    }
    hit(net.engine(0), 17);
    net.run_for(3s);
    REQUIRE(net.run_until([&] { return in_sync(net); }, 30s));
    net.stop(0);
    net.run_for(5s);
    gossip::config again = config_of(0, 3);
    again.incarnation = 2;
    net.restart(0, engine(again, 5));
    hit(net.engine(0), 3);
    net.run_for(2s);
    REQUIRE(net.run_until([&] { return in_sync(net); }, 60s));
    CHECK(std::as_const(net).engine(0).state().tags.size() == 30);
    CHECK(std::as_const(net).engine(1).state().hits.value() == 20);
}

TEST_CASE("members that fall silent are noticed, and found again when they speak") {
    network net = cluster_of(4, 31);
    net.run_for(5s);
    const auto alive = [&](std::size_t node) {
        const auto& members = std::as_const(net).engine(node).members();
        return std::count_if(members.begin(), members.end(), [](const auto& each) {
            return each.status == gossip::member_status::alive;
        });
    };
    const auto whole = alive(0);
    CHECK(whole >= 3);
    net.partition({{0, 1, 2}, {3}});
    CHECK(net.run_until([&] { return alive(0) < whole && alive(1) < whole; }, 120s));
    net.heal();
    CHECK(net.run_until([&] { return alive(0) == whole && alive(1) == whole && alive(3) == whole; },
                        120s));
}

} // namespace engine_test
