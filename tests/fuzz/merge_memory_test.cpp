// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <crdt/merge_encoded.hpp>
#include <doctest/doctest.h>

#include "../crdt/random_steps_causal.hpp"
#include "../crdt/random_steps_logs.hpp"
#include "../crdt/random_steps_more.hpp"
#include "failing_merges.hpp"

namespace merge_memory_test {

namespace {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;
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

using set_of_numbers = crdt::or_set<std::uint64_t>;

// What merge_encoded() makes of it when the n-th allocation fails, for every n.
void fail_encoded(const set_of_numbers& before, const set_of_numbers& theirs,
                  memory::tally& found) {
    const auto bytes = wire::encode(theirs);
    const auto after = crdt::join(before, theirs);
    const auto old = memory::entries_of(before), fresh = memory::entries_of(after);
    for (std::uint64_t n = 1;; ++n) {
        set_of_numbers now = before;
        bool merged = false;
        wire::error why;
        memory::arm(n);
        try {
            merged = crdt::merge_encoded(now, bytes, {}, why).has_value();
        } catch (const std::bad_alloc&) {
            why.code = wire::errc::none;
        }
        const bool failed = memory::disarm();
        found.lost += !failed && !(merged && now == after);
        if (!failed) return;
        ++found.failures;
        found.half_done += why.code == wire::errc::too_large && !(now == before);
        found.unsound += !sound(before, now, after) || (merged && !(now == after));
        found.torn += !memory::old_or_new(old, memory::entries_of(now), fresh);
        found.lost += !crdt::merge_encoded(now, bytes, {}, why) || !(now == after);
    }
}

// So many replicas' elements, where the two have most in common and are apart in chunks that either
// lacks, and the index is there.
set_of_numbers of_many_chunks(joinery::testing::rng random) {
    constexpr std::uint64_t all = JOINERY_CASES_DIVISOR > 1 ? 1200 : 4000;
    set_of_numbers s;
    for (std::uint64_t i = 0; i < all; ++i) s.add({1 + i % 2}, i);
    for (std::uint64_t i = 0; i < all / 6; ++i) {
        const auto first = all / 4 + random.below(all / 4);
        s.remove({9}, random.chance(1, 2) ? first : random.below(all));
    }
    const crdt::replica_id self{10 + random.below(1000)};
    for (std::uint64_t i = 0; i < 20; ++i) s.add(self, 5000 + random.below(100));
    return s;
}

} // namespace

TEST_CASE("out of memory in a merge of bytes leaves elements that are old or new") {
    INFO("seed " << memory::seed);
    memory::tally found;
    joinery::testing::rng random(memory::seed);
    for (int i = 0; i < 40 / JOINERY_CASES_DIVISOR + 1; ++i) {
        const joinery::testing::random_history<set_of_numbers> history(
            joinery::testing::random_step<set_of_numbers>{}, random);
        if (history.ids_reused) continue;
        fail_encoded(history.replicas[0], history.replicas[1], found);
        fail_encoded({}, history.replicas[0], found);
    }
    const auto x = of_many_chunks(joinery::testing::rng(1)),
               y = of_many_chunks(joinery::testing::rng(2));
    fail_encoded(x, y, found);
    memory::fail_merges(x, y, found);
    MESSAGE(found.failures << " failures");
    CHECK(found.failures > 20);
    CHECK(found.unsound == 0);
    CHECK(found.torn == 0);
    CHECK(found.lost == 0);
    CHECK(found.half_done == 0);
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

} // namespace merge_memory_test
