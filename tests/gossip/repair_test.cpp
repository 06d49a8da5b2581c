// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

namespace repair_test {

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

// Entries first to last - 1, each counted by `by` for the given amount.
counts_by_key counted(std::uint64_t first, std::uint64_t last, crdt::replica_id by,
                      std::uint64_t amount) {
    counts_by_key made;
    for (std::uint64_t key = first; key < last; ++key) {
        const auto add = [&](auto& count, auto as) { return count.increment(as, amount); };
        made.update(by, wire::mix(key, 1), add);
    }
    return made;
}

// Bytes of messages that the engines have sent for repair.
struct repair_bytes {
    std::uint64_t session = 0, differences = 0, asks = 0, answers = 0;
    std::uint64_t sum() const { return session + differences + asks + answers; }
};

template <class Network>
repair_bytes repair_bytes_of(const Network& net) {
    repair_bytes made;
    for (std::size_t node = 0; node < net.size(); ++node) {
        const auto by_kind = net.engine(node).statistics().bytes_out_by_kind;
        made.session += by_kind[4] + by_kind[5] + by_kind[21];
        made.differences += by_kind[6];
        made.asks += by_kind[7];
        made.answers += by_kind[8];
    }
    return made;
}

struct repair_run {
    std::size_t max_datagram = 1400;
    testing::faults faults{0, 0, 1ms, 5ms};
    bool in_sync = false;
    double seconds = 0;
    repair_bytes bytes{};
};

// So many entries, or fewer in slow builds, but more than differ.
std::uint64_t cut(std::uint64_t n) {
    return std::max<std::uint64_t>(n / JOINERY_CASES_DIVISOR, 2000);
}

// Two engines with n entries in common. Of d more, or changed, each third is news of one of them,
// of the other, of both.
repair_run repair(std::uint64_t n, std::uint64_t d, repair_run run = {}) {
    const crdt::replica_id both{1}, one{2}, other{3};
    const std::uint64_t third = d / 3 + 1;
    counts_by_key states[2] = {counted(0, n, both, 5), {}};
    states[1] = states[0];
    crdt::merge(states[0], counted(0, third, one, 9));
    crdt::merge(states[1], counted(0, third, other, 7));
    crdt::merge(states[0], counted(n, n + third, one, 9));
    crdt::merge(states[1], counted(n + third, n + d - third, other, 9));
    testing::network<counting_engine> net(3, run.faults);
    for (std::size_t node = 0; node < 2; ++node) {
        gossip::config settings = config_of(node, 2);
        settings.max_datagram = run.max_datagram;
        settings.check_updates = false;
        counting_engine saved(settings, 1), started(settings, 40 + node);
        saved.merge_local(states[node]);
        started.restore(saved.snapshot(), 2);
        net.add(address_of(node), std::move(started));
    }
    const auto start = net.now();
    run.in_sync = net.run_until([&] { return in_sync(net); }, 600s);
    run.seconds = std::chrono::duration<double>(net.now() - start).count();
    run.bytes = repair_bytes_of(std::as_const(net));
    CHECK(equal_bytes(net));
    CHECK(net.largest_datagram() <= run.max_datagram);
    MESSAGE("n " << n << ", d " << d << ", datagrams of " << run.max_datagram << ": session "
                 << run.bytes.session << ", differences " << run.bytes.differences << ", asks "
                 << run.bytes.asks << ", answers " << run.bytes.answers << " bytes, " << run.seconds
                 << " s");
    return run;
}

} // namespace

TEST_CASE("the bytes of a repair go with what differs, not with what there is") {
    for (const std::uint64_t d : {8U, 100U, 1000U}) {
        const repair_run small = repair(cut(10'000), d);
        const repair_run large = repair(cut(100'000), d);
        CHECK(small.in_sync);
        CHECK(large.in_sync);
        CHECK(large.bytes.sum() * 4 <= small.bytes.sum() * 5);
        CHECK(small.bytes.sum() * 4 <= large.bytes.sum() * 5);
    }
}

TEST_CASE("a repair gets along with losses and small datagrams") {
    for (const std::size_t datagram : {1200U, 512U})
        for (const std::uint64_t d : {8U, 100U, 1000U}) {
            repair_run terrain;
            terrain.max_datagram = datagram;
            terrain.faults = {100, 50, 1ms, 30ms};
            CHECK(repair(cut(20'000), d, terrain).in_sync);
        }
}

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
        net.run_for(1ms); // an item each, which the relay cannot keep
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

} // namespace repair_test
