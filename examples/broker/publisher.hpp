// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/input.hpp"
#include "input_stream.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace broker {

// Writes the records of a directory into the partitions' streams at a pace, the furthest behind
// first, and the cut of epoch e after e/E of a partition's records.
class publisher {
public:
    using clock = std::chrono::steady_clock;

    static constexpr double no_limit = 2; // the last cuts come after all of the records

    publisher(nats_client& broker, const std::vector<std::string>& directories,
              std::size_t partitions, std::uint64_t epochs, double rate)
        : broker_(broker), epochs_(epochs), rate_(rate) {
        const auto files = cluster::list_files(directories);
        for (std::size_t i = 0; i < partitions; ++i) {
            create_stream(broker, i);
            parts_.push_back({cluster::partition_input(files, i, partitions), 0, 0, 0});
        }
    }

    std::size_t records_of(std::size_t partition) const { return parts_[partition].in.records(); }
    std::uint64_t messages_of(std::size_t partition) const { return parts_[partition].sequence; }
    bool finished() const { return next_part() == nullptr; }
    // How much of the partition that is furthest behind is published.
    double part_done() const {
        const part* next = next_part();
        return next == nullptr ? 1 : done(*next);
    }

    // Publishes what the pace allows, but nothing beyond `limit` of a partition.
    void step(clock::time_point now, double limit) {
        const double seconds = last_ ? std::chrono::duration<double>(now - *last_).count() : 0.0;
        last_ = now;
        allowance_ = std::min(allowance_ + seconds * rate_, rate_ / 4);
        while (allowance_ > 0) {
            part* next = next_part();
            if (next == nullptr || done(*next) >= limit || !publish_next(*next)) return;
        }
    }

private:
    static constexpr auto patience = std::chrono::seconds(20);

    struct part {
        cluster::partition_input in;
        std::size_t next = 0;
        std::uint64_t cuts = 0;
        std::uint64_t sequence = 0; // of the newest message
    };

    double done(const part& of) const {
        const double records = static_cast<double>(of.in.records());
        return records == 0 ? 1 : static_cast<double>(of.next) / records;
    }
    const part* next_part() const {
        const part* least = nullptr;
        for (const part& each : parts_) {
            if (each.cuts == epochs_) continue;
            if (least == nullptr || done(each) < done(*least)) least = &each;
        }
        return least;
    }
    part* next_part() { return const_cast<part*>(std::as_const(*this).next_part()); }

    bool publish_next(part& to) {
        const auto partition = static_cast<std::size_t>(&to - parts_.data());
        if (to.next == to.in.records() * (to.cuts + 1) / epochs_) {
            if (!publish(to, subject_of(partition, cut_word), {})) return false;
            ++to.cuts;
            return true;
        }
        const auto& record = to.in.record(to.next);
        const auto word = record.unreadable ? unreadable_word : record_word;
        if (!publish(to, subject_of(partition, word), to.in.text(record))) return false;
        allowance_ -= static_cast<double>(record.size);
        ++to.next;
        return true;
    }

    // False if the broker did not answer: the same message is to be published again. Its id keeps
    // the broker from storing it twice when only the answer was lost.
    bool publish(part& to, const std::string& subject, std::string_view text) {
        const std::string id = subject + "." + std::to_string(to.sequence);
        jsPubOptions options;
        check(jsPubOptions_Init(&options), "cannot set an option");
        options.MsgId = id.c_str();
        options.MaxWait = 500;
        jsPubAck* answer = nullptr;
        const auto status = js_Publish(&answer, broker_.streams(), subject.c_str(), text.data(),
                                       static_cast<int>(text.size()), &options, nullptr);
        const owned<jsPubAck, jsPubAck_Destroy> kept(answer);
        if (status == NATS_MAX_PAYLOAD) throw failure("a line is longer than the broker takes");
        if (status != NATS_OK) {
            const auto now = clock::now();
            if (!unanswered_) unanswered_ = now;
            if (now - *unanswered_ < patience) return false;
            throw nats_failure("cannot publish to " + subject, status);
        }
        unanswered_.reset();
        if (kept->Sequence != to.sequence + 1) throw failure("a message out of turn: " + id);
        ++to.sequence;
        return true;
    }

    nats_client& broker_;
    std::uint64_t epochs_;
    double rate_;
    std::vector<part> parts_;
    std::optional<clock::time_point> last_;
    double allowance_ = 0;
    std::optional<clock::time_point> unanswered_; // since when
};

} // namespace broker
