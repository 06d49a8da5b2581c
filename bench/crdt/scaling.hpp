// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "counters.hpp"
#include "maps.hpp"
#include "sets.hpp"

#include <cstddef>
#include <cstdio>
#include <functional>
#include <vector>

// The same rows at 1, 10 and 100 times the size, in CPU ns per element on this machine: the
// cost per element may grow by the cache, not by the algorithm.
namespace joinery::bench::scaling {

inline void line(const char* name, std::size_t smallest,
                 const std::function<double(std::size_t)>& ns_at) {
    std::printf("%-44s %9zu", name, smallest);
    double first = 0;
    for (std::size_t n = smallest, i = 0; i < 3; n *= 10, ++i) {
        const auto ns = ns_at(n);
        if (i == 0) first = ns;
        std::printf(ns < 100 ? "  %9.3g" : "  %9.0f", ns);
        if (i == 2) std::printf("  %6.2fx", ns / first);
        std::fflush(stdout);
    }
    std::printf("\n");
}

template <class Time>
double alone(Time time) {
    group g;
    auto& timed = time(g);
    g.run();
    return timed.ns();
}

/// So many copies of n elements that the clock's resolution does not count.
inline std::size_t copies(std::size_t n) { return 1 + 50'000 / n; }

/// A merge of b into fresh copies of a.
template <class L>
double merged(std::size_t n, const L& a, const L& b) {
    return alone([&](group& g) -> timing& {
        return g.fresh("", static_cast<double>(n), copies(n), a, [&](L& s) { s.merge(b); });
    });
}

/// f() in a loop, where one call is n operations.
template <class F>
double looped(std::size_t n, F f) {
    return alone(
        [&](group& g) -> timing& { return g.loop("", static_cast<double>(n), std::move(f)); });
}

inline void counter_lines() {
    line("g_counter merge same ids", 1000, [](std::size_t n) {
        return looped(n, [a = counters::counts(0, n, 1), b = counters::counts(0, n, 2)]() mutable {
            counters::merge_into(a, b);
        });
    });
    line("g_counter merge disjoint", 1000, [](std::size_t n) {
        return merged(n, counters::counts(0, n, 1), counters::counts(n, n, 2));
    });
    line("pn_counter merge", 1000, [](std::size_t n) {
        return looped(n, [a = counters::both_ways(n, 1), b = counters::both_ways(n, 2)]() mutable {
            counters::merge_into(a, b);
        });
    });
    line("g_counter increment by id", 1000, [](std::size_t n) {
        std::vector<crdt::replica_id> ids;
        for (std::size_t i = 0; i < 1000; ++i) ids.push_back(counters::replica((i * 617) % n));
        return looped(1000, [ids, c = counters::counts(0, n, 1)]() mutable {
            for (const auto id : ids) {
                auto delta = c.increment(id);
                benchmark::DoNotOptimize(delta);
            }
        });
    });
    line("g_counter increment with cached slot", 1000, [](std::size_t n) {
        return looped(1000, [c = counters::counts(0, n, 1)]() mutable {
            counters::increment_often(c, counters::replica(17), 1000);
        });
    });
    line("version_vector compare", 100, [](std::size_t n) {
        const auto a = counters::clock(n, 1);
        return looped(n, [a, b = crdt::join(a, counters::clock(n, 2))] {
            auto order = crdt::compare(a, b);
            benchmark::DoNotOptimize(order);
        });
    });
    line("version_vector merge", 100, [](std::size_t n) {
        return looped(n, [a = counters::clock(n, 1), b = counters::clock(n, 2)]() mutable {
            counters::merge_into(a, b);
        });
    });
}

/// Deltas of `each` elements, so many that they are 5,000 elements in all, merged one by one.
inline double small_merges(std::size_t n, std::size_t each) {
    const auto state = sets::filled<sets::set>(random_keys(n, 23));
    const auto all = sets::deltas(state, 5000 / each, each);
    return alone([&](group& g) -> timing& {
        return g.fresh("", 5000, 1, state, [&](auto& s) {
            for (const auto& delta : all) s.merge(delta);
        });
    });
}

/// Keys looked up one after the other, none before the last is found.
template <class Set>
double contained(const std::vector<std::uint64_t>& keys, const Set& s) {
    return looped(1000, [&keys, &s, at = std::size_t{0}]() mutable {
        for (int i = 0; i < 1000; ++i, one_at_a_time())
            at = (at + 618'032 + static_cast<std::size_t>(s.contains(keys[at]))) % keys.size();
        benchmark::DoNotOptimize(at);
    });
}

inline void set_lines() {
    line("or_set add", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 21);
        return alone([&](group& g) -> timing& {
            return g.once("", static_cast<double>(n), [&] {
                const auto start = thread_ns();
                const auto s = sets::filled<sets::set>(keys);
                const auto taken = thread_ns() - start;
                benchmark::DoNotOptimize(&s);
                return taken;
            });
        });
    });
    line("or_set contains", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 21);
        return contained(keys, sets::filled<sets::set>(keys));
    });
    line("boost::unordered_flat_map contains", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 21);
        boost::unordered_flat_map<std::uint64_t, std::uint64_t> map;
        for (const auto key : keys) map.emplace(key, 0);
        return contained(keys, map);
    });
    line("or_set merge 99 % equal", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 22);
        const sets::pair_of<sets::set> both(keys, sets::filled<sets::set>(keys));
        return merged(n, both.a, both.b);
    });
    line("or_set merge equal", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 22);
        return merged(n, sets::filled<sets::set>(keys), sets::filled<sets::set>(keys));
    });
    line("or_set difference 99 % equal", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 22);
        return looped(n, [both = sets::pair_of<sets::set>(keys, sets::filled<sets::set>(keys))] {
            auto delta = both.b.difference(both.a);
            benchmark::DoNotOptimize(delta);
        });
    });
    line("or_set delta of 1", 10'000, [](std::size_t n) { return small_merges(n, 1); });
    line("or_set delta of 100, per element", 10'000,
         [](std::size_t n) { return small_merges(n, 100); });
}

inline void byte_lines() {
    line("or_set encode", 10'000, [](std::size_t n) {
        return looped(n, [s = sets::filled<sets::set>(random_keys(n, 24))] {
            auto out = wire::encode(s);
            benchmark::DoNotOptimize(out.data());
        });
    });
    line("or_set from received bytes", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 24);
        const sets::pair_of<sets::set> both(keys, sets::filled<sets::set>(keys));
        const auto received = wire::encode(both.b);
        return alone([&](group& g) -> timing& {
            return g.fresh("", static_cast<double>(n), copies(n), both.a, [&](sets::set& s) {
                wire::error why;
                crdt::merge_encoded(s, received, {}, why);
            });
        });
    });
}

inline void map_lines() {
    line("g_map of counters merge", 1000, [](std::size_t n) {
        const auto keys = maps::random_words(n, 51);
        return merged(n, maps::counted(keys, 1), maps::counted(keys, 2));
    });
    line("lww_map merge", 1000, [](std::size_t n) {
        const auto keys = maps::random_words(n, 52);
        return merged(n, maps::written(keys, 1), maps::written(keys, 2));
    });
    line("lww_register merge", 10'000, [](std::size_t n) {
        const auto a = maps::assigned(n, 1), b = maps::assigned(n, 2);
        return alone([&](group& g) -> timing& {
            return g.fresh("", static_cast<double>(n), copies(n), a,
                           [&](auto& all) { maps::merge_all(all, b); });
        });
    });
    line("event_log append", 10'000, [](std::size_t n) {
        return alone([&](group& g) -> timing& { return maps::time_append(g, n); });
    });
    line("event_log merge of 1,000 new, per entry", 10'000, [](std::size_t n) {
        const maps::growing_log grows(n);
        return alone([&](group& g) -> timing& { return grows.time_merge(g); });
    });
    line("or_map<string, or_set> delta of one key", 1000, [](std::size_t n) {
        const maps::nested_map nested(n);
        return alone([&](group& g) -> timing& { return nested.time_deltas(g); });
    });
}

inline void run() {
    std::printf("%-44s %9s  %9s  %9s  %9s  %7s\n", "ns per element (operation) at n, 10 n, 100 n",
                "n", "n", "10 n", "100 n", "growth");
    counter_lines();
    set_lines();
    byte_lines();
    map_lines();
}

} // namespace joinery::bench::scaling
