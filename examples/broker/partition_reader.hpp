// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "input_stream.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace broker {

// Reads a partition's stream from an offset on, in order, through a consumer that the broker makes
// for this reader. The broker keeps no position for us: the offset to go on from is in the
// checkpoint, beside the state.
class partition_reader {
public:
    using clock = std::chrono::steady_clock;

    partition_reader(nats_client& broker, std::size_t partition, std::uint64_t offset)
        : broker_(&broker), partition_(partition), next_(offset) {}

    // The message at the next offset, if it is here.
    std::optional<message> next(clock::time_point now) {
        if (consumer_.get() == nullptr && (now < next_attempt_ || !open(now))) return std::nullopt;
        for (;;) {
            natsMsg* received = nullptr;
            const natsStatus status = natsSubscription_NextMsg(&received, consumer_.get(), 0);
            if (status != NATS_OK) {
                // Whatever became of the consumer, a new one goes on from the same offset.
                if (status != NATS_TIMEOUT) start_over(now);
                return std::nullopt;
            }
            message each(received);
            const std::uint64_t offset = each.sequence() - 1;
            if (offset == next_) {
                ++next_;
                return each;
            }
            if (offset > next_) {
                start_over(now);
                return std::nullopt;
            }
        }
    }

private:
    static constexpr auto attempt_interval = std::chrono::milliseconds(100);
    static constexpr auto heartbeat = std::chrono::milliseconds(500);

    bool open(clock::time_point now) {
        const std::string stream = stream_name(partition_);
        const std::string subject = subject_of(partition_, "*");
        jsSubOptions options;
        check(jsSubOptions_Init(&options), "cannot set an option");
        options.Stream = stream.c_str();
        options.Ordered = true;
        options.Config.DeliverPolicy = js_DeliverByStartSequence;
        options.Config.OptStartSeq = next_ + 1;
        options.Config.Heartbeat = std::chrono::nanoseconds(heartbeat).count();
        natsSubscription* made = nullptr;
        const natsStatus status = js_SubscribeSync(&made, broker_->streams(), subject.c_str(),
                                                   nullptr, &options, nullptr);
        consumer_ = subscription(made);
        if (status != NATS_OK) start_over(now);
        return status == NATS_OK;
    }

    void start_over(clock::time_point now) {
        consumer_ = {};
        next_attempt_ = now + attempt_interval;
    }

    nats_client* broker_;
    std::size_t partition_;
    std::uint64_t next_;
    subscription consumer_;
    clock::time_point next_attempt_;
};

} // namespace broker
