// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <algorithm>
#include <chrono>
#include <map>

namespace gossiped_test {

using namespace stream_test;
using stream::checkpoint;
using stream::status;

namespace {

std::vector<std::string> node_names(std::size_t count) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i)
        all.push_back((i < 10 ? "node-0" : "node-") + std::to_string(i));
    return all;
}

// Nodes that each exchange all they know of the epoch with `fan_out` others per round, and
// acknowledge it as soon as it is complete where they are.
class rumour {
public:
    rumour(std::size_t count, stream::ack_policy acks, std::uint64_t seed)
        : names_(node_names(count)), nodes_(count, with_plan(names_, acks)), chance_(seed) {
        plan_id_ = nodes_[0].plan_for(epoch)->id();
        for (std::size_t i = 0; i < count; ++i) nodes_[i].submit(said(epoch, names_[i], names_[i]));
    }

    // Messages between `cut` and the nodes from it on are lost.
    void round(std::uint64_t percent_lost, std::size_t cut = 0) {
        const auto before = nodes_;
        for (std::size_t from = 0; from < nodes_.size(); ++from) {
            for (int i = 0; i < fan_out; ++i) {
                const auto step = 1 + static_cast<std::size_t>(chance_.below(nodes_.size() - 1));
                const std::size_t to = (from + step) % nodes_.size();
                if ((from < cut) != (to < cut) || chance_.chance(percent_lost, 100)) continue;
                nodes_[to].merge(before[from]);
                if (!chance_.chance(percent_lost, 100)) nodes_[from].merge(before[to]);
            }
        }
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            nodes_[i].acknowledge(epoch, plan_id_, names_[i]);
    }

    bool everywhere(status least) const {
        return std::all_of(nodes_.begin(), nodes_.end(),
                           [&](const checkpoint& each) { return each.status_of(epoch) >= least; });
    }
    bool anywhere(status least) const {
        return std::any_of(nodes_.begin(), nodes_.end(),
                           [&](const checkpoint& each) { return each.status_of(epoch) >= least; });
    }

    static constexpr std::uint64_t epoch = 1;
    static constexpr int fan_out = 2;

private:
    std::vector<std::string> names_;
    std::vector<checkpoint> nodes_;
    wire::digest plan_id_;
    rng chance_;
};

} // namespace

TEST_CASE("A18 with a fifth of all messages lost, 64 nodes soon agree that an epoch is stable") {
    std::vector<int> complete, stable;
    for (const std::uint64_t seed : seeds(200)) {
        rumour nodes(64, stream::ack_policy::majority, seed);
        int rounds = 0;
        while (!nodes.everywhere(status::complete)) nodes.round(20), ++rounds;
        complete.push_back(rounds);
        while (!nodes.everywhere(status::stable)) nodes.round(20), ++rounds;
        stable.push_back(rounds);
    }
    std::sort(complete.begin(), complete.end());
    std::sort(stable.begin(), stable.end());
    const auto p95 = [](const std::vector<int>& all) { return all[(all.size() - 1) * 95 / 100]; };
    MESSAGE(complete.size() << " seeds, rounds to complete everywhere and to stable, p95: "
                            << p95(complete) << " and " << p95(stable) << ", most "
                            << complete.back() << " and " << stable.back());
    CHECK(p95(complete) <= 8);
    CHECK(p95(stable) <= 11);
}

TEST_CASE("A19 parted in halves no epoch is stable for all, and healed every one soon is") {
    for (const std::uint64_t seed : seeds(40)) {
        INFO("JOINERY_SEED=" << seed);
        rumour nodes(64, stream::ack_policy::all, seed);
        for (int i = 0; i < 20; ++i) nodes.round(0, 32);
        CHECK_FALSE(nodes.anywhere(status::complete));
        int rounds = 0;
        while (!nodes.everywhere(status::stable) && rounds < 40) nodes.round(0), ++rounds;
        CHECK(rounds <= 12);
    }
}

namespace {

// Delta gossip that remembers what each neighbour is known to have, and sends only the rest.
struct neighbour {
    checkpoint state;
    std::uint64_t incarnation = 1;
    std::map<const neighbour*, std::pair<std::uint64_t, checkpoint>> known;

    std::size_t tell(neighbour& other, bool forget_on_restart) {
        auto& [of, has] = known[&other];
        if (forget_on_restart && of != other.incarnation) has = {};
        of = other.incarnation;
        const auto news = state.difference(has);
        if (news == checkpoint{}) return 0;
        has.merge(news);
        other.state.merge(news);
        other.known[this].second.merge(news);
        return wire::encode(news).size();
    }
};

} // namespace

TEST_CASE("A23 a neighbour that lost its memory is told everything again, as a new incarnation") {
    for (const bool forget_on_restart : {true, false}) {
        neighbour a, b;
        a.state = with_plan({"p0", "p1"});
        b.state = a.state;
        complete(a.state, 1, {"p0"});
        complete(b.state, 1, {"p1"});
        a.tell(b, forget_on_restart);
        b.tell(a, forget_on_restart);
        CHECK(a.state == b.state);
        CHECK(a.state.status_of(1) == status::complete);
        CHECK(a.tell(b, forget_on_restart) == 0);
        b.state = {};
        b.known.clear();
        ++b.incarnation;
        for (int i = 0; i < 5; ++i) {
            a.tell(b, forget_on_restart);
            b.tell(a, forget_on_restart);
        }
        // What is kept of the incarnation before makes the neighbour stay behind for ever.
        CHECK((a.state == b.state) == forget_on_restart);
        CHECK((b.state.status_of(1) == status::complete) == forget_on_restart);
    }
}

TEST_CASE("A24 joining deltas of one entry does not cost what the whole state does") {
    const auto seconds_for = [](std::uint64_t epochs) {
        const std::vector<std::string> members{"p0", "p1", "p2", "p3"};
        auto state = with_plan(members, stream::ack_policy::nobody);
        for (std::uint64_t epoch = 1; epoch <= epochs; ++epoch) complete(state, epoch, members);
        std::vector<std::vector<std::byte>> deltas;
        auto source = with_plan(members, stream::ack_policy::nobody);
        for (std::uint64_t i = 0; i < 250; ++i)
            for (const auto& member : members)
                deltas.push_back(wire::encode(source.submit(said(i, member, "other")).second));
        double least = 1e9;
        for (int round = 0; round < 5; ++round) {
            auto to = state;
            const auto begin = std::chrono::steady_clock::now();
            for (const auto& bytes : deltas) to.merge(wire::decode<checkpoint>(bytes));
            const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
            least = std::min(least, took.count());
        }
        return least;
    };
    const double small = seconds_for(10), large = seconds_for(1000);
    MESSAGE("1000 deltas: " << small * 1e3 << " ms into 40 entries, " << large * 1e3
                            << " ms into 4000");
    CHECK(large < small * 10);
}

} // namespace gossiped_test
