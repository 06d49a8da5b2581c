// SPDX-License-Identifier: Apache-2.0
// The laws of replication, each seen to fail on an or_set that is wrong in one way.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/or_set.hpp>
#include <testing/laws.hpp>

namespace planted_set_bugs_test {

namespace crdt = joinery::crdt;
namespace testing = joinery::testing;
namespace wire = joinery::wire;

namespace {

enum class bug {
    none,
    fragment_claims_all,
    question_claims_all,
    answer_claims_all,
    answer_forgets_removals,
    remove_claims_all,
    context_has_no_gaps,
    context_forgotten,
    versions_forget_the_dots,
    index_misses_lost_dots,
    split_drops_a_part,
    split_heeds_no_limit,
    removes_denied,
};

// or_set<std::string>, but for one bug.
template <bug Bug>
class broken_set {
public:
    static constexpr std::string_view schema_name = "broken_set";
    using inner = crdt::or_set<std::string>;

    broken_set() = default;
    explicit broken_set(inner set) : set_(std::move(set)) {}

    broken_set add(crdt::replica_id self, const std::string& value) {
        return broken_set(set_.add(self, value));
    }
    broken_set remove(crdt::replica_id self, const std::string& value) {
        inner delta = set_.remove(self, value);
        if (Bug == bug::remove_claims_all) crdt::absorb(delta, crdt::context(set_));
        return broken_set(std::move(delta));
    }

    bool merge(const broken_set& other, crdt::report* found = nullptr) {
        const inner before = set_;
        set_.merge(other.set_, found);
        if (Bug == bug::context_has_no_gaps) set_.merge(below(set_));
        return set_ != before;
    }

    bool leq(const broken_set& other) const { return set_.leq(other.set_); }
    broken_set difference(const broken_set& known) const {
        return broken_set(set_.difference(known.set_));
    }

    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        if constexpr (Bug == bug::versions_forget_the_dots) {
            for (const auto& value : set_.elements())
                f(crdt::detail::path_of(path, value),
                  crdt::detail::version_of([&](wire::writer& w) { wire::put(w, value); }));
        } else {
            set_.for_each_entry(path, f);
        }
    }
    template <class F>
    void touched(const broken_set& delta, crdt::entry_id path, F& f) const {
        set_.touched(delta.set_, path, f);
    }
    // Subtracting what is touched before and adding what is touched after misses an element that
    // keeps some of its dots.
    template <class F>
    void changes(const broken_set& delta, crdt::entry_id path, F& f) const {
        if constexpr (Bug == bug::index_misses_lost_dots) {
            std::map<crdt::entry_id, std::pair<wire::digest, wire::digest>> versions;
            auto old = [&](crdt::entry_id id, const wire::digest& v) { versions[id].first = v; };
            auto now = [&](crdt::entry_id id, const wire::digest& v) { versions[id].second = v; };
            set_.touched(delta.set_, path, old);
            crdt::join(set_, delta.set_).touched(delta.set_, path, now);
            for (const auto& [id, version] : versions)
                if (version.first != version.second) f(id, version.first, version.second);
        } else {
            set_.changes(delta.set_, path, f);
        }
    }
    broken_set fragment(crdt::entry_id path, const crdt::id_set& ids) const {
        return claiming(set_.fragment(path, ids), Bug == bug::fragment_claims_all);
    }
    broken_set held(crdt::entry_id path, const crdt::id_set& ids) const {
        if (Bug == bug::question_claims_all) return broken_set(set_.context_part());
        return broken_set(set_.held(path, ids));
    }
    broken_set answer(crdt::entry_id path, const crdt::id_set& ids, const broken_set& asked) const {
        if (Bug == bug::answer_forgets_removals) return fragment(path, ids);
        return claiming(set_.answer(path, ids, asked.set_), Bug == bug::answer_claims_all);
    }
    broken_set context_part() const {
        return Bug == bug::context_forgotten ? broken_set{} : broken_set(set_.context_part());
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        if (Bug == bug::split_heeds_no_limit) max_bytes = 1 << 20;
        std::size_t parts = 0;
        set_.split(max_bytes, [&](inner part) {
            if (Bug != bug::split_drops_a_part || ++parts != 2) f(broken_set(std::move(part)));
        });
    }
    bool removes() const { return Bug != bug::removes_denied && set_.removes(); }

    void write(wire::writer& w) const { set_.write(w); }
    void read(wire::reader& r) { set_.read(r); }

    friend bool operator==(const broken_set&, const broken_set&) = default;

private:
    broken_set claiming(inner part, bool all) const {
        if (all) crdt::absorb(part, crdt::context(set_));
        return broken_set(std::move(part));
    }

    // All dots below the greatest of each replica, as if nothing came out of order; live ones stay.
    static inner below(const inner& set) {
        inner filled;
        for (const auto& i : set.context().intervals())
            for (std::uint64_t n = 1; n <= i.last; ++n) {
                inner one;
                for (crdt::replica_id id = i.replica; one.context().last(id) < n;)
                    one.add(id, "filler");
                inner empty = one;
                empty.clear(i.replica);
                filled.merge(empty);
            }
        return crdt::difference(filled, crdt::context(set));
    }

    inner set_;
};

template <bug Bug>
testing::law_result check() {
    using set = broken_set<Bug>;
    const auto step = [](set& s, crdt::replica_id self, testing::rng& random) {
        const std::string value(1, static_cast<char>('a' + random.below(4)));
        return random.chance(1, 3) ? s.remove(self, value) : s.add(self, value);
    };
    return testing::check_laws<set>({.cases = 400, .seed = 7, .heed_environment = false}, step);
}

} // namespace

TEST_CASE("the set without a bug keeps every law") {
    const auto result = check<bug::none>();
    CHECK_MESSAGE(result.holds(), result.text());
}

TEST_CASE("a fragment that carries the whole context is seen") {
    CHECK(check<bug::fragment_claims_all>().broken("fragments_claim_their_dots"));
}

TEST_CASE("a question that names more than was asked is seen") {
    CHECK(check<bug::question_claims_all>().broken("questions_claim_their_dots"));
}

TEST_CASE("an answer that claims the whole context is seen") {
    CHECK(check<bug::answer_claims_all>().broken("answers_repair"));
}

TEST_CASE("an answer that keeps removals to itself is seen") {
    const auto result = check<bug::answer_forgets_removals>();
    CHECK(result.broken("answers_repair"));
    CHECK(result.broken("repair_ends_equal"));
}

TEST_CASE("a remove that claims the whole context loses adds that arrive later") {
    CHECK(check<bug::remove_claims_all>().broken("deltas_in_any_order"));
}

TEST_CASE("a context without gaps loses deltas that arrive out of order") {
    CHECK(check<bug::context_has_no_gaps>().broken("deltas_in_any_order"));
}

TEST_CASE("a context that is not handed over leaves states unequal") {
    const auto result = check<bug::context_forgotten>();
    CHECK(result.broken("fragments_make_the_state"));
    CHECK(result.broken("repair_ends_equal"));
}

TEST_CASE("versions without causality do not tell states apart") {
    CHECK(check<bug::versions_forget_the_dots>().broken("entries_tell_states_apart"));
}

TEST_CASE("an index that misses an element's lost dots is seen") {
    CHECK(check<bug::index_misses_lost_dots>().broken("index_follows"));
}

TEST_CASE("a split that drops a part, or heeds no limit, is seen") {
    CHECK(check<bug::split_drops_a_part>().broken("split"));
    CHECK(check<bug::split_heeds_no_limit>().broken("split"));
}

TEST_CASE("a removal that is denied is seen") {
    CHECK(check<bug::removes_denied>().broken("removals_told"));
}

} // namespace planted_set_bugs_test
