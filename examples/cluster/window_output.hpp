// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stable_counts.hpp"

#include <stream/frontier.hpp>
#include <stream/windowed.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace cluster {

// Tells the windows that have become final: all their lines are in a stable checkpoint. Gossiped
// counts would not do, because nobody knows of what is still under way. Whoever reads the output
// gets a window from every worker, and again after a restart: always the same.
class window_output {
public:
    void step(const held_checkpoints<shared_state>& held,
              const std::function<void(const std::string& line)>& tell) {
        const stream::certificate* from = held.stable();
        if (from == nullptr || from->epoch == epoch_) return;
        epoch_ = from->epoch;
        std::vector<std::string> members;
        for (const stream::submission& each : from->submissions) {
            members.push_back(each.member);
            if (each.watermark) reached_.advance(each.member, 0, *each.watermark);
            windows_.merge(part_of(held, each.member).state().windows);
        }
        const auto time = reached_.read(members);
        if (!time) return;
        windows_.emit(stream::window_of(*time, window_size),
                      [&](std::int64_t start, const window_counts& in) {
                          tell("window start=" + std::to_string(start) +
                               " words=" + std::to_string(value_of(in.words)) +
                               " lines=" + std::to_string(value_of(in.lines)));
                      });
    }

private:
    std::uint64_t epoch_ = 0;
    stream::frontier reached_;
    stream::windowed<window_counts> windows_;
};

} // namespace cluster
