// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/message.hpp>
#include <gossip/detail/reusing.hpp>
#include <gossip/detail/ring.hpp>
#include <gossip/event.hpp>
#include <gossip/peer.hpp>
#include <gossip/statistics.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The datagrams that wait to be sent.
///
/// State      an urgent lane and a lane for payload; how much payload may go in an interval; marks
///            of the items that wait and of the last that were sent.
/// Invariant  urgent ones never wait for payload; payload waits for a few intervals at most.
/// Cost       O(1) a datagram, O(log items) an item.
/// Source     additive increase, multiplicative decrease: Chiu and Jain 1989.
class lanes {
public:
    lanes(std::size_t most, std::size_t datagram)
        : most_(static_cast<std::int64_t>(most)),
          step_(static_cast<std::int64_t>(datagram)),
          budget_(most_),
          left_(most_) {}

    std::size_t size() const { return urgent_.size() + bulk_.size(); }

    /// @param marks  the items that the datagram bears; they wait until it leaves in any way
    void add(const std::string& to, bytes_view datagram, bool urgent,
             std::span<const std::uint64_t> marks = {}) {
        add(to, datagram.size(), urgent, marks, [&](std::span<std::byte> place) {
            std::copy(datagram.begin(), datagram.end(), place.begin());
        });
    }
    /// The same of a datagram of `size` bytes, which `write(place)` writes.
    template <class Write>
    void add(const std::string& to, std::size_t size, bool urgent,
             std::span<const std::uint64_t> marks, Write&& write) {
        auto& lane = urgent ? urgent_ : bulk_;
        entry& last = lane.next();
        last.to = to;
        last.datagram.resize(size);
        write(std::span(last.datagram));
        last.marks.assign(marks.begin(), marks.end());
        lane.push();
        for (const std::uint64_t each : marks) waiting_.insert(each);
    }

    /// What an item that is on its way to a peer is known by here.
    static std::uint64_t mark_of(const std::string& to, const item_key& key) {
        const auto name = wire::content_digest(std::as_bytes(std::span(to)));
        return wire::mix(wire::mix(name.lo, key.origin.value), key.sequence);
    }
    bool waits(std::uint64_t mark) const { return waiting_.contains(mark); }
    /// Whether it was sent so long ago that it has arrived, if it ever does.
    bool was_sent(std::uint64_t mark) const {
        const auto at = sent_marks_.find(mark);
        return at != sent_marks_.end() && intervals_ >= at->second + 3;
    }

    std::optional<outgoing> poll(std::span<std::byte> buffer, statistics& stats) {
        while (!urgent_.empty() || (!bulk_.empty() && left_ > 0)) {
            const auto cls = urgent_.empty() ? traffic_class::bulk : traffic_class::urgent;
            auto& lane = urgent_.empty() ? bulk_ : urgent_;
            lane.pop(leaving_);
            const std::size_t size = leaving_.datagram.size();
            leave(leaving_.marks, size <= buffer.size());
            if (size > buffer.size()) {
                ++stats.dropped_outgoing;
                continue;
            }
            if (cls == traffic_class::bulk) left_ -= static_cast<std::int64_t>(size);
            std::memcpy(buffer.data(), leaving_.datagram.data(), size);
            ++stats.datagrams_out;
            stats.bytes_out += size;
            return outgoing{std::move(leaving_.to), size, cls};
        }
        return std::nullopt;
    }

    /// A new interval: if something was late since the last (`late` counts that) half of the
    /// budget, at most what was really sent; somewhat more if nothing was.
    void refill(time_point now, std::uint64_t late, duration interval, statistics& stats) {
        ++intervals_;
        if (std::exchange(late_, late) != late && now >= next_slowdown_) {
            ++stats.slowdowns;
            next_slowdown_ = now + 3 * interval; // until the effect can be seen
            budget_ = std::max<std::int64_t>(std::min(budget_, 2 * sent_) / 2, step_ / 8);
        } else {
            const bool calm = now > next_slowdown_ + 30 * interval;
            budget_ = std::min(budget_ + step_ / 64 + budget_ / (calm ? 8 : 64), most_);
        }
        sent_ = std::max(budget_ - left_, sent_ * 7 / 8);
        if (!bulk_.empty()) ++stats.deferred_bulk;
        left_ = std::min(left_, std::int64_t{0}) + budget_;
        drop_old(stats);
    }

private:
    static constexpr std::size_t max_sent = 1024;

    struct entry {
        std::string to;
        std::vector<std::byte> datagram;
        std::vector<std::uint64_t> marks;
    };

    void leave(const std::vector<std::uint64_t>& marks, bool sent) {
        for (const std::uint64_t each : marks) {
            waiting_.erase(each);
            if (!sent) continue;
            const std::size_t before = sent_marks_.size();
            sent_marks_[each] = intervals_;
            if (sent_marks_.size() == before) continue;
            sent_order_.next() = each;
            sent_order_.push();
            if (sent_order_.size() <= max_sent) continue;
            sent_marks_.erase(sent_order_.front());
            sent_order_.pop();
        }
    }

    // What waits longer than this is asked for again; the oldest is most likely superseded.
    void drop_old(statistics& stats) {
        std::int64_t waiting = 0;
        for (std::size_t each = 0; each < bulk_.size(); ++each)
            waiting += static_cast<std::int64_t>(bulk_[each].datagram.size());
        for (; waiting > std::max(8 * budget_, 4 * step_) && !bulk_.empty(); bulk_.pop()) {
            waiting -= static_cast<std::int64_t>(bulk_.front().datagram.size());
            leave(bulk_.front().marks, false);
            ++stats.superseded_bulk;
        }
    }

    ring<entry> urgent_;
    ring<entry> bulk_;
    entry leaving_; ///< the latest that was polled
    reusing<std::set<std::uint64_t>> waiting_;
    reusing<std::map<std::uint64_t, std::uint64_t>> sent_marks_; ///< the interval of each
    std::uint64_t intervals_ = 0;
    ring<std::uint64_t> sent_order_; ///< of those marks, the oldest first
    std::int64_t most_;
    std::int64_t step_;
    std::int64_t budget_;   ///< payload an interval
    std::int64_t left_;     ///< of this interval's
    std::int64_t sent_ = 0; ///< in an interval lately
    std::uint64_t late_ = 0;
    time_point next_slowdown_{};
};

} // namespace joinery::gossip::detail
