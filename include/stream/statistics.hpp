// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

namespace joinery::stream {

/// What the retained checkpoints amount to. All but failed_verifications is a function of the
/// replicated state; verification is local, so its failures are counted where it happens.
struct statistics {
    std::uint64_t completed = 0;            ///< retained epochs that are complete or stable
    std::uint64_t failed_verifications = 0; ///< see transfer::failed_verifications
    std::optional<std::uint64_t> latest;    ///< the newest of them
    std::uint64_t mean_bytes = 0;           ///< of one checkpoint, rounded down
    std::optional<std::int64_t> min_time;   ///< the least watermark of a member in any of them
    std::optional<std::int64_t> max_time;   ///< the greatest

    friend bool operator==(const statistics&, const statistics&) = default;
};

} // namespace joinery::stream
