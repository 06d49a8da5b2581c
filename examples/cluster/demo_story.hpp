// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "demo_cluster.hpp"

#include <gossip/random.hpp>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

// A worker that was killed.
struct death {
    std::size_t worker = 0;
    std::uint64_t old_incarnation = 0;
    bool taken_over = false; // it stays away until others count its partitions
    std::set<std::size_t> partitions;
};

// What the checks at the end need to know of the story.
struct story_facts {
    std::vector<death> deaths;
    std::size_t cut_off = 0;
    std::uint64_t repaired_before_cut = 0;
};

// The course of the demo: a death, perhaps more workers, one that is cut off, another death. Every
// turn is taken when the workers' reports say so, never by time, and the end of the input waits.
class demo_story {
public:
    // `joining` more workers are started in the middle.
    demo_story(demo_cluster& workers, std::uint64_t seed, std::uint64_t bytes, std::size_t joining)
        : workers_(workers), chance_(seed), seed_(seed), bytes_(bytes), joining_(joining) {
        next_at_ = 25 + static_cast<double>(chance_.below(130)) / 10;
    }

    // Runs until all workers hold one state and the last checkpoint. Throws failure if the story
    // does not come to its end within `limit`.
    void run(std::chrono::seconds limit) {
        const auto started = std::chrono::steady_clock::now();
        auto next_line = started;
        start_all();
        while (turn_ != turn::over) {
            workers_.listen();
            const auto now = std::chrono::steady_clock::now();
            seconds_ = std::chrono::duration<double>(now - started).count();
            go_on();
            if (now >= next_line || turn_ == turn::over) {
                print_progress();
                next_line = now + std::chrono::seconds(1);
            }
            if (now - started > limit) throw failure("the workers did not come to an end");
        }
    }

    const story_facts& facts() const { return facts_; }

private:
    enum class turn {
        starting,
        to_kill,
        dead,
        back,
        joining,
        to_cut,
        cut,
        finishing,
        comparing,
        over
    };

    double percent() const {
        return 100.0 * static_cast<double>(workers_.counted()) / static_cast<double>(bytes_);
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
    const char* name(std::size_t i) const { return workers_.at(i).name.c_str(); }

    // The others join by the address of the first.
    void start_all() {
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            workers_.start(i);
            while (i == 0 && !workers_.at(0).ready) workers_.listen();
        }
    }

    void go_on() {
        switch (turn_) {
            case turn::starting:
                if (all_settled()) begin();
                break;
            case turn::to_kill:
                if (time_to_kill()) kill();
                break;
            case turn::dead:
                if (time_to_bring_back()) bring_back();
                break;
            case turn::back:
                if (workers_.settled(victim().worker)) note_return();
                break;
            case turn::joining:
                if (all_settled()) note_joined();
                break;
            case turn::to_cut:
                if (reached(next_at_)) cut_one_off();
                break;
            case turn::cut:
                if (reached(next_at_)) heal();
                break;
            case turn::finishing:
                if (all_equal_and_stored()) ask_digests();
                break;
            case turn::comparing: compare_digests(); break;
            case turn::over: break;
        }
    }

    // Whether so much is counted, or all that may be yet.
    bool reached(double done) const {
        return percent() >= done ||
               workers_.all([](const worker_view& each) { return !each.process || each.held; });
    }
    bool all_settled() const {
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            if (workers_.at(i).process && !workers_.settled(i)) return false;
        }
        return true;
    }
    death& victim() { return facts_.deaths.back(); }

    // The victims must have something to replay; who is cut off must be somebody else.
    void begin() {
        workers_.note_begun();
        facts_.deaths.push_back({choose_victim(), 0, seed_ % 2 == 1, {}});
        facts_.cut_off = other_than({victim().worker});
        say("%zu workers count %zu partitions of %.1f MB", workers_.size(),
            workers_.settings().partitions, static_cast<double>(bytes_) / 1e6);
        turn_ = turn::to_kill;
    }
    std::size_t choose_victim() {
        const std::uint64_t needed = 4 * workers_.settings().epochs;
        std::vector<std::size_t> able;
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            const bool spared = !facts_.deaths.empty() &&
                                (i == facts_.deaths.front().worker || i == facts_.cut_off);
            if (!spared && demo_cluster::sum(workers_.at(i).records) >= needed) able.push_back(i);
        }
        if (able.empty()) {
            throw failure("too little to count: no worker has " + std::to_string(needed) +
                          " records of 4 KiB");
        }
        return able[chance_.below(able.size())];
    }
    std::size_t other_than(const std::vector<std::size_t>& taken) {
        for (;;) {
            const std::size_t each = chance_.below(workers_.size());
            if (std::find(taken.begin(), taken.end(), each) == taken.end()) return each;
        }
    }

    // In the middle of an epoch, so that there is something to replay.
    bool time_to_kill() {
        const worker_view& worker = workers_.at(victim().worker);
        if (!reached(next_at_) || worker.stored == 0) return false;
        return worker.held || (worker.part >= 300 && worker.part <= 700);
    }
    void kill() {
        death& dead = victim();
        dead.old_incarnation = workers_.at(dead.worker).incarnation;
        dead.partitions = demo_cluster::keys_of(workers_.at(dead.worker).records);
        workers_.kill(dead.worker);
        say("KILL      %s by SIGKILL at %.1f %%, its last stable checkpoint is %llu",
            name(dead.worker), percent(),
            static_cast<unsigned long long>(workers_.at(dead.worker).stored));
        next_at_ = percent() + 4;
        turn_ = turn::dead;
    }

    bool time_to_bring_back() {
        if (!victim().taken_over) return reached(next_at_);
        return workers_.taken_over(victim().partitions);
    }
    void bring_back() {
        if (victim().taken_over) {
            say("TAKEN     others go on with the %zu partitions of %s", victim().partitions.size(),
                name(victim().worker));
        }
        workers_.start(victim().worker);
        say("RESTART   %s comes back at %.1f %%", name(victim().worker), percent());
        turn_ = turn::back;
    }
    void note_return() {
        const worker_view& worker = workers_.at(victim().worker);
        say("RESUMED   %s counts %zu partitions from a stable checkpoint, incarnation %llx after "
            "%llx",
            name(victim().worker), worker.records.size(),
            static_cast<unsigned long long>(worker.incarnation),
            static_cast<unsigned long long>(victim().old_incarnation));
        next_at_ = std::max(percent() + 2, 56 + static_cast<double>(chance_.below(100)) / 10);
        turn_ = turn::to_cut;
        if (facts_.deaths.size() == 2) {
            workers_.command_all("finish");
            turn_ = turn::finishing;
        } else if (joining_ != 0) {
            start_more();
        }
    }

    void start_more() {
        for (std::size_t i = 0; i < joining_; ++i) {
            const std::size_t number = workers_.add();
            workers_.start(number);
            say("RESCALE   %s joins at %.1f %%", name(number), percent());
        }
        turn_ = turn::joining;
    }
    void note_joined() {
        std::size_t moved = 0;
        for (std::size_t i = workers_.size() - joining_; i < workers_.size(); ++i) {
            moved += workers_.at(i).records.size();
        }
        say("PLACED    %zu workers count now, %zu of %zu partitions have moved to the new ones",
            workers_.size(), moved, workers_.settings().partitions);
        next_at_ = std::max(next_at_, percent() + 2);
        turn_ = turn::to_cut;
    }

    void cut_one_off() {
        facts_.repaired_before_cut = workers_.total(&worker_view::repaired);
        workers_.command(facts_.cut_off, "cut");
        say("CUT OFF   %s at %.1f %%", name(facts_.cut_off), percent());
        next_at_ = percent() + 15;
        turn_ = turn::cut;
    }
    void heal() {
        workers_.command(facts_.cut_off, "heal");
        say("HEALED    %s is heard again", name(facts_.cut_off));
        facts_.deaths.push_back({choose_victim(), 0, seed_ % 2 == 0, {}});
        next_at_ = percent() + 2;
        turn_ = turn::to_kill;
    }

    bool all_equal_and_stored() const {
        const std::uint64_t epochs = workers_.settings().epochs;
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            if (!workers_.at(i).finished || workers_.at(i).stored != epochs) return false;
        }
        return workers_.roots_agree();
    }
    void ask_digests() {
        workers_.forget_digests();
        workers_.command_all("digest");
        turn_ = turn::comparing;
    }
    void compare_digests() {
        if (!workers_.all([](const worker_view& each) { return !each.digest.empty(); })) return;
        if (workers_.digests_agree() && all_equal_and_stored()) {
            turn_ = turn::over;
        } else {
            turn_ = turn::finishing; // something still moved: ask again when it has come to rest
        }
    }

    void print_progress() const {
        std::string each_done, members;
        std::uint64_t stored = 0;
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            const worker_view& worker = workers_.at(i);
            char text[48];
            std::snprintf(text, sizeof text, " %5.2f",
                          static_cast<double>(demo_cluster::sum(worker.counted)) / 1e6);
            each_done += worker.process ? text : "  dead";
            members += ' ';
            members += worker.process ? std::to_string(worker.members) : "-";
            stored = std::max(stored, worker.stored);
        }
        say("%5.1f %%  MB%s  members%s  checkpoint %llu  gossip %.1f MB  roots %s", percent(),
            each_done.c_str(), members.c_str(), static_cast<unsigned long long>(stored),
            static_cast<double>(workers_.total(&worker_view::out)) / 1e6,
            workers_.roots_agree() ? "agree" : "differ");
    }

    demo_cluster& workers_;
    joinery::gossip::random chance_;
    std::uint64_t seed_;
    std::uint64_t bytes_;
    std::size_t joining_;
    story_facts facts_;
    turn turn_ = turn::starting;
    double next_at_ = 0;
    double seconds_ = 0;
};

} // namespace cluster
