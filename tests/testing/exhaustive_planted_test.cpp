// SPDX-License-Identifier: Apache-2.0
// Types that are lattices and yet wrong: what the laws cannot see, the models do.
#include <cstdint>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <crdt/event_log.hpp>
#include <crdt/g_counter.hpp>

#include "exhaustive_check.hpp"

namespace exhaustive_planted_test {

namespace crdt = joinery::crdt;
namespace spec = joinery::testing::spec;
namespace wire = joinery::wire;
using joinery::testing::exhaustive;

namespace {

using id = crdt::replica_id;
using model = spec::event_log<std::string>;

enum class bug { none, truncates_the_unseen, counts_what_is_held, forgets_removal_records };

// event_log<std::string>, but for one bug.
template <bug Bug>
class broken_log {
public:
    using inner = crdt::event_log<std::string>;

    broken_log append(id self, std::uint64_t stamp, const std::string& what) {
        return broken_log(log_.append(self, stamp, what));
    }
    broken_log remove(id self, std::uint64_t stamp, const std::string& what) {
        return broken_log(Bug == bug::forgets_removal_records ? log_.append(self, stamp, what)
                                                              : log_.remove(self, stamp, what));
    }
    broken_log truncate(id self) {
        inner::frontier all;
        for (const auto& i : log_.context().intervals()) all[i.replica] = i.last;
        inner delta = log_.truncate(self, all);
        if (Bug == bug::truncates_the_unseen) {
            for (const auto& [origin, last] : all) delta.merge(claim(origin, last));
            log_.merge(delta);
        }
        return broken_log(std::move(delta));
    }
    model::shown shown() const {
        model::shown all;
        std::int64_t removals = 0;
        log_.for_each([&](const inner::event& e) {
            all.events.push_back(e.payload);
            removals += e.removal;
        });
        const auto held = static_cast<std::int64_t>(log_.size());
        const bool counts = Bug == bug::counts_what_is_held;
        all.total = counts ? held - removals : static_cast<std::int64_t>(log_.total());
        all.net = counts ? held - 2 * removals : static_cast<std::int64_t>(log_.net());
        return all;
    }

    bool merge(const broken_log& other) { return log_.merge(other.log_); }
    void write(wire::writer& w) const { log_.write(w); }
    void read(wire::reader& r) { log_.read(r); }

    broken_log() = default;
    friend bool operator==(const broken_log&, const broken_log&) = default;

private:
    explicit broken_log(inner log) : log_(std::move(log)) {}

    static inner claim(id origin, std::uint64_t last) {
        inner other;
        while (other.last(origin) < last) other.append(origin, 0, "");
        return crdt::context(other);
    }

    inner log_;
};

template <bug Bug>
std::string search(std::size_t depth) {
    using type = broken_log<Bug>;
    exhaustive<type, model> all({{"append x",
                                  [](type& s, id self) { return s.append(self, 2, "x"); },
                                  {model::kind::append, 2, "x"}},
                                 {"remove y",
                                  [](type& s, id self) { return s.remove(self, 1, "y"); },
                                  {model::kind::remove, 1, "y"}},
                                 {"truncate",
                                  [](type& s, id self) { return s.truncate(self); },
                                  {model::kind::truncate, 0, ""}}},
                                [](const type& s) { return s.shown(); });
    return all.run(depth).failure;
}

// A g_counter whose merge, or whose refusal, is wrong.
template <bool TellsGrowth, bool Refuses>
class broken_counter {
public:
    broken_counter increment(id self) {
        if (Refuses && counter_.slot(self) == 1) throw crdt::counter_exhausted();
        broken_counter delta;
        delta.counter_ = counter_.increment(self);
        return delta;
    }
    bool merge(const broken_counter& other) {
        return counter_.merge(other.counter_) && TellsGrowth;
    }
    std::int64_t value() const { return static_cast<std::int64_t>(counter_.value()); }
    void write(wire::writer& w) const { counter_.write(w); }
    void read(wire::reader& r) { counter_.read(r); }
    friend bool operator==(const broken_counter&, const broken_counter&) = default;

private:
    crdt::g_counter counter_;
};

template <bool TellsGrowth, bool Refuses>
std::string count(std::size_t depth) {
    using type = broken_counter<TellsGrowth, Refuses>;
    exhaustive<type, spec::g_counter> all(
        {{"increment", [](type& s, id self) { return s.increment(self); }, 1}},
        [](const type& s) { return s.value(); });
    return all.run(depth).failure;
}

} // namespace

TEST_CASE("the log without a bug passes") { CHECK(search<bug::none>(4) == ""); }

TEST_CASE("a truncation that claims what was not seen loses it") {
    CHECK(search<bug::truncates_the_unseen>(5) ==
          "A: append x; A: append x; B gets delta 2 of A; B: truncate; "
          "replicas that meet do not show what the model says");
}

TEST_CASE("counts of what is held change with a truncation") {
    CHECK(search<bug::counts_what_is_held>(3) ==
          "A: append x; A: truncate; does not show what the model says");
}

TEST_CASE("a removal record that is not counted is found") {
    CHECK(search<bug::forgets_removal_records>(2) ==
          "A: remove y; does not show what the model says");
}

TEST_CASE("a merge that does not tell growth is found") {
    CHECK(count<false, false>(2) == "A: increment; B merges A; merge tells growth wrongly");
}

TEST_CASE("a refusal that the model does not know is found") {
    CHECK(count<true, true>(2) == "A: increment; A: increment; was refused");
    CHECK(count<true, false>(3) == "");
}

} // namespace exhaustive_planted_test
