// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/peer.hpp>
#include <gossip/random.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace joinery::testing {

/// How delays are spread. even: over [delay_min, delay_max]. exponential: beyond delay_min with the
/// mean (delay_max - delay_min) / 2. heavy: even, but one in fifty takes ten times as long.
enum class delay_shape : std::uint8_t { even, exponential, heavy };

/// What the simulated network does to each datagram. Chances are per mille.
struct faults {
    std::uint32_t loss = 0;
    std::uint32_t duplication = 0;
    std::chrono::nanoseconds delay_min = std::chrono::milliseconds(1);
    std::chrono::nanoseconds delay_max = std::chrono::milliseconds(1);
    delay_shape shape = delay_shape::even;
};

namespace detail {

/// What single nodes and pairs of them do to datagrams besides the faults of all.
///
/// State      loss by receiver and by link; zones; rates of sending and receiving.
/// Invariant  integers and ordered containers only.
/// Cost       O(log nodes) a datagram.
class lines {
public:
    using time_point = gossip::time_point;
    using duration = std::chrono::nanoseconds;

    void ingress_loss(std::size_t node, std::uint32_t per_mille) { ingress_[node] = per_mille; }
    void link_loss(std::size_t from, std::size_t to, std::uint32_t per_mille) {
        link_[{from, to}] = per_mille;
    }
    void zone(std::size_t node, std::uint32_t zone) { zones_[node] = zone; }
    void between_zones(duration least, duration most) {
        far_min_ = least;
        far_max_ = most;
    }
    /// 0: as much as it wants.
    void bandwidth(std::size_t node, std::uint64_t bytes_per_second, std::uint64_t queue_bytes) {
        wires_[node] = {bytes_per_second, queue_bytes, time_point::min()};
    }
    /// Datagrams that it takes in a second; 0: all.
    void intake(std::size_t node, std::uint64_t per_second) {
        intakes_[node] = {per_second, time_point::min()};
    }
    void clear() { *this = lines{}; }

    std::uint32_t extra_loss(std::size_t from, std::size_t to) const {
        const auto in = ingress_.find(to);
        const auto on = link_.find({from, to});
        return std::max(in == ingress_.end() ? 0 : in->second, on == link_.end() ? 0 : on->second);
    }

    duration delay(std::size_t from, std::size_t to, const faults& common,
                   gossip::random& random) const {
        const bool far = zone_of(from) != zone_of(to) && far_max_ > duration::zero();
        const duration least = far ? far_min_ : common.delay_min;
        const auto spread =
            static_cast<std::uint64_t>(((far ? far_max_ : common.delay_max) - least).count());
        switch (common.shape) {
            case delay_shape::even: break;
            case delay_shape::exponential: return least + exponential(spread / 2, random);
            case delay_shape::heavy:
                if (random.chance(1, 50)) return 10 * (least + duration(random.below(spread + 1)));
        }
        return least + duration(random.below(spread + 1));
    }

    /// When a datagram of this size has left its sender; max if the queue before it is full.
    time_point departure(std::size_t from, std::size_t bytes, time_point now) {
        const auto at = wires_.find(from);
        if (at == wires_.end() || at->second.rate == 0) return now;
        wire& on = at->second;
        const time_point start = std::max(on.busy_until, now);
        const auto waiting =
            static_cast<std::uint64_t>((start - now).count()) / 1000 * on.rate / 1'000'000;
        if (waiting > on.queue) return time_point::max();
        on.busy_until = start + duration(bytes * 1'000'000'000 / on.rate);
        return on.busy_until;
    }

    bool takes_in(std::size_t node, time_point now) {
        const auto at = intakes_.find(node);
        if (at == intakes_.end() || at->second.rate == 0) return true;
        if (now < at->second.next) return false;
        at->second.next = now + duration(1'000'000'000 / at->second.rate);
        return true;
    }

private:
    struct wire {
        std::uint64_t rate = 0;
        std::uint64_t queue = 0;
        time_point busy_until = time_point::min();
    };
    struct gate {
        std::uint64_t rate = 0;
        time_point next = time_point::min();
    };

    std::uint32_t zone_of(std::size_t node) const {
        const auto at = zones_.find(node);
        return at == zones_.end() ? 0 : at->second;
    }

    // -ln(u) from the position of u's highest bit and the bits behind it: at most 44 means.
    static duration exponential(std::uint64_t mean, gossip::random& random) {
        const std::uint64_t u = random.next() | 1U;
        const auto width = static_cast<unsigned>(std::bit_width(u));
        const std::uint64_t fraction = (u << (64 - width) >> 54U) & 0x1ffU; // of 512
        const std::uint64_t minus_log2 = (std::uint64_t{65} - width) * 512 - fraction;
        return duration(mean / 512 * minus_log2 * 693 / 1000);
    }

    std::map<std::size_t, std::uint32_t> ingress_;
    std::map<std::pair<std::size_t, std::size_t>, std::uint32_t> link_;
    std::map<std::size_t, std::uint32_t> zones_;
    duration far_min_{0};
    duration far_max_{0};
    std::map<std::size_t, wire> wires_;
    std::map<std::size_t, gate> intakes_;
};

/// The clock of one node: the network's time, shifted by jumps and held by freezes.
class local_clock {
public:
    using time_point = gossip::time_point;
    using duration = std::chrono::nanoseconds;

    void jump(duration by) { offset_ += by; }
    void freeze(time_point from, time_point until) {
        frozen_at_ = read(from);
        frozen_until_ = until;
    }

    time_point read(time_point now) const {
        return now < frozen_until_ ? frozen_at_ : now + offset_;
    }
    /// When in the network's time this clock will show `at`, seen from `now`.
    time_point when(time_point at, time_point now) const {
        if (at == time_point::max() || at == time_point::min()) return std::max(at, now);
        const time_point then = at - offset_;
        return now < frozen_until_ ? std::max(then, frozen_until_) : then;
    }

private:
    duration offset_{0};
    time_point frozen_at_{};
    time_point frozen_until_ = time_point::min();
};

} // namespace detail
} // namespace joinery::testing
