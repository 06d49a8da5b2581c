// SPDX-License-Identifier: Apache-2.0
// Counters of many replicas, whose ids are spread evenly, crowded or in a row, against a std::map.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>

#include <doctest/doctest.h>

#include <crdt/g_counter.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/version_vector.hpp>
#include <testing/random_history.hpp>

namespace counter_columns_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;
using joinery::testing::rng;

namespace {

using counts = std::map<std::uint64_t, std::uint64_t>;

std::uint64_t id_of(std::uint64_t n, std::uint64_t kind) {
    if (kind == 0) return wire::mix(n);
    if (kind == 1) return n;
    return n % 2 == 0 ? wire::mix(n) >> 40 : ~(wire::mix(n) >> 50);
}

struct counter {
    crdt::g_counter ours;
    counts model;

    void add(std::uint64_t id, std::uint64_t amount, crdt::g_counter::place_hint& place) {
        const auto delta = ours.increment({id}, amount, place);
        if (amount != 0) model[id] += amount;
        CHECK(delta.slot({id}) == (amount == 0 ? 0 : model[id]));
    }
    bool merge(const counter& other) {
        const auto before = model;
        for (const auto& [id, count] : other.model) model[id] = std::max(model[id], count);
        CHECK(ours.merge(other.ours) == (model != before));
        return model != before;
    }
    bool leq(const counter& other) const {
        return std::all_of(model.begin(), model.end(), [&](const auto& slot) {
            const auto there = other.model.find(slot.first);
            return there != other.model.end() && slot.second <= there->second;
        });
    }
    void check() const {
        crdt::uint128 sum = 0;
        for (const auto& [id, count] : model) {
            sum += count;
            REQUIRE(ours.slot({id}) == count);
        }
        REQUIRE(ours.value() == sum);
        REQUIRE(wire::decode<crdt::g_counter>(wire::encode(ours)) == ours);
    }
};

} // namespace

TEST_CASE("counters of many replicas are what a map says") {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        INFO("seed ", seed);
        rng random(seed);
        const auto kind = seed % 3, domain = 1 + random.below(seed % 2 == 0 ? 600 : 20);
        counter all[3];
        crdt::g_counter::place_hint place = random.below(1000);
        for (int i = 0; i < 400; ++i) {
            auto& c = all[random.below(3)];
            if (random.chance(1, 20)) {
                c.merge(all[random.below(3)]);
            } else {
                c.add(id_of(random.below(domain), kind), random.below(4), place);
            }
        }
        for (const auto& a : all) {
            a.check();
            for (const auto& b : all) {
                CHECK(crdt::leq(a.ours, b.ours) == a.leq(b));
                counter joined = b;
                joined.merge(a);
                joined.check();
                const auto delta = crdt::difference(a.ours, b.ours);
                CHECK(crdt::join(b.ours, delta) == joined.ours);
                CHECK((delta == crdt::g_counter{}) == a.leq(b));
                CHECK(crdt::join(a.ours, b.ours) == joined.ours);
            }
        }
    }
}

TEST_CASE("the place that a caller keeps is only a hint") {
    crdt::g_counter c;
    crdt::g_counter::place_hint place = ~std::size_t{0};
    for (std::uint64_t i = 0; i < 100; ++i) c.increment({wire::mix(i)}, 1U, place);
    for (std::uint64_t i = 0; i < 100; ++i) c.increment({wire::mix(i)}, 2U, place);
    CHECK(c.value() == 300);
    crdt::g_counter other;
    CHECK(other.increment({1}, 1U, place).value() == 1);
    CHECK_THROWS(c.increment({wire::mix(5)}, crdt::max_count, place));
    CHECK(c.value() == 300);
}

TEST_CASE("counts at their limit are joined without a branch, and rightly") {
    for (const std::uint64_t high : {crdt::max_count, crdt::max_count - 1, std::uint64_t{1}})
        for (const std::uint64_t low : {std::uint64_t{1}, crdt::max_count - 1, crdt::max_count}) {
            crdt::g_counter a, b;
            crdt::pn_counter x, y;
            for (std::uint64_t i = 0; i < 40; ++i) {
                a.increment({i}, high);
                b.increment({i}, low);
                x.increment({i}, high);
                y.decrement({i}, low);
            }
            CHECK(crdt::leq(a, b) == (high <= low));
            CHECK(crdt::join(a, b).slot({3}) == std::max(high, low));
            CHECK(crdt::join(x, y).added({3}) == high);
            CHECK(crdt::join(x, y).taken({3}) == low);
            CHECK(!crdt::leq(x, y));
        }
}

} // namespace counter_columns_test
