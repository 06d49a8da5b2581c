// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <crdt/or_set.hpp>
#include <stream/accumulator.hpp>
#include <stream/frontier.hpp>
#include <stream/offset_filter.hpp>
#include <stream/windowed.hpp>
#include <testing/laws.hpp>

#include <limits>
#include <set>

namespace windowed_test {

using namespace stream_test;
namespace testing = joinery::testing;

namespace {

using counts = stream::windowed<crdt::g_counter>;
const crdt::replica_id self = crdt::replica_id::of("p0", 0);

counts add(counts& into, std::int64_t window, std::uint64_t amount = 1,
           crdt::replica_id who = self) {
    return into.update(who, window, [&](crdt::g_counter& sum, crdt::replica_id id) {
        return sum.increment(id, amount);
    });
}

std::uint64_t value_of(const counts& all, std::int64_t window) {
    const auto* found = all.find(window);
    return found == nullptr ? 0 : static_cast<std::uint64_t>(found->value());
}

// What a query of a partition keeps: all that must survive a restart.
struct query {
    BOOST_HANA_DEFINE_STRUCT(query, (counts, per_window), (stream::frontier, time),
                             (stream::offset_filter, input));
    static constexpr std::string_view schema_name = "query";
    friend bool operator==(const query&, const query&) = default;
};

} // namespace

TEST_CASE("event times fall into windows, before zero too") {
    CHECK(stream::window_of(0, 10) == 0);
    CHECK(stream::window_of(9, 10) == 0);
    CHECK(stream::window_of(10, 10) == 10);
    CHECK(stream::window_of(-1, 10) == -10);
    CHECK(stream::window_of(-10, 10) == -10);
    // Before the first whole window, as times that stand for none are, no window begins.
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    CHECK(stream::window_of(least, 10) == least);
    CHECK(stream::window_of(least + 7, 10) == least);
    CHECK(stream::window_of(least + 8, 10) == least + 8);
    CHECK(stream::window_of(std::numeric_limits<std::int64_t>::max(), 10) ==
          std::numeric_limits<std::int64_t>::max() - 7);
}

TEST_CASE("A14 late data below the floor is dropped and counted") {
    counts all;
    add(all, 10, 3);
    add(all, 20, 4);
    all.expire(20);
    CHECK(all.late() == 0);
    const auto delta = add(all, 10, 5);
    CHECK(value_of(all, 10) == 0);
    CHECK(all.late() == 1);
    CHECK(value_of(all, 20) == 4);
    counts other;
    other.merge(delta);
    CHECK(other.late() == 1);
    CHECK(all.expire(15) == counts{});
    CHECK(all.floor() == 20);
    // A delta that was made before the floor rose is dropped on arrival and counts nowhere.
    counts slow;
    const auto old = add(slow, 10, 7);
    CHECK_FALSE(all.merge(old));
    CHECK(all.late() == 1);
}

TEST_CASE("A14 an emitted window that has not expired is joined, never replaced") {
    counts here, there;
    add(here, 10, 3);
    there.merge(here);
    std::vector<std::pair<std::int64_t, std::uint64_t>> shown;
    const auto show = [&](std::int64_t window, const crdt::g_counter& sum) {
        shown.emplace_back(window, static_cast<std::uint64_t>(sum.value()));
    };
    here.emit(20, show);
    CHECK(shown == decltype(shown){{10, 3}});
    CHECK(here.is_emitted(10));
    here.emit(20, show);
    CHECK(shown.size() == 1);
    // Gossip of the same window, made elsewhere without what is here.
    counts elsewhere;
    const auto more = add(elsewhere, 10, 2, crdt::replica_id::of("p1", 0));
    CHECK(here.merge(more));
    CHECK(value_of(here, 10) == 5);
    CHECK(here.merge(there) == false);
    add(here, 10, 1);
    CHECK(value_of(here, 10) == 6);
    CHECK(here.late() == 0);
    add(here, 25, 9);
    here.emit(30, show);
    CHECK(shown == decltype(shown){{10, 3}, {25, 9}});
}

TEST_CASE("A15 stopping, restoring and going on equals not having stopped") {
    std::uint64_t late = 0, refused = 0;
    for (const std::uint64_t seed : seeds(300)) {
        INFO("JOINERY_SEED=" << seed);
        rng chance(seed);
        const std::vector<std::string> sources{"p0", "p1"};
        struct record {
            std::uint64_t offset;
            std::int64_t time;
        };
        std::vector<record> input;
        for (std::uint64_t i = 0; i < 60; ++i)
            input.push_back({i - std::min<std::uint64_t>(i, chance.below(3)),
                             static_cast<std::int64_t>(i + chance.below(20))});
        const auto process = [&](query& state, const record& each) {
            const auto how = state.input.admit("p0", each.offset).first;
            refused += how == stream::admission::duplicate ? 1U : 0U;
            if (how != stream::admission::fresh) return;
            add(state.per_window, stream::window_of(each.time, 10));
            state.time.advance("p0", 1, each.time - 2);
            state.time.advance("p1", 1, static_cast<std::int64_t>(each.offset) + 6);
            state.time.hold(sources);
            if (const auto now = state.time.read(sources)) {
                state.per_window.emit(*now - 9, [](auto&&...) {});
                state.per_window.expire(stream::window_of(*now, 10));
            }
        };
        query straight, stopped;
        for (const auto& each : input) {
            process(straight, each);
            process(stopped, each);
            if (chance.chance(1, 4)) stopped = wire::decode<query>(wire::encode(stopped));
        }
        CHECK(straight == stopped);
        CHECK(wire::encode(straight) == wire::encode(stopped));
        CHECK(straight.per_window.floor() == stopped.per_window.floor());
        late += static_cast<std::uint64_t>(straight.per_window.late());
    }
    CHECK(late > 0);
    CHECK(refused > 0);
}

TEST_CASE("windows without a floor keep every law") {
    const auto step = [](counts& s, crdt::replica_id id, rng& chance) {
        const auto window = static_cast<std::int64_t>(chance.below(5)) - 2;
        if (chance.chance(1, 6)) return s.emit(window, [](auto&&...) {});
        return add(s, window, 1 + chance.below(3), id);
    };
    const auto result = testing::check_laws<counts>({.cases = cases_of(10'000)}, step);
    CHECK_MESSAGE(result.holds(), result.text());
    CHECK(result.laws.size() == 27);
}

// A floor takes away what lies below it without a context: that is all it breaks.
TEST_CASE("windows that expire keep every law but that entries are independent") {
    const std::set<std::string> local{"fragments_claim_their_dots", "questions_claim_their_dots",
                                      "answers_repair", "removals_told"};
    const auto check = [&](const auto& result) {
        for (const auto& failure : result.failures)
            CHECK_MESSAGE(local.contains(failure.law), result.text());
        CHECK(result.laws.size() == 27);
    };
    const std::uint64_t cases = cases_of(10'000);
    check(testing::check_laws<counts>(
        {.cases = cases}, [](counts& s, crdt::replica_id id, rng& chance) {
            const auto window = static_cast<std::int64_t>(chance.below(5)) - 2;
            if (chance.chance(1, 6)) return s.expire(window);
            if (chance.chance(1, 6)) return s.emit(window, [](auto&&...) {});
            return add(s, window, 1 + chance.below(3), id);
        }));
    using sets = stream::windowed<crdt::or_set<std::string>>;
    check(
        testing::check_laws<sets>({.cases = cases}, [](sets& s, crdt::replica_id id, rng& chance) {
            const auto window = static_cast<std::int64_t>(chance.below(5)) - 2;
            const std::string element(1, static_cast<char>('a' + chance.below(3)));
            if (chance.chance(1, 8)) return s.expire(window);
            return s.update(id, window, [&](auto& set, crdt::replica_id who) {
                return chance.chance(1, 3) ? set.remove(who, element) : set.add(who, element);
            });
        }));
}

} // namespace windowed_test
