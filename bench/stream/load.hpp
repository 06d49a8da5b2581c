// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../examples/cluster/launching.hpp"
#include "../rows.hpp"
#include "load_worker.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace joinery::bench {

/// Five processes under load, of which two die with their disks; what became of the updates.
class load_run {
public:
    using clock = std::chrono::steady_clock;

    load_run(const load_settings& load, const std::string& directory)
        : load_(load), directory_(directory), workers_(load.processes) {}

    /// Throws cluster::failure if it does not come to its end.
    void run() {
        for (std::size_t i = 0; i < workers_.size(); ++i) start(i);
        begin_ = clock::now() + std::chrono::seconds(1);
        command_all("begin " + std::to_string(begin_.time_since_epoch().count()));
        listen_until([&] { return clock::now() >= begin_ + seconds(load_.epochs); });
        command_all("report");
        listen_until([&] { return all_reported(); });
        const auto died = clock::now();
        lose_two();
        const std::uint64_t stable = acknowledged_;
        command(lost + 0, "take 0");
        command(lost + 1, "take 1");
        listen_until([&] { return taken_.size() == lost; });
        // One that could not be complete without the partitions that were taken over.
        const auto since = std::chrono::duration_cast<std::chrono::seconds>(died - begin_).count();
        const auto next = std::max(stable, static_cast<std::uint64_t>(since)) + 1;
        listen_until([&] { return acknowledged_ >= next; });
        seconds_to_stable_ = std::chrono::duration<double>(clock::now() - died).count();
        listen_until([&] { return acknowledged_ >= next + 2; });
        for (std::size_t i = lost; i < workers_.size(); ++i) {
            command(i, "stop");
            if (workers_[i]->wait() != 0) throw cluster::failure("a process of the load failed");
        }
        for (std::size_t i = lost; i < workers_.size(); ++i) check_store(i);
    }

    void print(rows& to) const {
        std::printf("  %llu updates counted and %llu epochs stable when two of five died; the "
                    "survivors' stores go to epoch %llu\n",
                    static_cast<unsigned long long>(updates_),
                    static_cast<unsigned long long>(acknowledged_at_loss_),
                    static_cast<unsigned long long>(newest_stored_));
        const double rate = static_cast<double>(updates_) / static_cast<double>(load_.epochs);
        to.figure("load: updates lost", "updates", static_cast<double>(lost_updates_), {0, 0});
        to.figure("load: updates counted twice", "updates", static_cast<double>(doubled_), {0, 0});
        to.figure("load: updates per second of five processes", "updates", rate, {99'000, 100'000},
                  better::more);
        to.figure("load: p99 of an update, us", "us", latencies_.quantile(0.99), {50'000, 5'000});
        to.figure("load: p99 of completion of an epoch, ms", "ms", p99(complete_ms_), {1000, 300});
        to.figure("load: p99 of stability of an epoch, ms", "ms", p99(stable_ms_), {1500, 500});
        to.figure("load: from the loss of 2 of 5 to the next stable epoch, s", "s",
                  seconds_to_stable_, {10, 5});
    }

private:
    static constexpr std::size_t lost = 2;
    static constexpr auto patience = std::chrono::seconds(60); // beyond what the load takes

    static std::chrono::seconds seconds(std::uint64_t count) {
        return std::chrono::seconds(static_cast<std::int64_t>(count));
    }
    std::string store_of(std::size_t i) const {
        return directory_ + "/process" + std::to_string(i);
    }

    void start(std::size_t i) {
        std::vector<std::string> command{cluster::this_program(),
                                         "--load-worker",
                                         std::to_string(i),
                                         store_of(i),
                                         "load-" + std::to_string(::getpid()),
                                         std::to_string(load_.updates_per_epoch),
                                         std::to_string(load_.epochs)};
        if (!address_.empty()) command.push_back(address_);
        workers_[i] = std::make_unique<cluster::child_process>(command);
        ready_ = false;
        listen_until([&] { return ready_; });
    }
    void command(std::size_t i, const std::string& line) { workers_[i]->write_line(line); }
    void command_all(const std::string& line) {
        for (std::size_t i = 0; i < workers_.size(); ++i) command(i, line);
    }
    void lose_two() {
        acknowledged_at_loss_ = acknowledged_;
        for (std::size_t i = 0; i < lost; ++i) {
            workers_[i]->kill();
            workers_[i]->wait();
            while (const auto line = workers_[i]->read_line()) take_in(*line);
            acknowledged_at_loss_ = acknowledged_;
            workers_[i].reset();
            std::filesystem::remove_all(store_of(i));
        }
    }
    bool all_reported() const { return reports_ == workers_.size(); }

    template <class F>
    void listen_until(F done) {
        const auto limit = clock::now() + seconds(load_.epochs) + patience;
        while (!done()) {
            for (const auto& each : workers_) {
                if (!each) continue;
                while (const auto line = each->read_line()) take_in(*line);
                if (each->status()) throw cluster::failure("a process of the load has ended");
            }
            if (clock::now() > limit) throw cluster::failure("the load did not come to its end");
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }

    void take_in(const std::string& line) {
        const auto number = [&](const char* key) {
            return std::stoull(cluster::field_of(line, key));
        };
        if (line.starts_with("ready ")) {
            ready_ = true;
            if (address_.empty()) address_ = cluster::field_of(line, "address");
        } else if (line.starts_with("complete ")) {
            if (reports_ == 0) complete_ms_.push_back(std::stod(cluster::field_of(line, "ms")));
        } else if (line.starts_with("stable ")) {
            acknowledged_ = std::max<std::uint64_t>(acknowledged_, number("epoch"));
            if (reports_ == 0) stable_ms_.push_back(std::stod(cluster::field_of(line, "ms")));
        } else if (line.starts_with("taken ")) {
            const std::uint64_t acknowledged = acknowledged_at_loss_ * load_.updates_per_epoch;
            const std::uint64_t offset = number("offset");
            taken_[number("partition")] = offset;
            lost_updates_ += acknowledged > offset ? acknowledged - offset : 0;
        } else if (line.starts_with("report")) {
            ++reports_;
            for (const std::string& each : cluster::split_at(line, ' ')) {
                const std::size_t colon = each.find(':');
                if (colon == std::string::npos) continue;
                const std::uint64_t times = std::stoull(each.substr(colon + 1));
                latencies_.add(std::stoul(each.substr(0, colon)), times);
                updates_ += times;
            }
        }
    }

    /// The newest stable checkpoint on a survivor's disk against the load counted anew.
    void check_store(std::size_t i) {
        cluster::checkpoint_store store(store_of(i));
        const cluster::held_checkpoints<load_state> held(store);
        newest_stored_ = std::max(newest_stored_, held.stable_epoch());
        if (held.stable() == nullptr) throw cluster::failure("a survivor has no checkpoint");
        for (std::size_t partition = 0; partition < load_.processes; ++partition) {
            wire::error why;
            const auto found =
                load_accumulator::resume(held.bytes_of(load_partition(partition)), why);
            if (!found) throw cluster::failure("a survivor's checkpoint does not decode");
            std::vector<std::uint64_t> right(load_keys);
            for (std::uint64_t n = 0; n < found->next(); ++n) ++right[load_key(partition, n)];
            for (std::uint64_t key = 0; key < load_keys; ++key) {
                const auto* sum = found->state().find(key);
                const auto got = sum == nullptr ? 0 : static_cast<std::uint64_t>(sum->value());
                lost_updates_ += right[key] > got ? right[key] - got : 0;
                doubled_ += got > right[key] ? got - right[key] : 0;
            }
        }
    }

    static double p99(std::vector<double> values) {
        if (values.empty()) return 0;
        std::sort(values.begin(), values.end());
        return values[(values.size() * 99 - 1) / 100];
    }

    load_settings load_;
    std::string directory_;
    std::vector<std::unique_ptr<cluster::child_process>> workers_;
    clock::time_point begin_;
    std::string address_;
    bool ready_ = false;
    std::size_t reports_ = 0;
    histogram latencies_;
    std::uint64_t updates_ = 0;
    std::vector<double> complete_ms_, stable_ms_;
    std::uint64_t acknowledged_ = 0; // newest stable epoch that any process has told
    std::uint64_t acknowledged_at_loss_ = 0;
    std::map<std::uint64_t, std::uint64_t> taken_;
    std::uint64_t lost_updates_ = 0;
    std::uint64_t doubled_ = 0;
    std::uint64_t newest_stored_ = 0;
    double seconds_to_stable_ = 0;
};

/// JOINERY_LOAD_SECONDS in the environment makes it shorter than a minute.
inline void load_rows(rows& to) {
    load_settings load;
    if (const char* wanted = std::getenv("JOINERY_LOAD_SECONDS"))
        load.epochs = std::max<std::uint64_t>(std::strtoull(wanted, nullptr, 10), 3);
    std::signal(SIGPIPE, SIG_IGN);
    try {
        const cluster::run_directory directory("joinery-load", false);
        load_run run(load, directory.path());
        run.run();
        run.print(to);
    } catch (const std::exception& error) { // the rows cannot be measured
        std::fprintf(stderr, "load: %s\n", error.what());
    }
}

} // namespace joinery::bench
