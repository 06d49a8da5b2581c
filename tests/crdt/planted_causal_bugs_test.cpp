// SPDX-License-Identifier: Apache-2.0
// The laws of replication, each seen to fail on a map that is wrong in one way.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <testing/laws.hpp>

namespace planted_causal_bugs_test {

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
    erase_forgets_context,
    erase_claims_all,
    update_claims_all,
    children_join_alone,
    context_not_handed_over,
    double_spent_refused,
    growth_denied,
    difference_is_everything,
    split_drops_removals,
};

// or_map<string, or_set<string>>, but for one bug.
template <bug Bug>
class broken_map {
public:
    static constexpr std::string_view schema_name = "broken_map";
    using set = crdt::or_set<std::string>;
    using inner = crdt::or_map<std::string, set>;

    broken_map() = default;
    explicit broken_map(inner map) : map_(std::move(map)) {}

    template <class F>
    broken_map update(crdt::replica_id self, const std::string& key, F f) {
        return claiming(map_.update(self, key, f), Bug == bug::update_claims_all);
    }
    broken_map erase(crdt::replica_id self, const std::string& key) {
        inner delta = map_.erase(self, key);
        if (Bug == bug::erase_forgets_context) return {};
        return claiming(std::move(delta), Bug == bug::erase_claims_all);
    }

    bool merge(const broken_map& other, crdt::report* found = nullptr) {
        const inner before = map_;
        crdt::report clash;
        map_.merge(Bug == bug::children_join_alone ? alone(other.map_) : other.map_, &clash);
        if (found != nullptr) *found = clash;
        if (Bug == bug::double_spent_refused && !clash.empty()) map_ = before;
        return Bug != bug::growth_denied && map_ != before;
    }
    bool leq(const broken_map& other) const { return map_.leq(other.map_); }
    broken_map difference(const broken_map& known) const {
        if (Bug == bug::difference_is_everything) return *this;
        return broken_map(map_.difference(known.map_));
    }

    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        map_.for_each_entry(path, f);
    }
    template <class F>
    void touched(const broken_map& delta, crdt::entry_id path, F& f) const {
        map_.touched(delta.map_, path, f);
    }
    template <class F>
    void changes(const broken_map& delta, crdt::entry_id path, F& f) const {
        map_.changes(delta.map_, path, f);
    }
    broken_map fragment(crdt::entry_id path, const crdt::id_set& ids) const {
        return claiming(map_.fragment(path, ids), Bug == bug::fragment_claims_all);
    }
    broken_map held(crdt::entry_id path, const crdt::id_set& ids) const {
        if (Bug == bug::question_claims_all) return broken_map(map_.context_part());
        return broken_map(map_.held(path, ids));
    }
    broken_map answer(crdt::entry_id path, const crdt::id_set& ids, const broken_map& asked) const {
        if (Bug == bug::answer_forgets_removals) return fragment(path, ids);
        return claiming(map_.answer(path, ids, asked.map_), Bug == bug::answer_claims_all);
    }
    broken_map context_part() const {
        return Bug == bug::context_not_handed_over ? broken_map{} : broken_map(map_.context_part());
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        map_.split(max_bytes, [&](inner part) {
            if (Bug != bug::split_drops_removals || !part.empty()) f(broken_map(std::move(part)));
        });
    }
    bool removes() const { return map_.removes(); }

    void write(wire::writer& w) const { map_.write(w); }
    void read(wire::reader& r) { map_.read(r); }

    friend bool operator==(const broken_map&, const broken_map&) = default;

private:
    broken_map claiming(inner part, bool all) const {
        if (all) crdt::absorb(part, crdt::context(map_));
        return broken_map(std::move(part));
    }

    // What a map knows if each value has a context of its own, with the dots alive in it: all that
    // was removed is forgotten with the key.
    static inner alone(const inner& map) {
        std::vector<crdt::entry_id> ids;
        crdt::for_each_entry(map,
                             [&](crdt::entry_id id, const wire::digest&) { ids.push_back(id); });
        return crdt::fragment(map, crdt::id_set(std::move(ids)));
    }

    inner map_;
};

template <bug Bug>
testing::law_result check(std::uint64_t cases = 400) {
    using map = broken_map<Bug>;
    const auto step = [](map& s, crdt::replica_id self, testing::rng& random) {
        const std::string key(1, static_cast<char>('k' + random.below(3)));
        const std::string value(1, static_cast<char>('a' + random.below(3)));
        if (random.chance(1, 4)) return s.erase(self, key);
        const bool removal = random.chance(1, 4);
        return s.update(self, key, [&](auto& set, auto id) {
            return removal ? set.remove(id, value) : set.add(id, value);
        });
    };
    return testing::check_laws<map>({.cases = cases, .seed = 7, .heed_environment = false}, step);
}

} // namespace

TEST_CASE("the map without a bug keeps every law") {
    const auto result = check<bug::none>();
    CHECK_MESSAGE(result.holds(), result.text());
}

TEST_CASE("a fragment of a map that carries the whole context is seen") {
    CHECK(check<bug::fragment_claims_all>().broken("fragments_claim_their_dots"));
}

TEST_CASE("a question about a map that names more than was asked is seen") {
    CHECK(check<bug::question_claims_all>().broken("questions_claim_their_dots"));
}

TEST_CASE("an answer of a map that claims the whole context is seen") {
    CHECK(check<bug::answer_claims_all>().broken("answers_repair"));
}

TEST_CASE("an answer of a map that keeps removals to itself is seen") {
    const auto result = check<bug::answer_forgets_removals>();
    CHECK(result.broken("answers_repair"));
    CHECK(result.broken("repair_ends_equal"));
}

TEST_CASE("an erase whose delta forgets the context is seen") {
    const auto result = check<bug::erase_forgets_context>();
    CHECK(result.broken("delta"));
    CHECK(result.broken("deltas_in_any_order"));
}

TEST_CASE("an erase that claims the map's whole context takes other keys away") {
    CHECK(check<bug::erase_claims_all>().broken("delta"));
}

TEST_CASE("an update that claims the map's whole context takes other keys away") {
    CHECK(check<bug::update_claims_all>().broken("delta"));
}

TEST_CASE("child stores joined with child contexts bring erased keys back") {
    const auto result = check<bug::children_join_alone>();
    CHECK(result.broken("nothing_comes_back"));
    CHECK(result.broken("delta"));
    CHECK(result.broken("deltas_in_any_order"));
}

TEST_CASE("a map's context that is not handed over leaves states unequal") {
    const auto result = check<bug::context_not_handed_over>();
    CHECK(result.broken("fragments_make_the_state"));
    CHECK(result.broken("repair_ends_equal"));
}

TEST_CASE("refusing a state with a dot that was spent twice makes replicas diverge") {
    CHECK(check<bug::double_spent_refused>(4000).broken("commutative"));
}

TEST_CASE("a map that denies its growth is seen") {
    CHECK(check<bug::growth_denied>().broken("growth_told"));
}

TEST_CASE("a difference that tells what is known is seen") {
    const auto result = check<bug::difference_is_everything>();
    CHECK(result.broken("difference"));
    CHECK(result.broken("difference_is_minimal"));
}

TEST_CASE("a split that drops removals is seen") {
    CHECK(check<bug::split_drops_removals>().broken("split"));
}

} // namespace planted_causal_bugs_test
