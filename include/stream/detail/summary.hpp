// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stream/detail/judge.hpp>
#include <stream/statistics.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace joinery::stream::detail {

inline statistics summarise(const records& all) {
    statistics sum;
    std::uint64_t bytes = 0;
    const auto add = [&](const certificate& done) {
        ++sum.completed;
        if (!sum.latest) sum.latest = done.epoch;
        for (const submission& each : done.submissions) {
            bytes += each.total_bytes();
            if (!each.watermark) continue;
            sum.min_time = std::min(sum.min_time.value_or(*each.watermark), *each.watermark);
            sum.max_time = std::max(sum.max_time.value_or(*each.watermark), *each.watermark);
        }
    };
    newest_first(all, [&](std::uint64_t epoch) {
        for (auto at = all.plans.rbegin(); at != all.plans.rend(); ++at) {
            const auto done =
                certificate_of(all, epoch, at->first, at->second.what, restore_policy::complete);
            if (!done) continue;
            add(*done);
            break;
        }
        return false;
    });
    if (sum.completed != 0) sum.mean_bytes = bytes / sum.completed;
    return sum;
}

} // namespace joinery::stream::detail
