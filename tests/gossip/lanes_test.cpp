// SPDX-License-Identifier: Apache-2.0
#include <gossip/detail/lanes.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace lanes_test {

namespace gossip = joinery::gossip;
using gossip::detail::lanes;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t datagram = 1000;
constexpr std::size_t most = 64 * datagram;
constexpr auto interval = 200ms;

// A queue with a clock and counters of its own.
struct bench {
    lanes queue{most, datagram};
    gossip::statistics stats{};
    gossip::time_point now{1h};
    std::uint64_t late = 0;

    void refill() { queue.refill(now += interval, late, interval, stats); }
    void add(std::vector<std::uint64_t> marks, bool urgent = false, std::size_t size = datagram) {
        queue.add("to", std::vector<std::byte>(size, std::byte{1}), urgent, std::move(marks));
    }
    std::optional<gossip::outgoing> poll(std::size_t room = datagram) {
        std::vector<std::byte> buffer(room);
        return queue.poll(std::span(buffer), stats);
    }
    // The bytes that may go in this interval, with more waiting than that.
    std::size_t budget() {
        while (poll()) {}
        refill();
        while (queue.size() < 2 * most / datagram) add({});
        std::size_t bytes = 0;
        while (const auto sent = poll()) bytes += sent->size;
        return bytes;
    }
};

} // namespace

TEST_CASE("a mark waits until its datagram is polled, and is known as sent later") {
    bench at;
    at.add({7, 8});
    at.add({9});
    CHECK(at.queue.waits(7));
    CHECK(at.queue.waits(8));
    CHECK(at.queue.waits(9));
    REQUIRE(at.poll());
    CHECK(!at.queue.waits(7));
    CHECK(!at.queue.waits(8));
    CHECK(at.queue.waits(9));
    CHECK(!at.queue.was_sent(7)); // it may still be on its way
    for (int each = 0; each < 3; ++each) at.refill();
    CHECK(at.queue.was_sent(7));
    CHECK(at.queue.was_sent(8));
    CHECK(!at.queue.was_sent(9));
    CHECK(!at.queue.was_sent(10));
}

TEST_CASE("a mark leaves with a datagram that the buffer has no room for, and is not sent") {
    bench at;
    at.add({7});
    at.add({8}, false, 100);
    const auto sent = at.poll(500);
    REQUIRE(sent);
    CHECK(sent->size == 100);
    CHECK(at.stats.dropped_outgoing == 1);
    CHECK(at.stats.datagrams_out == 1);
    CHECK(!at.queue.waits(7));
    for (int each = 0; each < 3; ++each) at.refill();
    CHECK(!at.queue.was_sent(7));
    CHECK(at.queue.was_sent(8));
}

TEST_CASE("what waits too long is superseded, oldest first, and its marks leave unsent") {
    bench at;
    const std::size_t count = 9 * most / datagram;
    for (std::uint64_t each = 1; each <= count; ++each) at.add({each});
    at.refill();
    const std::uint64_t dropped = at.stats.superseded_bulk;
    CHECK(dropped > 0);
    CHECK(at.queue.size() == count - dropped);
    CHECK(!at.queue.waits(1));
    CHECK(!at.queue.waits(dropped));
    CHECK(at.queue.waits(dropped + 1));
    CHECK(at.queue.waits(count));
    for (int each = 0; each < 3; ++each) at.refill();
    CHECK(!at.queue.was_sent(1));
}

TEST_CASE("the urgent go first and are no payload") {
    bench at;
    const std::size_t budget = at.budget();
    at.refill();
    for (std::size_t each = 0; each < 3 * most / datagram; ++each) at.add({});
    for (int each = 0; each < 5; ++each) at.add({}, true);
    for (int each = 0; each < 5; ++each) {
        const auto sent = at.poll();
        REQUIRE(sent);
        CHECK(sent->cls == gossip::traffic_class::urgent);
    }
    std::size_t payload = 0;
    while (const auto sent = at.poll()) {
        CHECK(sent->cls == gossip::traffic_class::bulk);
        payload += sent->size;
    }
    CHECK(payload >= budget);
    CHECK(payload <= most + datagram);
    CHECK(at.queue.size() > 0);
    at.add({}, true); // though the budget is used up
    CHECK(at.poll());
    CHECK(!at.poll());
}

TEST_CASE("the budget halves when something was late and recovers while nothing is") {
    bench at;
    CHECK(at.budget() >= most);
    CHECK(at.budget() >= most);
    const std::size_t before = at.budget();
    ++at.late;
    const std::size_t halved = at.budget();
    CHECK(at.stats.slowdowns == 1);
    CHECK(halved <= before / 2 + datagram);
    CHECK(halved + datagram >= before / 2);
    ++at.late; // too soon for the effect of the first to be seen
    CHECK(at.budget() >= halved);
    CHECK(at.stats.slowdowns == 1);
    for (int each = 0; each < 3; ++each) at.budget();
    ++at.late;
    CHECK(at.budget() < halved);
    CHECK(at.stats.slowdowns == 2);
    for (int each = 0; each < 20; ++each) { // it never ends
        ++at.late;
        std::size_t sent = 0;
        for (int more = 0; more < 10; ++more) sent += at.budget();
        CHECK(sent > 0);
        CHECK((each < 10 || sent <= 10 * datagram));
    }
    const std::size_t low = at.budget();
    CHECK(low <= 2 * datagram);
    for (int each = 0; each < 100; ++each) at.budget();
    CHECK(at.budget() >= most / 2);
    for (int each = 0; each < 100; ++each) at.budget();
    CHECK(at.budget() >= most);
}

TEST_CASE("payload that had to wait is counted once an interval") {
    bench at;
    for (std::size_t each = 0; each < 2 * most / datagram; ++each) at.add({});
    while (at.poll()) {}
    at.refill();
    CHECK(at.stats.deferred_bulk == 1);
    while (at.poll()) {}
    at.refill();
    CHECK(at.stats.deferred_bulk == 1);
}

} // namespace lanes_test
