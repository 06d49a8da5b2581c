// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "broker_server.hpp"
#include "fault_plan.hpp"
#include "publisher.hpp"
#include "worker_processes.hpp"

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace broker {

// What became of a worker that was killed.
struct rebirth {
    std::size_t worker = 0;
    bool disk_lost = false;
    std::uint64_t old_incarnation = 0;
    std::uint64_t incarnation = 0;
    std::uint64_t epoch = 0; // of the checkpoint that it went on from
    std::uint64_t replayed = 0;
    std::uint64_t pieces = 0; // fetched from other workers before it went on
};

// The course of the demo. Every turn is taken when the publisher and the workers' reports say so,
// never by time.
class demo_story {
public:
    demo_story(broker_server& server, publisher& input, worker_processes& workers,
               std::vector<fault> faults)
        : server_(server), input_(input), workers_(workers), faults_(std::move(faults)) {}

    // Runs until all workers hold one state and the last checkpoint, stable. Throws failure if
    // that does not come within `limit`.
    void run(std::chrono::seconds limit) {
        const auto started = std::chrono::steady_clock::now();
        auto next_line = started;
        for (std::size_t i = 0; i < workers_.size(); ++i) workers_.start(i);
        while (turn_ != turn::over) {
            workers_.listen();
            const auto now = std::chrono::steady_clock::now();
            seconds_ = std::chrono::duration<double>(now - started).count();
            // The end of the input waits for the last fault, or that would not bite.
            if (turn_ != turn::starting)
                input_.step(now, at_ == faults_.size() ? publisher::no_limit : held_back);
            go_on();
            if (now >= next_line || turn_ == turn::over) {
                print_progress();
                next_line = now + std::chrono::seconds(1);
            }
            if (now - started > limit) throw failure("the workers did not come to an end");
        }
    }

    const std::vector<rebirth>& rebirths() const { return rebirths_; }

private:
    static constexpr double held_back = 0.94;

    enum class turn { starting, counting, dead, back, ending, comparing, over };

    const fault& next() const { return faults_[at_]; }

    void go_on() {
        switch (turn_) {
            case turn::starting:
                if (all_resumed()) turn_ = turn::counting;
                break;
            case turn::counting:
                if (at_ == faults_.size())
                    turn_ = turn::ending;
                else if (time_to_kill())
                    kill();
                break;
            case turn::dead:
                if (input_.part_done() >= std::min(next().back_at, held_back)) bring_back();
                break;
            case turn::back:
                if (all_resumed()) note_rebirths();
                break;
            case turn::ending:
                if (all_equal_and_stored()) {
                    workers_.ask_digests();
                    turn_ = turn::comparing;
                }
                break;
            case turn::comparing: compare_digests(); break;
            case turn::over: break;
        }
    }

    bool all_resumed() const {
        const auto& all = workers_.settings();
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            const auto dealt = partitions_of(i, all.workers, all.partitions).size();
            if (!workers_.at(i).ready || workers_.at(i).resumed != dealt) return false;
        }
        return true;
    }

    // Only once there is a checkpoint to go back to, and something to replay since.
    bool time_to_kill() const {
        if (input_.part_done() < next().at) return false;
        for (const std::size_t each : next().workers) {
            if (workers_.at(each).stored == 0 || workers_.at(each).open == 0) return false;
        }
        return true;
    }

    void kill() {
        for (const std::size_t each : next().workers) {
            const worker_view& worker = workers_.at(each);
            rebirths_.push_back({each, next().disk_lost, worker.incarnation, 0, 0, 0, 0});
            workers_.kill(each);
            say("KILL      %s by SIGKILL at %.1f %%, its last stored checkpoint is %llu",
                worker_name(each).c_str(), 100 * input_.part_done(),
                static_cast<unsigned long long>(worker.stored));
        }
        if (next().disk_lost) {
            workers_.lose_store(next().workers.front());
            say("DISK LOST the store of %s is gone", worker_name(next().workers.front()).c_str());
        }
        if (next().broker_too) {
            server_.kill();
            server_.start();
            say("KILL      the broker by SIGKILL; it is started again over its streams");
        }
        turn_ = turn::dead;
    }

    void bring_back() {
        for (const std::size_t each : next().workers) workers_.start(each);
        turn_ = turn::back;
    }

    void note_rebirths() {
        const std::size_t before = rebirths_.size() - next().workers.size();
        for (std::size_t i = before; i < rebirths_.size(); ++i) {
            rebirth& each = rebirths_[i];
            const worker_view& worker = workers_.at(each.worker);
            each.incarnation = worker.incarnation;
            each.epoch = worker.epoch;
            each.replayed = worker.replayed;
            each.pieces = worker.pieces;
            say("RESUMED   %s from %s checkpoint %llu, %llu messages to replay",
                worker_name(each.worker).c_str(),
                each.disk_lost ? "the others' verified" : "its verified",
                static_cast<unsigned long long>(each.epoch),
                static_cast<unsigned long long>(each.replayed));
        }
        ++at_;
        turn_ = turn::counting;
    }

    bool all_equal_and_stored() const {
        const std::uint64_t last = workers_.settings().epochs;
        return input_.finished() && workers_.roots_agree() &&
               workers_.all([&](const worker_view& each) {
                   return each.cut == last && each.stored == last && each.stable == last;
               });
    }
    void compare_digests() {
        if (!workers_.all([](const worker_view& each) { return !each.digest.empty(); })) return;
        // If something still moved, they are asked again when it has come to rest.
        turn_ = workers_.digests_agree() && all_equal_and_stored() ? turn::over : turn::ending;
    }

    [[gnu::format(printf, 2, 3)]] void say(const char* format, ...) const {
        std::printf("%6.1f s  ", seconds_);
        va_list values;
        va_start(values, format);
        std::vprintf(format, values);
        va_end(values);
        std::printf("\n");
        std::fflush(stdout);
    }

    void print_progress() const {
        std::string stored;
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            stored += ' ';
            stored += workers_.at(i).process ? std::to_string(workers_.at(i).stored) : "dead";
        }
        say("%5.1f %% published  checkpoints stored%s  stable %llu  roots %s",
            100 * input_.part_done(), stored.c_str(),
            static_cast<unsigned long long>(workers_.at(0).stable),
            workers_.roots_agree() ? "agree" : "differ");
    }

    broker_server& server_;
    publisher& input_;
    worker_processes& workers_;
    std::vector<fault> faults_;
    std::size_t at_ = 0; // faults that are over
    turn turn_ = turn::starting;
    std::vector<rebirth> rebirths_;
    double seconds_ = 0;
};

} // namespace broker
