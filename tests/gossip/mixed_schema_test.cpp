// SPDX-License-Identifier: Apache-2.0
#include "mixed_cluster.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mixed_schema_test {

using namespace gossip_test;

namespace {

// The same below the keys of a map, and a struct deeper.
struct old_users {
    BOOST_HANA_DEFINE_STRUCT(old_users, (crdt::g_map<std::string, old_state>, users));
    bool operator==(const old_users&) const = default;
};
struct new_users {
    BOOST_HANA_DEFINE_STRUCT(new_users, (crdt::g_map<std::string, new_state>, users));
    bool operator==(const new_users&) const = default;
};

template <class State>
    requires requires(const State& s) { s.users; }
std::vector<std::pair<bytes, bytes>> common(const State& s) {
    std::vector<std::pair<bytes, bytes>> all;
    for (const auto& [name, user] : s.users.entries()) {
        const auto each = common(user).front();
        const bool some = user.hits != crdt::g_counter{} || user.tags != decltype(user.tags){};
        if (some) all.push_back({wire::encode(name), each.first});
        if (some) all.push_back({wire::encode(name), each.second});
    }
    return all;
}

} // namespace

TEST_CASE("versions with different fields keep the common ones in sync without a repair loop") {
    for (const std::uint64_t seed : seeds(20))
        keeps_in_sync<old_state, new_state>(
            seed, [](auto& engine, const std::string& word, bool add) {
                engine.update([&](auto& state, crdt::replica_id self) {
                    return change(state, self, word, add);
                });
            });
}

TEST_CASE("a struct in a map in a struct: versions keep the common fields in sync as well") {
    for (const std::uint64_t seed : seeds(20))
        keeps_in_sync<old_users, new_users>(
            seed, [](auto& engine, const std::string& word, bool add) {
                engine.update([&](auto& state, crdt::replica_id self) {
                    std::remove_cvref_t<decltype(state)> delta;
                    delta.users = state.users.update(self, "user " + word.substr(4, 1),
                                                     [&](auto& user, crdt::replica_id id) {
                                                         return change(user, id, word, add);
                                                     });
                    return delta;
                });
            });
}

} // namespace mixed_schema_test
