// SPDX-License-Identifier: Apache-2.0
#include <gossip/seal.hpp>

#include "scenario.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace seal_test {

using namespace gossip_test;

namespace {

using bytes = std::vector<std::byte>;
using view = std::span<const std::byte>;
using status = gossip::seal_status;

// Enough to tell tampering, and no cipher at all: a host brings a real one.
class toy_cipher {
public:
    static constexpr std::size_t tag_bytes = 16;

    explicit toy_cipher(std::string_view key) : hasher_(secret_of(key)) {}

    void seal(view nonce, view associated, view text, bytes& out) const {
        const bytes hidden = masked(nonce, text);
        const bytes tag = tag_of(nonce, associated, hidden);
        out.insert(out.end(), hidden.begin(), hidden.end());
        out.insert(out.end(), tag.begin(), tag.end());
    }
    bool open(view nonce, view associated, view text, bytes& out) const {
        if (text.size() < tag_bytes) return false;
        const view hidden = text.first(text.size() - tag_bytes), tag = text.last(tag_bytes);
        const bytes right = tag_of(nonce, associated, hidden);
        if (!std::equal(tag.begin(), tag.end(), right.begin())) return false;
        const bytes shown = masked(nonce, hidden);
        out.insert(out.end(), shown.begin(), shown.end());
        return true;
    }

private:
    bytes masked(view nonce, view text) const {
        bytes made(text.begin(), text.end());
        for (std::size_t i = 0; i < made.size(); ++i) made[i] ^= nonce[i % nonce.size()];
        return made;
    }
    bytes tag_of(view nonce, view associated, view text) const {
        wire::writer all;
        all.raw(nonce);
        wire::put(all, bytes(associated.begin(), associated.end()));
        all.raw(text);
        wire::writer w;
        wire::put(w, hasher_(all.bytes()));
        return w.take();
    }

    wire::keyed_hasher hasher_;
};

using channel = gossip::sealed_channel<toy_cipher>;

channel channel_of(std::string_view name, std::uint64_t epoch = 1,
                   std::string_view cluster = "test") {
    channel made(cluster, name, epoch);
    made.add_key(1, toy_cipher("the key"));
    return made;
}

bytes text(std::string_view of) { return secret_of(of); }

} // namespace

TEST_CASE("what is sealed is opened once, and is what it was") {
    channel from = channel_of("a"), to = channel_of("b");
    bytes opened;
    for (const std::string each : {"", "x", "a longer datagram"}) {
        const bytes sealed = from.seal(text(each));
        CHECK(sealed.size() == each.size() + channel::overhead);
        CHECK(to.open(sealed, opened) == status::ok);
        CHECK(opened == text(each));
        CHECK(to.open(sealed, opened) == status::replayed);
        CHECK(opened.empty());
    }
    CHECK(to.statistics().count(status::ok) == 3);
    CHECK(to.statistics().count(status::replayed) == 3);
}

TEST_CASE("no datagram that is plain, altered, cut or of another cluster or key is opened") {
    channel from = channel_of("a"), to = channel_of("b");
    const bytes sealed = from.seal(text("a datagram"));
    bytes opened;
    CHECK(to.open(text("a datagram"), opened) == status::not_sealed);
    for (std::size_t length = 0; length < sealed.size(); ++length)
        CHECK(to.open(view(sealed).first(length), opened) != status::ok);
    for (std::size_t bit = 0; bit < sealed.size() * 8; ++bit) {
        bytes wrong = sealed;
        wrong[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK(to.open(wrong, opened) != status::ok);
    }
    channel foreign = channel_of("a", 1, "another");
    CHECK(to.open(foreign.seal(text("x")), opened) == status::auth_failed);
    channel stranger("test", "a", 1);
    stranger.add_key(1, toy_cipher("another key"));
    CHECK(to.open(stranger.seal(text("x")), opened) == status::auth_failed);
    channel newer("test", "a", 1);
    newer.add_key(7, toy_cipher("the key"));
    CHECK(to.open(newer.seal(text("x")), opened) == status::unknown_key);
    CHECK(to.statistics().count(status::ok) == 0);
    CHECK(to.open(sealed, opened) == status::ok);
}

TEST_CASE("of a million altered datagrams none is opened") {
    channel from = channel_of("a"), to = channel_of("b");
    gossip::random random(32);
    bytes opened;
    const std::uint64_t cases = 1'000'000 / JOINERY_CASES_DIVISOR;
    bytes sealed;
    for (std::uint64_t each = 0; each < cases; ++each) {
        if (each % 100 == 0) sealed = from.seal(text("a datagram of some bytes"));
        bytes wrong = sealed;
        for (auto n = 1 + random.below(3); n > 0; --n)
            wrong[random.below(wrong.size())] ^= static_cast<std::byte>(1 + random.below(255));
        if (wrong != sealed && to.open(wrong, opened) == status::ok) FAIL("opened");
    }
    CHECK(to.statistics().count(status::ok) == 0);
}

TEST_CASE("datagrams out of order are opened within the window, and each of them once") {
    channel from = channel_of("a"), to = channel_of("b");
    std::vector<bytes> sent;
    for (int i = 0; i < 3000; ++i) sent.push_back(from.seal(text(std::to_string(i))));
    gossip::random random(33);
    bytes opened;
    for (std::size_t part = 0; part < 1500; part += 500) {
        std::vector<std::size_t> order(500);
        for (std::size_t i = 0; i < order.size(); ++i) order[i] = part + i;
        for (std::size_t i = order.size(); i > 1; --i)
            std::swap(order[i - 1], order[random.below(i)]);
        for (const auto i : order) CHECK(to.open(sent[i], opened) == status::ok);
    }
    for (std::size_t i = 0; i < 1500; ++i) CHECK(to.open(sent[i], opened) == status::replayed);
    CHECK(to.open(sent[2999], opened) == status::ok);
    CHECK(to.open(sent[2999 - channel::window], opened) == status::replayed);
    CHECK(to.open(sent[3000 - channel::window], opened) == status::ok);
}

TEST_CASE("a former epoch is refused, a later one begins anew") {
    channel first = channel_of("a", 1), second = channel_of("a", 2), to = channel_of("b");
    bytes opened;
    const bytes old = first.seal(text("old")), late = first.seal(text("late"));
    CHECK(to.open(old, opened) == status::ok);
    CHECK(to.open(second.seal(text("new")), opened) == status::ok);
    CHECK(to.open(old, opened) == status::stale_epoch);
    CHECK(to.open(late, opened) == status::stale_epoch);
}

TEST_CASE("a ring of two keys is rotated without loss") {
    channel from = channel_of("a"), to = channel_of("b");
    bytes opened;
    const bytes under_old = from.seal(text("old"));
    to.add_key(2, toy_cipher("the next key"));
    from.add_key(2, toy_cipher("the next key"));
    CHECK_FALSE(from.use_key(3));
    CHECK(from.use_key(2));
    const bytes under_new = from.seal(text("new"));
    CHECK(to.open(under_new, opened) == status::ok);
    CHECK(to.open(under_old, opened) == status::ok);
    CHECK_FALSE(from.use_key(1));
    to.drop_key(1);
    CHECK(to.open(under_old, opened) == status::unknown_key);
    CHECK(to.open(from.seal(text("on")), opened) == status::ok);
}

TEST_CASE("a key that has sealed enough seals no more") {
    channel from("test", "a", 1, 10, 3);
    from.add_key(1, toy_cipher("one"));
    for (int i = 0; i < 3; ++i) from.seal(text("x"));
    CHECK(from.seals_left() == 0);
    CHECK_THROWS_AS(from.seal(text("x")), gossip::rekey_required);
    from.add_key(2, toy_cipher("two"));
    CHECK(from.use_key(2));
    CHECK_NOTHROW(from.seal(text("x")));
}

TEST_CASE("only who has the key is remembered, and so many at most") {
    channel to("test", "b", 1, 2);
    to.add_key(1, toy_cipher("the key"));
    bytes opened;
    for (int i = 0; i < 100; ++i) {
        channel stranger("test", "stranger" + std::to_string(i), 1);
        stranger.add_key(1, toy_cipher("a guess"));
        CHECK(to.open(stranger.seal(text("x")), opened) == status::auth_failed);
    }
    channel a = channel_of("a"), b = channel_of("c"), c = channel_of("d");
    CHECK(to.open(a.seal(text("x")), opened) == status::ok);
    CHECK(to.open(b.seal(text("x")), opened) == status::ok);
    CHECK(to.open(c.seal(text("x")), opened) == status::too_many_senders);
    CHECK(to.open(a.seal(text("x")), opened) == status::ok);
}

TEST_CASE("engines come in sync through sealed datagrams, and a plain one changes nothing") {
    std::vector<engine> engines;
    std::vector<channel> channels;
    for (std::size_t node = 0; node < 2; ++node) {
        engines.emplace_back(config_of(node, 2), 5 + node);
        channels.push_back(channel_of("node" + std::to_string(node)));
        engines[node].update(&shared_state::tags, [&](auto& s, auto self) {
            return s.add(self, "of " + std::to_string(node));
        });
    }
    auto now = gossip::time_point{} + 1h;
    bytes opened;
    for (int step = 0; step < 200; ++step, now += 50ms)
        for (std::size_t node = 0; node < 2; ++node) {
            engines[node].tick(now);
            for (const sent& each : take_outgoing(engines[node])) {
                CHECK(channels[1 - node].open(each.bytes, opened) == status::not_sealed);
                REQUIRE(channels[1 - node].open(channels[node].seal(each.bytes), opened) ==
                        status::ok);
                engines[1 - node].receive(address_of(node), opened, now);
            }
        }
    CHECK(engines[0].root() == engines[1].root());
    CHECK(engines[0].state().tags.size() == 2);
}

} // namespace seal_test
