// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <crdt/or_set.hpp>
#include <testing/laws.hpp>

#include "samples.hpp"

#include <algorithm>
#include <set>

namespace {

using namespace stream_test;
namespace testing = joinery::testing;

constexpr std::uint64_t cases = 10'000 / JOINERY_CASES_DIVISOR;

// Few members, epochs and contents, so that replicas agree, contradict each other and complete
// epochs; a lying member says anything.
stream::checkpoint random_act(stream::checkpoint& state, rng& chance, bool floors) {
    static const std::vector<std::string> names{"p0", "p1", "p2"};
    const auto what = chance.below(16);
    if (what < 3 || state.plan_for(0) == nullptr) {
        const auto generation = state.plan_for(0) == nullptr ? 1 : 1 + chance.below(3);
        std::vector<std::string> members(names.begin(), names.end() - (generation == 2 ? 1 : 0));
        if (chance.chance(1, 8)) members = {"p1", "p9"};
        return state.set_plan({generation, std::move(members), (generation - 1) * 2});
    }
    if (what == 3 && floors) return state.raise_floor(chance.below(6));
    auto submission = said(chance.below(6), names[static_cast<std::size_t>(chance.below(3))],
                           chance.chance(1, 6) ? "other" : "same", "worker", chance.below(3));
    if (chance.chance(1, 12)) submission.root = root_of(std::to_string(chance.below(4)));
    if (chance.chance(1, 16)) submission.end += chance.below(3);
    return state.submit(submission).second;
}

word_counts count_word(word_counts& state, crdt::replica_id self, rng& chance) {
    return state.update(self, "word-" + std::to_string(chance.below(4)),
                        [&](crdt::g_counter& counter, crdt::replica_id id) {
                            return counter.increment(id, chance.below(3));
                        });
}

std::string partition_name(rng& chance) { return "p" + std::to_string(chance.below(3)); }

} // namespace

TEST_CASE("a checkpoint keeps every law while no floor rises") {
    const auto step = [](stream::checkpoint& s, crdt::replica_id, rng& chance) {
        return random_act(s, chance, false);
    };
    const auto result = testing::check_laws<stream::checkpoint>({.cases = cases}, step);
    CHECK_MESSAGE(result.holds(), result.text());
    CHECK(result.laws.size() == 27);
    if (result.cases >= 100) CHECK(result.concurrent > cases / 10);
}

// A floor speaks of all entries below it, and takes them away without a context: that is all it
// breaks.
TEST_CASE("a checkpoint whose floors rise keeps every law but that entries are independent") {
    const auto step = [](stream::checkpoint& s, crdt::replica_id, rng& chance) {
        return random_act(s, chance, true);
    };
    const auto result = testing::check_laws<stream::checkpoint>({.cases = cases}, step);
    const std::set<std::string> local{"fragments_claim_their_dots", "answers_repair",
                                      "removals_told"};
    for (const auto& failure : result.failures)
        CHECK_MESSAGE(local.contains(failure.law), result.text());
    CHECK(result.laws.size() == 27);
    if (result.cases >= 100) CHECK(result.concurrent > cases / 10);
}

TEST_CASE("partitioned counters keep every law") {
    using state = stream::partitioned<word_counts>;
    const auto step = [](state& s, crdt::replica_id self, rng& chance) {
        const std::string partition = partition_name(chance);
        const word_counts* held = s.find(partition);
        word_counts value = held == nullptr ? word_counts{} : *held;
        return s.advance(partition, count_word(value, self, chance));
    };
    const auto result = testing::check_laws<state>({.cases = cases}, step);
    CHECK_MESSAGE(result.holds(), result.text());
    CHECK(result.laws.size() == 27);
    if (result.cases >= 100) CHECK(result.concurrent > cases / 10);
}

TEST_CASE("partitioned sets with removal keep every law") {
    using set = crdt::or_set<std::string>;
    using state = stream::partitioned<set>;
    const auto step = [](state& s, crdt::replica_id self, rng& chance) {
        const std::string partition = partition_name(chance);
        const set* held = s.find(partition);
        set value = held == nullptr ? set{} : *held;
        const std::string element(1, static_cast<char>('a' + chance.below(4)));
        return s.advance(partition, chance.chance(1, 3) ? value.remove(self, element)
                                                        : value.add(self, element));
    };
    const auto result = testing::check_laws<state>({.cases = cases}, step);
    CHECK_MESSAGE(result.holds(), result.text());
    if (result.cases >= 100) CHECK(result.concurrent > cases / 10);
}

TEST_CASE("the status of a retained epoch only rises and latest is what the state says") {
    std::uint64_t rises = 0, certificates = 0;
    for (const std::uint64_t seed : seeds(10'000)) {
        INFO("JOINERY_SEED=" << seed);
        rng chance(seed);
        std::vector<stream::checkpoint> replicas(3);
        for (int steps = 0; steps < 40; ++steps) {
            auto& at = replicas[static_cast<std::size_t>(chance.below(3))];
            const auto before = at;
            if (chance.chance(1, 4)) {
                at.merge(replicas[static_cast<std::size_t>(chance.below(3))]);
            } else {
                random_act(at, chance, true);
            }
            // Plans retire only with the generation; until then nothing said is taken back.
            if (at.oldest_generation() != before.oldest_generation()) continue;
            for (std::uint64_t epoch = at.floor(); epoch < 6; ++epoch) {
                REQUIRE(at.status_of(epoch) >= before.status_of(epoch));
                rises += at.status_of(epoch) > before.status_of(epoch) ? 1U : 0U;
            }
        }
        auto forward = replicas[0], backward = replicas[2];
        for (const std::size_t i : {1U, 2U}) forward.merge(replicas[i]);
        for (const std::size_t i : {1U, 0U}) backward.merge(replicas[i]);
        REQUIRE(wire::encode(forward) == wire::encode(backward));
        REQUIRE(forward.latest() == backward.latest());
        if (const auto found = forward.latest()) {
            ++certificates;
            REQUIRE(forward.status_of(found->epoch) == stream::status::complete);
            REQUIRE(found->epoch >= forward.floor());
            REQUIRE(wire::decode<stream::certificate>(wire::encode(*found)) == *found);
        }
    }
    if (std::getenv("JOINERY_SEED") == nullptr) CHECK(rises > 0);
    if (std::getenv("JOINERY_SEED") == nullptr) CHECK(certificates > 0);
}
