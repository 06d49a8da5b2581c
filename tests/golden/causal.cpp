// SPDX-License-Identifier: Apache-2.0
#include "causal_types.hpp"
#include "family.hpp"

namespace golden {

namespace {

std::vector<crdt::ew_flag> enabled_flags() {
    crdt::ew_flag on, off, twice, many;
    on.enable(ada);
    off = on;
    off.disable(bob);
    twice = on;
    crdt::ew_flag other;
    other.enable(eve);
    twice.merge(other);
    // more dots than other stores keep in a list
    for (std::uint64_t n = 1; n <= 40; ++n) {
        crdt::ew_flag one;
        one.enable({n});
        many.merge(one);
    }
    return {{}, on, off, twice, many};
}

std::vector<crdt::dw_flag> disabled_flags() {
    crdt::dw_flag on, off, both;
    on.enable(ada);
    off.disable(named);
    both = crdt::join(on, off);
    off.enable(named);
    return {{}, on, off, both};
}

std::vector<crdt::mv_register<std::string>> concurrent_values() {
    crdt::mv_register<std::string> one, two, cleared;
    one.assign(ada, "one");
    two.assign(bob, "two");
    const auto both = crdt::join(one, two);
    cleared = both;
    cleared.clear(ada);
    auto settled = both;
    settled.assign(ada, "three");
    return {{}, one, both, cleared, settled};
}

std::vector<crdt::rw_set<std::string>> marked_sets() {
    crdt::rw_set<std::string> added, removed;
    added.add(ada, "x");
    added.add(ada, "y");
    removed.remove(bob, "x");
    const auto both = crdt::join(added, removed);
    auto back = both;
    back.add(eve, "x");
    return {{}, added, removed, both, back};
}

std::vector<crdt::causal_counter> amounts() {
    crdt::causal_counter up, down, both, compact;
    up.increment(ada, 7);
    up.increment(ada, crdt::max_count);
    down.decrement(eve, crdt::max_count);
    both = crdt::join(up, down);
    for (int n = 0; n < 40; ++n) compact.increment(bob, 2);
    auto compacted = compact;
    compacted.compact(bob);
    auto reset = both;
    reset.reset(named);
    return {{}, up, both, compact, compacted, reset};
}

std::vector<crdt::voted_register<std::string>> votes() {
    crdt::voted_register<std::string> one, two;
    one.assign(ada, 3, 1000, "cat");
    two.assign(eve, ~std::uint64_t{0}, 5, "dog");
    return {{}, one, crdt::join(one, two)};
}

template <class C, class F>
crdt::or_map<std::string, C> updated(F f) {
    crdt::or_map<std::string, C> made, other;
    const auto apply = [&](auto& value, crdt::replica_id self) { return f(value, self); };
    made.update(ada, "b", apply);
    made.update(ada, "a", apply);
    other.update(bob, "a", apply);
    made.merge(other);
    made.update(eve, "gone", apply);
    made.erase(ada, "gone");
    return made;
}

using inner = crdt::or_map<std::string, crdt::mv_register<std::uint32_t>>;

void add_maps(family& all) {
    using sets = crdt::or_map<std::string, crdt::or_set<std::string>>;
    const auto add = [](auto& s, auto id) { return s.add(id, "member"); };
    const auto enable = [](auto& f, auto id) { return f.enable(id); };
    all.add_lattice<sets>("or_map<string,or_set<string>>",
                          {{}, updated<crdt::or_set<std::string>>(add)});
    all.add_lattice<crdt::or_map<std::string, crdt::ew_flag>>("or_map<string,ew_flag>",
                                                              {updated<crdt::ew_flag>(enable)});
    all.add_lattice<crdt::or_map<std::string, crdt::dw_flag>>("or_map<string,dw_flag>",
                                                              {updated<crdt::dw_flag>(enable)});
    all.add_lattice<crdt::or_map<std::string, crdt::rw_set<std::string>>>(
        "or_map<string,rw_set<string>>", {updated<crdt::rw_set<std::string>>(add)});
    all.add_lattice<crdt::or_map<std::string, crdt::causal_counter>>(
        "or_map<string,causal_counter>",
        {updated<crdt::causal_counter>([](auto& c, auto id) { return c.increment(id, 300); })});
    all.add_lattice<crdt::or_map<std::string, inner>>(
        "or_map<string,or_map<string,mv_register<u32>>>", {updated<inner>([](auto& m, auto id) {
            return m.update(id, "inside",
                            [](auto& r, auto self) { return r.assign(self, 70000U); });
        })});
}

} // namespace

family causal_family() {
    family all("causal");
    all.memory_multiple = 160;
    all.add_lattice<crdt::ew_flag>("ew_flag", enabled_flags());
    all.add_lattice<crdt::dw_flag>("dw_flag", disabled_flags());
    all.add_lattice<crdt::mv_register<std::string>>("mv_register<string>", concurrent_values());
    crdt::mv_register<std::uint32_t> number;
    number.assign(named, 70000U);
    all.add_lattice<crdt::mv_register<std::uint32_t>>("mv_register<u32>", {number});
    all.add_lattice<crdt::rw_set<std::string>>("rw_set<string>", marked_sets());
    all.add_lattice<crdt::causal_counter>("causal_counter", amounts());
    all.add_lattice<crdt::voted_register<std::string>>("voted_register<string>", votes());
    add_maps(all);
    return all;
}

} // namespace golden
