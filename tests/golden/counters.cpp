// SPDX-License-Identifier: Apache-2.0
#include <crdt/bounded_counter.hpp>

#include "crdt_types.hpp"
#include "family.hpp"

namespace golden {

template <>
struct show_type<crdt::bounded_counter> {
    static std::string of(const crdt::bounded_counter& c) {
        std::vector<std::string> parts;
        for (const auto& slot : peek<crdt::bounded_counter>::slots(c))
            parts.push_back(listed({show(slot.at.writer), show(slot.at.other), show(slot.count.up),
                                    show(slot.count.down)}));
        return listed(parts);
    }
};

namespace {

crdt::g_counter counted(std::initializer_list<std::pair<crdt::replica_id, std::uint64_t>> slots) {
    crdt::g_counter all;
    for (const auto& [id, amount] : slots) all.increment(id, amount);
    return all;
}

crdt::version_vector seen(std::initializer_list<std::pair<crdt::replica_id, unsigned>> events) {
    crdt::version_vector all;
    for (const auto& [id, count] : events)
        for (unsigned n = 0; n < count; ++n) all.increment(id);
    return all;
}

crdt::causal_context context(std::initializer_list<crdt::causal_context::interval> intervals) {
    crdt::causal_context all;
    for (const auto& each : intervals) all.add(each);
    return all;
}

std::vector<crdt::pn_counter> ups_and_downs() {
    crdt::pn_counter up, down, both;
    up.increment(ada, 5);
    down.decrement(eve, crdt::max_count);
    both = crdt::join(up, down);
    both.decrement(ada, 300);
    both.increment(named, 127);
    return {{}, up, down, both};
}

std::vector<crdt::bounded_counter> shared_rights() {
    crdt::bounded_counter stocked, spent, lent, reclaimed;
    stocked.increment(ada, 100);
    spent = stocked;
    spent.decrement(ada, 30, spent);
    lent = spent;
    lent.transfer(ada, bob, 20, lent);
    lent.decrement(bob, 5, lent);
    reclaimed = lent;
    reclaimed.reclaim(eve, bob, lent);
    return {{}, stocked, spent, lent, reclaimed};
}

} // namespace

family counters_family() {
    family all("counters");
    all.memory_multiple = 16;
    crdt::g_counter many;
    for (std::uint64_t n = 1; n <= 20; ++n) many.increment({n * n * n * 0x0101010101U}, n << n);
    all.add_lattice<crdt::g_counter>("g_counter", {{},
                                                   counted({{ada, 1}}),
                                                   counted({{bob, 300}, {ada, 5}}),
                                                   counted({{eve, crdt::max_count}, {named, 127}}),
                                                   many});
    all.add_lattice<crdt::pn_counter>("pn_counter", ups_and_downs());
    all.add_lattice<crdt::bounded_counter>("bounded_counter", shared_rights());
    all.add_lattice<crdt::version_vector>(
        "version_vector", {{}, seen({{ada, 1}}), seen({{eve, 200}, {bob, 3}, {named, 1}})});
    all.add_lattice<crdt::causal_context>("causal_context",
                                          {{},
                                           context({{ada, 1, 1}}),
                                           context({{ada, 1, 5}, {ada, 7, 7}, {ada, 300, 1000}}),
                                           context({{bob, 2, 2}, {eve, 1, crdt::max_count}}),
                                           context({{eve, crdt::max_count, crdt::max_count}}),
                                           context({{ada, 4, 4}, {bob, 1, 128}, {named, 1, 3}})});
    return all;
}

} // namespace golden
