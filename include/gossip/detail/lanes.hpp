// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/event.hpp>
#include <gossip/peer.hpp>
#include <gossip/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The datagrams that wait to be sent.
///
/// State      an urgent lane and a lane for payload; how much payload may go in an interval.
/// Invariant  urgent ones never wait for payload; payload waits for a few intervals at most.
/// Cost       O(1) a datagram.
/// Source     additive increase, multiplicative decrease: Chiu and Jain 1989.
class lanes {
public:
    lanes(std::size_t most, std::size_t datagram)
        : most_(static_cast<std::int64_t>(most)),
          step_(static_cast<std::int64_t>(datagram)),
          budget_(most_),
          left_(most_) {}

    std::size_t size() const { return urgent_.size() + bulk_.size(); }

    void add(const std::string& to, std::vector<std::byte> datagram, bool urgent) {
        (urgent ? urgent_ : bulk_).emplace_back(to, std::move(datagram));
    }

    std::optional<outgoing> poll(std::span<std::byte> buffer, statistics& stats) {
        while (!urgent_.empty() || (!bulk_.empty() && left_ > 0)) {
            const auto cls = urgent_.empty() ? traffic_class::bulk : traffic_class::urgent;
            auto& lane = urgent_.empty() ? bulk_ : urgent_;
            auto [to, datagram] = std::move(lane.front());
            lane.pop_front();
            if (datagram.size() > buffer.size()) {
                ++stats.dropped_outgoing;
                continue;
            }
            if (cls == traffic_class::bulk) left_ -= static_cast<std::int64_t>(datagram.size());
            std::memcpy(buffer.data(), datagram.data(), datagram.size());
            ++stats.datagrams_out;
            stats.bytes_out += datagram.size();
            return outgoing{std::move(to), datagram.size(), cls};
        }
        return std::nullopt;
    }

    /// A new interval: half as much payload as was really sent if something was late since the last
    /// (`late` counts that), somewhat more if nothing was.
    void refill(time_point now, std::uint64_t late, duration interval, statistics& stats) {
        if (std::exchange(late_, late) != late && now >= next_slowdown_) {
            ++stats.slowdowns;
            next_slowdown_ = now + 3 * interval; // until the effect can be seen
            budget_ = std::max<std::int64_t>(std::min(budget_, 2 * sent_) / 2, step_ / 4);
        } else {
            const bool calm = now > next_slowdown_ + 20 * interval;
            budget_ = std::min(budget_ + step_ / 16 + budget_ / (calm ? 4 : 64), most_);
        }
        sent_ = std::max(budget_ - left_, sent_ * 7 / 8);
        if (!bulk_.empty()) ++stats.deferred_bulk;
        left_ = std::min(left_, std::int64_t{0}) + budget_;
        drop_old(stats);
    }

private:
    // What waits longer than this is asked for again; the oldest is most likely superseded.
    void drop_old(statistics& stats) {
        std::int64_t waiting = 0;
        for (const auto& [to, datagram] : bulk_)
            waiting += static_cast<std::int64_t>(datagram.size());
        for (; waiting > std::max(8 * budget_, 4 * step_) && !bulk_.empty(); bulk_.pop_front()) {
            waiting -= static_cast<std::int64_t>(bulk_.front().second.size());
            ++stats.superseded_bulk;
        }
    }

    std::deque<std::pair<std::string, std::vector<std::byte>>> urgent_;
    std::deque<std::pair<std::string, std::vector<std::byte>>> bulk_;
    std::int64_t most_;
    std::int64_t step_;
    std::int64_t budget_;   ///< payload an interval
    std::int64_t left_;     ///< of this interval's
    std::int64_t sent_ = 0; ///< in an interval lately
    std::uint64_t late_ = 0;
    time_point next_slowdown_{};
};

} // namespace joinery::gossip::detail
