// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <new>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <testing/random_history.hpp>
#include <wire/codec.hpp>

#include "memory.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

// Memory runs out at the n-th allocation of a merge or a mutator, for every n: each entry is as it
// was or as it was to be, the state is one that its bytes give, and the same again brings the rest.

namespace memory {

namespace crdt = joinery::crdt;
namespace testing = joinery::testing;
namespace wire = joinery::wire;
using entries = std::map<crdt::entry_id, wire::digest>;

inline constexpr std::uint64_t seed = 20;

template <class T>
entries entries_of(const T& s) {
    entries all;
    crdt::for_each_entry(s, [&](crdt::entry_id id, const auto& v) { all[id] += v; });
    return all;
}

inline wire::digest version_in(const entries& all, crdt::entry_id id) {
    const auto at = all.find(id);
    return at == all.end() ? wire::digest{} : at->second;
}

inline bool old_or_new(const entries& old, const entries& now, const entries& after) {
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
        arm(n);
        try {
            crdt::merge(now, delta, again);
        } catch (const std::bad_alloc&) {
            thrown = true;
        }
        if (!disarm()) {
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
        arm(n);
        try {
            history.step(now, 0, numbers);
        } catch (const std::bad_alloc&) {}
        if (!disarm()) return;
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

} // namespace memory
