// SPDX-License-Identifier: Apache-2.0
#include <map>

#include <crdt/two_p_set.hpp>
#include <gossip/random.hpp>

#include "causal_types.hpp"
#include "family.hpp"

namespace golden {

// Each element with its stage: 1 present, 2 removed.
template <class T>
struct show_type<crdt::two_p_set<T>> {
    static std::string of(const crdt::two_p_set<T>& s) {
        std::map<T, unsigned> stages;
        for (const T& value : s.elements()) stages[value] = 1;
        // the removed ones show only on the wire
        const auto encoded = wire::encode_nested(s);
        wire::reader r(encoded);
        for (auto n = r.count(); n > 0; --n) {
            T value{};
            wire::get(r, value);
            const unsigned stage = r.u8();
            if (s.removed(value)) stages[value] = stage;
        }
        return show(stages);
    }
};

namespace {

using strings = crdt::or_set<std::string>;
using numbers = crdt::or_set<std::uint32_t>;

template <class T>
crdt::g_set<T> grown(std::initializer_list<T> values) {
    crdt::g_set<T> all;
    for (const T& value : values) all.add(ada, value);
    return all;
}

std::vector<strings> string_sets() {
    strings one, two, gaps;
    one.add(ada, "x");
    two = one;
    two.add(bob, "y");
    two.add(bob, "x");
    strings emptied = two;
    const strings removal = emptied.clear(ada);
    for (const char* each : {"a", "b", "c", "d"}) gaps.add(named, each);
    gaps.remove(named, "b");
    strings delta = gaps.add(named, "a");
    strings concurrent = one;
    strings other;
    other.add(eve, "x");
    concurrent.merge(other);
    return {{}, one, two, emptied, removal, gaps, delta, concurrent};
}

template <class T>
std::vector<crdt::two_p_set<T>> removed_for_ever(const T& first, const T& second) {
    crdt::two_p_set<T> one, two, barred;
    one.add(ada, first);
    two = one;
    two.add(bob, second);
    two.remove(ada, first);
    barred.remove(ada, second);
    return {{}, one, two, barred};
}

// Chunks in both forms, several of them, and dots far from 1.
std::vector<numbers> number_sets() {
    numbers list, bitmap, holes, far;
    for (std::uint32_t n = 0; n < 31; ++n) list.add(ada, n * n);
    for (std::uint32_t n = 0; n < 32; ++n) bitmap.add(ada, n);
    holes = bitmap;
    for (std::uint32_t n = 0; n < 300; ++n) holes.add(eve, n % 90 + 100);
    for (std::uint32_t n = 0; n < 20; ++n) holes.remove(eve, n * 9);
    joinery::gossip::random random(5);
    for (int n = 0; n < 40; ++n)
        holes.add(bob, static_cast<std::uint32_t>(random.below(1U << 31U)));
    // a delta of a replica that has made many events
    for (std::uint32_t n = 0; n < 1100; ++n) {
        const auto delta = far.add(named, n);
        if (n < 1024) far.remove(named, n);
        if (n == 600) list.merge(delta);
    }
    return {list, bitmap, holes, far};
}

} // namespace

family sets_family() {
    family all("sets");
    all.memory_multiple = 100;
    all.add_lattice<crdt::g_set<std::string>>("g_set<string>",
                                              {{}, grown<std::string>({"b", "a", ""})});
    all.add_lattice<crdt::g_set<std::uint32_t>>("g_set<u32>",
                                                {{}, grown<std::uint32_t>({1, 70000, 0xffffffff})});
    all.add_lattice<crdt::g_set<std::int64_t>>("g_set<i64>", {grown<std::int64_t>({-5, 0, 5})});
    all.add_lattice<crdt::g_set<std::pair<std::string, std::uint8_t>>>(
        "g_set<tuple<string,u8>>",
        {grown<std::pair<std::string, std::uint8_t>>({{"a", 2}, {"a", 1}})});
    all.add_lattice<crdt::two_p_set<std::string>>("two_p_set<string>",
                                                  removed_for_ever<std::string>("once", "twice"));
    all.add_lattice<crdt::two_p_set<std::uint32_t>>("two_p_set<u32>",
                                                    removed_for_ever<std::uint32_t>(70000, 3));
    all.add_lattice<strings>("or_set<string>", string_sets());
    all.add_lattice<numbers>("or_set<u32>", number_sets());
    return all;
}

} // namespace golden
