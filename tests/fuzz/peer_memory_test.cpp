// SPDX-License-Identifier: Apache-2.0
#include <crdt/g_set.hpp>
#include <gossip/detail/frame.hpp>
#include <gossip/detail/member_record.hpp>
#include <gossip/detail/message.hpp>
#include <gossip/engine.hpp>
#include <gossip/membership.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "memory.hpp"

namespace peer_memory_test {

// What each member costs every other one: a cluster's size times this is what an engine needs.

namespace {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
namespace wire = joinery::wire;
namespace detail = joinery::gossip::detail;
using namespace std::chrono_literals;

constexpr auto start = gossip::time_point{} + 1h;
constexpr std::size_t many = 4000;

std::string name_of(std::size_t node) { return "n" + std::to_string(100'000 + node); }

std::vector<std::byte> sealed(const std::string& name, std::span<const std::byte> message) {
    const detail::frame frame("joinery", wire::keyed_hasher({}), {name, 0, name});
    return frame.seal(message);
}

std::vector<std::byte> probe(const std::string& name, detail::kind as,
                             const detail::probe_message& message) {
    wire::writer w;
    w.u8(static_cast<std::uint8_t>(as));
    message.write(w);
    detail::put_bytes(w, {});
    w.raw(std::vector<std::byte>(as == detail::kind::ping ? 150 : 0));
    return sealed(name, w.bytes());
}

template <class Engine>
void drop_what_it_says(Engine& at) {
    std::vector<std::byte> buffer(65536);
    while (at.poll_outgoing(buffer)) {}
    while (at.poll_event()) {}
}

// Somebody tells of so many others.
template <class Engine>
void tell_of_many(Engine& at) {
    for (std::size_t first = 0; first < many; first += 10) {
        detail::probe_message message;
        message.nonce = first + 1;
        message.self = {7, 7, 0};
        for (std::size_t each = first; each < first + 10; ++each) {
            detail::member_record said;
            said.name = said.address = name_of(each);
            said.version = said.boot = each + 1;
            message.records.push_back(said);
        }
        at.receive("teller", probe("teller", detail::kind::ping, message), start);
        drop_what_it_says(at);
        at.tick(start + 1s + std::chrono::milliseconds(first)); // questions run out
        drop_what_it_says(at);
    }
    at.tick(start + 60s);
    drop_what_it_says(at);
}

// All of them speak for themselves, and prove that they are there.
template <class Engine>
void meet_all(Engine& at) {
    const detail::frame frame("joinery", wire::keyed_hasher({}), {"teller", 0, "teller"});
    std::vector<std::byte> buffer(65536);
    for (std::size_t each = 0; each < many; ++each) {
        const std::string name = name_of(each);
        detail::probe_message ping, reply;
        ping.nonce = 9;
        ping.self = reply.self = {each + 1, each + 1, 0};
        at.receive(name, probe(name, detail::kind::ping, ping), start + 61s);
        while (const auto sent = at.poll_outgoing(buffer)) {
            detail::sender who;
            detail::bytes_view body, rest;
            detail::probe_message ack;
            const auto bytes = std::span<const std::byte>(buffer).first(sent->size);
            if (sent->to != name ||
                frame.open(bytes, {}, who, body) != gossip::receipt::status::ok ||
                body[0] != static_cast<std::byte>(detail::kind::ack) ||
                !detail::decode_front(body.subspan(1), ack, rest))
                continue;
            reply.nonce = ack.challenge;
            reply.self.table = ack.self.table;
            at.receive(name, probe(name, detail::kind::ack, reply), start + 61s);
        }
        drop_what_it_says(at);
    }
}

template <class Engine, class Config>
void check_bytes_a_member(Config settings) {
    settings.name = settings.address = "self";
    const std::size_t before = memory::used();
    const auto at = std::make_unique<Engine>(settings, 1);
    tell_of_many(*at);
    const std::size_t told = (memory::used() - before) / many;
    meet_all(*at);
    const std::size_t met = (memory::used() - before) / many;
    const auto all = at->members();
    CHECK(all.size() == many + 1);
    CHECK(std::count_if(all.begin(), all.end(), [](const auto& each) { return each.verified; }) ==
          many);
    MESSAGE(told << " bytes for one that was told of, " << met << " for one that was met");
    CHECK(told <= 128);
    CHECK(met <= 160);
}

} // namespace

TEST_CASE("a member costs membership little memory") {
    gossip::membership_config settings;
    settings.max_members = settings.max_from_one = 2 * many;
    check_bytes_a_member<gossip::membership>(settings);
}

TEST_CASE("a member costs an engine little more, whether it was talked to or not") {
    gossip::config settings;
    settings.max_peers = 4 * many;
    check_bytes_a_member<gossip::engine<crdt::g_set<std::uint32_t>>>(settings);
}

} // namespace peer_memory_test
