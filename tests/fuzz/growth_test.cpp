// SPDX-License-Identifier: Apache-2.0
#include <crdt/g_set.hpp>
#include <gossip/detail/frame.hpp>
#include <gossip/detail/member_record.hpp>
#include <gossip/detail/message.hpp>
#include <gossip/engine.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "memory.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace growth_test {

// However much comes, what an engine keeps of it has an end.

namespace {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
namespace wire = joinery::wire;
namespace detail = joinery::gossip::detail;
using namespace std::chrono_literals;
using gossip::member_status;

using engine = gossip::engine<crdt::g_set<std::uint32_t>>;

constexpr auto start = gossip::time_point{} + 1h;

engine victim(bool membership) {
    gossip::config made;
    made.name = "a";
    made.address = "a:1";
    made.membership = membership;
    made.max_peers = 16;
    made.max_events = 16;
    engine at(made, 1);
    at.tick(start);
    return at;
}

std::vector<std::byte> sealed(const std::string& name, std::span<const std::byte> message) {
    const detail::frame frame("joinery", wire::keyed_hasher({}), {name, 1, name + ":1"});
    return frame.seal(message);
}

std::vector<std::byte> ping(const std::string& name, std::uint64_t version = 100) {
    detail::probe_message message;
    message.nonce = 5;
    message.self = {version, 7, 0};
    wire::writer w;
    w.u8(static_cast<std::uint8_t>(detail::kind::ping));
    message.write(w);
    w.varint(0);
    return sealed(name, w.bytes());
}

constexpr std::uint64_t slower = JOINERY_CASES_DIVISOR > 1 ? 5 : 1;

// f(round) makes a datagram; what the engine holds after all rounds is little more than after the
// first half of them.
template <class F>
void check_growth(engine at, std::uint64_t rounds, F f) {
    std::vector<std::byte> buffer(65536);
    std::size_t held = 0;
    auto now = start;
    for (std::uint64_t round = 0; round < rounds; ++round) {
        at.receive("from" + std::to_string(round % 1000), f(round), now += 100us);
        while (at.poll_outgoing(buffer)) {}
        while (at.poll_event()) {}
        if (round == rounds / 2) held = memory::used();
    }
    const std::size_t after = memory::used();
    MESSAGE(held << " bytes, then " << after);
    CHECK(after < held + 64 * 1024);
}

} // namespace

TEST_CASE("members that come and take each other's place are forgotten") {
    check_growth(victim(true), 20'000,
                 [](std::uint64_t round) { return ping("n" + std::to_string(round)); });
}

TEST_CASE("a member that comes and leaves, or is suspected, again and again takes no memory") {
    for (const auto end : {member_status::left, member_status::suspect}) {
        engine at = victim(true);
        at.receive("from", ping("b"), start);
        check_growth(std::move(at), 20'000 / slower, [&](std::uint64_t round) {
            detail::rumors_message message;
            const std::uint64_t version = 200 + 4 * round;
            message.records = {{"c", version, member_status::alive, 0, 7, 1, "c:1", {}, {}},
                               {"c", version + 1, end, round, 0, 0, {}, {}, {}},
                               {"c", version + 1, end, round + 1, 0, 0, {}, {}, {}},
                               {"c", version + 2, member_status::alive, 0, 7, 1, "c:1", {}, {}}};
            return sealed("b", detail::encode_message(message));
        });
    }
}

TEST_CASE("small blobs that are offered and never given are few") {
    check_growth(victim(false), 50'000 / slower, [](std::uint64_t round) {
        return sealed("b", detail::encode_message(detail::offer_message{{round, 1}, 1}));
    });
}

TEST_CASE("a blob in very small pieces is not gathered for ever") {
    engine at = victim(false);
    const wire::digest digest{1, 1};
    const detail::offer_message offer{digest, std::uint64_t{1} << 20U};
    at.receive("from", sealed("b", detail::encode_message(offer)), start);
    const std::byte one{1};
    check_growth(std::move(at), 100'000 / slower, [&](std::uint64_t round) {
        const detail::piece_message piece{digest, 2 * round, {&one, 1}};
        return sealed("b", detail::encode_message(piece));
    });
}

} // namespace growth_test
