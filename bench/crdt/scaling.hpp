// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "counters.hpp"
#include "sets.hpp"

#include <cstddef>
#include <cstdio>
#include <functional>
#include <vector>

// The same operations at 1, 10 and 100 times the size, in CPU ns per element on this machine: the
// cost per element may grow by the cache, not by the algorithm.
namespace joinery::bench::scaling {

inline void line(const char* name, std::size_t smallest,
                 const std::function<double(std::size_t)>& ns_at) {
    std::printf("%-44s %9zu", name, smallest);
    double first = 0;
    for (std::size_t n = smallest, i = 0; i < 3; n *= 10, ++i) {
        const auto ns = ns_at(n);
        if (i == 0) first = ns;
        std::printf("  %9.3g", ns);
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

inline void counter_lines() {
    line("g_counter merge same ids", 1000, [](std::size_t n) {
        return alone([&](group& g) -> timing& { return counters::time_same_ids(g, n).ours; });
    });
    line("g_counter merge disjoint", 1000, [](std::size_t n) {
        const auto a = counters::counts(0, n, 1), b = counters::counts(n, n, 2);
        return alone([&](group& g) -> timing& {
            return g.fresh("", static_cast<double>(n), 1 + 20000 / n, a,
                           [&](auto& c) { counters::merge_into(c, b); });
        });
    });
    line("pn_counter merge", 1000, [](std::size_t n) {
        return alone([&](group& g) -> timing& {
            return g.loop("", static_cast<double>(n),
                          [a = counters::both_ways(n, 1), b = counters::both_ways(n, 2)]() mutable {
                              counters::merge_into(a, b);
                          });
        });
    });
    line("version_vector compare", 100, [](std::size_t n) {
        return alone([&](group& g) -> timing& {
            const auto a = counters::clock(n, 1);
            return g.loop("", static_cast<double>(n),
                          [a, b = crdt::join(a, counters::clock(n, 2))] {
                              auto order = crdt::compare(a, b);
                              benchmark::DoNotOptimize(order);
                          });
        });
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
    line("or_set merge 99 % equal", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 22);
        const sets::pair_of<sets::set> both(keys, sets::filled<sets::set>(keys));
        return alone([&](group& g) -> timing& {
            return g.fresh("", static_cast<double>(n), 1, both.a,
                           [&](auto& s) { s.merge(both.b); });
        });
    });
    line("or_set merge equal", 10'000, [](std::size_t n) {
        const auto keys = random_keys(n, 22);
        const auto one = sets::filled<sets::set>(keys), two = sets::filled<sets::set>(keys);
        return alone([&](group& g) -> timing& {
            return g.fresh("", static_cast<double>(n), 1, one, [&](auto& s) { s.merge(two); });
        });
    });
    line("or_set delta of 1", 10'000, [](std::size_t n) {
        const auto state = sets::filled<sets::set>(random_keys(n, 23));
        const auto ones = sets::deltas(state, 1000, 1);
        return alone([&](group& g) -> timing& {
            return g.fresh("", 1000, 1, state, [&](auto& s) {
                for (const auto& delta : ones) s.merge(delta);
            });
        });
    });
    line("or_set encode", 10'000, [](std::size_t n) {
        const auto s = sets::filled<sets::set>(random_keys(n, 24));
        return alone([&](group& g) -> timing& {
            return g.loop("", static_cast<double>(n), [&] {
                auto out = wire::encode(s);
                benchmark::DoNotOptimize(out.data());
            });
        });
    });
}

inline void run() {
    std::printf("%-44s %9s  %9s  %9s  %9s  %7s\n", "ns per element (operation) at n, 10 n, 100 n",
                "n", "n", "10 n", "100 n", "growth");
    counter_lines();
    set_lines();
}

} // namespace joinery::bench::scaling
