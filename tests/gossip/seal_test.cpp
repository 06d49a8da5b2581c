// SPDX-License-Identifier: Apache-2.0
#include <crdt/or_set.hpp>
#include <gossip/engine.hpp>
#include <gossip/seal.hpp>
#include <testing/network.hpp>
#include <wire/hash.hpp>
#include <wire/reader.hpp>
#include <wire/writer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>

namespace {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
namespace testing = joinery::testing;
namespace wire = joinery::wire;
using namespace std::chrono_literals;

// Hides and checks as a real cipher does, but protects from nobody.
struct toy_sealer {
    std::vector<std::uint64_t> keys{1}; // the first one seals
    std::uint64_t next = 0;

    std::size_t overhead() const { return 24; }
    static void mask(std::vector<std::byte>& bytes, std::uint64_t key, std::uint64_t nonce) {
        for (std::size_t at = 0; at < bytes.size(); ++at)
            bytes[at] ^= static_cast<std::byte>(wire::mix(wire::mix(key, nonce), at) & 0xffU);
    }
    static wire::digest tag(std::span<const std::byte> bytes, std::uint64_t key,
                            std::uint64_t nonce) {
        std::vector<std::byte> all(bytes.begin(), bytes.end());
        wire::writer w;
        w.fixed64(key);
        w.fixed64(nonce);
        const auto more = w.take();
        all.insert(all.end(), more.begin(), more.end());
        return wire::content_digest(all);
    }
    std::vector<std::byte> seal(std::span<const std::byte> plain) {
        std::vector<std::byte> body(plain.begin(), plain.end());
        const std::uint64_t nonce = ++next;
        mask(body, keys.front(), nonce);
        wire::writer w;
        w.fixed64(nonce);
        wire::put(w, tag(body, keys.front(), nonce));
        auto all = w.take();
        all.insert(all.end(), body.begin(), body.end());
        return all;
    }
    std::optional<std::vector<std::byte>> open(std::span<const std::byte> bytes) const {
        wire::reader r(bytes);
        const std::uint64_t nonce = r.fixed64();
        wire::digest told;
        wire::get(r, told);
        if (!r.ok()) return std::nullopt;
        std::vector<std::byte> body(bytes.begin() + 24, bytes.end());
        for (const std::uint64_t key : keys) {
            if (tag(body, key, nonce) != told) continue;
            mask(body, key, nonce);
            return body;
        }
        return std::nullopt;
    }
};

using state = crdt::or_set<std::string>;
using engine = gossip::sealed<gossip::engine<state>, toy_sealer>;
using network = testing::network<engine>;

engine node_of(std::size_t node, const toy_sealer& sealer = {}) {
    gossip::config made;
    made.name = "n" + std::to_string(node);
    made.address = made.name + ":1";
    made.incarnation = 1;
    made.seeds = {"n0:1", "n1:1"};
    made.max_datagram = 1400 - sealer.overhead();
    return {gossip::engine<state>(made, node), sealer};
}

void add(network& net, std::size_t node, const std::string& text) {
    net.engine(node).engine().update(
        [&](state& set, crdt::replica_id self) { return set.add(self, text); });
}

bool equal(const network& net, std::size_t count) {
    for (std::size_t node = 1; node < count; ++node)
        if (wire::encode(net.engine(node).engine().state()) !=
            wire::encode(net.engine(0).engine().state()))
            return false;
    return true;
}

network three(const toy_sealer& sealer = {}) {
    network net(1, testing::faults{0, 0, 1ms, 5ms});
    for (std::size_t node = 0; node < 3; ++node)
        net.add("n" + std::to_string(node) + ":1", node_of(node, sealer));
    return net;
}

} // namespace

TEST_CASE("sealed engines converge, and nothing leaves them unsealed") {
    network net = three();
    net.capture(10'000);
    add(net, 0, "a secret that must not be read on the way");
    CHECK(net.run_until([&] { return net.engine(2).engine().state().size() == 1; }, 10s, 50ms));
    CHECK(net.run_until([&] { return equal(net, 3); }, 10s, 50ms));
    const std::string secret = "a secret that must";
    const auto words = std::as_bytes(std::span(secret));
    CHECK(!net.captures().empty());
    std::size_t opened = 0;
    for (const auto& each : net.captures()) {
        CHECK(each.bytes.size() <= 1400);
        CHECK(std::search(each.bytes.begin(), each.bytes.end(), words.begin(), words.end()) ==
              each.bytes.end());
        const auto plain = toy_sealer{}.open(each.bytes);
        REQUIRE(plain);
        opened +=
            std::search(plain->begin(), plain->end(), words.begin(), words.end()) != plain->end()
                ? 1U
                : 0U;
    }
    CHECK(opened > 0); // the words were there to be hidden
}

TEST_CASE("who has no key hears nothing, and a changed bit opens nothing") {
    network net = three();
    net.add("n3:1", node_of(3, toy_sealer{{7}, 0}));
    net.capture(10'000);
    add(net, 0, "x");
    add(net, 3, "y");
    net.run_for(10s);
    CHECK(equal(net, 3));
    CHECK(net.engine(0).engine().state().size() == 1);
    CHECK(net.engine(3).engine().state().size() == 1);
    CHECK(net.engine(3).engine().members().empty());
    CHECK(net.engine(3).unopened() == 0); // nobody knows its address
    CHECK(net.engine(0).unopened() > 0);
    const auto before = wire::encode(net.engine(0).engine().state());
    auto bytes = net.captures().front().bytes;
    const auto unopened = net.engine(0).unopened();
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        bytes[at] ^= std::byte{1};
        CHECK(net.engine(0).receive("n1:1", bytes, net.now()).status ==
              gossip::receipt::status::foreign_cluster);
        bytes[at] ^= std::byte{1};
    }
    CHECK(net.engine(0).unopened() == unopened + bytes.size());
    CHECK(wire::encode(net.engine(0).engine().state()) == before);
}

TEST_CASE("keys are changed in three steps, and no node is cut off meanwhile") {
    network net = three();
    net.run_for(5s);
    int number = 0;
    const auto step = [&](std::size_t node, std::vector<std::uint64_t> keys) {
        net.engine(node).sealer().keys = std::move(keys);
        add(net, node, std::to_string(number++));
        CHECK(net.run_until([&] { return equal(net, 3); }, 5s, 50ms));
    };
    for (std::size_t node = 0; node < 3; ++node) step(node, {1, 2});
    for (std::size_t node = 0; node < 3; ++node) step(node, {2, 1});
    for (std::size_t node = 0; node < 3; ++node) step(node, {2});
    CHECK(net.engine(1).engine().state().size() == 9);
    for (std::size_t node = 0; node < 3; ++node) {
        CHECK(net.engine(node).unopened() == 0);
        CHECK(net.engine(node).engine().statistics().membership.deaths == 0);
    }
}

TEST_CASE("what is larger than the buffer when sealed is dropped and counted") {
    engine alone = node_of(1);
    std::array<std::byte, 40> small{};
    alone.tick(gossip::time_point{});
    CHECK(!alone.poll_outgoing(small));
    CHECK(alone.dropped() + alone.engine().statistics().dropped_outgoing > 0);
}
