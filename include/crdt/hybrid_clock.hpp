// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/error.hpp>
#include <crdt/lattice.hpp>

#include <algorithm>
#include <cstdint>

namespace joinery::crdt {

/// Hybrid logical clock: stamps that follow wall time yet always pass every stamp seen.
///
/// State      the last stamp given or observed: 48 bits of milliseconds, 16 bits of counter.
/// Invariant  stamps of one clock strictly increase; 65,536 events in a millisecond carry over.
/// Cost       O(1). It is a value of the application; the wall time comes in as an argument.
/// Source     Kulkarni et al. 2014.
class hybrid_clock {
public:
    /// Milliseconds of a stamp.
    static constexpr std::uint64_t milliseconds(stamp_t stamp) { return stamp >> 16; }

    /// The next stamp at wall time `wall_ms`. Throws clock_exhausted past the last stamp.
    stamp_t tick(std::uint64_t wall_ms) {
        if (last_ == ~stamp_t{0}) throw clock_exhausted();
        const auto wall = std::min(wall_ms, max_milliseconds) << 16;
        last_ = std::max(last_ + 1, wall);
        return last_;
    }

    /// Makes later stamps pass `stamp`. A stamp more than `max_ahead_ms` ahead of the wall time is
    /// refused: false, and the clock is unchanged. Old stamps are always fine.
    [[nodiscard]] bool observe(stamp_t stamp, std::uint64_t wall_ms,
                               std::uint64_t max_ahead_ms = 60'000) {
        const auto ahead = milliseconds(stamp);
        if (ahead > wall_ms && ahead - wall_ms > max_ahead_ms) return false;
        last_ = std::max(last_, stamp);
        return true;
    }

    stamp_t last() const { return last_; }

    friend bool operator==(const hybrid_clock&, const hybrid_clock&) = default;

private:
    static constexpr std::uint64_t max_milliseconds = (std::uint64_t{1} << 48) - 1;
    stamp_t last_ = 0;
};

} // namespace joinery::crdt
