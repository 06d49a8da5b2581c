// SPDX-License-Identifier: Apache-2.0
#include <testing/network.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace network_test {

using namespace std::chrono_literals;
using joinery::gossip::time_point;
using joinery::testing::fault_counts;
using joinery::testing::faults;
namespace testing = joinery::testing;

namespace {

// Sends its peer a numbered datagram every ten milliseconds and notes what it receives.
class counting_peer {
public:
    struct outgoing {
        std::string to;
        std::size_t size;
    };

    explicit counting_peer(std::string peer) : peer_(std::move(peer)) {}

    time_point next_deadline() const { return next_; }

    void tick(time_point now) {
        if (now >= next_ && !stuck) {
            next_ = now + 10ms;
            waiting_.push_back(static_cast<std::byte>(ticks++));
        }
    }

    std::optional<outgoing> poll_outgoing(std::span<std::byte> buffer) {
        if (waiting_.empty()) {
            return std::nullopt;
        }
        buffer[0] = waiting_.front();
        waiting_.pop_front();
        return outgoing{peer_, 1};
    }

    void receive(std::string_view from, std::span<const std::byte> bytes, time_point now) {
        received.emplace_back(now, static_cast<int>(bytes[0]));
        last_from = from;
    }

    std::vector<std::pair<time_point, int>> received;
    std::string last_from;
    int ticks = 0;
    bool stuck = false;

private:
    std::string peer_;
    time_point next_{};
    std::deque<std::byte> waiting_;
};

using network = joinery::testing::network<counting_peer>;

network pair_of(std::uint64_t seed, const faults& chances = {}) {
    network net(seed, chances);
    net.add("a", counting_peer("b"));
    net.add("b", counting_peer("a"));
    return net;
}

} // namespace

TEST_CASE("without faults every datagram arrives, in order, after the delay") {
    network net = pair_of(1, faults{0, 0, 3ms, 3ms});
    const time_point start = net.now();
    net.run_for(1s);
    CHECK(net.now() == start + 1s);
    const auto& received = std::as_const(net).engine(1).received;
    REQUIRE(received.size() >= 99);
    for (std::size_t each = 0; each < received.size(); ++each) {
        REQUIRE(received[each].second == static_cast<int>(each % 256));
        REQUIRE(received[each].first == start + 10ms * static_cast<int>(each) + 3ms);
    }
    CHECK(std::as_const(net).engine(1).last_from == "a");
    CHECK(net.counts().lost + net.counts().duplicated + net.counts().reordered == 0);
    CHECK(net.bytes_sent(0) == net.datagrams_sent(0));
    CHECK(net.largest_datagram() == 1);
}

TEST_CASE("each fault bites about as often as asked and is counted") {
    network net = pair_of(2, faults{100, 50, 1ms, 40ms});
    net.run_for(100s);
    const std::uint64_t sent = net.datagrams_sent(0) + net.datagrams_sent(1);
    CHECK(net.counts().lost > sent / 12);
    CHECK(net.counts().lost < sent / 8);
    CHECK(net.counts().duplicated > sent / 30);
    CHECK(net.counts().duplicated < sent / 16);
    CHECK(net.counts().reordered > sent / 10);
    CHECK(net.counts().delivered <= sent - net.counts().lost + net.counts().duplicated);
    CHECK(net.counts().cut == 0);
}

TEST_CASE("a cut link stops one direction and a partition both") {
    network net = pair_of(3);
    net.cut(0, 1);
    net.run_for(1s);
    CHECK(std::as_const(net).engine(1).received.empty());
    CHECK(!std::as_const(net).engine(0).received.empty());
    CHECK(net.counts().cut > 0);
    net.mend(0, 1);
    net.run_for(1s);
    const std::size_t before = std::as_const(net).engine(1).received.size();
    CHECK(before > 0);
    net.partition({{0}});
    net.run_for(1s);
    CHECK(std::as_const(net).engine(1).received.size() <= before + 1);
    net.heal();
    net.run_for(1s);
    CHECK(std::as_const(net).engine(1).received.size() > before + 50);
}

TEST_CASE("a stopped node hears nothing until it is restarted") {
    network net = pair_of(4);
    net.run_for(1s);
    net.stop(1);
    const std::size_t heard = std::as_const(net).engine(1).received.size();
    net.run_for(1s);
    CHECK(std::as_const(net).engine(1).received.size() == heard);
    CHECK(net.counts().unreachable > 0);
    net.restart(1, counting_peer("a"));
    net.run_for(1s);
    CHECK(std::as_const(net).engine(1).received.size() > 50);
}

TEST_CASE("one seed gives one trace, and a copy goes on like the original") {
    const faults chances{100, 50, 1ms, 40ms};
    network one = pair_of(5, chances);
    network same = pair_of(5, chances);
    network other = pair_of(6, chances);
    one.run_for(5s);
    same.run_for(2s);
    same.run_for(3s);
    other.run_for(5s);
    CHECK(one.trace() == same.trace());
    CHECK(one.counts() == same.counts());
    CHECK(one.counts() != other.counts());
    network copy = one;
    one.run_for(1s);
    copy.run_for(1s);
    CHECK(one.trace() == copy.trace());
    CHECK(one.trace() != same.trace());
}

TEST_CASE("run_until stops when the predicate holds, or at the end of its time") {
    network net = pair_of(7);
    const time_point start = net.now();
    CHECK(net.run_until([&] { return std::as_const(net).engine(0).received.size() >= 10; }, 10s));
    CHECK(net.now() < start + 200ms);
    CHECK(!net.run_until([] { return false; }, 1s));
    CHECK(net.now() <= start + 1200ms);
}

TEST_CASE("an engine whose deadline does not advance is counted and does not hang the run") {
    network net = pair_of(8);
    net.engine(0).stuck = true;
    net.run_for(1s);
    CHECK(net.counts().stalled > 100);
    CHECK(std::as_const(net).engine(1).ticks > 50);
}

TEST_CASE("a paused node does its waiting later, and its mail waits too") {
    network net = pair_of(9);
    net.run_for(100ms);
    net.pause(1, 500ms);
    const std::size_t before = std::as_const(net).engine(1).received.size();
    net.run_for(400ms);
    CHECK(std::as_const(net).engine(1).received.size() == before);
    net.run_for(200ms);
    CHECK(std::as_const(net).engine(1).received.size() > before + 40);
    CHECK(net.counts().postponed > 40);
    CHECK(net.counts().late_ticks > 0);
}

TEST_CASE("a node's clock jumps and stands still without the network's time doing so") {
    network net = pair_of(10);
    net.run_for(100ms);
    net.jump_clock(1, -1h);
    net.run_for(100ms);
    CHECK(std::as_const(net).engine(1).received.back().first < net.now() - 59min);
    net.jump_clock(1, 2h);
    net.run_for(100ms);
    CHECK(std::as_const(net).engine(1).received.back().first > net.now() + 59min);
    const int ticked = std::as_const(net).engine(0).ticks;
    net.freeze_clock(0, 500ms);
    net.run_for(450ms);
    CHECK(std::as_const(net).engine(0).ticks <= ticked + 2);
    net.run_for(300ms);
    CHECK(std::as_const(net).engine(0).ticks > ticked + 10);
    CHECK(net.counts().clock_faults == 3);
}

TEST_CASE("a narrow wire delays, then drops; a slow receiver takes little in") {
    network net = pair_of(11);
    net.lines().bandwidth(0, 50, 10);
    net.lines().intake(0, 10);
    net.run_for(10s);
    const std::size_t received = std::as_const(net).engine(1).received.size();
    CHECK(received > 450);
    CHECK(received < 550);
    CHECK(net.counts().congested > 300);
    CHECK(net.counts().queued > 400);
    CHECK(std::as_const(net).engine(0).received.size() <= 101);
    CHECK(net.counts().not_taken > 800);
}

TEST_CASE("delays are spread as asked, and between zones they are others") {
    const auto mean = [](testing::delay_shape shape, bool far) {
        network net = pair_of(12, faults{0, 0, 1ms, 21ms, shape});
        if (far) {
            net.lines().zone(1, 5);
            net.lines().between_zones(100ms, 100ms);
        }
        net.run_for(20s);
        return static_cast<double>(std::as_const(net).engine(1).received.size());
    };
    CHECK(mean(testing::delay_shape::even, false) > 1990);
    CHECK(mean(testing::delay_shape::even, true) < 1992);
    network net = pair_of(13, faults{0, 0, 1ms, 21ms, testing::delay_shape::exponential});
    net.run_for(60s);
    CHECK(net.counts().reordered > 1000);
    network heavy = pair_of(13, faults{0, 0, 3ms, 3ms, testing::delay_shape::heavy});
    heavy.run_for(60s);
    CHECK(heavy.counts().reordered > 0);
}

} // namespace network_test
