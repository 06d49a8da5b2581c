// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

namespace hostile_test {

using namespace gossip_test;

namespace {

constexpr auto start = gossip::time_point{} + 1h;

// Every datagram that two engines with some state send each other in a few seconds. Engines that
// have restored their states have nothing to disseminate: they repair.
std::vector<sent> conversation(std::size_t max_datagram, bool restored = false) {
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
    for (engine& each : both)
        if (restored) each.restore(std::as_const(each).snapshot(), 2);
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
    if (restored) CHECK(both[0].statistics().entries_repaired > 0);
    return all;
}

// Both kinds of conversation.
std::vector<sent> conversations(std::size_t max_datagram) {
    auto all = conversation(max_datagram);
    for (sent& each : conversation(max_datagram, true)) all.push_back(std::move(each));
    return all;
}

// Gives the bytes the cluster of a real datagram and a checksum that fits them, so that they are
// decoded: 3 bytes of magic and version, 8 of the cluster, 8 of the checksum of what follows.
void reseal(std::vector<std::byte>& wrong, const std::vector<std::byte>& real) {
    if (wrong.size() < 19) return;
    std::copy_n(real.begin(), 11, wrong.begin());
    std::uint64_t sum = wire::content_hash64(std::span(wrong).subspan(19));
    for (std::size_t at = 11; at < 19; ++at, sum >>= 8U)
        wrong[at] = static_cast<std::byte>(sum & 0xffU);
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
    for (const sent& each : conversations(512)) {
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
    for (const sent& each : conversations(512)) {
        engine at = original;
        for (std::size_t bit = 0; bit < each.bytes.size() * 8; ++bit) {
            auto wrong = each.bytes;
            wrong[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
            at.receive(address_of(1), wrong, start);
        }
        REQUIRE(wire::encode(at.state()) == before);
    }
}

TEST_CASE("wrong bytes under a right checksum do no harm") {
    // As of a peer with a bug: whatever is accepted is joined, and then the cluster agrees on it.
    gossip::random random(23);
    network net(6);
    for (std::size_t node = 0; node < 2; ++node)
        net.add(address_of(node), engine(config_of(node, 2), 30 + node));
    net.run_for(1s);
    for (int round = 0; round < 40 / JOINERY_CASES_DIVISOR + 1; ++round) {
        for (const sent& each : conversations(512)) {
            auto wrong = each.bytes;
            for (std::uint64_t bit = random.below(3); bit < 3; ++bit) {
                const std::size_t at = random.below(wrong.size());
                wrong[at] ^= static_cast<std::byte>(1U << random.below(8));
            }
            if (random.chance(1, 4)) wrong.resize(random.below(wrong.size() + 1));
            reseal(wrong, each.bytes);
            net.engine(0).receive(address_of(1), wrong, net.now());
            take_outgoing(net.engine(0));
        }
    }
    net.run_for(5s);
    const auto& state = std::as_const(net).engine(0).state();
    CHECK(wire::decode<shared_state>(wire::encode(state)) == state);
    CHECK(net.run_until([&] { return in_sync(net); }, 120s));
    CHECK(equal_bytes(net));
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
    std::vector<sent> heard = conversations(1200);
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

} // namespace hostile_test
