// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/peer.hpp>

#include <algorithm>
#include <cstdint>

namespace joinery::gossip::detail {

/// How many questions of late were not answered in time at once.
///
/// State      their share of 65,536, each weighing a sixteenth.
class loss_estimate {
public:
    void note(bool lost) { share_ = share_ - share_ / 16 + (lost ? whole / 16 : 0); }

    /// Above one in twenty-four: what is said once does not reach all.
    bool considerable() const { return share_ > whole / 24; }

    /// How many in a row may be lost by chance before it tells of the path: at least one; more than
    /// that happen once in 64 times.
    unsigned by_chance() const {
        std::uint64_t odds = share_;
        unsigned row = 1;
        for (; row < most && odds * 64 > whole; ++row) odds = odds * share_ / whole;
        return row;
    }

private:
    static constexpr std::uint64_t whole = 65'536;
    static constexpr unsigned most = 12;
    std::uint64_t share_ = 0;
};

/// How long answers take, whoever gives them.
///
/// State      the smoothed time and its mean deviation.
/// Source     Jacobson 1988; RFC 6298.
class round_trips {
public:
    void note(duration trip) {
        if (mean_ == duration::zero()) {
            mean_ = std::max(trip, duration(1));
            deviation_ = mean_ / 2;
            return;
        }
        const duration off = trip > mean_ ? trip - mean_ : mean_ - trip;
        deviation_ = (3 * deviation_ + off) / 4;
        mean_ = std::max((7 * mean_ + trip) / 8, duration(1));
    }
    /// Until when an answer of anybody is not late; 0 before the first.
    duration patience() const { return std::max(mean_ + 4 * deviation_, 2 * mean_); }

private:
    duration mean_{0};
    duration deviation_{0};
};

} // namespace joinery::gossip::detail
