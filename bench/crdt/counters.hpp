// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../anchors.hpp"
#include "../baseline/counters.hpp"
#include "../rows.hpp"

#include <crdt/g_counter.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/version_vector.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Counters and clocks. Same ids: both sides count at the same replicas, and half of the counts are
// greater on either side, so that the states stay different however often they are merged.
namespace joinery::bench::counters {

inline crdt::replica_id replica(std::uint64_t n) { return {wire::mix(n)}; }

/// Counts at replicas from..from + n.
inline crdt::g_counter counts(std::size_t from, std::size_t n, std::uint64_t seed) {
    numbers random(seed);
    crdt::g_counter counter;
    for (std::size_t i = from; i < from + n; ++i)
        counter.increment(replica(i), 1 + random.below(1'000'000));
    return counter;
}
inline baseline::g_counter base_counts(std::size_t from, std::size_t n, std::uint64_t seed) {
    numbers random(seed);
    baseline::g_counter counter;
    for (std::size_t i = from; i < from + n; ++i)
        counter.increment(baseline::node_name(i), 1 + random.below(1'000'000));
    return counter;
}

/// A merge that cannot be left out.
template <class L>
void merge_into(L& a, const L& b) {
    a.merge(b);
    benchmark::DoNotOptimize(&a);
    benchmark::ClobberMemory();
}

struct same_ids {
    timing &ours, &base, &bound;
};

inline same_ids time_same_ids(group& g, std::size_t n) {
    const auto operations = static_cast<double>(n);
    auto& ours = g.loop("g_counter", operations,
                        [a = counts(0, n, 1), b = counts(0, n, 2)]() mutable { merge_into(a, b); });
    auto& base =
        g.loop("base", operations, [a = base_counts(0, n, 1), b = base_counts(0, n, 2)]() mutable {
            merge_into(a, b);
        });
    auto& bound =
        g.loop("max", operations, [a = random_keys(n, 1), b = random_keys(n, 2)]() mutable {
            for (std::size_t i = 0; i < a.size(); ++i) a[i] = a[i] < b[i] ? b[i] : a[i];
            benchmark::DoNotOptimize(a.data());
            benchmark::ClobberMemory();
        });
    return {ours, base, bound};
}

inline void same(rows& table) {
    const std::pair<std::size_t, aim> sizes[] = {{10, {6, 9}}, {1000, {16, 22}}, {10000, {20, 28}}};
    for (const auto& [n, to] : sizes) {
        group g;
        const auto [ours, base, bound] = time_same_ids(g, n);
        g.run();
        table.faster("g_counter merge same ids n=" + std::to_string(n), base, ours, to);
        if (n == 1000)
            table.times("g_counter merge same ids n=1000 over a bare max loop", ours, bound,
                        {3, 2});
    }
}

inline void disjoint(rows& table) {
    const std::size_t n = 1000;
    group g;
    const auto a = counts(0, n, 1), b = counts(n, n, 2);
    const auto base_a = base_counts(0, n, 1), base_b = base_counts(n, n, 2);
    auto& ours = g.fresh("g_counter", n, 16, a, [&](auto& c) { merge_into(c, b); });
    auto& base = g.fresh("base", n, 16, base_a, [&](auto& c) { merge_into(c, base_b); });
    g.run();
    table.faster("g_counter merge disjoint n=1000", base, ours, {11, 28});
}

inline crdt::pn_counter both_ways(std::size_t n, std::uint64_t seed) {
    numbers random(seed);
    crdt::pn_counter counter;
    for (std::size_t i = 0; i < n; ++i) {
        counter.increment(replica(i), 1 + random.below(1'000'000));
        counter.decrement(replica(i), 1 + random.below(1'000'000));
    }
    return counter;
}

inline void pn(rows& table) {
    const std::size_t n = 1000;
    group g;
    auto& ours = g.loop("pn_counter", n,
                        [a = both_ways(n, 1), b = both_ways(n, 2)]() mutable { merge_into(a, b); });
    const baseline::pn_counter one{base_counts(0, n, 1), base_counts(0, n, 3)};
    const baseline::pn_counter two{base_counts(0, n, 2), base_counts(0, n, 4)};
    auto& base = g.loop("base", n, [a = one, &two]() mutable { merge_into(a, two); });
    g.run();
    table.faster("pn_counter merge n=1000", base, ours, {20, 40});
}

template <class C>
void increment_often(C& counter, crdt::replica_id self, std::size_t times) {
    if constexpr (requires { typename C::place_hint; }) {
        typename C::place_hint place{};
        for (std::size_t i = 0; i < times; ++i) {
            auto delta = counter.increment(self, 1U, place);
            benchmark::DoNotOptimize(delta);
        }
    } else {
        for (std::size_t i = 0; i < times; ++i) {
            auto delta = counter.increment(self, 1U);
            benchmark::DoNotOptimize(delta);
        }
    }
}

inline void increments(rows& table) {
    const std::size_t n = 1000;
    group g;
    auto& anchor = hash_anchor(g);
    std::vector<crdt::replica_id> ids;
    for (std::size_t i = 0; i < n; ++i) ids.push_back(replica((i * 617) % n));
    auto& by_id = g.loop("by id", n, [&ids, c = counts(0, n, 1)]() mutable {
        for (const auto id : ids) {
            auto delta = c.increment(id);
            benchmark::DoNotOptimize(delta);
        }
    });
    auto& cached = g.loop("cached slot", n,
                          [c = counts(0, n, 1)]() mutable { increment_often(c, replica(17), n); });
    g.run();
    table.scaled("g_counter increment by id n=1000, delta returned", by_id, anchor,
                 reference::hash_32_bytes, {15, 8});
    table.scaled("g_counter increment with cached slot, delta returned", cached, anchor,
                 reference::hash_32_bytes, {3, 1});
}

inline crdt::version_vector clock(std::size_t n, std::uint64_t seed) {
    numbers random(seed);
    crdt::version_vector v;
    for (std::size_t i = 0; i < n; ++i)
        for (auto events = 1 + random.below(4); events > 0; --events) v.increment(replica(i));
    return v;
}

inline void clocks(rows& table) {
    const std::size_t n = 100;
    // Ordered, so that every count has to be looked at.
    const auto a = clock(n, 1), b = crdt::join(a, clock(n, 2));
    baseline::g_counter base_a, base_b;
    for (std::size_t i = 0; i < n; ++i) {
        base_a.increment(baseline::node_name(i), a.get(replica(i)));
        base_b.increment(baseline::node_name(i), b.get(replica(i)));
    }
    group g;
    auto& compare = g.loop("compare", 1, [&] {
        auto order = crdt::compare(a, b);
        benchmark::DoNotOptimize(order);
    });
    auto& base_compare = g.loop("base compare", 1, [&] {
        const bool below = base_a.leq(base_b), above = base_b.leq(base_a);
        benchmark::DoNotOptimize(below);
        benchmark::DoNotOptimize(above);
    });
    auto& merge = g.loop("merge", 1, [x = a, y = clock(n, 2)]() mutable { merge_into(x, y); });
    auto& base_merge =
        g.loop("base merge", 1, [x = base_a, &base_b]() mutable { merge_into(x, base_b); });
    g.run();
    table.faster("version_vector compare n=100", base_compare, compare, {10, 20});
    table.faster("version_vector merge n=100", base_merge, merge, {10, 20});
}

inline void run(rows& table) {
    table.section({"g_counter merge same ids n=10", "g_counter merge same ids n=1000",
                   "g_counter merge same ids n=10000",
                   "g_counter merge same ids n=1000 over a bare max loop"},
                  same);
    table.section({"g_counter merge disjoint n=1000"}, disjoint);
    table.section({"pn_counter merge n=1000"}, pn);
    table.section({"g_counter increment by id n=1000, delta returned",
                   "g_counter increment with cached slot, delta returned"},
                  increments);
    table.section({"version_vector compare n=100", "version_vector merge n=100"}, clocks);
}

} // namespace joinery::bench::counters
