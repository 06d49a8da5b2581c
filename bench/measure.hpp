// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <limits>
#include <malloc.h>
#include <sched.h>
#include <string>
#include <string_view>
#include <time.h>
#include <utility>
#include <vector>

namespace joinery::bench {

inline constexpr int round_count = 5;

/// What the command line asked for.
struct options {
    std::string json;     ///< --json FILE
    std::string only;     ///< --only TEXT: rows whose name has it
    bool scaling = false; ///< --scaling: the table of sizes instead of the rows

    bool wants(std::string_view name) const { return name.find(only) != std::string_view::npos; }

    static options of(int argc, char** argv) {
        options given;
        for (int i = 1; i < argc; ++i) {
            const std::string_view word = argv[i];
            if (word == "--scaling")
                given.scaling = true;
            else if (word == "--json" && i + 1 < argc)
                given.json = argv[++i];
            else if (word == "--only" && i + 1 < argc)
                given.only = argv[++i];
            else {
                std::fprintf(stderr, "usage: %s [--json FILE] [--only TEXT] [--scaling]\n",
                             argv[0]);
                std::exit(2);
            }
        }
        return given;
    }
};

/// Keeps the process on one core: the last that it may use.
inline void pin() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    int last = -1;
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(static_cast<unsigned>(cpu), &allowed)) last = cpu;
    if (last < 0) return;
    CPU_ZERO(&allowed);
    CPU_SET(static_cast<unsigned>(last), &allowed);
    sched_setaffinity(0, sizeof allowed, &allowed);
}

/// CPU time of this thread in nanoseconds: what the neighbours take does not count.
inline double thread_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto n = values.size();
    return n % 2 != 0 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

inline double spread(const std::vector<double>& values) {
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    const auto middle = median(values);
    return middle == 0 ? 0 : (*high - *low) / middle;
}

/// Round by round, so that what slows a whole round cancels out.
inline std::vector<double> over(const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) ratios.push_back(a[i] / b[i]);
    return ratios;
}

/// Nanoseconds of CPU time per operation, one figure a round.
struct timing {
    std::string name;
    std::vector<double> rounds;

    double ns() const { return rounds.empty() ? 0 : median(rounds); }
};

namespace detail {

class collector : public benchmark::BenchmarkReporter {
public:
    bool ReportContext(const Context&) override { return true; }
    void ReportRuns(const std::vector<Run>& runs) override {
        for (const auto& run : runs) {
            if (run.error_occurred) std::fprintf(stderr, "%s\n", run.error_message.c_str());
            const auto seconds = manual ? run.real_accumulated_time : run.cpu_accumulated_time;
            last = seconds * 1e9 / static_cast<double>(run.iterations);
        }
    }
    bool manual = false;
    double last = 0;
};

} // namespace detail

/// Competitors that are timed side by side: five rounds, in each round every one once. What they
/// work on lives as long as the caller's scope, so that one group's memory is gone before the next.
class group {
public:
    group() = default;
    group(const group&) = delete;
    group& operator=(const group&) = delete;
    ~group() = default;

    /// Times f() in a loop of 20 ms; `operations` is how many operations one call is.
    template <class F>
    timing& loop(const std::string& name, double operations, F f) {
        return add(name, operations, false, [f](benchmark::State& state) mutable {
            for (auto _ : state) f();
        });
    }
    /// For what cannot be repeated: f() returns what it measured itself, in ns.
    template <class F>
    timing& once(const std::string& name, double operations, F f) {
        return add(name, operations, true, [f](benchmark::State& state) mutable {
            for (auto _ : state) state.SetIterationTime(f() * 1e-9);
        });
    }
    /// Runs f(copy) on fresh copies of `from`, `copies` of them made before the clock starts.
    template <class T, class F>
    timing& fresh(const std::string& name, double operations, std::size_t copies, const T& from,
                  F f) {
        return once(name, operations * static_cast<double>(copies), [&from, copies, f]() mutable {
            std::vector<T> all(copies, from);
            const auto start = thread_ns();
            for (auto& each : all) f(each);
            return thread_ns() - start;
        });
    }

    void run() {
        // What was freed stays with the process, as in one that has run for long: otherwise a round
        // pays for pages that the one before gave back.
        mallopt(M_MMAP_THRESHOLD, 1 << 30);
        mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
        for (int round = 0; round < round_count; ++round)
            for (auto& [time, operations, manual, body] : competitors_) {
                benchmark::ClearRegisteredBenchmarks();
                auto* made = benchmark::RegisterBenchmark(time.name.c_str(), body);
                if (manual)
                    made->UseManualTime()->Iterations(1);
                else
                    made->MinTime(0.02);
                collected_.manual = manual;
                benchmark::RunSpecifiedBenchmarks(&collected_, nullptr, ".*");
                time.rounds.push_back(collected_.last / operations);
            }
        benchmark::ClearRegisteredBenchmarks();
    }

private:
    struct competitor {
        timing time;
        double operations;
        bool manual;
        std::function<void(benchmark::State&)> body;
    };

    timing& add(const std::string& name, double operations, bool manual,
                std::function<void(benchmark::State&)> body) {
        competitors_.push_back({{name, {}}, operations, manual, std::move(body)});
        return competitors_.back().time;
    }

    std::deque<competitor> competitors_;
    detail::collector collected_;
};

} // namespace joinery::bench
