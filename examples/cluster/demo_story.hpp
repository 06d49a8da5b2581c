// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "demo_cluster.hpp"

#include <gossip/random.hpp>

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

// What the checks at the end need to know of the story.
struct story_facts {
    std::size_t victim = 0;
    std::size_t heir = 0; // counts the victim's partitions on; the victim itself if it returns
    std::size_t cut_off = 0;
    bool taken_over = false;
    std::uint64_t old_incarnation = 0;
    std::uint64_t repaired_before_cut = 0;
};

// The course of the demo. Every turn is taken when the workers' reports say so, never by time.
class demo_story {
public:
    demo_story(demo_cluster& workers, std::uint64_t seed, std::uint64_t bytes)
        : workers_(workers), chance_(seed), bytes_(bytes) {
        facts_.taken_over = seed % 2 == 1;
        kill_at_ = 25 + static_cast<double>(chance_.below(130)) / 10;
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
        counting,
        victim_dead,
        victim_alone,
        victim_back,
        to_cut,
        cut,
        healed,
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
            workers_.start(i, workers_.dealt_to(i));
            while (i == 0 && !workers_.at(0).ready) workers_.listen();
        }
    }

    void go_on() {
        const double done = percent();
        switch (turn_) {
            case turn::starting:
                if (workers_.all([](const worker_view& each) { return each.ready; }))
                    choose_roles();
                break;
            case turn::counting:
                if (time_to_kill(done)) kill_victim(done);
                break;
            case turn::victim_dead:
                if (done >= next_at_) facts_.taken_over ? bring_back_idle() : bring_back(done);
                break;
            case turn::victim_alone:
                if (workers_.at(facts_.victim).ready) give_one_back();
                break;
            case turn::victim_back:
                if (workers_.at(facts_.victim).resumed >= expected_back_) note_resumed(done);
                break;
            case turn::to_cut:
                if (done >= next_at_) cut_one_off(done);
                break;
            case turn::cut:
                if (done >= next_at_) heal();
                break;
            case turn::healed:
                if (all_equal_and_stored()) ask_digests();
                break;
            case turn::comparing: compare_digests(); break;
            case turn::over: break;
        }
    }

    // The victim must have something to replay; who is cut off must be somebody else.
    void choose_roles() {
        std::vector<std::size_t> able;
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            if (demo_cluster::sum(workers_.at(i).records) >= 4 * workers_.settings().epochs) {
                able.push_back(i);
            }
        }
        if (able.empty()) {
            throw failure("too little to count: no worker has " +
                          std::to_string(4 * workers_.settings().epochs) + " records of 4 KiB");
        }
        facts_.victim = able[chance_.below(able.size())];
        facts_.heir = facts_.taken_over ? other_than({facts_.victim}) : facts_.victim;
        facts_.cut_off = other_than({facts_.victim, facts_.heir});
        say("%zu workers count %zu partitions of %.1f MB", workers_.size(),
            workers_.settings().partitions, static_cast<double>(bytes_) / 1e6);
        turn_ = turn::counting;
    }
    std::size_t other_than(const std::vector<std::size_t>& taken) {
        for (;;) {
            const std::size_t each = chance_.below(workers_.size());
            if (std::find(taken.begin(), taken.end(), each) == taken.end()) return each;
        }
    }

    // In the middle of an epoch, so that there is something to replay.
    bool time_to_kill(double done) const {
        const worker_view& victim = workers_.at(facts_.victim);
        if (done < kill_at_ || victim.stored == 0) return false;
        return (victim.part >= 300 && victim.part <= 700) || (done >= 44 && victim.part > 0);
    }

    void kill_victim(double done) {
        facts_.old_incarnation = workers_.at(facts_.victim).incarnation;
        records_of_victim_ = workers_.at(facts_.victim).records;
        workers_.kill(facts_.victim);
        say("KILL      %s by SIGKILL at %.1f %%, its last stored checkpoint is %llu",
            name(facts_.victim), done,
            static_cast<unsigned long long>(workers_.at(facts_.victim).stored));
        if (facts_.taken_over) {
            workers_.command(facts_.heir,
                             "take " + demo_cluster::list_of(workers_.dealt_to(facts_.victim)));
            say("TAKE OVER %s goes on with the partitions of %s", name(facts_.heir),
                name(facts_.victim));
        }
        next_at_ = done + (facts_.taken_over ? 10 : 4);
        turn_ = turn::victim_dead;
    }

    void bring_back(double done) {
        workers_.start(facts_.victim, workers_.dealt_to(facts_.victim));
        expected_back_ = workers_.dealt_to(facts_.victim).size();
        say("RESTART   %s comes back with its partitions at %.1f %%", name(facts_.victim), done);
        turn_ = turn::victim_back;
    }
    void bring_back_idle() {
        workers_.start(facts_.victim, {});
        say("RESTART   %s comes back without partitions", name(facts_.victim));
        turn_ = turn::victim_alone;
    }
    void give_one_back() {
        const auto& records = records_of_victim_;
        std::size_t largest = *workers_.dealt_to(facts_.victim).begin();
        for (const auto& [partition, count] : records) {
            if (count > records.at(largest)) largest = partition;
        }
        workers_.command(facts_.heir, "drop " + std::to_string(largest));
        workers_.command(facts_.victim, "take " + std::to_string(largest));
        expected_back_ = 1;
        say("GIVE BACK partition %zu, from %s to %s", largest, name(facts_.heir),
            name(facts_.victim));
        turn_ = turn::victim_back;
    }
    void note_resumed(double done) {
        say("RESUMED   %s goes on from a verified checkpoint, incarnation %llx after %llx",
            name(facts_.victim),
            static_cast<unsigned long long>(workers_.at(facts_.victim).incarnation),
            static_cast<unsigned long long>(facts_.old_incarnation));
        next_at_ = std::max(done + 2, 56 + static_cast<double>(chance_.below(100)) / 10);
        turn_ = turn::to_cut;
    }

    void cut_one_off(double done) {
        facts_.repaired_before_cut = workers_.total(&worker_view::repaired);
        workers_.command(facts_.cut_off, "cut");
        say("CUT OFF   %s at %.1f %%", name(facts_.cut_off), done);
        next_at_ = std::min(done + 15, 97.0);
        turn_ = turn::cut;
    }
    void heal() {
        workers_.command(facts_.cut_off, "heal");
        say("HEALED    %s is heard again", name(facts_.cut_off));
        turn_ = turn::healed;
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
            turn_ = turn::healed; // something still moved: ask again when it has come to rest
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
    std::uint64_t bytes_;
    story_facts facts_;
    turn turn_ = turn::starting;
    double kill_at_ = 0;
    double next_at_ = 0;
    double seconds_ = 0;
    std::size_t expected_back_ = 0;
    std::map<std::size_t, std::uint64_t> records_of_victim_;
};

} // namespace cluster
