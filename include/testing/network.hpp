// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/peer.hpp>
#include <gossip/random.hpp>
#include <testing/detail/lines.hpp>
#include <testing/detail/links.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::testing {

/// How often each fault bit, and what got through.
struct fault_counts {
    std::uint64_t delivered = 0;
    std::uint64_t lost = 0;
    std::uint64_t duplicated = 0;
    std::uint64_t reordered = 0; // delivered after a datagram that was sent later on the same link
    std::uint64_t cut = 0;       // stopped by a cut link or a partition
    std::uint64_t unreachable = 0; // sent to an address that is nobody's, or to a stopped node
    std::uint64_t congested = 0;   // found the sender's queue full
    std::uint64_t queued = 0;      // waited for the sender's wire
    std::uint64_t not_taken = 0;   // came faster than the receiver takes them in
    std::uint64_t postponed = 0;   // waited for a paused receiver
    std::uint64_t late_ticks = 0;  // ticks of a node that was paused when they were due
    std::uint64_t clock_faults = 0;
    std::uint64_t restarts = 0;
    std::uint64_t stalled = 0; // an engine asked for a tick not later than the one just served

    bool operator==(const fault_counts&) const = default;
};

/// Any number of engines in one thread and virtual time, joined by datagrams only: what
/// poll_outgoing hands out is what receive takes in, after the faults have had their turn.
/// State      the engines, the datagrams in flight, the clock, the random generator, the counters.
/// Value      trace() digests (time, from, to, bytes) of every datagram; one seed gives one trace.
/// Invariant  decisions use integers and ordered containers only; a copy replays identically.
/// Cost       O(log (datagrams in flight + nodes)) an event, besides the engines' own work.
template <class Engine>
class network {
public:
    using time_point = gossip::time_point;
    using duration = std::chrono::nanoseconds;

    explicit network(std::uint64_t seed, const faults& chances = {})
        : faults_(chances), random_(seed) {}

    /// The index of the new node, which the others reach at `address`.
    /// Precondition: no other node has this address.
    std::size_t add(const std::string& address, Engine engine) {
        const std::size_t index = nodes_.size();
        [[maybe_unused]] const bool fresh = addresses_.emplace(address, index).second;
        assert(fresh);
        nodes_.push_back({address, std::move(engine), time_point::max()});
        touched_.insert(index);
        return index;
    }

    /// The engine may be used freely between runs; what it then wants to send leaves at once.
    Engine& engine(std::size_t index) {
        touched_.insert(index);
        return nodes_[index].engine;
    }
    const Engine& engine(std::size_t index) const { return nodes_[index].engine; }

    std::size_t size() const { return nodes_.size(); }
    time_point now() const { return now_; }

    /// A stopped node neither ticks nor receives until it is restarted.
    void stop(std::size_t index) {
        flush();
        nodes_[index].running = false;
        schedule(index, time_point::max());
    }

    /// Replaces the node's engine, as a process that starts again at the same address does.
    void restart(std::size_t index, Engine engine) {
        nodes_[index].engine = std::move(engine);
        nodes_[index].running = true;
        ++counts_.restarts;
        touched_.insert(index);
    }
    bool running(std::size_t index) const { return nodes_[index].running; }

    /// The node neither ticks nor receives for so long; what reaches it meanwhile waits for it.
    void pause(std::size_t index, duration length) {
        flush();
        nodes_[index].paused_until = std::max(nodes_[index].paused_until, now_ + length);
    }
    void jump_clock(std::size_t index, duration by) {
        flush();
        ++counts_.clock_faults;
        nodes_[index].clock.jump(by);
        touched_.insert(index);
    }
    /// The node's clock stands still for so long; the node does not.
    void freeze_clock(std::size_t index, duration length) {
        flush();
        ++counts_.clock_faults;
        nodes_[index].clock.freeze(now_, now_ + length);
        touched_.insert(index);
    }

    /// Loss, zones and rates of single nodes and links; heal() leaves them, clear() ends them.
    detail::lines& lines() { return lines_; }

    /// From now on every datagram sent is kept, at most `most`.
    struct captured {
        std::size_t from;
        std::size_t to;
        std::vector<std::byte> bytes;
    };
    void capture(std::size_t most) { capture_ = most; }
    const std::vector<captured>& captures() const { return captures_; }
    /// Delivers bytes at once, as if they came from there.
    void inject(const std::string& from, std::size_t to, std::span<const std::byte> bytes) {
        flush();
        node& receiver = nodes_[to];
        receiver.engine.receive(from, bytes, receiver.clock.read(now_));
        touched_.insert(to);
        flush();
    }

    void set_faults(const faults& chances) { faults_ = chances; }
    void cut(std::size_t from, std::size_t to) { links_.cut(from, to); }
    void mend(std::size_t from, std::size_t to) { links_.mend(from, to); }
    /// Nodes that no group names form one further group.
    void partition(const std::vector<std::vector<std::size_t>>& groups) {
        links_.partition(groups);
    }
    /// Ends every cut and every partition.
    void heal() { links_.heal(); }

    void run_for(duration length) {
        const time_point end = now_ + length;
        flush();
        while (step(end)) {}
        now_ = end;
    }

    /// Whether the predicate came true within the given time. It is asked once every `grain`.
    template <class Predicate>
    bool run_until(Predicate holds, duration longest,
                   duration grain = std::chrono::milliseconds(20)) {
        assert(grain > duration::zero());
        const time_point end = now_ + longest;
        flush();
        while (!holds()) {
            if (now_ >= end) {
                return false;
            }
            run_for(std::min<duration>(grain, end - now_));
        }
        return true;
    }

    const fault_counts& counts() const { return counts_; }
    std::uint64_t trace() const { return trace_; }
    std::size_t largest_datagram() const { return largest_; }
    std::uint64_t datagrams_sent(std::size_t index) const { return nodes_[index].datagrams; }
    std::uint64_t bytes_sent(std::size_t index) const { return nodes_[index].bytes; }

    std::uint64_t bytes_sent() const {
        std::uint64_t sum = 0;
        for (const node& each : nodes_) {
            sum += each.bytes;
        }
        return sum;
    }

private:
    // A stalled engine is served again after this, so that a bug of its shows as a counter and not
    // as a loop without end.
    static constexpr duration stall_pause = std::chrono::milliseconds(1);
    static constexpr std::size_t buffer_bytes = 65536;

    struct node {
        std::string address;
        Engine engine;
        time_point deadline;
        std::uint64_t datagrams = 0;
        std::uint64_t bytes = 0;
        bool running = true;
        time_point paused_until = time_point::min();
        detail::local_clock clock{};
    };

    struct datagram {
        time_point arrival;
        std::uint64_t sequence; // order of sending; equal for the copies of a duplicated datagram
        std::uint64_t order;    // breaks ties of arrival
        std::size_t from;
        std::size_t to;
        std::vector<std::byte> bytes;
    };

    struct later {
        bool operator()(const datagram& a, const datagram& b) const {
            return std::tie(a.arrival, a.order) > std::tie(b.arrival, b.order);
        }
    };

    /// Serves the next event that is due before or at `end`; false if there is none.
    bool step(time_point end) {
        const time_point tick = deadlines_.empty() ? time_point::max() : deadlines_.begin()->first;
        const time_point arrival = flying_.empty() ? time_point::max() : flying_.top().arrival;
        if (std::min(tick, arrival) > end || std::min(tick, arrival) == time_point::max()) {
            return false;
        }
        now_ = std::max(now_, std::min(tick, arrival));
        if (arrival <= tick) {
            deliver();
        } else {
            serve(deadlines_.begin()->second);
        }
        return true;
    }

    void serve(std::size_t index) {
        node& at = nodes_[index];
        if (at.paused_until > now_) {
            ++counts_.late_ticks;
            schedule(index, at.paused_until);
            return;
        }
        at.engine.tick(at.clock.read(now_));
        drain(index);
        const time_point next = at.clock.when(at.engine.next_deadline(), now_);
        if (next <= now_) {
            ++counts_.stalled;
        }
        schedule(index, next <= now_ ? now_ + stall_pause : next);
    }

    void deliver() {
        datagram arrived = flying_.top();
        flying_.pop();
        node& receiver = nodes_[arrived.to];
        if (!receiver.running) {
            ++counts_.unreachable;
            return;
        }
        if (receiver.paused_until > now_) {
            ++counts_.postponed;
            arrived.arrival = receiver.paused_until;
            flying_.push(std::move(arrived));
            return;
        }
        if (!lines_.takes_in(arrived.to, now_)) {
            ++counts_.not_taken;
            return;
        }
        std::uint64_t& newest = newest_[{arrived.from, arrived.to}];
        counts_.reordered += arrived.sequence < newest ? 1U : 0U;
        newest = std::max(newest, arrived.sequence);
        ++counts_.delivered;
        receiver.engine.receive(nodes_[arrived.from].address,
                                std::span<const std::byte>(arrived.bytes),
                                receiver.clock.read(now_));
        drain(arrived.to);
        reschedule(arrived.to);
    }

    void reschedule(std::size_t index) {
        node& at = nodes_[index];
        schedule(index, std::max(now_, at.clock.when(at.engine.next_deadline(), now_)));
    }

    /// Takes in what the caller did to engines since the last event.
    void flush() {
        for (const std::size_t index : std::exchange(touched_, {})) {
            if (nodes_[index].running) {
                drain(index);
                reschedule(index);
            }
        }
    }

    void schedule(std::size_t index, time_point deadline) {
        deadlines_.erase({nodes_[index].deadline, index});
        nodes_[index].deadline = deadline;
        if (deadline != time_point::max()) {
            deadlines_.emplace(deadline, index);
        }
    }

    void drain(std::size_t index) {
        buffer_.resize(buffer_bytes);
        while (const auto next =
                   nodes_[index].engine.poll_outgoing(std::span<std::byte>(buffer_))) {
            send(index, std::string(next->to),
                 std::span<const std::byte>(buffer_).first(next->size));
        }
    }

    void send(std::size_t from, const std::string& address, std::span<const std::byte> bytes) {
        nodes_[from].datagrams += 1;
        nodes_[from].bytes += bytes.size();
        largest_ = std::max(largest_, bytes.size());
        const auto known = addresses_.find(address);
        if (known == addresses_.end()) {
            ++counts_.unreachable;
            return;
        }
        const std::size_t to = known->second;
        const auto when = static_cast<std::uint64_t>(now_.time_since_epoch().count());
        const std::uint64_t link = (static_cast<std::uint64_t>(from) << 32U) | to;
        trace_ = wire::mix(wire::mix(trace_, when), wire::mix(link, wire::content_hash64(bytes)));
        if (captures_.size() < capture_) {
            captures_.push_back({from, to, {bytes.begin(), bytes.end()}});
        }
        if (!links_.open(from, to)) {
            ++counts_.cut;
            return;
        }
        if (random_.chance(std::max(faults_.loss, lines_.extra_loss(from, to)), 1000)) {
            ++counts_.lost;
            return;
        }
        const time_point left = lines_.departure(from, bytes.size(), now_);
        if (left == time_point::max()) {
            ++counts_.congested;
            return;
        }
        counts_.queued += left > now_ ? 1U : 0U;
        const std::uint64_t sequence = ++sequence_;
        post(from, to, sequence, left, bytes);
        if (random_.chance(faults_.duplication, 1000)) {
            ++counts_.duplicated;
            post(from, to, sequence, left, bytes);
        }
    }

    void post(std::size_t from, std::size_t to, std::uint64_t sequence, time_point left,
              std::span<const std::byte> bytes) {
        const duration delay = lines_.delay(from, to, faults_, random_);
        flying_.push(datagram{left + delay, sequence, ++order_, from, to,
                              std::vector<std::byte>(bytes.begin(), bytes.end())});
    }

    faults faults_;
    fault_counts counts_;
    gossip::random random_;
    detail::links links_;
    detail::lines lines_;
    std::vector<captured> captures_;
    std::size_t capture_ = 0;
    // Not zero, since engines must not care for the origin of time.
    time_point now_ = time_point{} + std::chrono::hours(1);
    std::vector<node> nodes_;
    std::map<std::string, std::size_t> addresses_;
    std::set<std::size_t> touched_;
    std::set<std::pair<time_point, std::size_t>> deadlines_;
    std::priority_queue<datagram, std::vector<datagram>, later> flying_;
    std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> newest_;
    std::vector<std::byte> buffer_;
    std::uint64_t sequence_ = 0;
    std::uint64_t order_ = 0;
    std::uint64_t trace_ = 0;
    std::size_t largest_ = 0;
};

} // namespace joinery::testing
