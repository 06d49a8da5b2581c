// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/causal_counter.hpp>
#include <crdt/event_log.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/or_set.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/replica_id.hpp>
#include <crdt/version_vector.hpp>
#include <gossip/random.hpp>
#include <wire/codec.hpp>

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace trust_test {

// Threats of SECURITY.md that no other test of the types meets head on.

namespace {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;
using random_source = joinery::gossip::random;
using set = crdt::or_set<std::string>;

// What a process keeps on its disk, written one piece at a time.
struct disk {
    std::optional<crdt::lease> lease;
    std::vector<std::byte> state = wire::encode(set{});
};

// One life of a process: starts from the disk, works, perhaps stops cleanly. It ends before any
// of its steps when `left` runs out.
class life {
public:
    life(disk& on, set& peer, std::map<crdt::dot, std::string>& minted, std::uint64_t& left)
        : disk_(on), peer_(peer), minted_(minted), left_(left) {}

    void run(random_source& random, int& serial) {
        set state = wire::decode<set>(disk_.state);
        // Whatever the former life had minted under this incarnation.
        const auto before = disk_.lease ? crdt::replica_id::of("worker", disk_.lease->incarnation)
                                        : crdt::replica_id{};
        const auto incarnation =
            crdt::next_incarnation(disk_.lease, state.context().last(before), random.next());
        if (!step()) return;
        disk_.lease = crdt::lease{incarnation, false, 0};
        const auto self = crdt::replica_id::of("worker", incarnation);
        for (auto n = random.below(6); n > 0; --n) {
            if (!step()) return;
            const std::string word = "word" + std::to_string(++serial);
            const set delta = state.add(self, word);
            delta.for_each_dot([&](const crdt::dot& d, const std::string& what) {
                CHECK(minted_.emplace(d, what).second);
            });
            if (random.chance(1, 2)) {
                if (!step()) return;
                peer_.merge(delta);
            }
            if (random.chance(1, 3)) {
                if (!step()) return;
                disk_.state = wire::encode(state);
                durable_ = state;
            }
        }
        if (random.chance(1, 2)) return;
        if (!step()) return;
        disk_.state = wire::encode(state);
        if (!step()) return;
        disk_.lease = crdt::lease{incarnation, true, state.context().last(self)};
    }

private:
    bool step() { return left_ != 0 && left_-- != 0; }

    disk& disk_;
    set& peer_;
    std::map<crdt::dot, std::string>& minted_;
    std::uint64_t& left_;
    set durable_;
};

// The bytes of a counter with one slot, whatever its count.
template <class Counter>
bool accepts(std::uint64_t first, std::optional<std::uint64_t> second = {}) {
    const auto empty = wire::encode(Counter{});
    wire::writer w;
    w.raw(std::span(empty).first(7));
    w.varint(1);
    w.fixed64(1);
    w.varint(first);
    if (second) w.varint(*second);
    wire::error why;
    return wire::try_decode<Counter>(w.bytes(), {}, why).has_value();
}

} // namespace

TEST_CASE("a crash at any step mints no dot twice and loses nothing that was durable or told") {
    for (std::uint64_t seed = 1; seed <= 1 + 2000U / JOINERY_CASES_DIVISOR; ++seed) {
        INFO("seed " << seed);
        random_source random(seed);
        disk on;
        set peer;
        std::map<crdt::dot, std::string> minted;
        int serial = 0;
        for (int lives = 0; lives < 6; ++lives) {
            std::uint64_t left = random.below(16);
            life(on, peer, minted, left).run(random, serial);
        }
        set all = wire::decode<set>(on.state);
        crdt::report found;
        all.merge(peer, &found);
        CHECK(found.empty());
        const set kept = wire::decode<set>(on.state);
        for (const set* each : {&kept, static_cast<const set*>(&peer)})
            each->for_each_dot(
                [&](const crdt::dot&, const std::string& word) { CHECK(all.contains(word)); });
    }
}

TEST_CASE("a million sparse dots cost an interval each and none once the gaps are filled") {
    constexpr std::uint64_t dots = 1'000'000 / JOINERY_CASES_DIVISOR;
    crdt::causal_context sparse, even;
    for (std::uint64_t i = 1; i <= dots; ++i) {
        sparse.add(crdt::dot{{1}, 2 * i - 1});
        even.add(crdt::dot{{1}, 2 * i});
    }
    CHECK(sparse.intervals().size() == dots);
    CHECK(wire::encode(sparse).size() < 2 * dots + 40);
    sparse.merge(even);
    CHECK(sparse.intervals().size() == 1);
    CHECK(sparse.size() == 2 * dots);
}

TEST_CASE("no part of a truncation, nor any of them together, takes more than was truncated") {
    using log = crdt::event_log<std::string>;
    const crdt::replica_id a{1}, b{2};
    log full;
    for (std::uint64_t i = 1; i <= 150; ++i) {
        full.append(a, i, "a" + std::to_string(i));
        full.append(b, i, "b" + std::to_string(i));
    }
    log truncated = full;
    const log cut = truncated.truncate(a, {{a, 70}, {b, 130}});
    std::vector<log> parts;
    cut.split(0, [&](log part) { parts.push_back(std::move(part)); });
    REQUIRE(parts.size() >= 2);
    REQUIRE(parts.size() < 12);
    for (std::uint64_t chosen = 0; chosen < std::uint64_t{1} << parts.size(); ++chosen) {
        log at = full;
        for (std::size_t i = 0; i < parts.size(); ++i)
            if ((chosen >> i & 1) != 0) at.merge(parts[i]);
        for (std::uint64_t i = 1; i <= 150; ++i) {
            if (i > 70) REQUIRE(at.find(crdt::dot{a, i}).has_value());
            if (i > 130) REQUIRE(at.find(crdt::dot{b, i}).has_value());
        }
        CHECK(at.total() == 300);
        at.merge(cut);
        CHECK(at == truncated);
    }
}

TEST_CASE("a slot is accepted up to 2^63 - 1 and no further, in every counter") {
    constexpr std::uint64_t most = crdt::max_count;
    static_assert(most == (std::uint64_t{1} << 63U) - 1);
    for (const std::uint64_t count : std::vector<std::uint64_t>{most - 2, most - 1, most, most + 1,
                                                                most + 2, ~std::uint64_t{0}}) {
        const bool fits = count <= most;
        CHECK(accepts<crdt::g_counter>(count) == fits);
        CHECK(accepts<crdt::version_vector>(count) == fits);
        CHECK(accepts<crdt::pn_counter>(count, 1) == fits);
        CHECK(accepts<crdt::pn_counter>(1, count) == fits);
    }
    crdt::g_counter full;
    full.increment({1}, most);
    full.increment({2}, most);
    CHECK(full.value() == 2 * crdt::uint128{most});
    CHECK_THROWS_AS(full.increment({1}), crdt::counter_exhausted);
    crdt::causal_counter sums;
    sums.increment({1}, most);
    sums.increment({1}, most);
    CHECK(sums.value() == 2 * crdt::int128{most});
    CHECK_THROWS_AS(sums.compact({1}), crdt::counter_exhausted);
}

} // namespace trust_test
