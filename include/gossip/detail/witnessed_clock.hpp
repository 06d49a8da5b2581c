// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/peer.hpp>

#include <algorithm>
#include <cstdint>

namespace joinery::gossip::detail {

/// Time as far as it was lived through: no timer runs out while nobody was there to see.
///
/// State      the time told last, and the time lived through.
/// Invariant  time told never makes this one go back; a gap that ends later than what was due and
///            the patience after it counts as no time at all.
class witnessed_clock {
public:
    /// Whether time was missed. `due` is when, in this clock, something had to be done.
    bool advance(time_point told, time_point due, duration patience) {
        constexpr auto far = time_point(duration(std::int64_t{1} << 61U));
        told = std::clamp(told, -far.time_since_epoch() + time_point{}, far);
        if (!started_) {
            started_ = true;
            told_ = told;
            now_ = time_point{} + std::chrono::hours(1);
            return false;
        }
        if (told <= told_) { // a clock set back starts from there
            if (told_ - told > patience) told_ = told;
            return false;
        }
        const duration gap = told - told_;
        told_ = told;
        // Before the first tick and without anything due, no time is too long.
        const bool waits = due != time_point::min() && due != time_point::max();
        const duration idle = !waits ? gap : due <= now_ ? duration{0} : due - now_;
        if (gap > idle && gap - idle > patience) return true;
        now_ = std::min(now_ + gap, far);
        return false;
    }

    bool started() const { return started_; }
    time_point now() const { return now_; }
    time_point told() const { return told_; }

    /// When the caller will have to look, in the time that it tells.
    time_point outside(time_point mine) const {
        if (!started_) return time_point::min();
        if (mine == time_point::max() || mine == time_point::min()) return mine;
        return told_ + (mine - now_);
    }

private:
    bool started_ = false;
    time_point told_{};
    time_point now_{};
};

} // namespace joinery::gossip::detail
