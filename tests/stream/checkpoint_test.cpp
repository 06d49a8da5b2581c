// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace checkpoint_test {

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
    stabilise(base, 6, four);
    complete(base, 7, {"p0", "p1", "p3"});
    const auto x = said(7, "p2", "X"), y = said(7, "p2", "Y"), z = said(7, "p2", "Z");
    std::array<stream::submission, 3> order{x, y, z};
    for (auto& each : order) each.plan = base.plan_for(7)->id();
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
        CHECK(newest(one)->epoch == 6);
        CHECK(one.find(7, "p2") == nullptr);
        // Nobody vouches for it any more.
        CHECK(one.acknowledge(7, order[0].plan, "p0") ==
              std::pair{verdict::conflict, checkpoint{}});
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

TEST_CASE("A3 a conflicting report after a stable epoch is evidence and changes nothing else") {
    auto state = with_plan(four);
    stabilise(state, 7, four);
    const auto before = state.latest();
    REQUIRE(before.has_value());
    for (const char* content : {"X", "Y", "Z"}) {
        CHECK(submit(state, said(7, "p2", content)) == verdict::conflict);
        CHECK(state.status_of(7) == status::stable);
        REQUIRE(state.latest().has_value());
        CHECK(state.latest()->global_root == before->global_root);
        CHECK(state.latest()->find("p2")->root == root_of("p2"));
        CHECK(state.evidence().size() == 1);
    }
    stabilise(state, 8, four);
    CHECK(state.latest()->epoch == 8);
    CHECK(state.latest_until(7)->global_root == before->global_root);
}

TEST_CASE("A4 two quorums split an epoch only if somebody signed both roots") {
    const std::vector<std::string> five{"p0", "p1", "p2", "p3", "p4"};
    auto base = with_plan(five, stream::ack_policy::majority);
    stabilise(base, 6, five);
    complete(base, 7, {"p0", "p1", "p2", "p3"});
    auto one = base, two = base;
    one.submit(said(7, "p4", "G1"));
    two.submit(said(7, "p4", "G2"));
    const auto plan_id = base.plan_for(7)->id();
    for (const char* member : {"p0", "p1"}) one.acknowledge(7, plan_id, member);
    CHECK(one.status_of(7) == status::complete);
    CHECK(one.acknowledge(7, plan_id, "p2").first == verdict::accepted);
    CHECK(one.status_of(7) == status::stable);
    for (const char* member : {"p3", "p4"}) two.acknowledge(7, plan_id, member);
    CHECK(two.status_of(7) == status::complete);

    auto honest = one;
    honest.merge(two);
    CHECK(honest.status_of(7) == status::stable);
    CHECK(honest.latest()->epoch == 7);
    CHECK(honest.latest()->global_root == one.latest()->global_root);
    CHECK(honest.latest()->find("p4")->root == root_of("G1"));

    // p2 signs the other root where its first signature is not known.
    CHECK(two.acknowledge(7, plan_id, "p2").first == verdict::accepted);
    CHECK(two.status_of(7) == status::stable);
    auto torn = honest;
    torn.merge(two);
    CHECK(torn.status_of(7) == status::split);
    CHECK(torn.latest()->epoch == 6);
    CHECK(newest(torn)->epoch == 6);
    auto other_way = two;
    other_way.merge(honest);
    CHECK(wire::encode(other_way) == wire::encode(torn));
}

TEST_CASE("A5 epochs stabilise out of order and latest never goes back") {
    auto state = with_plan(four);
    stabilise(state, 9, four);
    CHECK(state.latest()->epoch == 9);
    CHECK(state.status_of(8) == status::pending);
    stabilise(state, 8, four);
    CHECK(state.status_of(8) == status::stable);
    CHECK(state.latest()->epoch == 9);
    auto other = with_plan(four);
    stabilise(other, 8, four);
    stabilise(other, 9, four);
    CHECK(wire::encode(other) == wire::encode(state));

    const auto root = state.root();
    const auto last = state.floor() + checkpoint::max_open_epochs;
    CHECK(submit(state, said(last + 1, "p0", "x")) == verdict::future);
    CHECK(submit(state, said(~std::uint64_t{0}, "p0", "x")) == verdict::future);
    CHECK(state.root() == root);
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
        CHECK(state.acknowledge(epoch, state.plan_for(epoch)->id(), "p0").first == verdict::future);
        wave.merge(late.submit(said(epoch, "p3", "p3")).second);
    }
    CHECK_FALSE(newest(state).has_value());
    CHECK(state.merge(wave));
    for (std::uint64_t epoch = 5; epoch <= 9; ++epoch) {
        CHECK(state.status_of(epoch) == status::complete);
        CHECK(state.missing(epoch).empty());
    }
    CHECK(newest(state)->epoch == 9);
    CHECK_FALSE(state.latest().has_value());
    for (std::uint64_t epoch = 5; epoch <= 9; ++epoch) acknowledge(state, epoch, four);
    CHECK(state.latest()->epoch == 9);
}

TEST_CASE("A7 a new plan without a member stabilises, and the old plan's epochs fall away") {
    auto state = with_plan(four);
    for (std::uint64_t epoch = 5; epoch <= 9; ++epoch) complete(state, epoch, {"p0", "p1", "p2"});
    auto late = said(5, "p3", "p3");
    const auto old_plan = state.plan_for(9)->id();
    state.set_plan(plan_of(2, {"p2", "p0", "p1", "p0"}, 10));
    CHECK(state.plan_for(10)->members == std::vector<std::string>{"p0", "p1", "p2"});
    CHECK(state.plan_for(9)->members == four);
    CHECK(submit(state, said(10, "p3", "p3")) == verdict::not_member);
    auto old = said(10, "p2", "p2");
    old.plan = old_plan;
    CHECK(submit(state, old) == verdict::unknown_plan);
    stabilise(state, 10, {"p0", "p1", "p2"});
    CHECK(state.latest()->epoch == 10);
    CHECK(state.latest()->plan_id == state.plan_for(10)->id());

    auto behind = with_plan(four);
    behind.submit(late);
    const auto delta = state.raise_floor(*state.latest());
    CHECK(state.floor() == 10);
    CHECK(state.submissions(9).empty());
    late.plan = old_plan;
    CHECK(submit(state, late) == verdict::stale);
    CHECK(state.acknowledge(9, old_plan, "p0").first == verdict::stale);
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
    const auto root = state.root();
    CHECK(state.submit(said(7, "p2", "p2", "worker-a", 2)) ==
          std::pair{verdict::duplicate, checkpoint{}});
    CHECK(state.root() == root);
    CHECK(submit(state, said(7, "p2", "another")) == verdict::conflict);
    stabilise(state, 8, four);
    CHECK(state.latest()->epoch == 8);
}

TEST_CASE("A10 latest without the newest epoch is the next older one") {
    auto state = with_plan(four);
    for (const std::uint64_t epoch : {6U, 8U, 9U}) stabilise(state, epoch, four);
    CHECK(state.latest()->epoch == 9);
    const auto without = [&](std::set<std::uint64_t> lost) {
        return state.latest(stream::restore_policy::stable_only, lost);
    };
    CHECK(without({9})->epoch == 8);
    CHECK(without({9, 8})->epoch == 6);
    CHECK_FALSE(without({9, 8, 6}).has_value());
    CHECK(state.latest_until(8)->epoch == 8);
    CHECK(state.latest_until(7)->epoch == 6);
    CHECK_FALSE(state.latest_until(5).has_value());
}

TEST_CASE("A11 with a rising floor the last three epochs remain, a base too, and none comes back") {
    auto state = with_plan(four);
    const auto empty_plan = state;
    auto joining = state;
    for (std::uint64_t epoch = 1; epoch <= 20; ++epoch) {
        stabilise(state, epoch, four);
        if (epoch == 10) joining = state;
        if (epoch >= 3) state.raise_floor(*state.latest(), epoch - 2);
    }
    CHECK(state.floor_certificate()->epoch == 20);
    const auto bytes = wire::encode(state);
    state.merge(joining);
    state.merge(empty_plan);
    CHECK(wire::encode(state) == bytes);
    for (std::uint64_t epoch = 0; epoch <= 20; ++epoch)
        CHECK(state.submissions(epoch).size() == (epoch >= 18 ? 4 : 0));
    // Who was away gets there by one merge and can restore from it.
    joining.merge(state);
    CHECK(wire::encode(joining) == bytes);
    CHECK(joining.latest()->epoch == 20);

    const auto incremental = [&](std::uint64_t epoch, const std::string& member, std::uint64_t base,
                                 std::uint64_t length) {
        auto what = said(epoch, member, "state of " + std::to_string(epoch));
        const auto* before = state.find(base, member);
        REQUIRE(before != nullptr);
        what.base = stream::increment{base, before->root, root_of("delta"), 5, length};
        return what;
    };
    CHECK(submit(state, incremental(21, "p0", 18, 1)) == verdict::accepted);
    complete(state, 21, {"p1", "p2", "p3"});
    CHECK(submit(state, incremental(22, "p0", 21, 2)) == verdict::accepted);
    complete(state, 22, {"p1", "p2", "p3"});
    acknowledge(state, 22, four);
    state.raise_floor(*state.latest());
    CHECK(state.floor() == 18);
    CHECK(state.find(18, "p0") != nullptr);
    stabilise(state, 23, four);
    state.raise_floor(*state.latest());
    CHECK(state.floor() == 23);
}

TEST_CASE(
    "a submission that goes on from what is not there, or from too long a chain, is refused") {
    auto state = with_plan({"p0"});
    submit(state, said(0, "p0", "0"));
    const auto on = [&](std::uint64_t epoch, std::uint64_t base, std::string_view content,
                        std::uint64_t length) {
        auto what = said(epoch, "p0", std::to_string(epoch));
        what.base = stream::increment{base, root_of(content), root_of("delta"), 5, length};
        return submit(state, what);
    };
    const auto root = state.root();
    CHECK(on(1, 0, "other", 1) == verdict::bad_base);
    CHECK(on(1, 1, "1", 1) == verdict::bad_base);
    CHECK(on(1, 2, "2", 1) == verdict::bad_base);
    CHECK(on(1, 0, "0", 2) == verdict::bad_base);
    CHECK(on(1, 0, "0", 0) == verdict::bad_base);
    CHECK(state.root() == root);
    for (std::uint64_t epoch = 1; epoch <= stream::increment::max_chain; ++epoch)
        CHECK(on(epoch, epoch - 1, std::to_string(epoch - 1), epoch) == verdict::accepted);
    CHECK(on(9, 8, "8", 9) == verdict::bad_base);
    CHECK(on(9, 7, "7", 8) == verdict::accepted);
    CHECK(wire::decode<checkpoint>(wire::encode(state)) == state);
}

TEST_CASE("A12 key groups move no more than they must and the state root does not care") {
    const auto members = [](int count) {
        std::vector<std::string> all;
        for (int i = 0; i < count; ++i) all.push_back("worker-" + std::to_string(i));
        return all;
    };
    const auto moved = [](const stream::plan& a, const stream::plan& b) {
        int sum = 0;
        for (std::size_t group = 0; group < a.owners.size(); ++group)
            sum += a.members[a.owners[group]] != b.members[b.owners[group]] ? 1 : 0;
        return sum;
    };
    const auto even = [](const stream::plan& each) {
        REQUIRE(each.valid());
        for (const auto& member : each.members) {
            const auto held = each.groups_of(member).size() * each.members.size();
            CHECK(held < each.owners.size() + each.members.size());
            CHECK(held + each.members.size() > each.owners.size());
        }
    };
    const auto submitted = [](const stream::plan& under, std::uint64_t epoch, checkpoint& state) {
        for (const auto& member : under.members) {
            auto what = said(epoch, member, "own " + member);
            for (const auto group : under.groups_of(member))
                what.groups.push_back({group, root_of("group " + std::to_string(group)), 9});
            CHECK(submit(state, what) == verdict::accepted);
        }
        acknowledge(state, epoch, under.members);
        return *state.latest();
    };
    auto first = plan_of(1, members(4));
    first.spread(128);
    const auto eight = first.successor(members(8), 1);
    const auto three = eight.successor(members(3), 2);
    const auto four_again = three.successor(members(4), 3);
    CHECK(moved(first, eight) == 64);
    auto ranges = eight;
    CHECK(moved(first, ranges.spread(128)) == 112);
    checkpoint state;
    std::vector<stream::certificate> found;
    for (const auto& under : {first, eight, three, four_again}) {
        even(under);
        CHECK(under.owners.size() == 128);
        state.set_plan(under);
        found.push_back(submitted(under, under.from, state));
        CHECK(found.back().epoch == under.from);
        CHECK(found.back().state_root == found.front().state_root);
        CHECK(found.back().plan_id == under.id());
        REQUIRE(found.back().find_group(127) != nullptr);
    }
    CHECK(found[0].global_root != found[3].global_root);
}

TEST_CASE("missing, doubled and foreign key groups are refused") {
    checkpoint state;
    auto under = plan_of(1, {"a", "b"});
    state.set_plan(under.spread(4));
    const auto with = [&](std::vector<std::uint32_t> groups) {
        auto what = said(0, "a", "own");
        for (const auto group : groups) what.groups.push_back({group, root_of("g"), 1});
        return submit(state, what);
    };
    const auto root = state.root();
    CHECK(with({}) == verdict::bad_groups);
    CHECK(with({0}) == verdict::bad_groups);
    CHECK(with({0, 0}) == verdict::bad_groups);
    CHECK(with({1, 0}) == verdict::bad_groups);
    CHECK(with({0, 2}) == verdict::bad_groups);
    CHECK(with({0, 1, 2}) == verdict::bad_groups);
    CHECK(state.root() == root);
    CHECK(with({0, 1}) == verdict::accepted);
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

TEST_CASE("replicas that heard of one submission from two workers agree on one witness") {
    auto one = with_plan(four), two = one;
    one.submit(said(3, "p1", "p1", "worker-b", 2));
    two.submit(said(3, "p1", "p1", "worker-a", 3));
    auto both = one;
    both.merge(two);
    two.merge(one);
    CHECK(both == two);
    CHECK(both == one);
    CHECK(both.find(3, "p1")->worker == "worker-b");
    CHECK(both.submit(said(3, "p1", "p1", "worker-z", 1)) ==
          std::pair{verdict::duplicate, checkpoint{}});
}

TEST_CASE("an epoch without records is an epoch") {
    auto state = with_plan({"p0"});
    auto nothing = said(0, "p0", "");
    nothing.offsets = {{"p0", {0, 0}}};
    nothing.records = 0;
    CHECK(submit(state, nothing) == verdict::accepted);
    CHECK(newest(state)->epoch == 0);
    nothing.epoch = 1;
    CHECK(submit(state, nothing) == verdict::accepted);
    CHECK(newest(state)->epoch == 1);
    CHECK(stream::verify(*newest(state), "p0", {}).ok());
}

TEST_CASE("offsets that go back or skip are refused, said why, and change nothing") {
    auto state = with_plan({"p0"});
    CHECK(submit(state, said(4, "p0", "a")) == verdict::accepted);
    const auto root = state.root();
    const auto with = [&](std::uint64_t epoch, std::uint64_t begin, std::uint64_t end) {
        auto what = said(epoch, "p0", "b");
        what.offsets = {{"p0", {begin, end}}};
        return what;
    };
    const auto refused = [&](const stream::submission& what, std::uint64_t expected,
                             std::uint64_t got) {
        CHECK(submit(state, what) == verdict::bad_offsets);
        CHECK(state.wrong_offsets(what) == stream::offset_mismatch{"p0", expected, got});
    };
    refused(with(5, 49, 60), 50, 49);
    refused(with(5, 51, 60), 50, 51);
    refused(with(5, 50, 49), 50, 49);
    refused(with(3, 30, 39), 40, 39);
    refused(with(3, 30, 41), 40, 41);
    refused(with(9, 49, 60), 50, 49);
    refused(with(0, 0, 41), 40, 41);
    CHECK(state.root() == root);
    CHECK_FALSE(state.wrong_offsets(with(5, 50, 70)).has_value());
    CHECK(submit(state, with(5, 50, 70)) == verdict::accepted);
    CHECK(submit(state, with(9, 90, 95)) == verdict::accepted);
    CHECK(submit(state, with(6, 70, 96)) == verdict::bad_offsets);
    CHECK(submit(state, with(6, 70, 90)) == verdict::accepted);
}

TEST_CASE("an input partition goes on where it ended, whichever worker takes it") {
    auto state = with_plan({"a", "b"});
    const auto with = [](std::uint64_t epoch, const std::string& member, std::uint64_t begin,
                         std::uint64_t end) {
        auto what = said(epoch, member, member);
        what.offsets = {{"input", {begin, end}}};
        return what;
    };
    CHECK(submit(state, with(1, "a", 0, 10)) == verdict::accepted);
    CHECK(submit(state, with(1, "b", 0, 10)) == verdict::bad_offsets);
    CHECK(submit(state, with(2, "b", 11, 20)) == verdict::bad_offsets);
    CHECK(submit(state, with(2, "b", 10, 20)) == verdict::accepted);
    CHECK(submit(state, with(4, "a", 19, 40)) == verdict::bad_offsets);
    CHECK(submit(state, with(4, "a", 30, 40)) == verdict::accepted);
    CHECK(submit(state, with(3, "a", 20, 31)) == verdict::bad_offsets);
    CHECK(submit(state, with(3, "a", 20, 30)) == verdict::accepted);
    auto two = with(5, "a", 40, 50);
    two.offsets["other input"] = {7, 9};
    CHECK(submit(state, two) == verdict::accepted);
    CHECK(submit(state, said(5, "b", "b")) == verdict::accepted);
}

TEST_CASE("a submission without a plan or from a non-member is refused") {
    checkpoint none;
    CHECK(none.submit(said(0, "p0", "x")) == std::pair{verdict::unknown_plan, checkpoint{}});
    CHECK(none == checkpoint{});
    checkpoint later;
    later.set_plan(plan_of(1, {"p0"}, 5));
    CHECK(submit(later, said(4, "p0", "x")) == verdict::unknown_plan);
    CHECK(submit(later, said(5, "p9", "x")) == verdict::not_member);
    auto other = said(5, "p0", "x");
    other.plan = root_of("another plan");
    CHECK(submit(later, other) == verdict::unknown_plan);
    CHECK(submit(later, said(5, "p0", "x")) == verdict::accepted);
}

TEST_CASE("submissions and acknowledgements that outrun their plan count when it arrives") {
    auto source = with_plan(four);
    checkpoint news;
    for (const auto& member : four) news.merge(source.submit(said(2, member, member)).second);
    const auto plan_id = source.plan_for(2)->id();
    for (const auto& member : four) news.merge(source.acknowledge(2, plan_id, member).second);
    checkpoint replica;
    replica.merge(news);
    CHECK(replica.status_of(2) == status::pending);
    CHECK_FALSE(newest(replica).has_value());
    replica.merge(with_plan(four));
    CHECK(replica == source);
    CHECK(replica.latest()->epoch == 2);
}

TEST_CASE("who acknowledges what, and how often") {
    auto state = with_plan(four, stream::ack_policy::majority);
    complete(state, 3, four);
    const auto plan_id = state.plan_for(3)->id();
    const auto sign = [&](const char* member) { return state.acknowledge(3, plan_id, member); };
    CHECK(sign("p9").first == verdict::not_member);
    CHECK(state.acknowledge(3, root_of("no plan"), "p0").first == verdict::unknown_plan);
    CHECK(state.acknowledge(4, plan_id, "p0").first == verdict::future);
    CHECK(sign("p0").first == verdict::accepted);
    CHECK(sign("p0") == std::pair{verdict::duplicate, checkpoint{}});
    CHECK(sign("p1").first == verdict::accepted);
    CHECK(state.status_of(3) == status::complete); // half is no majority
    CHECK(sign("p3").first == verdict::accepted);
    CHECK(state.status_of(3) == status::stable);
    CHECK(state.stable_plans(3) == std::vector{plan_id});
    CHECK(state.status_of(3, plan_id) == status::stable);
    CHECK(state.status_of(3, root_of("no plan")) == status::pending);
}

TEST_CASE("only the first acknowledgement known carries the submissions") {
    auto state = with_plan(four);
    complete(state, 3, four);
    const auto plan_id = state.plan_for(3)->id();
    const auto first = state.acknowledge(3, plan_id, "p0").second;
    const auto second = state.acknowledge(3, plan_id, "p1").second;
    CHECK(wire::encode(second).size() + 100 < wire::encode(first).size());
    CHECK(wire::encode(second).size() < 64);
}

TEST_CASE("two plans that both make an epoch stable are told, and the newer one is taken") {
    auto old = with_plan(four);
    auto changed = old;
    changed.set_plan(plan_of(2, {"p0", "p1"}, 3));
    stabilise(old, 4, four);
    // p2 and p3 never heard of the new plan, and the others lost their memory of the old epoch.
    stabilise(changed, 4, {"p0", "p1"});
    changed.merge(old);
    CHECK(changed.stable_plans(4).size() == 2);
    CHECK(changed.status_of(4) == status::stable);
    CHECK(changed.latest()->generation == 2);
}

TEST_CASE("a member whose plan was replaced does not sign the epoch twice") {
    auto state = with_plan(four);
    complete(state, 4, four);
    const auto old = state.plan_for(4)->id();
    CHECK(state.acknowledge(4, old, "p0").first == verdict::accepted);
    state.set_plan(plan_of(2, {"p0", "p1"}, 3));
    complete(state, 4, {"p0", "p1"});
    const auto next = state.plan_for(4)->id();
    CHECK(state.status_of(4, next) == status::complete);
    CHECK(state.acknowledge(4, next, "p0") == std::pair{verdict::conflict, checkpoint{}});
    CHECK(state.acknowledge(4, next, "p1").first == verdict::accepted);
    CHECK(state.acknowledge(4, old, "p1").first == verdict::conflict);
}

TEST_CASE("a floor needs a stable certificate, carries it, and never passes it") {
    auto state = with_plan(four);
    complete(state, 3, four);
    const auto merely_complete = *newest(state);
    CHECK(state.raise_floor(merely_complete) == checkpoint{});
    acknowledge(state, 3, four);
    complete(state, 5, {"p0"});
    auto forged = *state.latest();
    forged.global_root = root_of("another");
    CHECK(state.raise_floor(forged) == checkpoint{});
    state.raise_floor(*state.latest(), ~std::uint64_t{0});
    CHECK(state.floor() == 3);
    CHECK(state.latest()->epoch == 3);
    CHECK(submit(state, said(2, "p0", "p0")) == verdict::stale);
    CHECK(state.raise_floor(*state.latest(), 1) == checkpoint{});
    CHECK(state.floor_certificate()->global_root == state.latest()->global_root);

    // Somebody who has the floor and the plan alone can restore.
    checkpoint floors;
    const auto lacking = state.difference(with_plan(four));
    crdt::split(lacking, 1, [&](const checkpoint& part) {
        if (part.floor() != 0) floors.merge(part);
    });
    CHECK(newest(floors)->epoch == 3);
    CHECK_FALSE(floors.latest().has_value()); // it cannot tell yet what the plan asks for
    floors.merge(with_plan(four));
    REQUIRE(floors.latest().has_value());
    CHECK(floors.latest()->global_root == state.latest()->global_root);
}

TEST_CASE("a delta that raises a floor is whole bytes, though its certificate is known") {
    auto low = with_plan(four);
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) stabilise(low, epoch, four);
    auto high = low;
    low.raise_floor(*low.latest(), 2);
    high.raise_floor(*high.latest());
    const auto delta = high.difference(low);
    CHECK(wire::decode<checkpoint>(wire::encode(delta)) == delta);
    low.merge(delta);
    CHECK(low == high);
    CHECK(high.difference(low) == checkpoint{});
}

TEST_CASE("an acknowledgement known without its submissions gets them") {
    auto source = with_plan(four, stream::ack_policy::majority);
    complete(source, 3, four);
    const auto plan_id = source.plan_for(3)->id();
    source.acknowledge(3, plan_id, "p0");
    const auto before = source;
    checkpoint late = source.acknowledge(3, plan_id, "p1").second;
    late.merge(source.acknowledge(3, plan_id, "p2").second);
    late.merge(with_plan(four, stream::ack_policy::majority));
    CHECK(late.status_of(3) == status::pending); // two of four
    late.merge(before.difference(late));
    CHECK(late == source);
    CHECK(late.status_of(3) == status::stable);
    // Evidence against a member comes too late to matter.
    submit(late, said(3, "p3", "a"));
    submit(late, said(3, "p3", "b"));
    submit(late, said(3, "p3", "c"));
    CHECK(late.latest()->find("p3")->root == root_of("p3"));
}

TEST_CASE("under a plan that nobody acknowledges, complete is as good as it gets") {
    auto state = with_plan(four, stream::ack_policy::nobody);
    complete(state, 3, four);
    acknowledge(state, 3, four);
    CHECK(state.status_of(3) == status::complete);
    CHECK_FALSE(state.latest().has_value());
    REQUIRE(newest(state).has_value());
    state.raise_floor(*newest(state));
    CHECK(state.floor() == 3);
    CHECK_FALSE(state.latest().has_value());
    CHECK(newest(state)->epoch == 3);
}

TEST_CASE("the roots do not depend on workers, the state root not on the epoch") {
    auto one = with_plan(four), two = with_plan(four);
    complete(one, 1, four);
    complete(one, 2, four);
    for (const auto& member : four)
        two.submit(said(2, member, member, "another worker of " + member, 5));
    CHECK(newest(one)->global_root == newest(two)->global_root);
    const auto first = one.latest_until(1, stream::restore_policy::complete);
    CHECK(first->global_root != newest(one)->global_root);
    CHECK(first->state_root == newest(one)->state_root);
}

TEST_CASE("statistics of what is retained") {
    auto state = with_plan({"p0", "p1"});
    CHECK(state.statistics() == stream::statistics{});
    for (std::uint64_t epoch = 1; epoch <= 3; ++epoch) {
        for (const char* member : {"p0", "p1"}) {
            auto what = said(epoch, member, std::string(epoch * 10, 'x'));
            if (epoch != 2) what.watermark = member[1] == '0' ? -5 : static_cast<int>(epoch);
            submit(state, what);
        }
    }
    submit(state, said(4, "p0", "alone"));
    acknowledge(state, 2, {"p0", "p1"});
    const auto sum = state.statistics();
    CHECK(sum.completed == 3);
    CHECK(sum.latest == 3);
    CHECK(sum.mean_bytes == 40);
    CHECK(sum.min_time == -5);
    CHECK(sum.max_time == 3);
}

TEST_CASE("A22 hostile bytes of a checkpoint, a delta and a certificate are refused or other") {
    auto state = with_plan({"p0", "p1"}, stream::ack_policy::majority);
    stabilise(state, 1, {"p0", "p1"});
    complete(state, 3, {"p0", "p1"});
    acknowledge(state, 3, {"p0"});
    auto known = state;
    state.submit(said(3, "p1", "other"));
    auto based = said(2, "p0", "p0");
    based.base = stream::increment{1, root_of("p0"), root_of("delta"), 9, 1};
    based.watermark = -7;
    CHECK(submit(state, based) == verdict::accepted);
    state.raise_floor(*state.latest());
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
    damage(state.difference(known));
    damage(*state.latest());
}

} // namespace checkpoint_test
