// SPDX-License-Identifier: Apache-2.0
#include "members.hpp"

#include <doctest/doctest.h>

#include <algorithm>

namespace scenarios_members_test {

using namespace gossip_test;

// The fault scenarios of docs/gossip.md that concern who is there, by their numbers.
namespace {

// A cluster in which everybody has known everybody for some time.
member_network settled(std::size_t nodes, std::uint64_t seed,
                       const testing::faults& chances = {0, 0, 1ms, 10ms}) {
    member_network net = members_of(nodes, seed, chances);
    REQUIRE(net.run_until([&] { return all_see(net, up_to(nodes)); }, 60s, 200ms));
    net.run_for(3s);
    drop_events(net);
    return net;
}

// Events of a kind at the nodes `at`, about anybody but `except`.
std::size_t told(member_network& net, const std::vector<std::size_t>& at, event_kind kind,
                 const std::string& except = {}) {
    std::size_t count = 0;
    for (const std::size_t node : at) {
        const auto events = take_events(net.engine(node));
        count += count_of(events, kind) - (except.empty() ? 0 : count_of(events, kind, except));
    }
    return count;
}

template <class F>
void for_seeds(F&& f, std::uint64_t count = 20) {
    for (const std::uint64_t seed : scenario_seeds(count)) {
        INFO("JOINERY_SEED=" << seed);
        f(seed);
    }
}

} // namespace

TEST_CASE("01 a one-way cut makes neither of the two dead") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(10, seed);
        net.cut(0, 1);
        net.run_for(60s);
        CHECK(net.counts().cut > 0);
        CHECK(told(net, up_to(10), event_kind::member_down) == 0);
    });
}

TEST_CASE("02 one node that hears one datagram in five harms nobody else and does not oscillate") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(40, seed);
        net.lines().ingress_loss(39, 800);
        net.run_for(60s);
        CHECK(net.counts().lost > 0);
        CHECK(told(net, up_to(39), event_kind::member_down, member_name(39)) == 0);
        net.run_for(120s);
        std::size_t most = 0;
        for (std::size_t node = 0; node < 39; ++node) {
            const auto events = take_events(net.engine(node));
            CHECK(count_of(events, event_kind::member_down) ==
                  count_of(events, event_kind::member_down, member_name(39)));
            most = std::max(most, count_of(events, event_kind::member_down, member_name(39)) +
                                      count_of(events, event_kind::member_up, member_name(39)));
        }
        CHECK(most <= 3); // one a minute, and the end of one that began before
    });
}

// With these seeds it gave somebody up whom it had never heard, and told the others.
TEST_CASE("02 what a node doubts that hardly hears is told to nobody") {
    for (const std::uint64_t seed : {45U, 72U, 93U}) {
        INFO("seed " << seed);
        member_network net = settled(40, seed);
        net.lines().ingress_loss(39, 800);
        net.run_for(120s);
        CHECK(told(net, up_to(39), event_kind::member_down, member_name(39)) == 0);
    }
}

TEST_CASE("03 a flapping link makes few suspicions and no death") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(10, seed);
        for (int round = 0; round < 45; ++round) {
            net.cut(0, 1);
            net.cut(1, 0);
            net.run_for(2s);
            net.heal();
            net.run_for(2s);
        }
        std::size_t suspected = 0;
        std::size_t dead = 0;
        for (std::size_t node = 0; node < 10; ++node) {
            const auto events = take_events(net.engine(node));
            suspected = std::max(suspected, count_of(events, event_kind::member_suspect));
            dead += count_of(events, event_kind::member_down);
        }
        CHECK(net.counts().cut > 0);
        CHECK(suspected <= 3);
        CHECK(dead == 0);
    });
}

TEST_CASE("04 a node that was not run for 30 seconds blames itself first") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(20, seed);
        net.pause(0, 30s);
        net.run_for(30s + 100ms);
        CHECK(net.counts().late_ticks > 0);
        CHECK(std::as_const(net).engine(0).counts().stalls > 0);
        CHECK(std::as_const(net).engine(0).health() > 0);
        CHECK(net.run_until([&] { return all_see(net, up_to(20)); }, 60s, 200ms));
        CHECK(told(net, up_to(20), event_kind::member_down, member_name(0)) == 0);
    });
    member_network net = settled(8, 3);
    auto alone = std::as_const(net).engine(0);
    std::vector<std::byte> buffer(2000);
    alone.tick(net.now() + 30s);
    std::size_t said = 0;
    while (alone.poll_outgoing(buffer)) ++said;
    CHECK(said <= 8); // each timer once
}

TEST_CASE("05 starved nodes make no healthy one dead") {
    for_seeds([](std::uint64_t seed) {
        constexpr std::size_t nodes = 50;
        member_network net = settled(nodes, seed);
        gossip::random random(seed);
        const auto end = net.now() + (long_run() ? 1000s : 120s);
        while (net.now() < end) {
            for (const std::size_t starved : {48U, 49U})
                if (random.chance(1, 3))
                    net.pause(starved, 1ms * static_cast<int>(200 + random.below(4000)));
            net.run_for(500ms);
        }
        CHECK(net.counts().late_ticks > 0);
        std::size_t wrong = 0;
        for (std::size_t node = 0; node < 48; ++node)
            for (const auto& each : take_events(net.engine(node)))
                wrong += each.kind == event_kind::member_down && each.name != member_name(48) &&
                         each.name != member_name(49);
        CHECK(wrong == 0);
    });
}

TEST_CASE("06 half of all die at once and the others agree nearly as soon as on one") {
    std::chrono::nanoseconds of_one{0};
    std::chrono::nanoseconds of_half{0};
    for_seeds([&](std::uint64_t seed) {
        constexpr std::size_t nodes = 60;
        const auto time_to_agree = [&](std::size_t left) {
            member_network net = settled(nodes, seed);
            net.run_for(20s);
            const auto start = net.now();
            for (std::size_t node = left; node < nodes; ++node) net.stop(node);
            CHECK(net.run_until([&] { return all_see(net, up_to(left)); }, 120s, 100ms));
            CHECK(net.counts().unreachable > 0);
            return net.now() - start;
        };
        const auto one = time_to_agree(nodes - 1);
        const auto half = time_to_agree(nodes / 2);
        INFO("one " << one / 1ms << " ms, half " << half / 1ms << " ms");
        CHECK(half <= 4 * one);
        of_one += one;
        of_half += half;
    });
    CHECK(of_half <= 2 * of_one + 2s);
}

TEST_CASE("07 a cascade of deaths leaves a tenth that agrees and says less") {
    for_seeds([](std::uint64_t seed) {
        constexpr std::size_t nodes = 40;
        member_network net = settled(nodes, seed);
        const auto rate = [&](std::size_t of) {
            const auto before = net.bytes_sent(of);
            net.run_for(10s);
            return net.bytes_sent(of) - before;
        };
        const auto at_first = rate(0);
        for (std::size_t node = nodes - 1; node >= nodes / 10; --node) {
            net.stop(node);
            net.run_for(node > 20 ? 10s : 4s);
        }
        CHECK(net.run_until([&] { return all_see(net, up_to(nodes / 10)); }, 60s, 200ms));
        net.run_for(30s);
        CHECK(rate(0) < 3 * at_first);
        CHECK(net.counts().unreachable > 0);
        CHECK(gossip::detail::rumors::limit(4) < gossip::detail::rumors::limit(40));
    });
}

TEST_CASE("08 all restart within ten seconds and are alive everywhere soon after") {
    for_seeds([](std::uint64_t seed) {
        constexpr std::size_t nodes = 40;
        member_network net = settled(nodes, seed);
        for (std::size_t node = 0; node < nodes; ++node) {
            net.restart(node, gossip::membership(member_config(node), seed * 7777 + node));
            net.run_for(10000ms / static_cast<int>(nodes));
        }
        CHECK(net.run_until([&] { return all_see(net, up_to(nodes)); }, 30s, 200ms));
        std::uint64_t refuted = 0;
        for (std::size_t node = 0; node < nodes; ++node)
            refuted += std::as_const(net).engine(node).counts().refutations;
        CHECK(refuted > 0); // some had to overrule what their former life had said
    });
}

TEST_CASE("09 a name that starts again is reborn once, and its former words count no more") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(8, seed);
        net.capture(5000);
        net.run_for(5s);
        const auto before = net.captures();
        net.capture(0);
        net.stop(7);
        auto again = member_config(7);
        again.incarnation = 2;
        net.restart(7, gossip::membership(again, seed + 500));
        REQUIRE(net.run_until([&] { return all_see(net, up_to(8)); }, 30s, 200ms));
        net.run_for(5s);
        const auto drain = [&] {
            std::size_t reborn = 0;
            for (std::size_t node = 0; node < 7; ++node) {
                const auto events = take_events(net.engine(node));
                CHECK(count_of(events, event_kind::member_reborn, member_name(7)) <= 1);
                reborn += count_of(events, event_kind::member_reborn, member_name(7));
                CHECK(count_of(events, event_kind::member_down) == 0);
            }
            return reborn;
        };
        CHECK(drain() == 7);
        for (const auto& each : before)
            if (each.from == 7) net.inject(member_address(7), each.to, each.bytes);
        net.run_for(5s);
        CHECK(drain() == 0);
        std::uint64_t old = 0;
        for (std::size_t node = 0; node < 7; ++node) {
            const auto& counts = std::as_const(net).engine(node).counts();
            old += counts.stale + counts.strangers + counts.replays;
            for (const auto& each : std::as_const(net).engine(node).members())
                if (each.name == member_name(7)) CHECK(each.incarnation == 2);
        }
        CHECK(old > 0);
    });
}

TEST_CASE("10 of two live processes of one name one stays and one is silent") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(8, seed);
        const std::size_t twin = net.add("m7:2", gossip::membership(
                                                     [] {
                                                         auto made = member_config(7);
                                                         made.address = "m7:2";
                                                         return made;
                                                     }(),
                                                     seed + 900));
        const auto both = [&] {
            return std::as_const(net).engine(7).displaced() !=
                   std::as_const(net).engine(twin).displaced();
        };
        CHECK(net.run_until(both, 5s));
        net.run_for(3s);
        const bool first = std::as_const(net).engine(7).displaced();
        const auto winner = take_events(net.engine(first ? twin : 7));
        const auto loser = take_events(net.engine(first ? 7 : twin));
        CHECK(count_of(winner, event_kind::id_clash) == 1);
        CHECK(count_of(winner, event_kind::displaced) == 0);
        CHECK(count_of(loser, event_kind::displaced) == 1);
        net.run_for(10s);
        drop_events(net);
        const auto sent = net.datagrams_sent(first ? 7 : twin);
        net.run_for(60s);
        CHECK(net.datagrams_sent(first ? 7 : twin) <= sent + 2);
        for (std::size_t node = 0; node < 7; ++node) {
            CHECK(take_events(net.engine(node)).empty()); // no ping-pong
            for (const auto& each : std::as_const(net).engine(node).members())
                if (each.name == member_name(7))
                    CHECK(each.address == (first ? "m7:2" : member_address(7)));
        }
    });
}

TEST_CASE("11 a live member changes its address, and only it can") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(8, seed);
        net.stop(7);
        const std::size_t moved = net.add("m7:9", std::as_const(net).engine(7));
        net.engine(moved).set_address("m7:9");
        CHECK(net.run_until(
            [&] {
                for (std::size_t node = 0; node < 7; ++node)
                    for (const auto& each : std::as_const(net).engine(node).members())
                        if (each.name == member_name(7) && each.address != "m7:9") return false;
                return true;
            },
            10s));
        net.run_for(20s);
        for (std::size_t node = 0; node < 7; ++node) {
            const auto events = take_events(net.engine(node));
            CHECK(count_of(events, event_kind::member_moved, member_name(7)) == 1);
            CHECK(count_of(events, event_kind::member_down) == 0);
        }
    });
    gossip::detail::member_table table(10, 10);
    gossip::detail::member_record said{"a", 5, member_status::alive, 0, 1, 0, "here", {}, {}};
    table.apply(said, 1, {}, true);
    said.address = "there";
    CHECK(table.apply(said, 2, {}) == gossip::detail::member_table::news::none);
    CHECK(table.address(table.find("a")) == "here");
    said.version = 6;
    CHECK(table.apply(said, 2, {}) == gossip::detail::member_table::news::moved);
}

TEST_CASE("12 old accusations and old signs of life change nothing") {
    using news = gossip::detail::member_table::news;
    gossip::detail::member_table table(10, 10);
    const auto say = [&](std::uint64_t version, member_status status) {
        return table.apply({"a", version, status, 7, 1, 0, "here", {}, {}}, 1, {});
    };
    CHECK(say(10, member_status::dead) == news::none); // of nobody
    CHECK(say(10, member_status::alive) == news::up);
    CHECK(say(9, member_status::suspect) == news::none);
    CHECK(say(9, member_status::dead) == news::none);
    CHECK(say(10, member_status::suspect) == news::suspected);
    CHECK(say(10, member_status::suspect) == news::none);
    CHECK(say(10, member_status::alive) == news::none);
    CHECK(say(11, member_status::alive) == news::denied);
    CHECK(say(10, member_status::dead) == news::none);
    CHECK(say(11, member_status::dead) == news::died);
    CHECK(say(11, member_status::alive) == news::none);
    CHECK(say(10, member_status::alive) == news::none);
    CHECK(say(11, member_status::left) == news::left);
    CHECK(say(11, member_status::dead) == news::none);
    CHECK(say(11, member_status::suspect) == news::none);
    CHECK(say(12, member_status::alive) == news::up);
    CHECK(table.live().size() == 1);
}

TEST_CASE("13 any captured packet played again changes no view") {
    for_seeds([](std::uint64_t seed) {
        member_network net = members_of(6, seed, testing::faults{50, 50, 1ms, 10ms});
        net.capture(4000);
        REQUIRE(net.run_until([&] { return all_see(net, up_to(6)); }, 60s, 200ms));
        net.engine(5).leave();
        net.stop(4);
        net.run_for(40s);
        net.set_faults({});
        net.run_for(20s);
        REQUIRE(all_see(net, up_to(4)));
        const auto view = [&](std::size_t node) {
            std::vector<std::string> all;
            for (const auto& each : std::as_const(net).engine(node).members())
                all.push_back(each.name + each.address + std::to_string(each.incarnation) +
                              std::to_string(static_cast<int>(each.status)));
            return all;
        };
        std::vector<std::vector<std::string>> before;
        for (std::size_t node = 0; node < 4; ++node) before.push_back(view(node));
        drop_events(net);
        if (long_run()) net.run_for(23h);
        const auto captured = net.captures();
        for (const auto& each : captured)
            net.inject(member_address(each.from), each.to % 4, each.bytes);
        net.run_for(30s);
        std::uint64_t replays = 0;
        for (std::size_t node = 0; node < 4; ++node) {
            CHECK(view(node) == before[node]);
            CHECK(take_events(net.engine(node)).empty());
            replays += std::as_const(net).engine(node).counts().replays;
        }
        CHECK(replays > 0);
    });
}

TEST_CASE("15 messages of a stranger cluster are refused unread and unanswered") {
    for_seeds([](std::uint64_t seed) {
        member_network foreign = members_of(5, seed, testing::faults{100, 0, 1ms, 10ms});
        foreign.capture(3000);
        foreign.run_for(20s);
        foreign.engine(1).leave();
        foreign.run_for(10s);
        auto settings = member_config(0);
        settings.cluster = "another";
        gossip::membership at(settings, seed);
        at.tick(foreign.now());
        std::vector<std::byte> buffer(2000);
        while (at.poll_outgoing(buffer)) {}
        std::size_t refused = 0;
        for (const auto& each : foreign.captures()) {
            const auto receipt = at.receive(member_address(each.from), each.bytes, foreign.now());
            refused += receipt.status == gossip::receipt::status::foreign_cluster;
        }
        CHECK(refused == foreign.captures().size());
        CHECK(refused > 100);
        CHECK(!at.poll_outgoing(buffer));
        CHECK(at.members().empty());
    });
}

TEST_CASE("16 a cluster that was joined by mistake is refused without a trace") {
    for_seeds([](std::uint64_t seed) {
        member_network net(seed, testing::faults{20, 0, 1ms, 10ms});
        for (std::size_t node = 0; node < 6; ++node) {
            auto settings = member_config(node);
            settings.confirm_joins = node < 3;
            settings.seeds = {member_address(node < 3 ? 0 : 3)};
            net.add(member_address(node), gossip::membership(settings, seed * 10 + node));
            if (node < 3) // the first three are let in by each other
                for (std::size_t other = 0; other < 3; ++other)
                    net.engine(node).admit(member_name(other), true);
        }
        REQUIRE(net.run_until(
            [&] {
                return all_see(net, {0, 1, 2}) && all_see(net, {3, 4, 5});
            },
            30s));
        drop_events(net);
        auto wrong = member_config(6);
        wrong.seeds = {member_address(3), member_address(0)}; // knows both
        net.add(member_address(6), gossip::membership(wrong, seed * 10 + 6));
        std::size_t asked = 0;
        for (int round = 0; round < 60; ++round) {
            net.run_for(1s);
            for (std::size_t node = 0; node < 3; ++node)
                for (const auto& each : take_events(net.engine(node))) {
                    CHECK(each.kind != event_kind::member_up);
                    if (each.kind != event_kind::join_requested) continue;
                    ++asked;
                    net.engine(node).admit(each.name, false);
                }
        }
        CHECK(asked > 0);
        CHECK(all_see(net, {0, 1, 2}));
        for (std::size_t node = 0; node < 3; ++node)
            CHECK(std::as_const(net).engine(node).members().size() == 2);
        CHECK(all_see(net, {3, 4, 5, 6}));
    });
}

TEST_CASE("21 two halves find each other again after a long partition") {
    for_seeds(
        [](std::uint64_t seed) {
            constexpr std::size_t nodes = 20;
            member_network net = settled(nodes, seed);
            net.partition({up_to(nodes / 2)});
            net.run_for(long_run() ? 24h : 600s);
            REQUIRE(all_see(net, up_to(nodes / 2)));
            REQUIRE(all_see(net, up_to(nodes, nodes / 2)));
            net.heal();
            CHECK(net.run_until(
                [&] {
                    return seen(net, 0, 19) == member_status::alive || all_see(net, up_to(nodes));
                },
                45s, 100ms));
            CHECK(net.run_until([&] { return all_see(net, up_to(nodes)); }, 30s, 100ms));
            CHECK(net.counts().cut > 0);
        },
        long_run() ? 1 : 20);
}

TEST_CASE("22 splits and heals without end leave nothing behind") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(10, seed);
        std::uint64_t last = 0;
        std::uint64_t first = 0;
        for (int round = 0; round < 20; ++round) {
            const auto before = net.bytes_sent();
            net.partition({{0, 1, 2, 3}});
            net.run_for(10s);
            net.heal();
            net.run_for(10s);
            last = net.bytes_sent() - before;
            if (round == 1) first = last;
            for (std::size_t node = 0; node < 10; ++node)
                CHECK(std::as_const(net).engine(node).members().size() <= 9);
        }
        CHECK(net.counts().cut > 0);
        CHECK(last < 2 * first);
        CHECK(net.run_until([&] { return all_see(net, up_to(10)); }, 40s, 100ms));
    });
}

TEST_CASE("23 a node that sees nobody keeps looking and comes back by itself") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(10, seed);
        net.partition({{9}});
        CHECK(net.run_until([&] { return std::as_const(net).engine(9).live_count() == 0; }, 300s,
                            500ms));
        CHECK(std::as_const(net).engine(9).members().size() == 9);
        const auto before = net.datagrams_sent(9);
        net.run_for(600s);
        const auto tries = net.datagrams_sent(9) - before;
        CHECK(tries >= 20);
        CHECK(tries <= 600);
        net.heal();
        CHECK(net.run_until([&] { return all_see(net, up_to(10)); }, 30s, 100ms));
        CHECK(net.counts().cut > 0);
    });
}

TEST_CASE("24 clocks that jump or stand still make nobody dead") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(10, seed);
        net.jump_clock(1, -1h);
        net.jump_clock(2, 1h);
        net.freeze_clock(3, 60s);
        net.run_for(90s);
        CHECK(net.counts().clock_faults == 3);
        CHECK(told(net, up_to(10), event_kind::member_down) == 0);
        CHECK(all_see(net, up_to(10)));
    });
}

TEST_CASE("28 a goodbye during a partition is a goodbye for all when it has healed") {
    for_seeds([](std::uint64_t seed) {
        member_network net = settled(10, seed);
        net.partition({{0, 1, 2, 3, 4}});
        net.run_for(2s);
        net.engine(0).leave();
        net.run_for(5s);
        CHECK(seen(net, 1, 0) == member_status::left);
        net.run_for(60s);
        net.heal();
        net.run_for(60s);
        for (std::size_t node = 1; node < 10; ++node) {
            CHECK(seen(net, node, 0) == member_status::left);
            auto events = take_events(net.engine(node));
            CHECK(count_of(events, event_kind::member_left, member_name(0)) == 1);
            // Before it has heard the goodbye anybody may suspect it.
            events.erase(events.begin(), std::find_if(events.begin(), events.end(), [](auto& each) {
                             return each.kind == event_kind::member_left;
                         }));
            CHECK(count_of(events, event_kind::member_suspect, member_name(0)) == 0);
        }
        CHECK(net.counts().cut > 0);
    });
}

TEST_CASE("29 many join at one seed at once") {
    for_seeds(
        [](std::uint64_t seed) {
            const std::size_t nodes = long_run() ? 1000 : 100;
            member_network net(seed, testing::faults{0, 0, 1ms, 10ms});
            for (std::size_t node = 0; node < nodes; ++node) {
                auto settings = member_config(node);
                settings.max_members = 2048;
                settings.max_from_one = 2048;
                settings.seeds = {member_address(0)};
                net.add(member_address(node), gossip::membership(settings, seed * 5000 + node));
                if (node % 10 == 0) net.run_for(10000ms / static_cast<int>(nodes));
            }
            const auto all_known = [&] {
                for (std::size_t node = 0; node < nodes; ++node)
                    if (std::as_const(net).engine(node).live_count() + 1 < nodes) return false;
                return true;
            };
            CHECK(net.run_until(all_known, 20s, 200ms));
            CHECK(std::as_const(net).engine(0).counts().pages < 40 * nodes);
            CHECK(net.datagrams_sent(0) < 60 * nodes);
            CHECK(net.largest_datagram() <= 1400);
        },
        long_run() ? 1 : 20);
}

TEST_CASE("31 a flood of invented members is capped and drives no real one out") {
    for_seeds([](std::uint64_t seed) {
        member_network net(seed, testing::faults{0, 0, 1ms, 10ms});
        for (std::size_t node = 0; node < 10; ++node) {
            auto settings = member_config(node);
            settings.max_members = 64;
            settings.max_from_one = 32;
            net.add(member_address(node), gossip::membership(settings, seed * 5000 + node));
        }
        REQUIRE(net.run_until([&] { return all_see(net, up_to(10)); }, 60s, 200ms));
        net.run_for(15s);
        gossip::random random(seed);
        const gossip::detail::frame forged("members", joinery::wire::keyed_hasher({}),
                                           {member_name(9), 0, member_address(9)});
        std::uint64_t invented = 0;
        for (int packet = 0; packet < (long_run() ? 100'000 : 1'000); ++packet) {
            gossip::detail::rumors_message message;
            for (int each = 0; each < 10; ++each)
                message.records.push_back({"ghost" + std::to_string(++invented),
                                           random.next(),
                                           member_status::alive,
                                           0,
                                           random.next(),
                                           0,
                                           "nowhere" + std::to_string(invented),
                                           {},
                                           {}});
            net.inject(member_address(9), 0, forged.seal(gossip::detail::encode_message(message)));
            if (packet % 100 == 0) net.run_for(200ms);
        }
        const auto& flooded = std::as_const(net).engine(0);
        CHECK(flooded.counts().refused_members > 0);
        CHECK(flooded.members().size() <= 64);
        for (std::size_t other = 1; other < 10; ++other)
            CHECK(seen(net, 0, other) != member_status::left);
        net.run_for(60s);
        for (std::size_t node = 0; node < 10; ++node)
            for (std::size_t other = 0; other < 10; ++other)
                if (node != other) CHECK(seen(net, node, other) == member_status::alive);
    });
}

TEST_CASE("32 whoever still has the former secret is told so") {
    for_seeds([](std::uint64_t seed) {
        member_network net(seed, testing::faults{20, 0, 1ms, 10ms});
        const std::vector<std::byte> old{std::byte{1}};
        const std::vector<std::byte> fresh{std::byte{2}};
        for (std::size_t node = 0; node < 5; ++node) {
            auto settings = member_config(node);
            settings.secret = node < 4 ? fresh : old;
            if (node < 4) settings.former_secrets = {old};
            net.add(member_address(node), gossip::membership(settings, seed * 10 + node));
        }
        net.run_for(20s);
        CHECK(count_of(take_events(net.engine(4)), event_kind::secret_outdated) == 1);
        CHECK(all_see(net, up_to(4)));
        CHECK(std::as_const(net).engine(4).live_count() == 0);
    });
}

TEST_CASE("34 equal seeds everywhere, and clusters of one, two and three") {
    for (const std::size_t nodes : {1U, 2U, 3U, 12U}) {
        member_network net(1, testing::faults{0, 0, 1ms, 5ms});
        for (std::size_t node = 0; node < nodes; ++node)
            net.add(member_address(node), gossip::membership(member_config(node), 42));
        CHECK(net.run_until([&] { return all_see(net, up_to(nodes)); }, 20s));
        net.run_for(5s);
        if (nodes == 1) continue;
        net.stop(nodes - 1);
        CHECK(net.run_until([&] { return all_see(net, up_to(nodes - 1)); }, 30s));
        CHECK(net.counts().unreachable > 0);
    }
}

} // namespace scenarios_members_test
