// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "held_checkpoints.hpp"
#include "partition_run.hpp"
#include "state.hpp"
#include "worker_options.hpp"

#include <gossip/engine.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

using engine = gossip::engine<shared_state>;

// The partitions that a worker counts now, at their pace, and the batches of deltas that it
// gossips. A partition that it is given waits until the checkpoint to go on from is here.
class counting {
public:
    using teller = std::function<void(const std::string& line)>;

    counting(const worker_options& options, teller tell)
        : inputs_(options.inputs),
          partitions_(options.partitions),
          epochs_(options.epochs),
          rate_(options.rate),
          hold_(options.hold),
          tell_(std::move(tell)) {}

    // Lets go of all partitions but these, and reads and cuts the input of those that are new.
    // Result: whether there are new ones.
    bool own(const std::set<std::size_t>& partitions) {
        std::set<std::size_t> fresh;
        for (const std::size_t each : partitions) {
            if (!runs_.contains(each)) fresh.insert(each);
        }
        std::erase_if(waiting_, [&](std::size_t each) { return !partitions.contains(each); });
        std::erase_if(runs_, [&](const auto& each) {
            const bool gone = !partitions.contains(each.first);
            if (gone) tell_("dropped partition=" + std::to_string(each.first));
            return gone;
        });
        if (fresh.empty()) return false;
        const auto files = list_files(inputs_);
        for (const std::size_t each : fresh) {
            partition_input input(files, each, partitions_);
            runs_.emplace(each, partition_run(std::move(input), each, epochs_));
            waiting_.insert(each);
        }
        return true;
    }

    // Until then nothing beyond a part of each partition is counted.
    void release() { hold_ = 0; }
    bool held() const {
        return std::all_of(runs_.begin(), runs_.end(), [&](const auto& each) {
            return each.second.at_end() || is_held(each.second);
        });
    }

    bool waiting() const { return !waiting_.empty(); }
    // Goes on with the partitions just taken, from the checkpoint if there is one. `known` is the
    // newest stable epoch that the worker has heard of.
    void start_waiting(const held_checkpoints<shared_state>& held, std::uint64_t known) {
        for (const std::size_t each : std::exchange(waiting_, {})) {
            partition_run& run = runs_.at(each);
            if (const auto* stable = held.stable()) {
                run.resume(stable->epoch, held.bytes_of(run.name()));
                // All who heard of these counts before may be gone.
                batch_.counted.advance(run.name(), run.counted());
            }
            tell_("resumed partition=" + std::to_string(each) +
                  " records=" + std::to_string(run.records()) +
                  " epoch=" + std::to_string(run.last_cut()) + " known=" + std::to_string(known));
        }
    }

    // Counts what the pace allows and cuts every epoch that ends; `submit` gossips the cut.
    void step(engine& node, gossip::time_point now,
              const std::function<void(partition_run&)>& submit) {
        allow(now);
        const auto started = std::chrono::steady_clock::now();
        while (partition_run* run = rate_ == 0 || allowance_ > 0 ? furthest_behind() : nullptr) {
            cut_all(*run, submit);
            if (run->at_end() || is_held(*run)) continue;
            run->expect_replay_until(progress_of(node.state(), run->name()));
            const double cost = static_cast<double>(run->next_bytes());
            allowance_ -= run->replaying() ? cost / replay_speed : cost;
            const bool again = run->replaying();
            const counts delta =
                run->count_next([&](const std::string& path) { tell_("unreadable " + path); });
            replayed_ += again ? 1U : 0U;
            ++processed_;
            batch_.counted.advance(run->name(), delta);
            cut_all(*run, submit);
            if (std::chrono::steady_clock::now() - started > longest_step) break;
        }
        if (now >= next_batch_) flush(node, now);
    }

    // Gossips the deltas of all partitions since the last time as one.
    void flush(engine& node, gossip::time_point now) {
        next_batch_ = now + batch_interval;
        for (const auto& each : runs_) {
            const partition_run& run = each.second;
            if (waiting_.contains(each.first)) continue;
            batch_.progress.update({}, run.name(), [&](auto& most, auto self) {
                return most.assign(self, run.next());
            });
        }
        shared_state fresh = crdt::difference(batch_, node.state());
        batch_ = {};
        if (!(fresh == shared_state{})) node.merge_local(fresh);
    }

    bool finished() const {
        return std::all_of(runs_.begin(), runs_.end(), [&](const auto& each) {
            return each.second.at_end() && each.second.last_cut() == epochs_;
        });
    }
    // Records counted in the epoch that is open, of a thousand.
    std::uint64_t part_of_epoch() const {
        std::uint64_t done = 0;
        std::uint64_t size = 0;
        for (const auto& [partition, run] : runs_) {
            if (run.last_cut() == epochs_) continue;
            done += run.next() - run.end_of(run.last_cut());
            size += run.end_of(run.last_cut() + 1) - run.end_of(run.last_cut());
        }
        return size == 0 ? 0 : done * 1000 / size;
    }
    const std::map<std::size_t, partition_run>& runs() const { return runs_; }
    std::vector<std::string> names() const {
        std::vector<std::string> all;
        for (const auto& [partition, run] : runs_) all.push_back(run.name());
        return all;
    }
    std::uint64_t replayed() const { return replayed_; }
    std::uint64_t processed() const { return processed_; }

private:
    static constexpr auto batch_interval = std::chrono::milliseconds(100);
    static constexpr auto longest_step = std::chrono::milliseconds(20);
    static constexpr double replay_speed = 4; // a replaying worker has to catch up

    static std::uint64_t progress_of(const shared_state& state, const std::string& partition) {
        const auto* known = state.progress.find(partition);
        return known == nullptr ? 0 : known->value().value_or(0);
    }

    bool is_held(const partition_run& run) const { return hold_ != 0 && run.reached(hold_); }

    // The pace is that of every partition, so a worker with more partitions is not slower.
    void allow(gossip::time_point now) {
        const double seconds = last_ ? std::chrono::duration<double>(now - *last_).count() : 0.0;
        last_ = now;
        const auto running = static_cast<double>(runs_.size() - waiting_.size());
        const double second = rate_ * running;
        allowance_ = std::min(allowance_ + seconds * second, second / 4);
    }

    partition_run* furthest_behind() {
        partition_run* least = nullptr;
        for (auto& [partition, run] : runs_) {
            const bool idle = (run.at_end() || is_held(run)) && !may_cut(run);
            if (idle || waiting_.contains(partition)) continue;
            if (least == nullptr || run.done() < least->done()) least = &run;
        }
        return least;
    }

    // The last epoch is held, too: a partition may be empty.
    bool may_cut(const partition_run& run) const {
        const auto epoch = run.epoch_to_cut();
        return epoch && (hold_ == 0 || *epoch < epochs_);
    }
    void cut_all(partition_run& run, const std::function<void(partition_run&)>& submit) const {
        while (may_cut(run)) submit(run);
    }

    std::vector<std::string> inputs_;
    std::size_t partitions_;
    std::uint64_t epochs_;
    double rate_;
    std::uint64_t hold_; // of a thousand records; 0: none
    teller tell_;
    std::map<std::size_t, partition_run> runs_;
    std::set<std::size_t> waiting_;
    shared_state batch_;
    double allowance_ = 0;
    std::optional<gossip::time_point> last_;
    gossip::time_point next_batch_;
    std::uint64_t replayed_ = 0;
    std::uint64_t processed_ = 0;
};

} // namespace cluster
