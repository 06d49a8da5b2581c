// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <algorithm>
#include <array>
#include <set>

using namespace stream_test;
using stream::checkpoint;
using stream::status;
using stream::verdict;

namespace {

const std::vector<std::string> four{"p0", "p1", "p2", "p3"};

verdict submit(checkpoint& state, const stream::submission& what) {
    return state.submit(what).first;
}

} // namespace

TEST_CASE("A1 four members in all orders, each message three times, give one value") {
    std::vector<stream::submission> all;
    for (const auto& member : four) all.push_back(said(7, member, member));
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    std::set<std::vector<std::byte>> outcomes;
    int orders = 0;
    do {
        auto state = with_plan(four);
        int accepted = 0, duplicate = 0;
        for (int times = 0; times < 3; ++times) {
            for (const std::size_t i : order) {
                const auto [how, delta] = state.submit(all[i]);
                accepted += how == verdict::accepted ? 1 : 0;
                duplicate += how == verdict::duplicate ? 1 : 0;
                CHECK((delta == checkpoint{}) == (how == verdict::duplicate));
            }
        }
        CHECK(accepted == 4);
        CHECK(duplicate == 8);
        CHECK(state.status_of(7) == status::complete);
        outcomes.insert(wire::encode(state));
        ++orders;
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(orders == 24);
    CHECK(outcomes.size() == 1);
}

TEST_CASE("A2 a member that says two things makes the epoch conflicted everywhere") {
    auto base = with_plan(four);
    complete(base, 6, four);
    complete(base, 7, {"p0", "p1", "p3"});
    const auto x = said(7, "p2", "X"), y = said(7, "p2", "Y"), z = said(7, "p2", "Z");
    std::array<stream::submission, 3> order{x, y, z};
    const auto before = [](const auto& a, const auto& b) { return a.digest() < b.digest(); };
    std::sort(order.begin(), order.end(), before);
    const stream::submission smallest = order[0], second = order[1];
    std::set<std::vector<std::byte>> outcomes;
    do {
        auto one = base, two = base;
        CHECK(submit(one, order[0]) == verdict::accepted);
        CHECK(one.status_of(7) == status::complete);
        const auto [how, delta] = one.submit(order[1]);
        CHECK(how == verdict::conflict);
        CHECK(one.status_of(7) == status::conflicted);
        CHECK(one.latest()->epoch == 6);
        CHECK(one.find(7, "p2") == nullptr);
        // The third is kept only if it is among the two smallest.
        const auto [third, change] = one.submit(order[2]);
        CHECK(third == verdict::conflict);
        CHECK((change == checkpoint{}) == (order[2] != smallest && order[2] != second));
        REQUIRE(one.evidence().size() == 1);
        CHECK(one.evidence()[0].first == smallest);
        CHECK(one.evidence()[0].second == second);
        two.merge(one);
        CHECK(two == one);
        CHECK(two.latest()->epoch == 6);
        outcomes.insert(wire::encode(one));
    } while (std::next_permutation(order.begin(), order.end(), before));
    CHECK(outcomes.size() == 1);
}

TEST_CASE("A5 epochs complete out of order and latest never goes back") {
    auto state = with_plan(four);
    complete(state, 9, four);
    CHECK(state.latest()->epoch == 9);
    CHECK(state.status_of(8) == status::pending);
    complete(state, 8, four);
    CHECK(state.status_of(8) == status::complete);
    CHECK(state.latest()->epoch == 9);
    auto other = with_plan(four);
    complete(other, 8, four);
    complete(other, 9, four);
    CHECK(wire::encode(other) == wire::encode(state));

    const auto bytes = wire::encode(state);
    const auto last = state.floor() + checkpoint::max_open_epochs;
    CHECK(submit(state, said(last + 1, "p0", "x")) == verdict::future);
    CHECK(submit(state, said(~std::uint64_t{0}, "p0", "x")) == verdict::future);
    CHECK(wire::encode(state) == bytes);
    CHECK(submit(state, said(last, "p0", "x")) == verdict::accepted);
}

TEST_CASE("A6 a silent member is missing, and its return completes all epochs at once") {
    auto state = with_plan(four);
    for (std::uint64_t epoch = 5; epoch <= 9; ++epoch) complete(state, epoch, {"p0", "p1", "p2"});
    checkpoint wave;
    auto late = state;
    for (std::uint64_t epoch = 5; epoch <= 9; ++epoch) {
        CHECK(state.status_of(epoch) == status::pending);
        CHECK(state.missing(epoch) == std::vector<std::string>{"p3"});
        wave.merge(late.submit(said(epoch, "p3", "p3")).second);
    }
    CHECK_FALSE(state.latest().has_value());
    CHECK(state.merge(wave));
    for (std::uint64_t epoch = 5; epoch <= 9; ++epoch) {
        CHECK(state.status_of(epoch) == status::complete);
        CHECK(state.missing(epoch).empty());
    }
    CHECK(state.latest()->epoch == 9);
}

TEST_CASE("A7 a new plan without a partition completes, and the old plan's epochs fall away") {
    auto state = with_plan(four);
    for (std::uint64_t epoch = 5; epoch <= 9; ++epoch) complete(state, epoch, {"p0", "p1", "p2"});
    const auto late = said(5, "p3", "p3");
    state.set_plan({2, {"p2", "p0", "p1", "p0"}, 10});
    CHECK(state.plan_for(10)->members == std::vector<std::string>{"p0", "p1", "p2"});
    CHECK(state.plan_for(9)->members == four);
    CHECK(submit(state, said(10, "p3", "p3")) == verdict::not_member);
    complete(state, 10, {"p0", "p1", "p2"});
    CHECK(state.latest()->epoch == 10);
    CHECK(state.latest()->plan_id == state.plan_for(10)->id());

    auto behind = with_plan(four);
    behind.submit(late);
    const auto delta = state.raise_floor(10);
    CHECK(state.floor() == 10);
    CHECK(state.submissions(9).empty());
    CHECK(submit(state, late) == verdict::stale);
    CHECK(state.plan_for(9) == nullptr);
    CHECK(state.latest()->epoch == 10);
    // The floor travels; nothing dropped comes back from who was late.
    behind.merge(delta);
    CHECK(behind.submissions(5).empty());
    const auto bytes = wire::encode(state);
    behind.merge(state);
    auto again = state;
    again.merge(behind);
    CHECK(wire::encode(again) == bytes);
    CHECK(wire::encode(behind) == bytes);
}

TEST_CASE("A8 replay after a restart is a duplicate, another root a conflict, later epochs go on") {
    auto state = with_plan(four);
    complete(state, 7, four);
    CHECK(submit(state, said(7, "p2", "p2")) == verdict::duplicate);
    CHECK(submit(state, said(7, "p2", "another")) == verdict::conflict);
    complete(state, 8, four);
    CHECK(state.latest()->epoch == 8);
}

TEST_CASE("A10 with the newest epoch's bytes lost, latest at most one less gives the next older") {
    auto state = with_plan(four);
    for (const std::uint64_t epoch : {6U, 8U, 9U}) complete(state, epoch, four);
    CHECK(state.latest()->epoch == 9);
    CHECK(state.latest(8)->epoch == 8);
    CHECK(state.latest(7)->epoch == 6);
    CHECK_FALSE(state.latest(5).has_value());
}

TEST_CASE("A11 with a rising floor only the last three epochs remain, and none comes back") {
    auto state = with_plan(four);
    const auto empty_plan = state;
    auto joining = state;
    for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
        complete(state, epoch, four);
        if (epoch == 10) joining = state;
        if (epoch >= 3) state.raise_floor(epoch - 2);
    }
    const auto bytes = wire::encode(state);
    state.merge(joining);
    state.merge(empty_plan);
    CHECK(wire::encode(state) == bytes);
    for (std::uint64_t epoch = 0; epoch <= 20; ++epoch)
        CHECK(state.submissions(epoch).size() == (epoch >= 18 ? 4 : 0));
}

TEST_CASE("a duplicate submission is a bottom delta and leaves equal bytes") {
    auto state = with_plan(four);
    const auto what = said(3, "p1", "content");
    const auto [first, delta] = state.submit(what);
    CHECK(first == verdict::accepted);
    CHECK(delta != checkpoint{});
    const auto bytes = wire::encode(state);
    const auto [again, nothing] = state.submit(what);
    CHECK(again == verdict::duplicate);
    CHECK(nothing == checkpoint{});
    CHECK(wire::encode(state) == bytes);
    CHECK_FALSE(state.merge(delta));
}

TEST_CASE("the same root from a higher incarnation is a duplicate that can be seen") {
    auto state = with_plan(four);
    complete(state, 3, four);
    const auto before = state.latest();
    const auto [how, delta] = state.submit(said(3, "p1", "p1", "worker-b", 2));
    CHECK(how == verdict::duplicate);
    CHECK(delta != checkpoint{});
    REQUIRE(state.find(3, "p1") != nullptr);
    CHECK(state.find(3, "p1")->incarnation == 2);
    CHECK(state.find(3, "p1")->worker == "worker-b");
    CHECK(state.latest()->global_root == before->global_root);
    CHECK(state.latest()->state_root == before->state_root);
    // A lower incarnation that arrives late changes nothing.
    const auto bytes = wire::encode(state);
    CHECK(state.submit(said(3, "p1", "p1", "worker-z", 1)) ==
          std::pair{verdict::duplicate, checkpoint{}});
    CHECK(wire::encode(state) == bytes);
}

TEST_CASE("an epoch without records is an epoch") {
    auto state = with_plan({"p0"});
    stream::submission nothing{0, "p0", root_of(""), 0, 0, 0, 0, "worker-a", 1};
    CHECK(submit(state, nothing) == verdict::accepted);
    CHECK(state.latest()->epoch == 0);
    nothing.epoch = 1;
    CHECK(submit(state, nothing) == verdict::accepted);
    CHECK(state.latest()->epoch == 1);
    CHECK(stream::verify(*state.latest(), "p0", {}).ok());
}

TEST_CASE("offsets that go back or skip are refused and change nothing") {
    auto state = with_plan({"p0"});
    CHECK(submit(state, said(4, "p0", "a")) == verdict::accepted);
    const auto bytes = wire::encode(state);
    const auto with = [](std::uint64_t epoch, std::uint64_t begin, std::uint64_t end) {
        auto what = said(epoch, "p0", "b");
        what.begin = begin;
        what.end = end;
        return what;
    };
    CHECK(submit(state, with(5, 49, 60)) == verdict::bad_offsets);
    CHECK(submit(state, with(5, 51, 60)) == verdict::bad_offsets);
    CHECK(submit(state, with(5, 50, 49)) == verdict::bad_offsets);
    CHECK(submit(state, with(3, 30, 39)) == verdict::bad_offsets);
    CHECK(submit(state, with(3, 30, 41)) == verdict::bad_offsets);
    CHECK(submit(state, with(9, 49, 60)) == verdict::bad_offsets);
    CHECK(submit(state, with(0, 0, 41)) == verdict::bad_offsets);
    CHECK(wire::encode(state) == bytes);
    CHECK(submit(state, with(5, 50, 70)) == verdict::accepted);
    CHECK(submit(state, with(9, 90, 95)) == verdict::accepted);
    CHECK(submit(state, with(6, 70, 96)) == verdict::bad_offsets);
    CHECK(submit(state, with(6, 70, 90)) == verdict::accepted);
}

TEST_CASE("a submission without a plan or from a non-member is refused") {
    checkpoint none;
    CHECK(none.submit(said(0, "p0", "x")) == std::pair{verdict::not_member, checkpoint{}});
    CHECK(none == checkpoint{});
    checkpoint later;
    later.set_plan({1, {"p0"}, 5});
    CHECK(submit(later, said(4, "p0", "x")) == verdict::not_member);
    CHECK(submit(later, said(5, "p9", "x")) == verdict::not_member);
    CHECK(submit(later, said(5, "p0", "x")) == verdict::accepted);
}

TEST_CASE("submissions that outrun their plan count when it arrives") {
    auto source = with_plan(four);
    checkpoint submissions;
    for (const auto& member : four)
        submissions.merge(source.submit(said(2, member, member)).second);
    checkpoint replica;
    replica.merge(submissions);
    CHECK(replica.status_of(2) == status::pending);
    CHECK_FALSE(replica.latest().has_value());
    replica.merge(with_plan(four));
    CHECK(replica == source);
    CHECK(replica.latest()->epoch == 2);
}

TEST_CASE("a floor never passes the newest complete epoch") {
    auto state = with_plan(four);
    CHECK(state.raise_floor(9) == checkpoint{});
    complete(state, 3, four);
    complete(state, 5, {"p0"});
    state.raise_floor(~std::uint64_t{0});
    CHECK(state.floor() == 3);
    CHECK(state.latest()->epoch == 3);
    CHECK(submit(state, said(2, "p0", "p0")) == verdict::stale);
    CHECK(state.raise_floor(1) == checkpoint{});
}

TEST_CASE("the roots do not depend on workers, the state root not on the epoch") {
    auto one = with_plan(four), two = with_plan(four);
    complete(one, 1, four);
    complete(one, 2, four);
    for (const auto& member : four)
        two.submit(said(2, member, member, "another worker of " + member, 5));
    CHECK(one.latest()->global_root == two.latest()->global_root);
    CHECK(one.latest(1)->global_root != one.latest()->global_root);
    CHECK(one.latest(1)->state_root == one.latest()->state_root);
}

TEST_CASE("truncated and flipped bytes of a checkpoint and a certificate are refused or other") {
    auto state = with_plan({"p0", "p1"});
    complete(state, 3, {"p0", "p1"});
    state.submit(said(3, "p1", "other"));
    complete(state, 2, {"p0", "p1"});
    const auto damage = [](const auto& value) {
        using value_type = std::remove_cvref_t<decltype(value)>;
        const auto bytes = wire::encode(value);
        CHECK(wire::decode<value_type>(bytes) == value);
        wire::error error;
        for (std::size_t at = 0; at < bytes.size(); ++at) {
            const auto part = std::span(bytes).first(at);
            CHECK_FALSE(wire::try_decode<value_type>(part, wire::limits{}, error).has_value());
            for (unsigned bit = 0; bit < 8; ++bit) {
                auto flipped = bytes;
                flipped[at] ^= static_cast<std::byte>(1U << bit);
                const auto other = wire::try_decode<value_type>(flipped, wire::limits{}, error);
                CHECK((!other || (*other != value && wire::encode(*other) == flipped)));
            }
        }
    };
    damage(state);
    damage(*state.latest());
}
