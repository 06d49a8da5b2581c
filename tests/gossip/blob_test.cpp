// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <utility>

namespace blob_test {

using namespace gossip_test;

namespace {

network engines_of(std::size_t nodes, std::size_t max_blob, const testing::faults& chances) {
    network net(77, chances);
    for (std::size_t node = 0; node < nodes; ++node) {
        gossip::config settings = config_of(node, nodes);
        settings.max_datagram = 512;
        settings.max_blob = max_blob;
        net.add(address_of(node), engine(settings, 90 + node));
    }
    return net;
}

std::string text_of(std::size_t length) {
    gossip::random random(length);
    std::string text;
    while (text.size() < length) {
        text.push_back(static_cast<char>('a' + random.below(26)));
    }
    return text;
}

void write_long_motto(engine& on, std::uint64_t stamp, const std::string& text) {
    on.update(&shared_state::motto,
              [&](auto& motto, auto self) { return motto.assign(self, stamp, text); });
}

bool told_too_large(engine& at) {
    bool told = false;
    while (const auto each = at.poll_event()) {
        told |= each->kind == gossip::event_kind::item_too_large;
    }
    return told;
}

} // namespace

TEST_CASE("a register of 100 KB crosses in datagrams of 512 bytes") {
    network net = engines_of(3, 1U << 20U, testing::faults{50, 20, 1ms, 10ms});
    net.run_for(2s);
    const std::string text = text_of(100'000);
    write_long_motto(net.engine(0), 1U << 16U, text);
    REQUIRE(net.run_until([&] { return in_sync(net); }, 300s));
    CHECK(equal_bytes(net));
    CHECK(*std::as_const(net).engine(2).state().motto.value() == text);
    CHECK(net.largest_datagram() <= 512);
}

TEST_CASE("a register of 100 KB crosses to an engine that joins later") {
    network net = engines_of(3, 1U << 20U, testing::faults{});
    net.stop(2);
    const std::string text = text_of(100'000);
    write_long_motto(net.engine(0), 1U << 16U, text);
    net.run_for(60s);
    net.restart(2, engine(std::as_const(net).engine(2)));
    REQUIRE(net.run_until([&] { return in_sync(net); }, 300s));
    CHECK(*std::as_const(net).engine(2).state().motto.value() == text);
}

TEST_CASE("an item above max_blob is told and holds nothing else up") {
    network net = engines_of(3, 20'000, testing::faults{});
    net.run_for(2s);
    net.partition({{0}, {1, 2}});
    write_long_motto(net.engine(0), 1U << 16U, text_of(50'000));
    net.heal();
    CHECK(told_too_large(net.engine(0)));
    for (std::uint32_t each = 0; each < 100; ++each) {
        net.engine(each % 3).update(&shared_state::seen,
                                    [&](auto& set, auto self) { return set.add(self, each); });
    }
    const auto seen_everywhere = [&] {
        for (std::size_t node = 0; node < 3; ++node) {
            if (std::as_const(net).engine(node).state().seen.size() != 100) {
                return false;
            }
        }
        return true;
    };
    CHECK(net.run_until(seen_everywhere, 60s));
    // A smaller value with a later stamp takes its place, and all is well again.
    write_long_motto(net.engine(1), 2U << 16U, "short");
    CHECK(net.run_until([&] { return in_sync(net); }, 120s));
    CHECK(equal_bytes(net));
}

namespace {

constexpr auto blob_start = gossip::time_point{} + 1h;

// An engine to which node1, which is not there, offers what it says.
struct offered {
    engine at = [] {
        auto settings = config_of(0, 2);
        settings.membership = false;
        return engine(settings, 5);
    }();
    gossip::detail::frame frame{"test",
                                wire::keyed_hasher(secret_of("a secret of the cluster")),
                                {"node1", 1, address_of(1)}};

    template <class Message>
    void say(const Message& message, gossip::time_point now = blob_start) {
        at.receive(address_of(1), frame.seal(gossip::detail::encode_message(message)), now);
    }
};

} // namespace

TEST_CASE("a blob whose bytes are not those that were offered is refused whole") {
    offered it;
    it.at.tick(blob_start);
    crdt::g_counter hits;
    hits.increment({5}, 7);
    shared_state delta;
    delta.hits = hits;
    gossip::detail::items_message items;
    const auto bytes = wire::encode_nested(delta);
    items.items.push_back({{{5}, 1}, bytes});
    const auto whole = gossip::detail::encode_message(items);
    const auto digest = wire::content_digest(whole);
    auto wrong = whole;
    wrong.back() ^= std::byte{1};
    const auto before = wire::encode(it.at.state());
    const auto piece = [&](const auto& of, std::size_t from, std::size_t length) {
        it.say(gossip::detail::piece_message{digest, from, std::span(of).subspan(from, length)});
    };
    it.say(gossip::detail::offer_message{digest, whole.size()});
    piece(wrong, 0, 10);
    CHECK(it.at.statistics().blobs_failed == 0);
    piece(wrong, 10, wrong.size() - 10);
    CHECK(it.at.statistics().blobs_failed == 1);
    CHECK(it.at.statistics().blobs_verified == 0);
    CHECK(wire::encode(it.at.state()) == before);
    // Offered again, it is fetched again.
    it.say(gossip::detail::offer_message{digest, whole.size()});
    piece(whole, 0, whole.size());
    CHECK(it.at.statistics().blobs_verified == 1);
    CHECK(std::as_const(it.at).state().hits.value() == 7);
}

TEST_CASE("a blob whose source falls silent is asked for some times and given up") {
    offered it;
    it.at.tick(blob_start);
    it.say(gossip::detail::offer_message{{1, 1}, 5000});
    CHECK(it.at.statistics().blobs_received == 1);
    for (auto now = blob_start; now < blob_start + 60s; now += 100ms) {
        it.at.tick(now);
        take_outgoing(it.at);
    }
    CHECK(it.at.statistics().blob_retries > 3);
    CHECK(it.at.statistics().blobs_given_up == 1);
    // And its room is there for others.
    const auto received = it.at.statistics().blobs_received;
    it.say(gossip::detail::offer_message{{2, 2}, 5000}, blob_start + 60s);
    CHECK(it.at.statistics().blobs_received == received + 1);
}

TEST_CASE("items that cannot be decoded are refused, and not asked for again") {
    offered it;
    it.at.tick(blob_start);
    const std::vector<std::byte> nonsense(20, std::byte{0xff});
    gossip::detail::items_message items;
    items.items.push_back({{{5}, 1}, nonsense});
    const auto before = wire::encode(it.at.state());
    it.say(items);
    CHECK(it.at.statistics().refused_malformed == 1);
    CHECK(wire::encode(it.at.state()) == before);
    take_outgoing(it.at);
    gossip::detail::advert_message advert;
    advert.adverts.push_back({{5}, 1, 1});
    it.say(advert);
    const auto pulls = it.at.statistics().pulls;
    advert.adverts = {{{5}, 1, 2}};
    it.say(advert);
    CHECK(pulls == 0);
    CHECK(it.at.statistics().pulls == 1);
}

} // namespace blob_test
