// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "seeds.hpp"
#include "shared_state.hpp"

#include <gossip/random.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>
#include <variant>
#include <vector>

// Two versions of one program in one cluster: the second has a field that the first lacks, and
// lacks one that the first has. What both have stays in sync, and they come to rest.
namespace gossip_test {

struct old_state {
    BOOST_HANA_DEFINE_STRUCT(old_state, (crdt::g_counter, hits), (crdt::or_set<std::string>, tags),
                             (crdt::g_set<std::string>, retired));
    bool operator==(const old_state&) const = default;
};

struct new_state {
    BOOST_HANA_DEFINE_STRUCT(new_state, (crdt::or_set<std::string>, added), (crdt::g_counter, hits),
                             (crdt::or_set<std::string>, tags));
    bool operator==(const new_state&) const = default;
};

// The bytes of the fields that both versions have.
using bytes = std::vector<std::byte>;
template <class State>
    requires requires(const State& s) { s.hits; }
std::vector<std::pair<bytes, bytes>> common(const State& s) {
    return {{wire::encode(s.hits), wire::encode(s.tags)}};
}
// One user's fields change; returns the delta.
template <class State>
State change(State& state, crdt::replica_id self, const std::string& word, bool add) {
    State delta;
    delta.hits = state.hits.increment(self);
    delta.tags = add ? state.tags.add(self, word) : state.tags.remove(self, word);
    if constexpr (requires { state.retired; })
        delta.retired = state.retired.add(self, word);
    else
        delta.added = state.added.add(self, word);
    return delta;
}

// Four engines, two of each version, and between them nothing but bytes, some of which are lost.
template <class Old, class New>
class mixed_cluster {
    using old_engine = gossip::engine<Old>;
    using new_engine = gossip::engine<New>;

public:
    static constexpr std::size_t nodes = 4;

    explicit mixed_cluster(std::uint64_t seed) : random_(seed) {
        for (std::size_t node = 0; node < nodes; ++node) {
            auto settings = config_of(node, nodes);
            settings.relay_bytes = 600; // what is lost is soon left to repair
            if (node % 2 == 0)
                engines_.emplace_back(old_engine(settings, seed * 8 + node));
            else
                engines_.emplace_back(new_engine(settings, seed * 8 + node));
        }
    }

    template <class F>
    void on(std::size_t node, F f) {
        std::visit(f, engines_[node]);
    }

    void run_for(gossip::duration time) {
        for (const auto until = now_ + time; now_ < until; now_ += 10ms)
            for (std::size_t node = 0; node < nodes; ++node) step(node);
    }

    // Whether the fields that both versions have are equal everywhere, contexts too.
    bool in_sync() {
        const auto shown = [](const auto& e) { return common(e.state()); };
        const auto first = std::visit(shown, engines_[0]);
        for (const auto& each : engines_)
            if (std::visit(shown, each) != first) return false;
        return true;
    }

    std::uint64_t sum(std::uint64_t gossip::statistics::*counter) {
        std::uint64_t all = 0;
        for (const auto& each : engines_)
            all += std::visit([&](const auto& e) { return e.statistics().*counter; }, each);
        return all;
    }

    std::uint64_t lost = 0;
    bool partitioned = false;
    std::uint64_t cut = 0;

private:
    void step(std::size_t node) {
        std::array<std::byte, 2048> buffer{};
        std::visit([&](auto& e) { e.tick(now_); }, engines_[node]);
        while (auto next =
                   std::visit([&](auto& e) { return e.poll_outgoing(buffer); }, engines_[node])) {
            for (std::size_t to = 0; to < nodes; ++to) {
                if (next->to != address_of(to)) continue;
                if (partitioned && (to < 2) != (node < 2)) {
                    ++cut;
                } else if (random_.chance(1, 10)) {
                    ++lost;
                } else {
                    const auto datagram = std::span<const std::byte>(buffer).first(next->size);
                    std::visit([&](auto& e) { e.receive(address_of(node), datagram, now_); },
                               engines_[to]);
                }
            }
        }
    }

    std::vector<std::variant<old_engine, new_engine>> engines_;
    gossip::random random_;
    gossip::time_point now_{1h};
};

// Runs through a partition; `once(engine, word, add)` is one update.
template <class Old, class New, class Update>
void keeps_in_sync(std::uint64_t seed, Update once) {
    INFO("seed " << seed);
    mixed_cluster<Old, New> cluster(seed);
    gossip::random random(seed);
    for (int round = 0; round < 60; ++round) {
        cluster.partitioned = round >= 20 && round < 40;
        const std::string word = "word" + std::to_string(random.below(12));
        const bool add = random.chance(1, 2);
        cluster.on(random.below(cluster.nodes), [&](auto& e) { once(e, word, add); });
        cluster.run_for(100ms);
    }
    cluster.partitioned = false;
    for (int waited = 0; waited < 60 && !cluster.in_sync(); ++waited) cluster.run_for(1s);
    REQUIRE(cluster.in_sync());
    CHECK(cluster.lost > 0);
    CHECK(cluster.cut > 0);
    CHECK(cluster.sum(&gossip::statistics::entries_repaired) > 0);
    // At rest the versions go on telling each other where their fields stand, and no more.
    cluster.run_for(30s);
    const auto sessions = cluster.sum(&gossip::statistics::repair_sessions);
    const auto contexts = cluster.sum(&gossip::statistics::context_pieces_sent);
    cluster.run_for(60s);
    CHECK(cluster.in_sync());
    CHECK(cluster.sum(&gossip::statistics::repair_sessions) == sessions);
    CHECK(cluster.sum(&gossip::statistics::context_pieces_sent) == contexts);
}

} // namespace gossip_test
