// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <crdt/or_set.hpp>
#include <testing/laws.hpp>

#include "samples.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace laws_test {

namespace {

using namespace stream_test;
namespace testing = joinery::testing;

const std::uint64_t cases = cases_of(10'000);
const std::vector<std::string> names{"p0", "p1", "p2"};

stream::plan random_plan(rng& chance, std::uint64_t generation) {
    using stream::ack_policy;
    const auto acks = generation == 1   ? ack_policy::majority
                      : generation == 2 ? ack_policy::all
                                        : ack_policy::nobody;
    auto made = plan_of(generation, names, (generation - 1) * 2, acks);
    if (generation == 2) made.members.pop_back();
    if (chance.chance(1, 8)) made.members = {"p1", "p9"};
    if (generation == 3) made.spread(4);
    return made;
}

stream::submission random_submission(const stream::checkpoint& state, rng& chance) {
    auto what = said(chance.below(6), names[static_cast<std::size_t>(chance.below(3))],
                     chance.chance(1, 6) ? "other" : "same",
                     "worker-" + std::to_string(chance.below(2)), chance.below(3));
    if (chance.chance(1, 12)) what.root = root_of(std::to_string(chance.below(4)));
    if (chance.chance(1, 16)) what.offsets[what.member].end += chance.below(3);
    if (chance.chance(1, 8)) what.watermark = static_cast<std::int64_t>(chance.below(9)) - 4;
    if (const auto* under = state.plan_for(what.epoch))
        for (const auto group : under->groups_of(what.member))
            what.groups.push_back({group, root_of("group"), 5});
    if (what.epoch > 0 && chance.chance(1, 8))
        if (const auto* base = state.find(what.epoch - 1, what.member))
            what.base = stream::increment{what.epoch - 1, base->root, root_of("delta"), 5,
                                          1 + (base->base ? base->base->length : 0)};
    return what;
}

// Whatever a member may claim: any content for every member, signed by anybody.
stream::checkpoint lie(stream::checkpoint& state, rng& chance, bool floors) {
    const auto epoch = chance.below(6);
    stream::checkpoint liar;
    liar.set_plan(*state.plan_for(epoch));
    if (liar.plan_for(epoch) == nullptr) return {};
    for (const auto& member : names) {
        auto what = random_submission(liar, chance);
        what.epoch = epoch;
        what.base.reset();
        what.offsets = {{member, {epoch * 10, epoch * 10 + 10}}};
        what.member = member;
        what.groups.clear();
        for (const auto group : liar.plan_for(epoch)->groups_of(member))
            what.groups.push_back({group, root_of("group"), 5});
        liar.submit(what);
        const auto plan_id = liar.plan_for(epoch)->id();
        liar.acknowledge(epoch, plan_id, names[static_cast<std::size_t>(chance.below(3))]);
        liar.acknowledge(epoch, plan_id, member);
    }
    if (const auto proof = newest(liar); proof && floors && chance.chance(1, 8))
        liar.raise_floor(*proof);
    state.merge(liar);
    return liar;
}

// Every member says the same as elsewhere, so that acknowledgements follow.
stream::checkpoint say_all(stream::checkpoint& state, std::uint64_t epoch) {
    stream::checkpoint delta;
    const auto* under = state.plan_for(epoch);
    if (under == nullptr) return delta;
    for (const auto& member : stream::plan(*under).members) {
        auto what = said(epoch, member, "same", "worker-0", 0);
        for (const auto group : under->groups_of(member))
            what.groups.push_back({group, root_of("group"), 5});
        delta.merge(state.submit(what).second);
    }
    return delta;
}

// Few members, epochs and contents, so that replicas agree, contradict each other and complete
// epochs; a lying member says anything.
stream::checkpoint random_act(stream::checkpoint& state, rng& chance, bool floors) {
    const auto what = chance.below(20);
    if (what < 3 || state.plan_for(0) == nullptr)
        return state.set_plan(
            random_plan(chance, state.plan_for(0) == nullptr ? 1 : 1 + chance.below(3)));
    if (what == 3 && floors) {
        const auto policy = chance.chance(1, 2) ? stream::restore_policy::complete
                                                : stream::restore_policy::stable_only;
        const auto proof = state.latest(policy);
        return proof ? state.raise_floor(*proof, chance.below(6)) : stream::checkpoint{};
    }
    if (what < 9) {
        const auto epoch = chance.below(6);
        const auto* under = state.plan_for(epoch);
        if (under == nullptr) return {};
        const auto& member = names[static_cast<std::size_t>(chance.below(3))];
        return state.acknowledge(epoch, under->id(), member).second;
    }
    if (what == 9) return lie(state, chance, floors);
    if (what == 10) return say_all(state, chance.below(6));
    return state.submit(random_submission(state, chance)).second;
}

word_counts count_word(word_counts& state, crdt::replica_id self, rng& chance) {
    return state.update(self, "word-" + std::to_string(chance.below(4)),
                        [&](crdt::g_counter& counter, crdt::replica_id id) {
                            return counter.increment(id, chance.below(3));
                        });
}

std::string partition_name(rng& chance) { return "p" + std::to_string(chance.below(3)); }

} // namespace

TEST_CASE("A21 a checkpoint with lying members keeps every law while no floor rises") {
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
TEST_CASE("A21 a checkpoint whose floors rise keeps every law but that entries are independent") {
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

TEST_CASE("A21 the status of a retained epoch only rises and latest is what the state says") {
    using stream::status;
    std::map<status, std::uint64_t> rises;
    std::uint64_t certificates = 0;
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
            REQUIRE(before.leq(at));
            // Plans retire only with the generation; until then nothing said is taken back.
            if (at.oldest_generation() != before.oldest_generation()) continue;
            for (std::uint64_t epoch = at.floor(); epoch < 6; ++epoch) {
                REQUIRE(at.status_of(epoch) >= before.status_of(epoch));
                if (at.status_of(epoch) > before.status_of(epoch)) ++rises[at.status_of(epoch)];
            }
        }
        auto forward = replicas[0], backward = replicas[2];
        for (const std::size_t i : {1U, 2U}) forward.merge(replicas[i]);
        for (const std::size_t i : {1U, 0U}) backward.merge(replicas[i]);
        REQUIRE(wire::encode(forward) == wire::encode(backward));
        REQUIRE(forward.latest() == backward.latest());
        REQUIRE(forward.floor() <=
                (forward.floor_certificate() ? forward.floor_certificate()->epoch : 0));
        if (const auto found = forward.latest()) {
            ++certificates;
            const bool of_floor = found == forward.floor_certificate();
            REQUIRE(
                (of_floor || forward.status_of(found->epoch, found->plan_id) == status::stable));
            REQUIRE(found->epoch >= forward.floor());
            REQUIRE(wire::decode<stream::certificate>(wire::encode(*found)) == *found);
        }
    }
    if (std::getenv("JOINERY_SEED") != nullptr || JOINERY_CASES_DIVISOR > 20) return;
    for (const auto reached : {status::complete, status::conflicted, status::stable, status::split})
        CHECK(rises[reached] > 0);
    CHECK(certificates > 0);
}

} // namespace laws_test
