// SPDX-License-Identifier: Apache-2.0
// Two versions of one program in one cluster: the second has a field that the first lacks, and
// lacks one that the first has. What both have stays in sync, and they come to rest.
#include "shared_state.hpp"

#include <gossip/random.hpp>

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <variant>
#include <vector>

using namespace gossip_test;

namespace {

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

using old_engine = gossip::engine<old_state>;
using new_engine = gossip::engine<new_state>;

// Four engines, two of each version, and between them nothing but bytes, some of which are lost.
class mixed_cluster {
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
        const auto common = [](const auto& e) {
            return std::pair(wire::encode(e.state().hits), wire::encode(e.state().tags));
        };
        const auto first = std::visit(common, engines_[0]);
        for (const auto& each : engines_)
            if (std::visit(common, each) != first) return false;
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
                    const auto bytes = std::span<const std::byte>(buffer).first(next->size);
                    std::visit([&](auto& e) { e.receive(address_of(node), bytes, now_); },
                               engines_[to]);
                }
            }
        }
    }

    std::vector<std::variant<old_engine, new_engine>> engines_;
    gossip::random random_;
    gossip::time_point now_{1h};
};

} // namespace

TEST_CASE("versions with different fields keep the common ones in sync without a repair loop") {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        INFO("seed " << seed);
        mixed_cluster cluster(seed);
        gossip::random random(seed);
        for (int round = 0; round < 60; ++round) {
            cluster.partitioned = round >= 20 && round < 40;
            const std::string word = "word" + std::to_string(random.below(12));
            cluster.on(random.below(mixed_cluster::nodes), [&](auto& e) {
                using state = std::remove_cvref_t<decltype(e.state())>;
                e.update(&state::hits, [](auto& hits, auto self) { return hits.increment(self); });
                e.update(&state::tags, [&](auto& tags, auto self) {
                    return random.chance(1, 2) ? tags.add(self, word) : tags.remove(self, word);
                });
                if constexpr (std::same_as<state, old_state>)
                    e.update(&state::retired,
                             [&](auto& s, auto self) { return s.add(self, word); });
                else
                    e.update(&state::added, [&](auto& s, auto self) { return s.add(self, word); });
            });
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
}
