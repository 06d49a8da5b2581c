// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../count_allocations.hpp"
#include "counters.hpp"
#include "maps.hpp"
#include "sets.hpp"

#include <cstddef>
#include <string>

// How often the memory manager is asked: never by a delta of one entry, by a merge of equal states,
// by encoding into a buffer that has room.
namespace joinery::bench::allocations {

template <class F>
double counted(F f) {
    const auto before = allocation_count;
    f();
    return static_cast<double>(allocation_count - before);
}

/// The rows of one type; `make` mints a delta of one entry on a state that has room.
template <class L, class Make>
void of(rows& table, const std::string& name, L state, Make make) {
    const aim none{0, 0};
    make(state);
    table.figure(name + " allocations: delta of one entry", "", counted([&] { make(state); }),
                 none);
    const L same = wire::decode<L>(wire::encode(state));
    table.figure(name + " allocations: merge of equal states", "",
                 counted([&] { state.merge(same); }), none);
    wire::writer buffer;
    wire::put(buffer, state);
    buffer.clear();
    table.figure(name + " allocations: encode into a reused buffer", "",
                 counted([&] { wire::put(buffer, state); }), none);
}

inline void run(rows& table) {
    const crdt::replica_id self{wire::mix(5)};
    of(table, "g_counter", counters::counts(0, 1000, 1),
       [](auto& c) { c.increment(counters::replica(17)); });
    of(table, "pn_counter", counters::both_ways(1000, 1),
       [](auto& c) { c.decrement(counters::replica(17)); });
    of(table, "version_vector", counters::clock(100, 1),
       [](auto& v) { v.increment(counters::replica(17)); });
    of(table, "or_set", sets::filled<sets::set>(random_keys(10'000, 3)),
       [&, n = std::uint64_t{0}](auto& s) mutable { s.add(sets::replica(1), ++n); });
    crdt::lww_register<std::uint64_t> written;
    of(table, "lww_register", written, [&, n = std::uint64_t{0}](auto& r) mutable {
        ++n;
        r.assign(self, n, n);
    });
    crdt::lww_map<std::uint64_t, std::uint64_t> map;
    for (std::uint64_t i = 0; i < 1000; ++i) map.put(self, 1, i, i);
    of(table, "lww_map", map, [&, n = std::uint64_t{1}](auto& m) mutable {
        ++n;
        m.put(self, n, 17, n);
    });
    crdt::event_log<std::uint64_t> log;
    for (std::uint64_t i = 0; i < 1000; ++i) log.append(self, i, i);
    of(table, "event_log", log, [&](auto& l) { l.append(self, 2000, 17); });
}

} // namespace joinery::bench::allocations
