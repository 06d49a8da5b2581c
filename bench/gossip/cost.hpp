// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../anchors.hpp"
#include "../memory.hpp"
#include "clusters.hpp"

#include <crdt/g_counter.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace joinery::bench::gossiping {

/// Datagrams of a member that has no process.
class forger {
public:
    explicit forger(const std::string& cluster, const std::string& name)
        : frame_(cluster, wire::keyed_hasher({}), {name, 0, name}) {
        self_ = {7, 7, 0};
    }

    std::vector<std::byte> ping(const std::vector<gossip::detail::member_record>& records = {}) {
        gossip::detail::probe_message message;
        message.nonce = ++nonce_;
        message.self = self_;
        message.records = records;
        wire::writer w;
        w.u8(static_cast<std::uint8_t>(gossip::detail::kind::ping));
        message.write(w);
        gossip::detail::put_bytes(w, {});
        return frame_.seal(w.bytes());
    }
    template <class Message>
    std::vector<std::byte> seal(const Message& message) const {
        return frame_.seal(gossip::detail::encode_message(message));
    }
    /// The answer to a ping, so that the member counts as verified.
    std::optional<std::vector<std::byte>> answer(std::span<const std::byte> ping) const {
        gossip::detail::sender who;
        gossip::detail::bytes_view body;
        if (frame_.open(ping, {}, who, body) != gossip::receipt::status::ok) return std::nullopt;
        if (static_cast<gossip::detail::kind>(body[0]) != gossip::detail::kind::ping)
            return std::nullopt;
        gossip::detail::probe_message asked, reply;
        wire::reader r(body.subspan(1));
        asked.read(r);
        reply.nonce = asked.nonce;
        reply.self = self_;
        reply.self.table = asked.self.table;
        wire::writer w;
        w.u8(static_cast<std::uint8_t>(gossip::detail::kind::ack));
        reply.write(w);
        gossip::detail::put_bytes(w, {});
        return frame_.seal(w.bytes());
    }

private:
    gossip::detail::frame frame_;
    gossip::detail::self_part self_{};
    std::uint64_t nonce_ = 0;
};

template <class Engine>
std::vector<std::vector<std::byte>> drain(Engine& from, const std::string& to = {}) {
    std::vector<std::vector<std::byte>> all;
    static std::vector<std::byte> buffer(65'536);
    while (const auto next = from.poll_outgoing(std::span(buffer)))
        if (to.empty() || next->to == to)
            all.emplace_back(buffer.begin(),
                             buffer.begin() + static_cast<std::ptrdiff_t>(next->size));
    return all;
}

/// Makes `from` a verified member.
template <class Engine>
void befriend(Engine& at, forger& from, const std::string& name, gossip::time_point now) {
    at.receive(name, from.ping(), now);
    for (int each = 0; each < 40; ++each) {
        for (const auto& sent : drain(at, name))
            if (const auto said = from.answer(sent)) at.receive(name, *said, now);
        at.tick(now += 250ms);
    }
}

/// Tells of so many members.
template <class Engine>
void populate(Engine& at, forger& from, const std::string& name, std::size_t count,
              gossip::time_point now) {
    for (std::size_t first = 0; first < count; first += 10) {
        std::vector<gossip::detail::member_record> records;
        for (std::size_t each = first; each < std::min(first + 10, count); ++each) {
            gossip::detail::member_record said;
            said.name = said.address = name_of(100'000 + each);
            said.version = said.boot = each + 1;
            records.push_back(std::move(said));
        }
        at.receive(name, from.ping(records), now);
        drain(at);
        while (at.poll_event()) {}
    }
}

inline gossip::membership_config crowd_config() {
    gossip::membership_config settings;
    settings.name = settings.address = "self";
    settings.max_members = 40'000;
    settings.max_from_one = 40'000;
    return settings;
}

inline void ping_cost(rows& into) {
    gossip::membership_config settings = crowd_config();
    settings.max_members = 100;
    auto at = std::make_shared<gossip::membership>(settings, 1);
    forger from(settings.cluster, "m1");
    const gossip::time_point start{1h};
    befriend(*at, from, "m1", start);
    const auto ping = from.ping();
    group g;
    std::vector<std::byte> buffer(1400);
    auto& ours = g.loop("ping and ack", 1, [=, now = start + 10s]() mutable {
        benchmark::DoNotOptimize(at->receive("m1", ping, now));
        while (auto sent = at->poll_outgoing(std::span(buffer))) benchmark::DoNotOptimize(sent);
    });
    auto& anchor = hash_anchor(g);
    g.run();
    into.scaled("ns per ping", ours, anchor, reference::hash_32_bytes, {1500, 500});
}

/// Datagrams with an item each of 50 origins.
inline std::vector<std::vector<std::byte>> packets_of_50(const forger& from, std::size_t count) {
    std::vector<std::vector<std::byte>> all;
    std::vector<crdt::g_counter> counters(50);
    for (std::size_t each = 1; each <= count; ++each) {
        gossip::detail::items_message message;
        std::vector<std::vector<std::byte>> deltas;
        for (std::size_t origin = 0; origin < 50; ++origin) {
            const crdt::replica_id id{wire::mix(origin, 1)};
            deltas.push_back(wire::encode_nested(counters[origin].increment(id)));
        }
        for (std::size_t origin = 0; origin < 50; ++origin)
            message.items.push_back(
                {{crdt::replica_id{wire::mix(origin, 1)}, each}, deltas[origin]});
        all.push_back(from.seal(message));
    }
    return all;
}

inline void packet_cost(rows& into) {
    gossip::config settings = config_of(0, 10);
    settings.cluster = "joinery";
    using counting = gossip::engine<crdt::g_counter>;
    auto at = std::make_shared<counting>(settings, 1);
    forger from(settings.cluster, "n1");
    const gossip::time_point start{1h};
    befriend(*at, from, "n1", start);
    const auto packets =
        std::make_shared<std::vector<std::vector<std::byte>>>(packets_of_50(from, 30'000));
    group g;
    const auto buffer = std::make_shared<std::vector<std::byte>>(1400);
    const auto next = std::make_shared<std::size_t>(0); // loops are copied, packets come once
    auto& ours = g.loop("packet of 50", 1, [=] {
        const auto now = start + 20s + std::chrono::milliseconds(*next);
        benchmark::DoNotOptimize(
            at->receive("n1", (*packets)[std::min((*next)++, packets->size() - 1)], now));
        while (auto sent = at->poll_outgoing(std::span(*buffer))) benchmark::DoNotOptimize(sent);
    });
    auto& anchor = hash_anchor(g);
    g.run();
    const auto taken = at->statistics().items_received;
    const bool fits = packets->front().size() <= 1400 && taken > 0 && taken < 30'000 * 50;
    if (fits)
        into.scaled("ns per packet of 50 updates", ours, anchor, reference::hash_32_bytes,
                    {30'000, 10'000});
}

/// Resident bytes of what make() returns once a verified member has told it of so many others.
template <class Make>
double resident_with(std::size_t count, const std::string& name, Make make) {
    return static_cast<double>(resident_bytes([&] {
        auto at = make();
        forger from("joinery", name);
        const gossip::time_point start{1h};
        befriend(*at, from, name, start);
        populate(*at, from, name, count, start + 20s);
        return at;
    }));
}

/// What 10,000 peers add to ten: the code that runs takes memory too.
inline void memory_cost(rows& into) {
    constexpr std::size_t peers = 10'000;
    const auto added = [&](const std::string& name, auto make) {
        return (resident_with(peers + 10, name, make) - resident_with(10, name, make)) / peers;
    };
    const double alone =
        added("m1", [] { return std::make_unique<gossip::membership>(crowd_config(), 1); });
    const double whole = added(
        "n1", [&] { return std::make_unique<gossip::engine<state>>(config_of(0, peers + 20), 1); });
    into.figure("bytes per peer beside metadata", "B", alone, {160, 96});
    into.figure("bytes per peer beside metadata, whole engine", "B", whole, {320, 192});
}

/// What a member of a cluster of 10,000 sends in a minute.
inline void largest_packet(rows& into) {
    gossip::config settings = config_of(0, 10'000);
    auto at = std::make_unique<gossip::engine<state>>(settings, 1);
    forger from(settings.cluster, "n1");
    gossip::time_point now{1h};
    befriend(*at, from, "n1", now);
    now += 20s;
    populate(*at, from, "n1", 10'000, now);
    for (int each = 0; each < 2'000; ++each)
        at->update([&](state& set, crdt::replica_id self) {
            return set.add(self, std::string(50, 'q') + std::to_string(each));
        });
    std::size_t largest = 0;
    for (int each = 0; each < 600; ++each) {
        at->tick(now += 100ms);
        for (const auto& sent : drain(*at)) {
            largest = std::max(largest, sent.size());
            if (const auto said = from.answer(sent)) at->receive("n1", *said, now);
        }
    }
    into.figure("largest packet, N=10000", "B", static_cast<double>(largest), {1400, 1400});
}

/// Of engines of a cluster at rest and of one that spreads updates.
inline void allocations(rows& into, network net) {
    net.run_for(60s); // a copy has no memory to spare yet
    const auto before = watched::all;
    net.run_for(60s);
    into.figure("allocations per message after warm-up", "",
                static_cast<double>(watched::all.allocations - before.allocations) /
                    static_cast<double>(watched::all.received - before.received),
                {2, 0});
}

/// Of a cluster at rest, on the reference machine.
inline void simulation(rows& into, network net) {
    group g;
    const auto& anchor = hash_anchor(g);
    g.run();
    const double start = thread_ns();
    net.run_for(round * 100);
    const double took = (thread_ns() - start) / 1e9 * 10 * 1000 / static_cast<double>(net.size());
    into.figure("seconds for N=1000 x 1000 rounds", "s",
                took * reference::hash_32_bytes / anchor.ns(), {20, 10});
}

} // namespace joinery::bench::gossiping
