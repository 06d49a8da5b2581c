// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <doctest/doctest.h>

#include "../crdt/random_steps_causal.hpp"
#include "../crdt/random_steps_logs.hpp"
#include "../crdt/random_steps_more.hpp"
#include "failing_merges.hpp"

namespace {

namespace crdt = joinery::crdt;
using memory::check;
using memory::sound;
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
