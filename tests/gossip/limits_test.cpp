// SPDX-License-Identifier: Apache-2.0
#include <crdt/entries.hpp>
#include <crdt/or_set.hpp>
#include <gossip/detail/frame.hpp>
#include <gossip/detail/member_record.hpp>
#include <gossip/detail/message.hpp>
#include <gossip/engine.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace limits_test {

// What single datagrams, made by hand, can bring an engine to.

namespace {

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
namespace wire = joinery::wire;
namespace detail = joinery::gossip::detail;
using namespace std::chrono_literals;

using set = crdt::or_set<std::string>;
using engine = gossip::engine<set>;

constexpr auto start = gossip::time_point{} + 1h;

gossip::config config_of(const std::string& name, bool membership = true) {
    gossip::config made;
    made.name = name;
    made.address = name + ":1";
    made.incarnation = 1;
    made.membership = membership;
    return made;
}

// A datagram from whoever is named.
template <class Message>
std::vector<std::byte> said(const std::string& name, const std::string& address, detail::kind as,
                            const Message& message, bool attachment = false,
                            std::uint64_t incarnation = 1) {
    wire::writer w;
    w.u8(static_cast<std::uint8_t>(as));
    message.write(w);
    if (attachment) w.varint(0);
    if (attachment) w.raw(std::vector<std::byte>(150)); // so that an answer may be as long
    const detail::frame frame("joinery", wire::keyed_hasher({}), {name, incarnation, address});
    return frame.seal(w.bytes());
}

detail::member_record alive(const std::string& name, const std::string& address,
                            std::uint64_t version = 100, std::uint64_t boot = 7) {
    return {name, version, gossip::member_status::alive, 0, boot, 1, address, {}, {}};
}

std::vector<std::byte> ping(const std::string& name, const std::string& address,
                            std::vector<detail::member_record> records = {},
                            std::uint64_t version = 100) {
    detail::probe_message message;
    message.nonce = 5;
    message.self = {version, 7, 0};
    message.records = std::move(records);
    return said(name, address, detail::kind::ping, message, true);
}

struct sent {
    std::string to;
    std::vector<std::byte> bytes;
};

std::vector<sent> take_outgoing(engine& from) {
    std::vector<sent> all;
    std::vector<std::byte> buffer(65536);
    while (const auto next = from.poll_outgoing(buffer))
        all.push_back({next->to, {buffer.begin(), buffer.begin() + static_cast<long>(next->size)}});
    return all;
}

std::size_t bytes_to(const std::string& address, const std::vector<sent>& all) {
    std::size_t sum = 0;
    for (const sent& each : all) sum += each.to == address ? each.bytes.size() : 0;
    return sum;
}

detail::bytes_view message_of(const sent& each) {
    const detail::frame frame("joinery", wire::keyed_hasher({}), {"b", 1, "b:1"});
    detail::sender from;
    detail::bytes_view message;
    frame.open(each.bytes, {}, from, message);
    return message;
}
bool bears_items(const sent& each) {
    return message_of(each).front() == static_cast<std::byte>(detail::kind::items);
}

// A member comes and proves that it is where it says.
void meet(engine& at, const std::string& name) {
    at.receive(name + ":1", ping(name, name + ":1"), start);
    for (const sent& each : take_outgoing(at)) {
        const auto message = message_of(each);
        detail::probe_message asked;
        detail::bytes_view rest;
        if (each.to != name + ":1" ||
            message.front() != static_cast<std::byte>(detail::kind::ack) ||
            !detail::decode_front(message.subspan(1), asked, rest))
            continue;
        detail::probe_message ack;
        ack.nonce = asked.challenge;
        ack.self = {100, 7, 0};
        at.receive(name + ":1", said(name, name + ":1", detail::kind::ack, ack, true), start);
    }
    for (const gossip::peer& each : at.members())
        if (each.name == name) REQUIRE(each.verified);
}

void add(engine& to, const std::string& element) {
    to.update([&](set& s, crdt::replica_id self) { return s.add(self, element); });
}

} // namespace

TEST_CASE("an engine that has received before its first tick is due at once") {
    for (const bool membership : {true, false}) {
        engine at(config_of("a", membership), 1);
        CHECK(at.next_deadline() == gossip::time_point::min());
        const auto now = gossip::time_point{} + 1s; // a machine that has just started
        at.receive("b:1", ping("b", "b:1"), now);
        CHECK(at.next_deadline() <= now);
    }
}

TEST_CASE("an engine lives through any times that it is told") {
    for (const bool membership : {true, false}) {
        engine at(config_of("a", membership), 1);
        for (int again = 0; again < 8; ++again)
            for (const auto now : {gossip::time_point::min(), gossip::time_point::max()})
                at.receive("b:1", ping("b", "b:1"), now);
        for (int again = 0; again < 8; ++again)
            for (const auto now : {gossip::time_point::min(), gossip::time_point::max()}) {
                at.tick(now);
                take_outgoing(at);
                CHECK(at.next_deadline() <= gossip::time_point::max());
            }
    }
}

TEST_CASE("an address that others have told of is not answered before it has proven itself") {
    engine at(config_of("a"), 1);
    for (int each = 0; each < 300; ++each)
        add(at, "an element that is rather long, number " + std::to_string(each));
    at.tick(start);
    at.receive("x:1", ping("x", "x:1", {alive("victim", "victim:1")}), start);
    take_outgoing(at);
    // In the name of the victim, which knows nothing of it.
    std::vector<crdt::entry_id> ids;
    crdt::for_each_entry(at.state(), [&](crdt::entry_id id, const auto&) { ids.push_back(id); });
    ids.resize(150);
    const auto nothing = wire::encode_nested(set{});
    const auto ask =
        said("victim", "victim:1", detail::kind::ask, detail::ask_message{ids, nothing});
    at.receive("victim:1", ask, start);
    CHECK(bytes_to("victim:1", take_outgoing(at)) <= ask.size());
}

TEST_CASE("a member that is said to have moved proves itself anew") {
    engine at(config_of("a"), 1);
    for (int each = 0; each < 300; ++each)
        add(at, "an element that is rather long, number " + std::to_string(each));
    at.tick(start);
    meet(at, "b");
    take_outgoing(at);
    std::vector<crdt::entry_id> ids;
    crdt::for_each_entry(at.state(), [&](crdt::entry_id id, const auto&) { ids.push_back(id); });
    ids.resize(150);
    const auto nothing = wire::encode_nested(set{});
    const auto move = ping("b", "victim:1", {}, 101);
    const auto ask = said("b", "victim:1", detail::kind::ask, detail::ask_message{ids, nothing});
    at.receive("victim:1", move, start);
    std::size_t heard = bytes_to("victim:1", take_outgoing(at));
    at.receive("victim:1", ask, start);
    heard += bytes_to("victim:1", take_outgoing(at));
    CHECK(heard <= move.size() + ask.size());
    for (const gossip::peer& each : at.members()) CHECK(!each.verified);
}

TEST_CASE("a member at the address of one that is gone is talked to") {
    engine at(config_of("a"), 1);
    at.tick(start);
    at.receive("h:1", ping("old", "h:1"), start);
    CHECK(at.live_count() == 1);
    // The host runs another member now, and then the old one is found to be dead.
    at.receive("h:1", ping("new", "h:1"), start);
    detail::rumors_message gone;
    gone.records = {{"old", 101, gossip::member_status::dead, 9, 0, 0, {}, {}, {}}};
    at.receive("h:1", said("new", "h:1", detail::kind::rumors, gone), start);
    std::size_t alive_members = 0;
    for (const gossip::peer& each : at.members()) alive_members += each.live() ? 1U : 0U;
    CHECK(alive_members == 1);
    CHECK(at.live_count() == 1);
}

TEST_CASE("a member whose address others claim is talked to all the same") {
    gossip::config settings = config_of("a");
    settings.fanout = 16; // neighbours on so many circles are all members
    engine at(settings, 1);
    at.tick(start);
    meet(at, "b");
    // Somebody tells of one more there, and then that it has left.
    at.receive("b:1", ping("x", "x:1", {alive("y", "b:1")}), start);
    detail::rumors_message gone;
    gone.records = {{"y", 101, gossip::member_status::left, 9, 0, 0, {}, {}, {}}};
    at.receive("b:1", said("b", "b:1", detail::kind::rumors, gone), start);
    CHECK(at.live_count() == 2); // b and x
    take_outgoing(at);
    add(at, "news"); // small enough to be pushed
    at.tick(start + 1s);
    bool heard = false;
    for (const sent& each : take_outgoing(at))
        heard = heard || (each.to == "b:1" && bears_items(each));
    CHECK(heard);
}

TEST_CASE("a member that makes room for others is talked to no more") {
    gossip::config settings = config_of("a");
    settings.max_peers = 8;
    engine at(settings, 1);
    at.tick(start);
    for (int each = 0; each < 200; ++each) {
        const std::string name = "n" + std::to_string(each);
        at.receive(name + ":1", ping(name, name + ":1"), start);
        take_outgoing(at);
        std::size_t live = 0;
        for (const gossip::peer& member : at.members()) live += member.live() ? 1U : 0U;
        REQUIRE(at.live_count() == live);
    }
    std::size_t up = 0, down = 0;
    while (const auto told = at.poll_event()) {
        up += told->kind == gossip::event_kind::member_up ? 1U : 0U;
        down += told->kind == gossip::event_kind::member_down ? 1U : 0U;
    }
    CHECK(up == down + at.live_count());
}

TEST_CASE("ranges that repeat themselves in a pull cost no more than what they name") {
    engine at(config_of("a"), 1);
    at.tick(start);
    take_outgoing(at);
    for (int each = 0; each < 20'000; ++each) {
        add(at, std::to_string(each));
        at.poll_event(); // ends the turn: an item each
    }
    meet(at, "b");
    detail::pull_message pull;
    for (int each = 0; each < 4000; ++each) pull.ranges.push_back({at.self(), 1, 20'000});
    const auto datagram = said("b", "b:1", detail::kind::pull, pull);
    const auto before = std::chrono::steady_clock::now();
    for (int again = 0; again < 10; ++again) at.receive("b:1", datagram, start);
    const auto took = std::chrono::steady_clock::now() - before;
    MESSAGE(std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms");
    CHECK(took < 5s);
}

TEST_CASE("questions of many peers that wait together have an end") {
    engine at(config_of("a"), 1);
    at.tick(start);
    take_outgoing(at);
    add(at, "held");
    const std::string peers = "bcdefghi";
    for (const char name : peers) meet(at, std::string(1, name));
    detail::ask_message ask;
    for (std::uint64_t id = 1; id < 8000; ++id) ask.ids.push_back(id);
    crdt::for_each_entry(std::as_const(at).state(),
                         [&](crdt::entry_id id, const auto&) { ask.ids.push_back(id); });
    const auto nothing = wire::encode_nested(set{});
    ask.held = nothing;
    const auto asks = [&](char name) {
        const std::string who(1, name);
        at.receive(who + ":1", said(who, who + ":1", detail::kind::ask, ask), start);
    };
    const auto answered = [&](const std::vector<sent>& all, char name) {
        return std::any_of(all.begin(), all.end(), [&](const sent& each) {
            return each.to == std::string(1, name) + ":1" &&
                   message_of(each).front() == static_cast<std::byte>(detail::kind::answer);
        });
    };
    for (int again = 0; again < 19; ++again)
        for (const char name : peers)
            if (name != peers.back()) asks(name); // 133 of them have more than 2^20 ids
    asks(peers.back());
    const auto all = take_outgoing(at);
    CHECK(answered(all, peers.front()));
    CHECK(!answered(all, peers.back()));
    asks(peers.back());
    CHECK(answered(take_outgoing(at), peers.back()));
}

TEST_CASE("a page of members fits into the smallest datagrams") {
    gossip::config settings = config_of("a");
    settings.max_datagram = 300;
    engine at(settings, 1);
    at.tick(start);
    for (const char name : std::string("bcdefghijklm")) meet(at, std::string(1, name));
    take_outgoing(at);
    detail::sync_message asked;
    std::size_t pages = 0, records = 0;
    for (bool end = false; !end && pages < 100; ++pages) {
        at.receive("b:1", said("b", "b:1", detail::kind::sync, asked), start);
        end = true;
        for (const sent& each : take_outgoing(at)) {
            CHECK(each.bytes.size() <= settings.max_datagram);
            const auto message = message_of(each);
            if (message.front() != static_cast<std::byte>(detail::kind::page)) continue;
            detail::page_message page;
            detail::bytes_view rest;
            REQUIRE(detail::decode_front(message.subspan(1), page, rest));
            records += page.records.size();
            end = page.next == detail::buckets;
            asked.from = page.next;
            asked.after = page.after;
        }
    }
    CHECK(pages > 1);
    CHECK(records == 13); // its own as well
}

TEST_CASE("who is asked to ping for another says little to who has not proven to be there") {
    gossip::config settings = config_of("a");
    settings.metadata.resize(512);
    engine at(settings, 1);
    at.tick(start);
    meet(at, "b");
    meet(at, "c");
    take_outgoing(at);
    for (const std::string name : {"victim", "c"}) {
        const detail::ping_for_message asked{77, name, "victim:1", {}};
        const auto question = said("b", "b:1", detail::kind::ping_for, asked);
        at.receive("b:1", question, start);
        const std::size_t heard = bytes_to("victim:1", take_outgoing(at));
        CHECK(heard > 0);
        CHECK(heard < 3 * question.size());
    }
}

} // namespace limits_test
