// SPDX-License-Identifier: Apache-2.0
// A replica that comes too late for events that were truncated is told how many it missed.
#include "shared_state.hpp"

#include <crdt/event_log.hpp>

#include <doctest/doctest.h>

#include <string>

namespace history_gap_test {

using namespace gossip_test;

namespace {

struct journal {
    BOOST_HANA_DEFINE_STRUCT(journal, (crdt::event_log<std::string>, log));
    bool operator==(const journal&) const = default;
};

using log_engine = gossip::engine<journal>;

std::uint64_t missed(log_engine& at) {
    std::uint64_t events = 0;
    while (const auto each = at.poll_event())
        if (each->kind == gossip::event_kind::history_gap) events += each->amount;
    return events;
}

} // namespace

TEST_CASE("events truncated while a replica was away are told as a history gap, by whatever way") {
    for (const std::size_t left : {0U, 1U}) { // live entries, or the context alone
        INFO("events left: " << left);
        testing::network<log_engine> net(7 + left, testing::faults{50, 20, 1ms, 10ms});
        for (std::size_t node = 0; node < 2; ++node) {
            auto settings = config_of(node, 2);
            settings.relay_bytes = 64; // nothing but repair can bring what was missed
            net.add(address_of(node), log_engine(settings, node));
        }
        net.partition({{0}, {1}});
        for (std::uint64_t n = 1; n <= 20; ++n) {
            net.engine(0).update(&journal::log, [&](auto& log, auto self) {
                return log.append(self, n, "event " + std::to_string(n));
            });
        }
        net.engine(0).update(&journal::log, [&](auto& log, auto self) {
            return log.truncate(self, {{self, 20 - left}});
        });
        net.run_for(5s);
        net.heal();
        REQUIRE(net.run_until([&] { return in_sync(net); }, 120s));
        CHECK(equal_bytes(net));
        CHECK(std::as_const(net).engine(1).state().log.size() == left);
        CHECK(std::as_const(net).engine(1).state().log.total() == 20);
        CHECK(missed(net.engine(1)) == 20 - left);
        CHECK(missed(net.engine(0)) == 0);
    }
}

} // namespace history_gap_test
