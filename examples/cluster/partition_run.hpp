// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input.hpp"
#include "state.hpp"
#include "words.hpp"

#include <stream/accumulator.hpp>
#include <stream/submission.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

// One partition that is counted on this worker: a private accumulator over its input, cut into
// epochs at offsets that only the input decides.
class partition_run {
public:
    using accumulator = stream::accumulator<counts>;

    partition_run(partition_input input, std::size_t partition, std::uint64_t epochs)
        : input_(std::move(input)), epochs_(epochs), counted_(partition_name(partition)) {}

    const std::string& name() const { return counted_.partition(); }
    std::uint64_t records() const { return input_.records(); }
    std::uint64_t next() const { return counted_.next(); }
    std::uint64_t input_bytes() const { return input_.bytes(); }
    bool at_end() const { return next() == records(); }
    const counts& counted() const { return counted_.state(); }
    double done() const {
        return records() == 0 ? 1.0 : static_cast<double>(next()) / static_cast<double>(records());
    }

    // One past the last offset of an epoch. Epochs count from 1.
    std::uint64_t end_of(std::uint64_t epoch) const { return records() * epoch / epochs_; }
    std::uint64_t last_cut() const { return last_cut_; }

    // The epoch that ends exactly here and is not cut yet.
    std::optional<std::uint64_t> epoch_to_cut() const {
        const std::uint64_t epoch = last_cut_ + 1;
        if (epoch > epochs_ || next() != end_of(epoch)) return std::nullopt;
        return epoch;
    }
    // Cuts it. `said` gets what is to be submitted but for the bytes, which are returned.
    std::vector<std::byte> cut(stream::submission& said) {
        said.epoch = ++last_cut_;
        said.member = name();
        said.offsets[name()] = {end_of(last_cut_ - 1), next()};
        said.records = next() - end_of(last_cut_ - 1);
        said.watermark = at_end() ? end_of_time : event_time(counted());
        return counted_.checkpoint_bytes();
    }

    // Goes on from verified checkpoint bytes of that epoch. Throws failure if they are of another
    // input than the one that is here.
    void resume(std::uint64_t epoch, std::span<const std::byte> bytes) {
        joinery::wire::error why;
        auto resumed = accumulator::resume(bytes, why);
        if (!resumed || resumed->partition() != name() || resumed->next() != end_of(epoch)) {
            throw failure("the checkpoint of " + name() + " is of another input");
        }
        counted_ = std::move(*resumed);
        last_cut_ = epoch;
    }

    // Records before this offset have been counted before, by this worker or another.
    void expect_replay_until(std::uint64_t offset) { replay_until_ = offset; }
    bool replaying() const { return next() < replay_until_; }
    // Whether `permille` of the records are counted.
    bool reached(std::uint64_t permille) const {
        return records() != 0 && next() >= records() * permille / 1000;
    }
    std::size_t next_bytes() const { return input_.record(next()).size; }

    // Counts the next record and returns the delta; `unreadable` is told of a file that cannot be
    // read. Precondition: not at_end().
    counts count_next(const std::function<void(const std::string& path)>& unreadable) {
        const input_record& record = input_.record(next());
        if (record.unreadable) unreadable(input_.file_of(record).path);
        const tally found = record.unreadable ? unreadable_tally() : tally_of(input_.text(record));
        return counted_.process(next(), [&](counts& into, crdt::replica_id actor) {
            return apply(into, actor, found);
        });
    }

private:
    partition_input input_;
    std::uint64_t epochs_;
    accumulator counted_;
    std::uint64_t last_cut_ = 0;
    std::uint64_t replay_until_ = 0;
};

} // namespace cluster
