// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace gossip_test;

namespace {

using counts_by_key = crdt::g_map<std::uint64_t, crdt::g_counter>;
using counting_engine = gossip::engine<counts_by_key>;

template <class Network>
std::uint64_t repaired(const Network& net) {
    std::uint64_t sum = 0;
    for (std::size_t node = 0; node < net.size(); ++node) {
        sum += net.engine(node).statistics().entries_repaired;
    }
    return sum;
}

} // namespace

TEST_CASE("a state of 100,000 entries crosses to an empty engine in datagrams of 512 bytes") {
    const std::uint64_t entries = 100'000 / JOINERY_CASES_DIVISOR;
    testing::network<counting_engine> net(1, testing::faults{20, 10, 1ms, 5ms});
    for (std::size_t node = 0; node < 2; ++node) {
        gossip::config settings = config_of(node, 2);
        settings.max_datagram = 512;
        settings.check_updates = false;
        net.add(address_of(node), counting_engine(settings, 50 + node));
    }
    counting_engine& full = net.engine(0);
    full.update([&](counts_by_key& counts, crdt::replica_id self) {
        counts_by_key delta;
        for (std::uint64_t key = 0; key < entries; ++key) {
            const auto one = [&](auto& count, auto as) { return count.increment(as, key + 1); };
            crdt::merge(delta, counts.update(self, key * 2654435761U, one));
        }
        return delta;
    });
    CHECK(net.run_until([&] { return in_sync(net); }, 600s, 1s));
    CHECK(equal_bytes(net));
    CHECK(std::as_const(net).engine(1).state().size() == entries);
    CHECK(net.largest_datagram() <= 512);
    CHECK(net.largest_datagram() > 256);
    MESSAGE("virtual seconds: " << (net.now().time_since_epoch() - 1h) / 1s
                                << ", bytes: " << net.bytes_sent());
}

TEST_CASE("a restored state of many entries crosses by repair alone") {
    const std::uint64_t entries = 20'000 / JOINERY_CASES_DIVISOR;
    testing::network<counting_engine> net(6, testing::faults{20, 10, 1ms, 5ms});
    counts_by_key counts;
    for (std::uint64_t key = 0; key < entries; ++key)
        counts.update(crdt::replica_id{1}, key * 2654435761U,
                      [](auto& count, auto as) { return count.increment(as, 7); });
    counting_engine saved(config_of(0, 2), 1);
    saved.merge_local(counts);
    for (std::size_t node = 0; node < 2; ++node) {
        gossip::config settings = config_of(node, 2);
        settings.max_datagram = 512;
        net.add(address_of(node), counting_engine(settings, 50 + node));
    }
    net.engine(0).restore(saved.snapshot(), 2);
    CHECK(net.run_until([&] { return in_sync(net); }, 600s, 1s));
    CHECK(equal_bytes(net));
    CHECK(std::as_const(net).engine(1).state() == counts);
    CHECK(repaired(std::as_const(net)) == entries);
    CHECK(std::as_const(net).engine(1).statistics().items_received == 0);
    CHECK(net.largest_datagram() <= 512);
    MESSAGE("virtual seconds: " << (net.now().time_since_epoch() - 1h) / 1s
                                << ", bytes: " << net.bytes_sent());
}

TEST_CASE("what a tiny relay buffer forgot is repaired, removals too") {
    testing::network<engine> net(2, testing::faults{200, 50, 1ms, 30ms});
    constexpr std::size_t nodes = 4;
    for (std::size_t node = 0; node < nodes; ++node) {
        gossip::config settings = config_of(node, nodes);
        settings.relay_bytes = 256;
        settings.push_bytes = 0;
        net.add(address_of(node), engine(settings, 60 + node));
    }
    for (int each = 0; each < 60; ++each) {
        net.engine(static_cast<std::size_t>(each) % nodes)
            .update(&shared_state::tags, [&](auto& set, auto self) {
                return set.add(self, "tag" + std::to_string(each));
            });
    }
    net.run_for(1s);
    REQUIRE(net.run_until([&] { return in_sync(net); }, 120s));
    CHECK(equal_bytes(net));
    CHECK(repaired(std::as_const(net)) > 0);
    // The removals happen while the remover is alone, so that only repair can carry them.
    net.partition({{0}, {1, 2, 3}});
    for (int each = 0; each < 40; ++each) {
        net.engine(0).update(&shared_state::tags, [&](auto& set, auto self) {
            return set.remove(self, "tag" + std::to_string(each));
        });
    }
    net.engine(1).update(&shared_state::tags,
                         [](auto& set, auto self) { return set.add(self, "tag0"); });
    const std::uint64_t before = repaired(std::as_const(net));
    net.run_for(5s);
    net.heal();
    REQUIRE(net.run_until([&] { return in_sync(net); }, 120s));
    CHECK(equal_bytes(net));
    CHECK(repaired(std::as_const(net)) > before);
    for (std::size_t node = 0; node < nodes; ++node) {
        const auto& tags = std::as_const(net).engine(node).state().tags;
        CHECK(tags.size() == 21);
        CHECK(tags.contains("tag0"));
    }
}

TEST_CASE("contexts are equal after everything was removed") {
    network net(3, testing::faults{100, 50, 1ms, 30ms});
    for (std::size_t node = 0; node < 3; ++node) {
        gossip::config settings = config_of(node, 3);
        settings.relay_bytes = 256;
        net.add(address_of(node), engine(settings, node));
    }
    for (int each = 0; each < 30; ++each) {
        net.engine(static_cast<std::size_t>(each) % 3)
            .update(&shared_state::tags, [&](auto& set, auto self) {
                return set.add(self, "tag" + std::to_string(each));
            });
    }
    net.run_for(1s);
    REQUIRE(net.run_until([&] { return in_sync(net); }, 120s));
    const auto context = std::as_const(net).engine(0).context_digest();
    net.partition({{0}, {1}, {2}});
    for (std::size_t node = 0; node < 3; ++node) {
        // One that nobody else ever sees: added and removed within the partition.
        net.engine(node).update(&shared_state::tags,
                                [](auto& set, auto self) { return set.add(self, "brief"); });
        for (int each = 0; each < 30; ++each) {
            net.engine(node).update(&shared_state::tags, [&](auto& set, auto self) {
                return set.remove(self, "tag" + std::to_string(each));
            });
        }
        net.engine(node).update(&shared_state::tags,
                                [](auto& set, auto self) { return set.remove(self, "brief"); });
    }
    net.run_for(5s);
    net.heal();
    REQUIRE(net.run_until([&] { return in_sync(net); }, 120s));
    CHECK(equal_bytes(net));
    CHECK(std::as_const(net).engine(2).state().tags.size() == 0);
    CHECK(std::as_const(net).engine(2).context_digest() != context);
}

TEST_CASE("no datagram is above the limit, whatever the limit") {
    for (const std::size_t limit : {512U, 1200U, 8000U}) {
        network net(5, testing::faults{50, 20, 1ms, 10ms});
        for (std::size_t node = 0; node < 12; ++node) {
            gossip::config settings = config_of(node, 12);
            settings.max_datagram = limit;
            net.add(address_of(node), engine(settings, 80 + node));
        }
        for (std::uint32_t each = 0; each < 2000; ++each) {
            net.engine(each % 12).update(&shared_state::seen,
                                         [&](auto& set, auto self) { return set.add(self, each); });
        }
        net.run_for(1s);
        CHECK(net.run_until([&] { return in_sync(net); }, 120s));
        CHECK(net.largest_datagram() <= limit);
    }
}
