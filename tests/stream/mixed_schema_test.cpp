// SPDX-License-Identifier: Apache-2.0
#include "../gossip/mixed_cluster.hpp"

#include <doctest/doctest.h>
#include <stream/partitioned.hpp>
#include <stream/windowed.hpp>

#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mixed_schema_test {

// Versions of a stream processor, whose structs lie in partitions and windows.

using namespace gossip_test;
namespace stream = joinery::stream;

namespace {

struct old_processor {
    BOOST_HANA_DEFINE_STRUCT(old_processor, (stream::partitioned<old_state>, parts),
                             (stream::windowed<old_state>, windows));
    bool operator==(const old_processor&) const = default;
};
struct new_processor {
    BOOST_HANA_DEFINE_STRUCT(new_processor, (stream::partitioned<new_state>, parts),
                             (stream::windowed<new_state>, windows));
    bool operator==(const new_processor&) const = default;
};

template <class State>
    requires requires(const State& s) { s.windows; }
std::vector<std::pair<bytes, bytes>> common(const State& s) {
    std::vector<std::pair<bytes, bytes>> all{
        {wire::encode(s.windows.floor().value_or(-1)),
         wire::encode(static_cast<std::uint64_t>(s.windows.late()))}};
    const auto add = [&](const auto& entries) {
        for (const auto& [key, value] : entries) {
            if (value.hits == crdt::g_counter{} && value.tags == decltype(value.tags){}) continue;
            all.push_back({wire::encode(key), wire::encode(value.hits)});
            all.push_back({wire::encode(key), wire::encode(value.tags)});
        }
    };
    add(s.parts.entries());
    add(s.windows.entries());
    return all;
}

} // namespace

TEST_CASE("structs in partitions and windows: versions keep the common fields in sync") {
    for (const std::uint64_t seed : seeds(20)) {
        std::int64_t updates = 0;
        keeps_in_sync<old_processor, new_processor>(seed, [&](auto& engine, const std::string& word,
                                                              bool add) {
            ++updates;
            engine.update([&](auto& state, crdt::replica_id self) {
                std::remove_cvref_t<decltype(state)> delta;
                delta.windows =
                    state.windows.update(self, updates / 4, [&](auto& value, crdt::replica_id id) {
                        return change(value, id, word, add);
                    });
                if (updates % 10 == 9) // expired windows go, whatever else is in them
                    delta.windows.merge(state.windows.expire(updates / 4 - 5));
                const std::string part = "part " + word.substr(4, 1);
                auto accumulated = state.parts.find(part) == nullptr
                                       ? decltype(state.parts.total()){}
                                       : *state.parts.find(part);
                const auto news = change(accumulated, state.parts.actor(part), word, add);
                delta.parts = state.parts.advance(part, news);
                return delta;
            });
        });
    }
}

} // namespace mixed_schema_test
