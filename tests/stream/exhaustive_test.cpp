// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <array>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace exhaustive_test {

using namespace stream_test;
using stream::status;

namespace {

const std::vector<std::string> names{"n0", "n1", "n2"};
constexpr std::array<std::uint64_t, 2> epochs{1, 2};
constexpr std::array<const char*, 2> contents{"X", "Y"};

// Everything that three nodes can do within a number of steps. Each state of one node is worked
// out once and has a number, and so has each join of two: the rest is walking over numbers.
class world {
public:
    using id = std::uint32_t;
    using nodes = std::array<id, 3>;

    id intern(const stream::checkpoint& state) {
        const auto [at, fresh] = ids_.try_emplace(state.root(), static_cast<id>(states_.size()));
        if (fresh) {
            check_alone(state);
            states_.push_back(state);
        } else {
            REQUIRE(states_[at->second] == state);
        }
        return at->second;
    }

    id join(id a, id b) {
        if (a == b) return a;
        const auto key = (std::uint64_t{a} << 32U) | b;
        if (const auto at = joins_.find(key); at != joins_.end()) return at->second;
        auto both = states_[a];
        const auto lacking = states_[b].difference(both);
        REQUIRE(both.merge(states_[b]) == (lacking != stream::checkpoint{}));
        auto other = states_[a];
        other.merge(lacking);
        REQUIRE(other == both);
        const id result = intern(both);
        check_step(a, result);
        check_step(b, result);
        joins_.emplace(key, result);
        return result;
    }

    // What node `self` can do on its own: say an epoch, acknowledge one, raise the floor.
    const std::vector<id>& acts(id from, std::size_t self) {
        const auto key = (std::uint64_t{from} << 2U) | self;
        if (const auto at = acts_.find(key); at != acts_.end()) return at->second;
        std::set<id> next;
        const auto tried = [&](auto act) {
            auto after = states_[from];
            const stream::checkpoint delta = act(after);
            auto by_delta = states_[from];
            by_delta.merge(delta);
            REQUIRE(by_delta == after);
            const id to = intern(after);
            check_step(from, to);
            if (to != from) next.insert(to);
        };
        for (const auto epoch : epochs) {
            for (const char* content : contents)
                tried([&](auto& s) { return s.submit(said(epoch, names[self], content)).second; });
            tried([&](auto& s) { return s.acknowledge(epoch, plan_id_, names[self]).second; });
        }
        tried([&](auto& s) {
            const auto proof = s.latest();
            return proof ? s.raise_floor(*proof) : stream::checkpoint{};
        });
        return acts_.emplace(key, std::vector<id>(next.begin(), next.end())).first->second;
    }

    // Each set of states that the nodes can be in after up to `depth` steps.
    std::size_t explore(const stream::checkpoint& start, int depth) {
        const id first = intern(start);
        std::unordered_set<std::uint64_t> seen;
        std::vector<nodes> now{{first, first, first}}, next;
        const auto reach = [&](nodes where) {
            REQUIRE(states_.size() < (1U << 21U));
            const auto key =
                (std::uint64_t{where[0]} << 42U) | (std::uint64_t{where[1]} << 21U) | where[2];
            if (seen.insert(key).second) next.push_back(where);
        };
        for (; depth >= 0; --depth, now.swap(next)) {
            for (const nodes& where : now) {
                check_together(where);
                if (depth == 0) continue;
                for (std::size_t self = 0; self < 3; ++self) {
                    nodes after = where;
                    for (const id to : acts(where[self], self)) {
                        after[self] = to;
                        reach(after);
                    }
                    for (std::size_t from = 0; from < 3; ++from) {
                        after[self] = join(where[self], where[from]);
                        if (after != where) reach(after);
                    }
                }
            }
            now.clear();
        }
        return seen.size();
    }

    std::size_t states() const { return states_.size(); }
    std::map<status, std::size_t> reached;
    std::size_t floors = 0;

private:
    // Epochs are judged alike wherever the state came from, and a floor has its certificate.
    void check_alone(const stream::checkpoint& state) {
        const auto again = wire::decode<stream::checkpoint>(wire::encode(state));
        REQUIRE(again == state);
        const auto found = state.latest();
        REQUIRE(again.latest() == found);
        for (const auto epoch : epochs) {
            ++reached[state.status_of(epoch)];
            REQUIRE(again.status_of(epoch) == state.status_of(epoch));
        }
        if (found) REQUIRE(state.status_of(found->epoch) == status::stable);
        floors += state.floor() != 0 ? 1U : 0U;
        REQUIRE((state.floor() == 0 || state.floor() <= state.floor_certificate()->epoch));
        REQUIRE((state.floor() == 0 || found.has_value()));
    }

    // A status never falls, and a stable checkpoint gives way to newer ones alone.
    void check_step(id from, id to) {
        if (from == to) return;
        const auto &before = states_[from], &after = states_[to];
        REQUIRE(before.leq(after));
        REQUIRE_FALSE(after.leq(before));
        for (const auto epoch : epochs)
            if (epoch >= after.floor()) REQUIRE(after.status_of(epoch) >= before.status_of(epoch));
        const auto old = before.latest(), now = after.latest();
        if (!old) return;
        REQUIRE(now.has_value());
        REQUIRE((now->epoch > old->epoch || now->global_root == old->global_root));
    }

    // Joins do not depend on order or grouping, and no two roots are ever stable.
    void check_together(const nodes& where) {
        const auto [a, b, c] = where;
        const id ab = join(a, b), all = join(ab, c);
        REQUIRE(ab == join(b, a));
        REQUIRE(all == join(a, join(b, c)));
        REQUIRE(all == join(join(c, a), b));
        for (const auto epoch : epochs) REQUIRE(states_[all].status_of(epoch) != status::split);
    }

    wire::digest plan_id_ = with_plan(names, stream::ack_policy::majority).plan_for(1)->id();
    std::vector<stream::checkpoint> states_;
    std::map<wire::digest, id> ids_;
    std::unordered_map<std::uint64_t, id> joins_;
    std::unordered_map<std::uint64_t, std::vector<id>> acts_;
};

} // namespace

TEST_CASE("A20 all that three nodes can do with two epochs and two roots keeps every invariant") {
    const char* longer = std::getenv("JOINERY_LONG");
    const int depth = JOINERY_CASES_DIVISOR > 1 ? 4 : longer != nullptr ? 9 : 8;
    world all;
    auto start = with_plan(names, stream::ack_policy::majority);
    std::size_t reached = all.explore(start, depth);
    // A step before all that is rare: conflicts with what is complete, acknowledged, and stable.
    for (const auto& name : names) start.submit(said(1, name, "X"));
    reached += all.explore(start, depth - 1);
    acknowledge(start, 1, {names[0]});
    for (const auto& name : names) start.submit(said(2, name, "X"));
    reached += all.explore(start, depth - 1);
    MESSAGE(reached << " states of three nodes, " << all.states() << " of one, at depth " << depth);
    for (const auto each : {status::pending, status::complete, status::conflicted, status::stable})
        CHECK(all.reached[each] > 0);
    CHECK(all.reached[status::split] == 0);
    CHECK(all.floors > 0);
}

} // namespace exhaustive_test
