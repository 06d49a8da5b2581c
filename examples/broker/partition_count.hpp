// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/words.hpp"
#include "aggregates.hpp"
#include "input_stream.hpp"

#include <stream/accumulator.hpp>
#include <stream/submission.hpp>
#include <wire/error.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace broker {

// One partition that is counted on this worker: a private accumulator, cut into epochs where the
// stream says so.
class partition_count {
public:
    using accumulator = stream::accumulator<counts>;

    explicit partition_count(std::size_t partition) : counted_(partition_name(partition)) {}

    const std::string& name() const { return counted_.partition(); }
    std::uint64_t next() const { return counted_.next(); }
    const counts& counted() const { return counted_.state(); }
    std::uint64_t last_cut() const { return last_cut_; }
    // Messages counted since the last cut.
    std::uint64_t open() const { return next() - epoch_begin_; }

    // Goes on from verified checkpoint bytes. Throws failure if they are not what `said` tells.
    void resume(const stream::submission& said, std::span<const std::byte> bytes) {
        wire::error why;
        auto resumed = accumulator::resume(bytes, why);
        const auto covered = said.offsets.find(name());
        if (!resumed || resumed->partition() != name() || covered == said.offsets.end() ||
            resumed->next() != covered->second.end) {
            throw failure("the checkpoint of " + name() + " is of another partition or offset");
        }
        counted_ = std::move(*resumed);
        last_cut_ = said.epoch;
        epoch_begin_ = next();
    }

    // Counts the message at next() and returns the delta.
    counts take(const message& each) {
        const input_kind kind = kind_of(each.subject());
        return counted_.process(each.sequence() - 1, [&](counts& into, crdt::replica_id actor) {
            switch (kind) {
                case input_kind::record:
                    return cluster::apply(into, actor, cluster::tally_of(each.text()));
                case input_kind::unreadable:
                    return cluster::apply(into, actor, cluster::unreadable_tally());
                case input_kind::cut: break;
            }
            return counts{};
        });
    }

    // Ends the epoch behind the message just taken. `said` gets all that is to be submitted but
    // the root of the bytes that are returned.
    std::vector<std::byte> cut(stream::submission& said) {
        auto bytes = counted_.checkpoint_bytes();
        said.epoch = ++last_cut_;
        said.member = name();
        said.bytes = bytes.size();
        said.offsets[name()] = {epoch_begin_, next()};
        said.records = open();
        said.watermark = cluster::event_time(counted());
        epoch_begin_ = next();
        return bytes;
    }

private:
    accumulator counted_;
    std::uint64_t last_cut_ = 0;
    std::uint64_t epoch_begin_ = 0;
};

} // namespace broker
