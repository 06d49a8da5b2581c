// SPDX-License-Identifier: Apache-2.0
#include "measure.hpp"
#include "rows.hpp"

#include <crdt/g_set.hpp>
#include <gossip/engine.hpp>
#include <gossip/membership.hpp>
#include <testing/network.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// A round is a gossip interval, 200 ms; the one-way delay is a twentieth of it. Bytes are those
// that the network carried, IP and UDP headers not counted.
namespace {

using namespace std::chrono_literals;
namespace bench = joinery::bench;
namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
namespace testing = joinery::testing;

using state = crdt::g_set<std::string>;
using engine = gossip::engine<state>;
using network = testing::network<engine>;
using member_network = testing::network<gossip::membership>;

constexpr auto round = 200ms;

std::string name_of(std::size_t node) { return "n" + std::to_string(node); }

testing::faults with_loss(std::uint32_t percent) { return {percent * 10, 0, 10ms, 10ms}; }

network cluster(std::size_t nodes, std::uint64_t seed) {
    network net(seed, with_loss(0));
    for (std::size_t node = 0; node < nodes; ++node) {
        gossip::config settings;
        settings.name = name_of(node);
        settings.address = name_of(node);
        settings.max_peers = 4 * nodes;
        for (std::size_t other = 0; other < 3; ++other) settings.seeds.push_back(name_of(other));
        net.add(name_of(node), engine(settings, seed * 100'000 + node));
    }
    net.run_until(
        [&] {
            for (std::size_t node = 0; node < nodes; ++node)
                if (std::as_const(net).engine(node).live_count() + 1 < nodes) return false;
            return true;
        },
        60s, 1s);
    net.run_for(60s);
    return net;
}

void update(network& net, std::size_t node, const std::string& text) {
    net.engine(node).update([&](state& set, crdt::replica_id self) { return set.add(self, text); });
}

bool everywhere(const network& net, const std::string& text) {
    for (std::size_t node = 0; node < net.size(); ++node)
        if (!net.engine(node).state().contains(text)) return false;
    return true;
}

double mean(const std::vector<double>& all) {
    double sum = 0;
    for (const double each : all) sum += each;
    return all.empty() ? 0 : sum / static_cast<double>(all.size());
}

double p99(std::vector<double> all) {
    std::sort(all.begin(), all.end());
    return all.empty() ? 0 : all[all.size() * 99 / 100];
}

std::string of(const std::string& what, std::size_t nodes, std::uint32_t loss) {
    return what + ", N=" + std::to_string(nodes) + ", loss " + std::to_string(loss) + " %";
}

struct marks {
    std::uint32_t loss;
    bench::aim rounds;
};

// Updates of random nodes, one at a time: rounds until all have it, and copies of the payload.
void spreading(bench::rows& rows, network net, std::size_t updates, const marks& to) {
    net.set_faults(with_loss(to.loss));
    gossip::random random(7);
    std::vector<double> rounds;
    std::uint64_t copies = 0;
    for (std::size_t node = 0; node < net.size(); ++node) {
        const auto& at = net.engine(node).statistics();
        copies -= at.items_relayed + at.pushes;
    }
    for (std::size_t each = 0; each < updates; ++each) {
        const std::string text = std::string(100, 'x') + std::to_string(each);
        net.run_for(round * static_cast<int>(random.below(20)) / 20);
        const auto start = net.now();
        update(net, random.below(net.size()), text);
        net.run_until([&] { return everywhere(net, text); }, 120s, 10ms);
        rounds.push_back(static_cast<double>((net.now() - start) / 1ms) / 200);
        net.run_for(2s);
    }
    for (std::size_t node = 0; node < net.size(); ++node) {
        const auto& at = net.engine(node).statistics();
        copies += at.items_relayed + at.pushes;
    }
    const double floor = 1 / (1 - to.loss / 100.0);
    const auto n = static_cast<double>(net.size() - 1) * static_cast<double>(updates);
    rows.figure(of("rounds to all, mean", net.size(), to.loss), "rounds", mean(rounds), to.rounds);
    rows.figure(of("rounds to all, p99", net.size(), to.loss), "rounds", p99(rounds),
                {to.rounds.bar * 1.5, to.rounds.goal * 1.5});
    rows.figure(of("payload copies over the floor, one writer", net.size(), to.loss), "",
                static_cast<double>(copies) / n / floor, {1.1, 1.02});
}

void traffic(bench::rows& rows, network net) {
    const auto n = static_cast<double>(net.size());
    const auto bytes_of = [&](auto length) {
        const auto before = net.bytes_sent();
        net.run_for(length);
        return static_cast<double>(net.bytes_sent() - before) / n;
    };
    const double idle = bytes_of(60s) / 60;
    const std::string size = ", N=" + std::to_string(net.size());
    rows.figure("idle bytes per node and second" + size, "B", idle, {450, 300});
    update(net, 5, std::string(100, 'y'));
    rows.figure("bytes per node for one 100-byte update, alone" + size, "B",
                bytes_of(30s) - 30 * idle, {400, 320});
    for (std::size_t each = 0; each < 50; ++each)
        update(net, each * 7 % net.size(), std::string(100, 'z') + std::to_string(each));
    rows.figure("bytes per node for one 100-byte update, batched" + size, "B",
                (bytes_of(30s) - 30 * idle) / 50, {260, 225});
    rows.figure("largest packet" + size, "B", static_cast<double>(net.largest_datagram()),
                {1400, 1400});
    const double start = bench::thread_ns();
    net.run_for(round * 100);
    rows.figure("seconds for N=1000 x 1000 rounds", "s",
                (bench::thread_ns() - start) / 1e8 * 1000 / n, {20, 10});
}

member_network members(std::size_t nodes, std::uint64_t seed) {
    member_network net(seed, with_loss(0));
    for (std::size_t node = 0; node < nodes; ++node) {
        gossip::membership_config settings;
        settings.name = name_of(node);
        settings.address = name_of(node);
        settings.max_members = 4 * nodes;
        for (std::size_t other = 0; other < 3; ++other) settings.seeds.push_back(name_of(other));
        net.add(name_of(node), gossip::membership(settings, seed * 100'000 + node));
    }
    net.run_for(90s);
    return net;
}

void drop_events(member_network& net) {
    for (std::size_t node = 0; node < net.size(); ++node)
        while (net.engine(node).poll_event()) {}
}

// One member after another dies: when it is first suspected, and when all know that it is dead.
void detection(bench::rows& rows, std::size_t nodes, std::size_t deaths) {
    member_network net = members(nodes, 3);
    std::vector<double> first, agreed;
    for (std::size_t each = 0; each < deaths; ++each) {
        drop_events(net);
        const std::size_t victim = nodes - 1 - each;
        const auto start = net.now();
        net.stop(victim);
        double suspected = 0;
        std::size_t dead = 0;
        while (dead + 1 + each < nodes && net.now() < start + 60s) {
            net.run_for(100ms);
            for (std::size_t node = 0; node < victim; ++node)
                while (const auto told = net.engine(node).poll_event()) {
                    if (told->name != name_of(victim)) continue;
                    dead += told->kind == gossip::event_kind::member_down ? 1U : 0U;
                    if (suspected == 0 && told->kind == gossip::event_kind::member_suspect)
                        suspected = static_cast<double>((net.now() - start) / 1ms) / 1000;
                }
        }
        first.push_back(suspected);
        agreed.push_back(static_cast<double>((net.now() - start) / 1ms) / 1000);
    }
    rows.figure("first suspicion, mean periods, N=1000", "periods", mean(first), {2, 1.6});
    rows.figure("agreed death p99, N=1000", "s", p99(agreed), {10, 8});
}

void false_deaths(bench::rows& rows, std::uint32_t loss, const bench::aim& to) {
    member_network net = members(100, 5);
    net.set_faults(with_loss(loss));
    drop_events(net);
    std::uint64_t dead = 0;
    for (int part = 0; part < 100; ++part) {
        net.run_for(100s);
        for (std::size_t node = 0; node < net.size(); ++node)
            while (const auto told = net.engine(node).poll_event())
                dead += told->kind == gossip::event_kind::member_down ? 1U : 0U;
    }
    rows.figure("false deaths in 10^6 node-periods, loss " + std::to_string(loss) + " %", "",
                static_cast<double>(dead), to);
}

void contact(bench::rows& rows) {
    std::vector<double> seconds;
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        member_network net = members(20, seed);
        std::vector<std::size_t> half;
        for (std::size_t node = 0; node < 10; ++node) half.push_back(node);
        net.partition({half});
        net.run_for(600s);
        net.heal();
        const auto start = net.now();
        const auto met = [&] { return std::as_const(net).engine(0).live_count() == 19; };
        net.run_until(met, 120s, 100ms);
        seconds.push_back(static_cast<double>((net.now() - start) / 1ms) / 1000);
    }
    rows.figure("contact after a 10-minute partition", "s",
                *std::max_element(seconds.begin(), seconds.end()), {45, 30});
}

} // namespace

int main(int argc, char** argv) {
    const auto given = bench::options::of(argc, argv);
    bench::pin();
    bench::rows rows("gossip", given);
    rows.section(
        {of("rounds to all, mean", 100, 0), of("rounds to all, mean", 100, 10),
         of("rounds to all, mean", 100, 30)},
        [](bench::rows& into) {
            const network hundred = cluster(100, 1);
            for (const marks& each : {marks{0, {6, 5}}, marks{10, {6, 5}}, marks{30, {10, 8}}})
                spreading(into, hundred, 100, each);
        });
    rows.section(
        {of("rounds to all, mean", 1000, 0), of("rounds to all, mean", 1000, 10),
         of("rounds to all, mean", 1000, 30), "idle bytes per node and second, N=1000"},
        [](bench::rows& into) {
            const network thousand = cluster(1000, 2);
            for (const marks& each : {marks{0, {7, 6}}, marks{10, {8, 7}}, marks{30, {13, 11}}})
                spreading(into, thousand, 20, each);
            traffic(into, thousand);
        });
    rows.section({"first suspicion, mean periods, N=1000", "agreed death p99, N=1000"},
                 [](bench::rows& into) { detection(into, 1000, 20); });
    rows.section({"false deaths in 10^6 node-periods, loss 10 %"}, [](bench::rows& into) {
        false_deaths(into, 10, {0, 0});
    });
    rows.section({"false deaths in 10^6 node-periods, loss 30 %"}, [](bench::rows& into) {
        false_deaths(into, 30, {10, 1});
    });
    rows.section({"contact after a 10-minute partition"}, [](bench::rows& into) { contact(into); });
    // What is not measured here yet.
    rows.section({"rounds to all, mean, N=10000, loss 0 %",
                  "rounds to all, mean, N=10000, loss 10 %",
                  "idle bytes per node and second, 10000 over 1000", "ns per ping",
                  "ns per packet of 50 updates", "bytes per peer beside metadata",
                  "allocations per message after warm-up"},
                 [](bench::rows&) {});
    return rows.finish();
}
