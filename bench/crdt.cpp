// SPDX-License-Identifier: Apache-2.0
// The rows of crdt/: see README.md for the method.
#include "crdt/allocations.hpp"
#include "crdt/counters.hpp"
#include "crdt/maps.hpp"
#include "crdt/scaling.hpp"
#include "crdt/sets.hpp"

int main(int argc, char** argv) {
    namespace bench = joinery::bench;
    const auto given = bench::options::of(argc, argv);
    bench::pin();
    if (given.scaling) {
        bench::scaling::run();
        return 0;
    }
    bench::rows table("crdt", given);
    // First, while the heap is small: it measures memory.
    bench::sets::resident(table, 1'000'000);
    bench::counters::run(table);
    bench::sets::run(table);
    bench::maps::run(table);
    bench::allocations::run(table);
    return table.finish();
}
