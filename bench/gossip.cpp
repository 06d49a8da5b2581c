// SPDX-License-Identifier: Apache-2.0
#include "gossip/cost.hpp"
#include "gossip/detection.hpp"
#include "gossip/large.hpp"
#include "gossip/spreading.hpp"

namespace {

using namespace joinery::bench::gossiping;
namespace bench = joinery::bench;

void of_hundred(bench::rows& rows) {
    rows.section(
        {of("rounds to all, mean", 100, 0), of("rounds to all, mean", 100, 10),
         of("rounds to all, mean", 100, 30),
         of("payload copies over the floor, one writer", 100, 0),
         of("payload copies over the floor, all writers", 100, 0),
         of("payload copies over the floor, all writers", 100, 10),
         "updates never delivered, loss 50 %", "allocations per message after warm-up"},
        [](bench::rows& into) {
            const network hundred = cluster(100, 1);
            for (const marks& each : {marks{0, {6, 5}}, marks{10, {6, 5}}, marks{30, {10, 8}}})
                one_writer(into, hundred, 100, each);
            for (const std::uint32_t loss : {0U, 10U}) all_writers(into, hundred, loss);
            delivery(into, hundred);
            allocations(into, hundred);
        });
}

void of_thousand(bench::rows& rows) {
    rows.section(
        {of("rounds to all, mean", 1000, 0), of("rounds to all, mean", 1000, 10),
         of("rounds to all, mean", 1000, 30), "idle bytes per node and second, N=1000",
         "bytes per node for one 100-byte update, alone, N=1000",
         "bytes per node for one 100-byte update, batched, N=1000", "largest packet, N=1000",
         "seconds for N=1000 x 1000 rounds"},
        [](bench::rows& into) {
            const network thousand = cluster(1000, 2);
            traffic(into, thousand);
            simulation(into, thousand);
            for (const marks& each : {marks{0, {7, 6}}, marks{10, {8, 7}}, marks{30, {13, 11}}})
                one_writer(into, thousand, 20, each);
        });
}

void of_members(bench::rows& rows) {
    rows.section({"first suspicion, mean periods, N=1000", "agreed death p99, N=1000"},
                 [](bench::rows& into) { detection(into, 1000, 20); });
    rows.section({"false deaths in 10^6 node-periods, loss 10 %"}, [](bench::rows& into) {
        false_deaths(into, 10, {0, 0});
    });
    rows.section({"false deaths in 10^6 node-periods, loss 30 %"}, [](bench::rows& into) {
        false_deaths(into, 30, {10, 1});
    });
    rows.section({"contact after a 10-minute partition"}, contact);
}

} // namespace

int main(int argc, char** argv) {
    const auto given = bench::options::of(argc, argv);
    bench::pin();
    bench::rows rows("gossip", given);
    // In a child process, from an almost empty heap: before all others.
    rows.section({"bytes per peer beside metadata"}, memory_cost);
    rows.section({"ns per ping"}, ping_cost);
    rows.section({"ns per packet of 50 updates"}, packet_cost);
    rows.section({"largest packet, N=10000"}, largest_packet);
    of_hundred(rows);
    of_thousand(rows);
    of_members(rows);
    rows.section({of("rounds to all, mean", 10'000, 0), of("rounds to all, mean", 10'000, 10),
                  "idle bytes per node and second, 10000 over 1000"},
                 of_ten_thousand);
    return rows.finish();
}
