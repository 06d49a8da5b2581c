// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <new>
#include <string>
#include <type_traits>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <testing/random_history.hpp>
#include <wire/codec.hpp>

#include "../crdt/random_steps_causal.hpp"
#include "../crdt/random_steps_logs.hpp"
#include "../crdt/random_steps_more.hpp"
#include "memory.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

// Memory runs out at the n-th allocation of a merge or a mutator, for every n: each entry is as it
// was or as it was to be, the state is one that its bytes give, and the same again brings the rest.

namespace {

namespace crdt = joinery::crdt;
namespace testing = joinery::testing;
namespace wire = joinery::wire;
using entries = std::map<crdt::entry_id, wire::digest>;

constexpr std::uint64_t seed = 20;

template <class T>
entries entries_of(const T& s) {
    entries all;
    crdt::for_each_entry(s, [&](crdt::entry_id id, const auto& v) { all[id] += v; });
    return all;
}

wire::digest version_in(const entries& all, crdt::entry_id id) {
    const auto at = all.find(id);
    return at == all.end() ? wire::digest{} : at->second;
}

bool old_or_new(const entries& old, const entries& now, const entries& after) {
    bool whole = true;
    entries named = old;
    named.insert(now.begin(), now.end());
    named.insert(after.begin(), after.end());
    for (const auto& [id, any] : named) {
        const auto version = version_in(now, id);
        whole = whole && (version == version_in(old, id) || version == version_in(after, id));
    }
    return whole;
}

// Whether the state can be encoded, and grows to what it would have been.
template <class T>
bool sound(const T& before, const T& now, const T& after) {
    wire::error why;
    const auto back = wire::try_decode<T>(wire::encode(now), {}, why);
    return back && *back == now && crdt::leq(before, now) && crdt::leq(now, after);
}

struct tally {
    std::uint64_t failures = 0, torn = 0, unsound = 0, lost = 0, half_done = 0;
};

template <class T>
void fail_merges(const T& before, const T& delta, tally& found) {
    T after = before;
    crdt::report told;
    crdt::merge(after, delta, told);
    const entries old = entries_of(before), fresh = entries_of(after);
    for (std::uint64_t n = 1;; ++n) {
        T now = before;
        bool thrown = false;
        crdt::report again;
        memory::arm(n);
        try {
            crdt::merge(now, delta, again);
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        if (!memory::disarm()) {
            found.lost += !(now == after);
            return;
        }
        ++found.failures;
        found.unsound += !sound(before, now, after) || (!thrown && !(now == after));
        // Of an entry with several dots that were spent twice some may have been replaced.
        found.torn += told.double_spent.empty() && !old_or_new(old, entries_of(now), fresh);
        crdt::merge(now, delta);
        found.lost += !(now == after);
    }
}

// Steps that draw from the same numbers: the one that fails does what the others would.
template <class T>
void fail_steps(const testing::random_history<T>& history, testing::rng random, tally& found) {
    const T& before = history.replicas[0];
    T after = before;
    testing::rng numbers = random;
    history.step(after, 0, numbers);
    for (std::uint64_t n = 1;; ++n) {
        T now = before;
        numbers = random;
        memory::arm(n);
        try {
            history.step(now, 0, numbers);
        } catch (const std::bad_alloc&) {}
        if (!memory::disarm()) return;
        ++found.failures;
        found.unsound += !sound(before, now, after);
        found.half_done += !(now == before) && !(now == after);
    }
}

template <class T>
tally fail_everywhere() {
    tally found;
    testing::rng random(seed);
    // A few histories of a small type may ask for no memory at all.
    const int enough = 1 + 300 / JOINERY_CASES_DIVISOR;
    for (int i = 0; i < enough || (found.failures == 0 && i < 300); ++i) {
        const testing::random_history<T> history(testing::random_step<T>{}, random);
        if (history.ids_reused && i % 4 != 0) continue;
        fail_merges(history.replicas[0], history.replicas[1], found);
        fail_merges(history.replicas[2], history.replicas[0], found);
        if (!history.deltas.empty()) fail_merges(history.replicas[0], history.deltas.back(), found);
        fail_steps(history, testing::rng(random.next()), found);
    }
    return found;
}

template <class T>
void check() {
    INFO("seed " << seed);
    const tally found = fail_everywhere<T>();
    MESSAGE(found.failures << " failures, " << found.unsound << " unsound, " << found.torn
                           << " torn, " << found.lost << " lost, " << found.half_done
                           << " half done by a mutator");
    CHECK(found.failures > 0);
    CHECK(found.unsound == 0);
    CHECK(found.torn == 0);
    CHECK(found.lost == 0);
}

using string = std::string;
using map_of_sets = crdt::or_map<string, crdt::or_set<string>>;
using map_of_maps = crdt::or_map<string, crdt::or_map<std::uint64_t, crdt::mv_register<string>>>;
using map_of_maps_of_sets = crdt::or_map<string, crdt::or_map<string, crdt::or_set<string>>>;
using map_of_counters = crdt::g_map<string, crdt::g_counter>;
using grown_map_of_sets = crdt::g_map<string, crdt::or_set<string>>;
using written_map = crdt::lww_map<string, string>;

} // namespace

TEST_CASE_TEMPLATE("out of memory leaves entries that are old or new", T, crdt::g_counter,
                   crdt::pn_counter, crdt::bounded_counter, crdt::version_vector,
                   crdt::causal_context, crdt::lww_register<string>, crdt::voted_register<string>,
                   crdt::g_set<string>, crdt::g_set<std::uint32_t>, crdt::two_p_set<string>,
                   crdt::or_set<string>, crdt::or_set<std::uint64_t>, crdt::rw_set<string>,
                   crdt::mv_register<string>, crdt::ew_flag, crdt::causal_counter, map_of_counters,
                   grown_map_of_sets, written_map, crdt::event_log<string>,
                   crdt::hyperloglog<string>) {
    check<T>();
}

TEST_CASE_TEMPLATE("out of memory in maps leaves entries that are old or new", T, map_of_sets,
                   map_of_maps, map_of_maps_of_sets) {
    check<T>();
}

namespace {

// Steps 0 to `steps` of a state that grows, each of them without memory for the n-th allocation.
template <class T, class Step>
void fail_growth(std::uint64_t steps, std::uint64_t failures_at_least, Step step) {
    T grown;
    std::uint64_t failures = 0, unsound = 0, half_done = 0;
    for (std::uint64_t i = 0; i < steps; ++i) {
        T after = grown;
        step(after, i);
        for (std::uint64_t n = 1;; ++n) {
            T now = grown;
            memory::arm(n);
            try {
                step(now, i);
            } catch (const std::bad_alloc&) {}
            if (!memory::disarm()) break;
            ++failures;
            unsound += !sound(grown, now, after);
            half_done += !(now == grown) && !(now == after);
        }
        // Not the copy, which has room for what it holds and no more.
        step(grown, i);
        CHECK(grown == after);
    }
    CHECK(failures >= failures_at_least);
    CHECK(unsound == 0);
    CHECK(half_done == 0);
}

} // namespace

// Until chunks of keys and dots are full and split.
TEST_CASE("out of memory in an update leaves a map as it was or is to be, at each size") {
    fail_growth<map_of_maps_of_sets>(200, 1000, [](auto& map, std::uint64_t i) {
        const string key = std::to_string(i * 7 % 200), name = std::to_string(i % 3);
        map.update({1 + i % 2}, key, [&](auto& inner, auto self) {
            return inner.update(self, name, [&](auto& set, auto id) {
                return i % 9 == 8 ? set.remove(id, key) : set.add(id, key);
            });
        });
    });
}

// Until blocks are full.
TEST_CASE("out of memory in an append leaves a log as it was or is to be, at each size") {
    fail_growth<crdt::event_log<string>>(300, 300, [](auto& log, std::uint64_t i) {
        if (i == 150)
            log.truncate({1}, {{{1}, 70}});
        else
            log.append({1 + i % 2}, i, "an event of more than fifteen characters");
    });
}
