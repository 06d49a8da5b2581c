// SPDX-License-Identifier: Apache-2.0
// A fragment claims only the dots it was cut from (trap 20). Repair by fragments, contexts in
// pieces, writes all the while: nothing is lost, nothing comes back, and equal means equal bytes.
#include <cstdint>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

#include <crdt/g_map.hpp>
#include <crdt/or_set.hpp>
#include <wire/hash.hpp>

#include "exchange.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace causality_test {

namespace crdt = joinery::crdt;
using joinery::testing::rule;

namespace {

constexpr std::uint64_t seeds = 3'000 / JOINERY_CASES_DIVISOR;

template <class T>
struct set_ops {
    using set = crdt::or_set<T>;

    static T value(unsigned e) {
        if constexpr (std::is_same_v<T, std::string>)
            return "element-" + std::to_string(e);
        else
            return e;
    }
    static set add(set& s, crdt::replica_id self, unsigned e) { return s.add(self, value(e)); }
    static set remove(set& s, crdt::replica_id self, unsigned e) {
        return s.remove(self, value(e));
    }
    static bool contains(const set& s, unsigned e) { return s.contains(value(e)); }
};

// Two elements under each of three keys.
struct map_ops {
    using set = crdt::or_set<std::string>;
    using map = crdt::g_map<std::string, set>;

    static std::string key(unsigned e) { return "key-" + std::to_string(e / 2); }

    static map add(map& m, crdt::replica_id self, unsigned e) {
        return m.update(self, key(e), [&](set& s, crdt::replica_id id) {
            return s.add(id, std::to_string(e % 2));
        });
    }
    static map remove(map& m, crdt::replica_id self, unsigned e) {
        return m.update(self, key(e), [&](set& s, crdt::replica_id id) {
            return s.remove(id, std::to_string(e % 2));
        });
    }
    static bool contains(const map& m, unsigned e) {
        const set* s = m.find(key(e));
        return s != nullptr && s->contains(std::to_string(e % 2));
    }
};

struct outcome {
    std::uint64_t unsettled = 0, runs_with_loss = 0, resurrected = 0;
    std::uint64_t context_joined = 0, context_refused = 0, written_while_asked = 0;
};

template <class S, class Ops>
outcome run(rule how) {
    outcome all;
    for (std::uint64_t seed = 0; seed < seeds; ++seed) {
        joinery::testing::exchange<S, Ops> one(joinery::wire::mix(20, seed), how);
        one.run(150);
        all.unsettled += one.settle() ? 0U : 1U;
        all.runs_with_loss += one.lost() != 0 ? 1U : 0U;
        all.resurrected += one.resurrected();
        all.context_joined += one.context_joined;
        all.context_refused += one.context_refused;
        all.written_while_asked += one.written_while_asked;
    }
    return all;
}

template <class S, class Ops>
void check_repair() {
    const outcome all = run<S, Ops>(rule::kept);
    CHECK(all.unsettled == 0);
    CHECK(all.runs_with_loss == 0);
    CHECK(all.resurrected == 0);
    // What could have gone wrong did happen.
    CHECK(all.context_joined > seeds);
    CHECK(all.context_refused > 0);
    CHECK(all.written_while_asked > seeds);
}

} // namespace

TEST_CASE("repair of an or_set of numbers under writes loses nothing and resurrects nothing") {
    check_repair<crdt::or_set<std::uint64_t>, set_ops<std::uint64_t>>();
}

TEST_CASE("repair of an or_set of strings under writes loses nothing and resurrects nothing") {
    check_repair<crdt::or_set<std::string>, set_ops<std::string>>();
}

TEST_CASE("repair of a g_map of or_sets under writes loses nothing and resurrects nothing") {
    check_repair<map_ops::map, map_ops>();
}

// The tests above have teeth: with either rule broken the same runs lose what was added.
TEST_CASE("a fragment that ships the whole context loses adds in most runs") {
    const outcome all =
        run<crdt::or_set<std::uint64_t>, set_ops<std::uint64_t>>(rule::fragments_ship_the_context);
    CHECK(all.runs_with_loss > seeds / 2);
}

TEST_CASE("a context joined under other live entries loses adds") {
    const outcome all = run<crdt::or_set<std::uint64_t>, set_ops<std::uint64_t>>(
        rule::contexts_join_under_any_root);
    CHECK(all.runs_with_loss > seeds / 100);
}

} // namespace causality_test
