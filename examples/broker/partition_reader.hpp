// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input_stream.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

namespace broker {

// Reads a partition's stream from an offset on through a pull consumer. The broker keeps no
// position for us: the offset to go on from is in the checkpoint, beside the state.
class partition_reader {
public:
    using clock = std::chrono::steady_clock;

    partition_reader(nats_client& broker, std::size_t partition, std::uint64_t offset)
        : broker_(&broker), partition_(partition), next_(offset) {}

    std::uint64_t next_offset() const { return next_; }

    // The message at next_offset(), if it is here.
    std::optional<message> next(clock::time_point now) {
        if (fetched_.empty() && now >= next_look_) fetch(now);
        while (!fetched_.empty()) {
            message first = std::move(fetched_.front());
            fetched_.pop_front();
            const std::uint64_t offset = first.sequence() - 1;
            if (offset == next_) {
                ++next_;
                return first;
            }
            if (offset > next_) start_over(); // something on the way was lost with a connection
        }
        return std::nullopt;
    }

private:
    static constexpr auto look_interval = std::chrono::milliseconds(10);
    static constexpr int batch = 64;

    void fetch(clock::time_point now) {
        if (consumer_.get() == nullptr && !open()) {
            next_look_ = now + 10 * look_interval;
            return;
        }
        jsFetchRequest wanted;
        check(jsFetchRequest_Init(&wanted), "cannot make a request");
        wanted.Batch = batch;
        wanted.NoWait = true;
        wanted.Expires = std::chrono::nanoseconds(std::chrono::milliseconds(200)).count();
        natsMsgList got{};
        const natsStatus status = natsSubscription_FetchRequest(&got, consumer_.get(), &wanted);
        for (int i = 0; status == NATS_OK && i < got.Count; ++i) {
            fetched_.emplace_back(std::exchange(got.Msgs[i], nullptr));
        }
        natsMsgList_Destroy(&got);
        if (status == NATS_OK) return;
        next_look_ = now + look_interval;
        // Whatever became of the consumer, a new one goes on from the same offset.
        if (status != NATS_TIMEOUT && status != NATS_NOT_FOUND) start_over();
    }

    void start_over() {
        consumer_ = {};
        fetched_.clear();
    }

    bool open() {
        const std::string stream = stream_name(partition_);
        jsSubOptions options;
        check(jsSubOptions_Init(&options), "cannot set an option");
        options.Stream = stream.c_str();
        options.Config.DeliverPolicy = js_DeliverByStartSequence;
        options.Config.OptStartSeq = next_ + 1;
        options.Config.AckPolicy = js_AckNone;
        natsSubscription* made = nullptr;
        const std::string subject = subject_of(partition_, "*");
        const natsStatus status = js_PullSubscribe(&made, broker_->streams(), subject.c_str(),
                                                   nullptr, nullptr, &options, nullptr);
        consumer_ = subscription(made);
        return status == NATS_OK;
    }

    nats_client* broker_;
    std::size_t partition_;
    std::uint64_t next_;
    subscription consumer_;
    std::deque<message> fetched_;
    clock::time_point next_look_;
};

} // namespace broker
