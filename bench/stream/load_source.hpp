// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "load_state.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace joinery::bench {

/// How often a time fell into which bucket, eight buckets to a power of two.
class histogram {
public:
    void add(double value) {
        const double at = 8 * std::log2(std::max(value, 1.0));
        ++counts_[std::min(static_cast<std::size_t>(at), counts_.size() - 1)];
    }
    void add(std::size_t bucket, std::uint64_t times) {
        counts_[std::min(bucket, counts_.size() - 1)] += times;
    }
    /// The upper end of the bucket that this part of all values does not pass.
    double quantile(double part) const {
        std::uint64_t all = 0, seen = 0;
        for (const auto each : counts_) all += each;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            seen += counts_[i];
            if (static_cast<double>(seen) >= part * static_cast<double>(all))
                return std::exp2(static_cast<double>(i + 1) / 8);
        }
        return 0;
    }
    const auto& counts() const { return counts_; }

private:
    std::array<std::uint64_t, 8 * 40> counts_{};
};

/// One partition that is updated at its pace on a thread of its own, as a processor's operator is:
/// gossip and disk do not stop it. Update n is due at `begin` + n / rate.
class load_source {
public:
    using clock = std::chrono::steady_clock;

    /// What the other thread takes: the delta since the last time, and epochs that were cut.
    struct output {
        load_counts delta;
        std::vector<std::pair<std::uint64_t, std::vector<std::byte>>> cuts;
        std::uint64_t next = 0;
    };

    load_source(const load_settings& load, std::size_t partition, load_accumulator from,
                clock::time_point begin)
        : load_(load),
          partition_(partition),
          counted_(std::move(from)),
          begin_(begin),
          thread_([this](const std::stop_token& stop) { run(stop); }) {}

    output take() {
        const std::lock_guard lock(guard_);
        output taken = std::move(ready_);
        ready_ = {};
        ready_.next = taken.next;
        return taken;
    }
    /// Microseconds from when an update was due until it was counted.
    histogram latencies() const {
        const std::lock_guard lock(guard_);
        return latencies_;
    }

private:
    static constexpr auto pause = std::chrono::microseconds(500);

    void run(const std::stop_token& stop) {
        const double period = 1e9 / static_cast<double>(load_.updates_per_epoch);
        while (!stop.stop_requested()) {
            const auto since = std::chrono::nanoseconds(clock::now() - begin_).count();
            const auto due =
                since < 0 ? 0 : static_cast<std::uint64_t>(static_cast<double>(since) / period);
            load_counts delta;
            histogram took;
            // A cut ends the step: its bytes are those of this very offset.
            bool cut = false;
            const std::uint64_t most = counted_.next() + 2000;
            while (!cut && counted_.next() < std::min(due, most)) {
                const double when = period * static_cast<double>(counted_.next());
                count_one(delta);
                const auto now = std::chrono::nanoseconds(clock::now() - begin_).count();
                took.add((static_cast<double>(now) - when) / 1000);
                cut = counted_.next() % load_.updates_per_epoch == 0;
            }
            hand_over(std::move(delta), took, cut);
            if (counted_.next() >= due) std::this_thread::sleep_for(pause);
        }
    }

    void count_one(load_counts& delta) {
        const auto key = load_key(partition_, counted_.next());
        delta.merge(counted_.process(counted_.next(), [&](load_counts& all, crdt::replica_id self) {
            return all.update(self, key, [](crdt::g_counter& sum, crdt::replica_id who) {
                return sum.increment(who);
            });
        }));
    }

    void hand_over(load_counts delta, const histogram& took, bool cut) {
        std::vector<std::byte> bytes;
        if (cut) bytes = counted_.checkpoint_bytes();
        const std::lock_guard lock(guard_);
        ready_.delta.merge(delta);
        ready_.next = counted_.next();
        if (cut)
            ready_.cuts.emplace_back(counted_.next() / load_.updates_per_epoch, std::move(bytes));
        for (std::size_t i = 0; i < took.counts().size(); ++i)
            if (took.counts()[i] != 0) latencies_.add(i, took.counts()[i]);
    }

    load_settings load_;
    std::size_t partition_;
    load_accumulator counted_;
    clock::time_point begin_;
    mutable std::mutex guard_;
    output ready_;
    histogram latencies_;
    std::jthread thread_;
};

} // namespace joinery::bench
