// SPDX-License-Identifier: Apache-2.0
// The laws, each seen to fail on an event log that is wrong in one way.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/event_log.hpp>
#include <testing/laws.hpp>

#include "random_steps_logs.hpp"

namespace planted_log_bugs_test {

namespace crdt = joinery::crdt;
namespace testing = joinery::testing;
namespace wire = joinery::wire;

namespace {

enum class bug {
    none,
    keeps_own_of_two_payloads,
    truncation_not_merged,
    truncated_forgotten,
    fragment_invents_a_floor,
    answer_keeps_truncation,
    version_forgets_the_events,
    difference_forgets_registers,
    split_forgets_truncation,
    truncation_denied,
    growth_of_counts_not_told,
    order_of_growth_forgets_the_context,
    stamps_of_registers_doubled,
};

// event_log<std::string>, but for one bug.
template <bug Bug>
class broken_log {
public:
    static constexpr std::string_view schema_name = "broken_log";
    using inner = crdt::event_log<std::string>;

    broken_log() = default;
    explicit broken_log(inner log) : log_(std::move(log)) {}

    inner& log() { return log_; }

    bool merge(const broken_log& other, crdt::report* found = nullptr) {
        if (Bug == bug::keeps_own_of_two_payloads && spends_twice(other)) return false;
        if (Bug == bug::truncation_not_merged) return log_.merge(live(other.log_), found);
        const auto before = log_.removals();
        bool grew = log_.merge(other.log_, found);
        if (Bug == bug::truncated_forgotten) log_ = live(log_);
        if (Bug == bug::growth_of_counts_not_told) grew = grew && before == log_.removals();
        return grew;
    }
    bool leq(const broken_log& other) const {
        if (Bug == bug::order_of_growth_forgets_the_context) return live(log_).leq(other.log_);
        return log_.leq(other.log_);
    }
    broken_log difference(const broken_log& known) const {
        auto delta = log_.difference(known.log_);
        if (Bug == bug::difference_forgets_registers && delta.size() != 0)
            delta = without_registers(delta);
        return broken_log(std::move(delta));
    }

    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        auto blind = [&](crdt::entry_id id, const wire::digest& v) {
            f(id, Bug == bug::version_forgets_the_events ? wire::digest{1, 1} : v);
        };
        log_.for_each_entry(path, blind);
    }
    template <class F>
    void touched(const broken_log& delta, crdt::entry_id path, F& f) const {
        log_.touched(delta.log_, path, f);
    }
    template <class F>
    void changes(const broken_log& delta, crdt::entry_id path, F& f) const {
        log_.changes(delta.log_, path, f);
    }
    broken_log fragment(crdt::entry_id path, const crdt::id_set& ids) const {
        auto part = log_.fragment(path, ids);
        if (Bug == bug::fragment_invents_a_floor) crdt::absorb(part, crdt::context(log_));
        return broken_log(std::move(part));
    }
    broken_log held(crdt::entry_id path, const crdt::id_set& ids) const {
        return broken_log(log_.held(path, ids));
    }
    broken_log answer(crdt::entry_id path, const crdt::id_set& ids, const broken_log& asked) const {
        if (Bug == bug::answer_keeps_truncation) return fragment(path, ids);
        return broken_log(log_.answer(path, ids, asked.log_));
    }
    broken_log context_part() const { return broken_log(log_.context_part()); }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        const inner whole = Bug == bug::split_forgets_truncation ? live(log_) : log_;
        whole.split(max_bytes, [&](inner part) { f(broken_log(std::move(part))); });
    }
    bool removes() const { return Bug != bug::truncation_denied && log_.removes(); }
    crdt::stamp_t max_stamp() const {
        return Bug == bug::stamps_of_registers_doubled
                   ? log_.max_stamp() + crdt::max_stamp(log_.registers())
                   : log_.max_stamp();
    }

    void write(wire::writer& w) const { log_.write(w); }
    void read(wire::reader& r) { log_.read(r); }

    friend bool operator==(const broken_log&, const broken_log&) = default;

private:
    bool spends_twice(const broken_log& other) const {
        inner copy = log_;
        crdt::report found;
        crdt::merge(copy, other.log_, found);
        return !found.double_spent.empty();
    }

    // Without what was truncated.
    static inner live(const inner& log) {
        std::vector<crdt::entry_id> ids;
        crdt::for_each_entry(log,
                             [&](crdt::entry_id id, const wire::digest&) { ids.push_back(id); });
        return crdt::fragment(log, crdt::id_set(std::move(ids)));
    }

    static inner without_registers(const inner& log) {
        inner events;
        crdt::split(log, 1, [&](const inner& part) {
            if (part.registers().size() == 0) events.merge(part);
        });
        return events;
    }

    inner log_;
};

template <bug Bug>
testing::law_result check() {
    using log = broken_log<Bug>;
    const auto step = [](log& s, crdt::replica_id self, testing::rng& random) {
        // Mostly appends, so that an id that is used again spends a sequence twice.
        if (random.chance(1, 2))
            return log(s.log().append(self, random.below(8), std::to_string(random.below(100))));
        return log(testing::random_step<typename log::inner>{}(s.log(), self, random));
    };
    return testing::check_laws<log>({.cases = 400, .seed = 7, .heed_environment = false}, step);
}

} // namespace

TEST_CASE("the log without a bug keeps every law") {
    const auto result = check<bug::none>();
    CHECK_MESSAGE(result.holds(), result.text());
}

TEST_CASE("a log that keeps its own of two payloads is seen") {
    CHECK(check<bug::keeps_own_of_two_payloads>().broken("commutative"));
}

TEST_CASE("a truncation that is not merged is seen") {
    CHECK(check<bug::truncation_not_merged>().broken("delta"));
}

TEST_CASE("a log that forgets what it truncated lets it come back") {
    CHECK(check<bug::truncated_forgotten>().broken("nothing_comes_back"));
}

TEST_CASE("a fragment that invents a floor is seen") {
    CHECK(check<bug::fragment_invents_a_floor>().broken("fragments_claim_their_dots"));
}

TEST_CASE("an answer that keeps truncation to itself is seen") {
    CHECK(check<bug::answer_keeps_truncation>().broken("answers_repair"));
}

TEST_CASE("versions that forget the events do not tell logs apart") {
    CHECK(check<bug::version_forgets_the_events>().broken("entries_tell_states_apart"));
}

TEST_CASE("a difference without the registers is seen") {
    CHECK(check<bug::difference_forgets_registers>().broken("difference"));
}

TEST_CASE("a split without the truncation is seen") {
    CHECK(check<bug::split_forgets_truncation>().broken("split"));
}

TEST_CASE("a truncation that is denied is seen") {
    CHECK(check<bug::truncation_denied>().broken("removals_told"));
}

TEST_CASE("growth that is not told is seen") {
    CHECK(check<bug::growth_of_counts_not_told>().broken("growth_told"));
}

TEST_CASE("an order that looks at live events only is seen") {
    CHECK(check<bug::order_of_growth_forgets_the_context>().broken("inflation"));
}

TEST_CASE("a stamp that nobody wrote is seen in a log") {
    CHECK(check<bug::stamps_of_registers_doubled>().broken("stamps_are_not_invented"));
}

} // namespace planted_log_bugs_test
