// SPDX-License-Identifier: Apache-2.0
#include "members.hpp"

#include <crdt/or_set.hpp>
#include <gossip/engine.hpp>
#include <wire/codec.hpp>

#include <doctest/doctest.h>

#include <algorithm>

namespace scenarios_data_test {

using namespace gossip_test;

// The fault scenarios of docs/gossip.md that concern the data, by their numbers.
namespace {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

using state = crdt::or_set<std::string>;
using engine = gossip::engine<state>;
using network = testing::network<engine>;

gossip::config data_config(std::size_t node) {
    gossip::config made;
    made.name = member_name(node);
    made.address = member_address(node);
    made.incarnation = 1;
    made.cluster = "data";
    for (std::size_t seed = 0; seed < 3; ++seed) made.seeds.push_back(member_address(seed));
    return made;
}

network data_of(std::size_t nodes, std::uint64_t seed,
                const testing::faults& chances = {0, 0, 1ms, 10ms}) {
    network net(seed, chances);
    for (std::size_t node = 0; node < nodes; ++node)
        net.add(member_address(node), engine(data_config(node), seed * 1000 + node));
    return net;
}

network settled(std::size_t nodes, std::uint64_t seed,
                const testing::faults& chances = {0, 0, 1ms, 10ms}) {
    network net = data_of(nodes, seed, chances);
    REQUIRE(net.run_until([&] { return all_see(net, up_to(nodes)); }, 60s, 200ms));
    net.run_for(3s);
    drop_events(net);
    return net;
}

void add(network& net, std::size_t node, const std::string& element) {
    net.engine(node).update(
        [&](state& all, crdt::replica_id self) { return all.add(self, element); });
}
void remove(network& net, std::size_t node, const std::string& element) {
    net.engine(node).update(
        [&](state& all, crdt::replica_id self) { return all.remove(self, element); });
}
bool has(const network& net, std::size_t node, const std::string& element) {
    return net.engine(node).state().contains(element);
}

// Whether all of these hold one state, by digests first and then by bytes.
bool equal(const network& net, const std::vector<std::size_t>& among) {
    for (const std::size_t node : among)
        if (net.engine(node).root() != net.engine(among.front()).root() ||
            net.engine(node).context_digest() != net.engine(among.front()).context_digest())
            return false;
    const auto first = wire::encode(net.engine(among.front()).state());
    return std::all_of(among.begin(), among.end(), [&](std::size_t node) {
        return wire::encode(net.engine(node).state()) == first;
    });
}

template <class F>
void for_seeds(F&& f, std::uint64_t count = 20) {
    for (const std::uint64_t seed : scenario_seeds(count)) {
        INFO("JOINERY_SEED=" << seed);
        f(seed);
    }
}

std::uint64_t sum(const network& net, std::uint64_t gossip::statistics::*counter) {
    std::uint64_t all = 0;
    for (std::size_t node = 0; node < net.size(); ++node)
        all += net.engine(node).statistics().*counter;
    return all;
}

} // namespace

TEST_CASE("01 data cross a one-way cut through third nodes") {
    for_seeds([](std::uint64_t seed) {
        network net = settled(6, seed);
        net.cut(0, 1);
        add(net, 0, "from 0");
        add(net, 1, "from 1");
        CHECK(net.run_until([&] { return equal(net, up_to(6)); }, 10s, 50ms));
        CHECK(has(net, 1, "from 0"));
        net.run_for(20s);
        CHECK(net.counts().cut > 0);
    });
}

TEST_CASE("06 what is in flight when half of all die reaches the others") {
    for_seeds([](std::uint64_t seed) {
        constexpr std::size_t nodes = 40;
        network net = settled(nodes, seed);
        for (std::size_t each = 0; each < 10; ++each) add(net, each, "x" + std::to_string(each));
        net.run_for(20ms);
        for (std::size_t node = nodes / 2; node < nodes; ++node) net.stop(node);
        CHECK(net.run_until([&] { return equal(net, up_to(nodes / 2)); }, 12 * 200ms, 50ms));
        CHECK(std::as_const(net).engine(3).state().size() == 10);
        net.run_for(1s);
        CHECK(net.counts().unreachable > 0);
    });
}

TEST_CASE("13 any captured packet played again changes no data") {
    for_seeds([](std::uint64_t seed) {
        network net = data_of(4, seed, testing::faults{50, 50, 1ms, 20ms});
        net.capture(3000);
        for (int each = 0; each < 30; ++each) {
            add(net, static_cast<std::size_t>(each) % 4, "x" + std::to_string(each % 7));
            if (each % 3 == 0) remove(net, static_cast<std::size_t>(each) % 4, "x3");
            net.run_for(100ms);
        }
        net.set_faults({});
        REQUIRE(net.run_until([&] { return equal(net, up_to(4)); }, 60s, 100ms));
        net.run_for(5s);
        const auto before = wire::encode(std::as_const(net).engine(0).state());
        const auto captured = net.captures();
        net.capture(0);
        for (const auto& each : captured)
            net.inject(member_address(each.from), each.to, each.bytes);
        net.run_for(10s);
        CHECK(equal(net, up_to(4)));
        CHECK(wire::encode(std::as_const(net).engine(0).state()) == before);
        CHECK(sum(net, &gossip::statistics::items_duplicate) > 0);
    });
}

TEST_CASE("14 tenfold duplicates and reordering apply every delta once") {
    for_seeds([](std::uint64_t seed) {
        network net = settled(5, seed);
        net.set_faults({0, 900, 1ms, 2000ms});
        for (int each = 0; each < 40; ++each) {
            add(net, static_cast<std::size_t>(each) % 5, "x" + std::to_string(each));
            net.run_for(50ms);
        }
        CHECK(net.run_until([&] { return equal(net, up_to(5)); }, 100s, 200ms));
        CHECK(std::as_const(net).engine(0).state().size() == 40);
        for (std::size_t node = 0; node < 5; ++node)
            CHECK(std::as_const(net).engine(node).statistics().items_received <= 32 + 8);
        CHECK(net.counts().duplicated > 0);
        CHECK(net.counts().reordered > 0);
    });
}

TEST_CASE("17 corrupted datagrams change nothing") {
    for_seeds([](std::uint64_t seed) {
        network net = settled(3, seed);
        add(net, 0, "kept");
        net.capture(300);
        net.run_for(10s);
        const auto captured = net.captures();
        net.capture(0);
        engine at = net.engine(0);
        const auto before = wire::encode(at.state());
        gossip::random random(seed);
        std::size_t refused = 0;
        for (const auto& each : captured) {
            auto wrong = each.bytes;
            for (int tries = 0; tries < 8; ++tries) {
                const std::size_t bit = random.below(wrong.size() * 8);
                wrong[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
                refused += at.receive(member_address(1), wrong, net.now()).status !=
                           gossip::receipt::status::ok;
                wrong = each.bytes;
            }
            wrong.resize(random.below(wrong.size()));
            refused += at.receive(member_address(1), wrong, net.now()).status !=
                       gossip::receipt::status::ok;
        }
        CHECK(refused == 9 * captured.size());
        CHECK(refused > 0);
        CHECK(wire::encode(at.state()) == before);
    });
}

TEST_CASE("18 claims of length and count that the bytes do not bear are refused") {
    network net = settled(3, 1);
    const gossip::detail::frame forged("data", wire::keyed_hasher({}),
                                       {member_name(1), 1, member_address(1)});
    engine at = net.engine(0);
    const auto before = wire::encode(at.state());
    std::vector<std::byte> buffer(2000);
    while (at.poll_outgoing(buffer)) {}
    for (std::uint8_t number = 1; number <= 20; ++number) {
        for (const std::uint64_t claim :
             {std::uint64_t{65'535}, std::uint64_t{4} << 30U, std::uint64_t{1} << 60U}) {
            for (const std::size_t filler : {0U, 1U, 8U, 9U, 16U, 25U, 45U}) {
                wire::writer w;
                w.u8(number);
                for (std::size_t each = 0; each < filler; ++each) w.u8(0);
                w.varint(claim);
                const auto receipt =
                    at.receive(member_address(1), forged.seal(w.bytes()), net.now());
                (void)receipt;
            }
        }
    }
    CHECK(at.statistics().refused_malformed > 100);
    CHECK(at.statistics().out_of_memory == 0);
    CHECK(wire::encode(at.state()) == before);
}

TEST_CASE("19 a delta above a datagram is put together, one above the cap is refused") {
    for_seeds([](std::uint64_t seed) {
        network net = settled(4, seed);
        add(net, 0, std::string(40'000, 'x'));
        add(net, 0, std::string(2'000'000, 'y'));
        add(net, 0, "small");
        CHECK(net.run_until(
            [&] {
                return has(net, 3, std::string(40'000, 'x')) && has(net, 3, "small") &&
                       has(net, 1, std::string(40'000, 'x')) && has(net, 2, "small");
            },
            60s, 200ms));
        CHECK(count_of(take_events(net.engine(0)), event_kind::item_too_large) > 0);
        CHECK(net.largest_datagram() <= 1400);
        CHECK(sum(net, &gossip::statistics::blobs_verified) >= 3);
    });
}

TEST_CASE("20 a peer that stops in the middle of a repair is gone on without") {
    for_seeds([](std::uint64_t seed) {
        network net = settled(3, seed);
        net.partition({{2}});
        for (int each = 0; each < 3000; ++each) {
            add(net, 0, "entry" + std::to_string(each));
            net.run_for(1ms);
        }
        REQUIRE(net.run_until([&] { return equal(net, {0, 1}); }, 60s, 200ms));
        net.heal();
        REQUIRE(net.run_until([&] { return std::as_const(net).engine(2).state().size() > 300; },
                              60s, 10ms));
        const bool half_way = std::as_const(net).engine(2).state().size() < 3000;
        net.stop(0);
        CHECK(net.run_until([&] { return equal(net, {1, 2}); }, 120s, 200ms));
        CHECK(half_way);
        CHECK(std::as_const(net).engine(2).state().size() == 3000);
    });
}

TEST_CASE("21 two halves that wrote for long are equal soon after the first contact") {
    for_seeds([](std::uint64_t seed) {
        constexpr std::size_t nodes = 16;
        network net = settled(nodes, seed);
        net.partition({up_to(nodes / 2)});
        for (int each = 0; each < 200; ++each) {
            add(net, static_cast<std::size_t>(each) % nodes, "x" + std::to_string(each));
            net.run_for(1s);
        }
        net.run_for(20s);
        net.heal();
        for (std::size_t a = 0; a < nodes / 2; ++a) // one link alone
            for (std::size_t b = nodes / 2; b < nodes; ++b)
                if (a != 0 || b != nodes - 1) {
                    net.cut(a, b);
                    net.cut(b, a);
                }
        const auto contact = [&] {
            return seen(net, 0, nodes - 1) == member_status::alive ||
                   seen(net, nodes - 1, 0) == member_status::alive;
        };
        CHECK(net.run_until(contact, 400s, 100ms)); // one of 64 links: tried now and then
        CHECK(net.run_until([&] { return equal(net, up_to(nodes)); }, 60s, 100ms));
        CHECK(std::as_const(net).engine(5).state().size() == 200);
        CHECK(net.counts().cut > 0);
    });
}

TEST_CASE("22 splits and heals without end keep the data equal and the buffers flat") {
    for_seeds([](std::uint64_t seed) {
        network net = settled(8, seed);
        for (int round = 0; round < 8; ++round) {
            net.partition({{0, 1, 2}});
            add(net, 0, "left" + std::to_string(round));
            add(net, 7, "right" + std::to_string(round));
            remove(net, 7, "left" + std::to_string(round - 1));
            net.run_for(10s);
            net.heal();
            net.run_for(10s);
        }
        CHECK(net.run_until([&] { return equal(net, up_to(8)); }, 60s, 100ms));
        CHECK(net.counts().cut > 0);
        CHECK(sum(net, &gossip::statistics::dropped_outgoing) == 0);
    });
}

TEST_CASE("25 congestion starves no urgent message") {
    for_seeds([](std::uint64_t seed) {
        network net = settled(8, seed);
        for (std::size_t node = 0; node < 8; ++node) net.lines().bandwidth(node, 15'000, 15'000);
        for (int each = 0; each < 300; ++each) {
            add(net, static_cast<std::size_t>(each) % 8,
                std::string(300, 'a') + std::to_string(each));
            net.run_for(150ms);
        }
        net.run_for(20s);
        CHECK(net.counts().queued > 0);
        std::size_t dead = 0;
        for (std::size_t node = 0; node < 8; ++node)
            dead += count_of(take_events(net.engine(node)), event_kind::member_down);
        INFO("congested " << net.counts().congested << ", slowed "
                          << sum(net, &gossip::statistics::slowdowns));
        CHECK(dead == 0);
        net.lines().clear();
        CHECK(net.run_until([&] { return equal(net, up_to(8)); }, 60s, 100ms));
    });
}

TEST_CASE("a source that sends slowly slows nobody else down") {
    for_seeds([](std::uint64_t seed) {
        network net(seed, testing::faults{0, 0, 1ms, 10ms});
        for (std::size_t node = 0; node < 5; ++node) {
            auto settings = data_config(node);
            if (node == 0) settings.bulk_bytes = 2'000;
            net.add(member_address(node), engine(settings, seed * 10 + node));
        }
        net.run_for(5s);
        for (int each = 0; each < 400; ++each)
            add(net, 0, std::string(300, 'a') + std::to_string(each));
        net.run_for(5s);
        CHECK(net.engine(0).statistics().deferred_bulk > 0);
        std::uint64_t late = 0;
        for (std::size_t node = 1; node < 5; ++node) {
            late += net.engine(node).statistics().pull_retries;
            CHECK(net.engine(node).statistics().slowdowns == 0);
        }
        CHECK(late > 0);
        CHECK(net.run_until([&] { return equal(net, up_to(5)); }, 60s, 100ms));
    });
}

TEST_CASE("26 what a full buffer drops is counted and repaired") {
    for_seeds([](std::uint64_t seed) {
        network net(seed, testing::faults{0, 0, 1ms, 10ms});
        for (std::size_t node = 0; node < 5; ++node) {
            auto settings = data_config(node);
            settings.relay_bytes = 2'000;
            settings.push_bytes = 0;
            net.add(member_address(node), engine(settings, seed * 10 + node));
        }
        net.run_for(5s);
        net.partition({{4}});
        for (int each = 0; each < 200; ++each) {
            add(net, 0, "x" + std::to_string(each));
            net.run_for(1ms);
        }
        net.run_for(10s);
        net.heal();
        CHECK(net.run_until([&] { return equal(net, up_to(5)); }, 90s, 200ms));
        CHECK(sum(net, &gossip::statistics::dropped_relay_items) > 0);
        CHECK(sum(net, &gossip::statistics::entries_repaired) > 0);
        CHECK(std::as_const(net).engine(4).state().size() == 200);
    });
}

TEST_CASE("nobody waits for an item that its source has dropped") {
    for_seeds([](std::uint64_t seed) {
        network net(seed, testing::faults{0, 0, 1ms, 10ms});
        for (std::size_t node = 0; node < 5; ++node) {
            auto settings = data_config(node);
            settings.relay_bytes = 2'000;
            settings.push_bytes = 0;
            net.add(member_address(node), engine(settings, seed * 10 + node));
        }
        net.run_for(5s);
        for (int round = 0; round < 20; ++round) {
            for (std::size_t node = 0; node < 5; ++node)
                for (int each = 0; each < 8; ++each)
                    add(net, node,
                        std::string(100, 'a') + std::to_string(1'000 * round + each) +
                            member_name(node));
            net.run_for(20ms);
        }
        CHECK(net.run_until([&] { return equal(net, up_to(5)); }, 10s, 100ms));
        CHECK(sum(net, &gossip::statistics::dropped_relay_items) > 0);
        CHECK(sum(net, &gossip::statistics::pulls_given_up) > 0);
    });
}

TEST_CASE("items that found the outgoing queue full are sent when they are asked for again") {
    for_seeds([](std::uint64_t seed) {
        network net(seed, testing::faults{0, 0, 1ms, 10ms});
        for (std::size_t node = 0; node < 2; ++node) {
            auto settings = data_config(node);
            settings.push_bytes = 0;
            settings.max_outgoing = 6;
            net.add(member_address(node), engine(settings, seed * 10 + node));
        }
        net.run_for(5s);
        net.partition({{1}});
        for (int each = 0; each < 60; ++each) {
            add(net, 0, std::string(600, 'a') + std::to_string(each));
            net.run_for(1ms);
        }
        net.heal();
        CHECK(net.run_until([&] { return equal(net, up_to(2)); }, 60s, 100ms));
        net.run_for(30s);
        CHECK(net.engine(0).statistics().dropped_outgoing > 0);
        CHECK(net.engine(1).statistics().items_received == 60);
    });
}

TEST_CASE("27 one that takes little in holds up nobody else") {
    for_seeds([](std::uint64_t seed) {
        network net = settled(6, seed);
        net.lines().intake(5, 1);
        for (int each = 0; each < 100; ++each) add(net, 0, "x" + std::to_string(each));
        CHECK(net.run_until([&] { return equal(net, up_to(5)); }, 5s, 50ms));
        net.run_for(20s);
        CHECK(net.counts().not_taken > 0);
        net.lines().clear();
        CHECK(net.run_until([&] { return equal(net, up_to(6)); }, 60s, 100ms));
    });
}

TEST_CASE("30 a node that comes back after very long brings no removed element back") {
    for_seeds(
        [](std::uint64_t seed) {
            network net = settled(4, seed);
            for (int each = 0; each < 20; ++each) add(net, 3, "x" + std::to_string(each));
            REQUIRE(net.run_until([&] { return equal(net, up_to(4)); }, 20s, 100ms));
            const auto saved = std::as_const(net).engine(3).snapshot();
            net.stop(3);
            for (int each = 0; each < 10; ++each) remove(net, 0, "x" + std::to_string(each));
            net.run_for(long_run() ? 25h : 300s);
            auto again = data_config(3);
            again.incarnation = 2;
            engine back(again, seed + 77);
            back.restore(saved, 2);
            net.restart(3, back);
            add(net, 3, "new");
            CHECK(net.run_until([&] { return equal(net, up_to(4)); }, 60s, 100ms));
            for (std::size_t node = 0; node < 4; ++node) {
                CHECK(!has(net, node, "x0"));
                CHECK(has(net, node, "x15"));
                CHECK(has(net, node, "new"));
            }
            CHECK(net.counts().restarts == 1);
        },
        long_run() ? 1 : 20);
}

TEST_CASE("33 unknown messages, versions and tails of records are skipped and counted") {
    network net = settled(3, 5);
    const gossip::detail::frame forged("data", wire::keyed_hasher({}),
                                       {member_name(1), 1, member_address(1)});
    engine at = net.engine(0);
    const auto status = [&](std::vector<std::byte> bytes) {
        return at.receive(member_address(1), bytes, net.now()).status;
    };
    using gossip::receipt;
    const std::vector<std::byte> unknown{std::byte{200}, std::byte{1}};
    CHECK(status(forged.seal(unknown)) == receipt::status::unsupported);
    auto later = forged.seal(unknown);
    later[2] = std::byte{9};
    CHECK(status(later) == receipt::status::unsupported);
    CHECK(at.statistics().refused_unsupported == 2);
    // A record with more in it than this version knows, followed by more of the message.
    gossip::detail::member_record said{"m8", 5, member_status::alive, 0, 1, 0, "m8:1", "z", {}};
    wire::writer plain;
    said.write(plain);
    wire::writer longer;
    longer.u8(static_cast<std::uint8_t>(gossip::detail::kind::rumors));
    longer.varint(1);
    longer.varint(plain.size() - 1 + 3);
    longer.raw(std::span(plain.bytes()).subspan(1));
    for (int each = 0; each < 3; ++each) longer.u8(77);
    longer.u8(99);
    CHECK(status(forged.seal(longer.bytes())) == receipt::status::ok);
    const auto members = at.members();
    CHECK(std::any_of(members.begin(), members.end(), [](const gossip::peer& each) {
        return each.name == "m8" && each.zone == "z";
    }));
}

TEST_CASE("34 one, two and three nodes with equal seeds, with membership and with a fixed list") {
    for (const bool membership : {true, false})
        for (const std::size_t nodes : {1U, 2U, 3U}) {
            network net(4, testing::faults{100, 50, 1ms, 30ms});
            for (std::size_t node = 0; node < nodes; ++node) {
                auto settings = data_config(node);
                settings.membership = membership;
                settings.seeds.clear();
                for (std::size_t other = 0; other < nodes; ++other)
                    settings.seeds.push_back(member_address(other));
                net.add(member_address(node), engine(settings, 42));
            }
            for (std::size_t node = 0; node < nodes; ++node) add(net, node, member_name(node));
            CHECK(net.run_until([&] { return equal(net, up_to(nodes)); }, 60s, 100ms));
            CHECK(std::as_const(net).engine(0).state().size() == nodes);
            net.run_for(5s);
            CHECK((nodes == 1 || net.counts().lost > 0));
        }
}

} // namespace scenarios_data_test
