// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace gossip_test;

namespace {

constexpr auto start = gossip::time_point{} + 1h;

// Every datagram that two engines with some state send each other in a few seconds.
std::vector<sent> conversation(std::size_t max_datagram) {
    std::vector<engine> both;
    for (std::size_t node = 0; node < 2; ++node) {
        gossip::config settings = config_of(node, 2);
        settings.max_datagram = max_datagram;
        both.emplace_back(settings, 70 + node);
    }
    for (std::uint32_t each = 0; each < 20; ++each) {
        both[0].update(&shared_state::seen,
                       [&](auto& set, auto self) { return set.add(self, each); });
        both[1].update(&shared_state::tags, [&](auto& set, auto self) {
            return set.add(self, "tag" + std::to_string(each));
        });
    }
    std::vector<sent> all;
    for (auto now = start; now < start + 4s; now += 50ms) {
        for (std::size_t node = 0; node < 2; ++node) {
            both[node].tick(now);
            for (sent& each : take_outgoing(both[node])) {
                both[1 - node].receive(address_of(node), each.bytes, now);
                all.push_back(std::move(each));
            }
        }
    }
    CHECK(both[0].root() == both[1].root());
    return all;
}

// An engine that has something to lose.
engine victim() {
    engine made(config_of(0, 2), 5);
    made.update(&shared_state::tags, [](auto& set, auto self) { return set.add(self, "mine"); });
    made.tick(start);
    take_outgoing(made);
    return made;
}

} // namespace

TEST_CASE("no truncated datagram changes a state") {
    const engine original = victim();
    const auto before = wire::encode(original.state());
    for (const sent& each : conversation(512)) {
        engine at = original;
        for (std::size_t length = 0; length < each.bytes.size(); ++length) {
            at.receive(address_of(1), std::span(each.bytes).first(length), start);
        }
        REQUIRE(wire::encode(at.state()) == before);
    }
}

TEST_CASE("no datagram with a flipped bit changes a state") {
    const engine original = victim();
    const auto before = wire::encode(original.state());
    for (const sent& each : conversation(512)) {
        engine at = original;
        for (std::size_t bit = 0; bit < each.bytes.size() * 8; ++bit) {
            auto wrong = each.bytes;
            wrong[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            at.receive(address_of(1), wrong, start);
        }
        REQUIRE(wire::encode(at.state()) == before);
    }
}

TEST_CASE("random bytes are refused and answered with nothing") {
    engine at = victim();
    const auto before = wire::encode(at.state());
    gossip::random random(3);
    for (int round = 0; round < 2000; ++round) {
        std::vector<std::byte> noise(random.below(1400));
        for (std::byte& each : noise) {
            each = static_cast<std::byte>(random.next() & 0xffU);
        }
        at.receive("stranger:1", noise, start);
    }
    CHECK(take_outgoing(at).empty());
    CHECK(wire::encode(at.state()) == before);
}

TEST_CASE("datagrams of another cluster, or made with another secret, are refused unanswered") {
    for (const bool by_name : {true, false}) {
        gossip::config foreign = config_of(1, 2);
        if (by_name) {
            foreign.cluster = "another";
        } else {
            foreign.secret = secret_of("another secret");
        }
        engine stranger(foreign, 8);
        stranger.update(&shared_state::hits,
                        [](auto& hits, auto self) { return hits.increment(self, 9); });
        engine at = victim();
        const auto before = wire::encode(at.state());
        std::size_t refused = 0;
        for (auto now = start; now < start + 5s; now += 100ms) {
            stranger.tick(now);
            for (const sent& each : take_outgoing(stranger)) {
                const auto receipt = at.receive(address_of(1), each.bytes, start);
                refused += receipt.status == gossip::receipt::status::foreign_cluster ? 1U : 0U;
            }
        }
        CHECK(refused > 0);
        CHECK(take_outgoing(at).empty());
        CHECK(wire::encode(at.state()) == before);
    }
}

TEST_CASE("a captured conversation played again, in any order, changes nothing") {
    gossip::random random(17);
    network net(4);
    for (std::size_t node = 0; node < 2; ++node) {
        net.add(address_of(node), engine(config_of(node, 2), 70 + node));
    }
    std::vector<sent> heard = conversation(1200);
    net.run_for(1s);
    engine& at = net.engine(0);
    for (int round = 0; round < 3; ++round) {
        for (std::size_t left = heard.size(); left > 1; --left) {
            std::swap(heard[left - 1], heard[random.below(left)]);
        }
        for (const sent& each : heard) {
            at.receive(address_of(1), each.bytes, net.now());
        }
        take_outgoing(at);
    }
    const auto before = wire::encode(at.state());
    for (const sent& each : heard) {
        at.receive(address_of(1), each.bytes, net.now());
    }
    take_outgoing(at);
    CHECK(wire::encode(at.state()) == before);
    net.run_for(2s);
    CHECK(net.run_until([&] { return in_sync(net); }, 60s));
}
