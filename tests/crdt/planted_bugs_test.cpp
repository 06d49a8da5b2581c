// SPDX-License-Identifier: Apache-2.0
// A checker that has never said no is worth nothing: each law is seen to fail on a type that is
// wrong in one way, and the same type without the bug keeps them all.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include <testing/laws.hpp>

namespace planted_bugs_test {

namespace crdt = joinery::crdt;
namespace testing = joinery::testing;
namespace wire = joinery::wire;

namespace {

enum class bug {
    none,
    keeps_own_on_ties,
    adds_instead_of_max,
    not_associative,
    default_is_not_least,
    tells_growth_always,
    tells_growth_never,
    clears_on_self_merge,
    older_write_overwrites,
    delta_is_the_argument,
    order_forgets_the_value,
    difference_gives_nothing,
    difference_gives_too_much,
    loses_a_field_in_bytes,
    reads_any_padding,
    version_forgets_the_value,
    entry_given_twice,
    stamp_invented,
};

// A register (stamp, value) that keeps the greater pair.
template <bug Bug>
struct cell {
    static constexpr std::string_view schema_name = "cell";

    std::uint64_t stamp = 0;
    std::uint64_t value = Bug == bug::default_is_not_least ? 3 : 0;

    cell assign(std::uint64_t new_stamp, std::uint64_t new_value) {
        cell delta;
        delta.stamp = new_stamp;
        delta.value = new_value;
        if constexpr (Bug == bug::older_write_overwrites)
            *this = delta;
        else
            merge(delta);
        if constexpr (Bug == bug::delta_is_the_argument) delta.value += 1;
        return delta;
    }

    bool merge(const cell& other) {
        const cell before = *this;
        if (Bug == bug::clears_on_self_merge && &other == this) {
            *this = cell{};
        } else if (Bug == bug::adds_instead_of_max) {
            value += other.value;
        } else if (Bug == bug::not_associative && stamp != 0 && other.stamp != 0) {
            // Rock, paper, scissors.
            if ((other.value + 1) % 3 == value % 3)
                *this = other;
            else if (other.value % 3 == value % 3)
                take_greater(other);
        } else if (Bug == bug::keeps_own_on_ties) {
            if (stamp < other.stamp) *this = other;
        } else {
            take_greater(other);
        }
        if (Bug == bug::tells_growth_always) return true;
        return Bug != bug::tells_growth_never && *this != before;
    }

    bool leq(const cell& other) const {
        if (Bug == bug::order_forgets_the_value) return stamp <= other.stamp;
        cell joined = other;
        joined.merge(*this);
        return joined == other;
    }

    cell difference(const cell& known) const {
        if (Bug == bug::difference_gives_nothing) return {};
        if (Bug == bug::difference_gives_too_much) return *this;
        return leq(known) ? cell{} : *this;
    }

    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        if (*this == cell{}) return;
        const auto version = crdt::detail::version_of([&](wire::writer& w) {
            w.varint(stamp);
            if (Bug != bug::version_forgets_the_value) w.varint(value);
        });
        f(path, version);
        if (Bug == bug::entry_given_twice) f(path, version);
    }

    crdt::stamp_t max_stamp() const { return stamp + (Bug == bug::stamp_invented ? 1 : 0); }

    void write(wire::writer& w) const {
        w.varint(stamp);
        w.varint(Bug == bug::loses_a_field_in_bytes ? 0 : value);
        if (Bug == bug::reads_any_padding) w.u8(0);
    }
    void read(wire::reader& r) {
        stamp = r.varint();
        value = r.varint();
        if (Bug == bug::reads_any_padding) r.u8();
    }

    friend bool operator==(const cell&, const cell&) = default;

private:
    void take_greater(const cell& other) {
        if (std::tie(stamp, value) < std::tie(other.stamp, other.value)) *this = other;
    }
};

// A set whose bytes follow the order of insertion although == does not.
struct set_in_order_of_arrival {
    static constexpr std::string_view schema_name = "set_in_order_of_arrival";

    std::vector<std::uint32_t> values;

    bool merge(const set_in_order_of_arrival& other) {
        const auto before = values.size();
        for (const auto v : std::vector<std::uint32_t>(other.values))
            if (std::find(values.begin(), values.end(), v) == values.end()) values.push_back(v);
        return values.size() != before;
    }

    void write(wire::writer& w) const { wire::put(w, values); }
    void read(wire::reader& r) { wire::get(r, values); }

    friend bool operator==(const set_in_order_of_arrival& a, const set_in_order_of_arrival& b) {
        return std::is_permutation(a.values.begin(), a.values.end(), b.values.begin(),
                                   b.values.end());
    }
};

// A maximum whose copies share their state.
struct shared_maximum {
    static constexpr std::string_view schema_name = "shared_maximum";

    std::shared_ptr<std::uint64_t> value = std::make_shared<std::uint64_t>(0);

    bool merge(const shared_maximum& other) {
        if (*other.value <= *value) return false;
        *value = *other.value;
        return true;
    }

    void write(wire::writer& w) const { w.varint(*value); }
    void read(wire::reader& r) { value = std::make_shared<std::uint64_t>(r.varint()); }

    friend bool operator==(const shared_maximum& a, const shared_maximum& b) {
        return *a.value == *b.value;
    }
};

// Elements with a remove that only forgets: whoever still has the element brings it back.
struct forgetful_set {
    static constexpr std::string_view schema_name = "forgetful_set";

    std::set<std::uint64_t> values;

    bool merge(const forgetful_set& other) {
        const auto before = values.size();
        values.insert(other.values.begin(), other.values.end());
        return values.size() != before;
    }

    void write(wire::writer& w) const { wire::put(w, values); }
    void read(wire::reader& r) { wire::get(r, values); }

    friend bool operator==(const forgetful_set&, const forgetful_set&) = default;
};

template <class T>
testing::law_result check(const testing::mutator<T>& step) {
    return testing::check_laws<T>({.cases = 300, .seed = 7, .heed_environment = false}, step);
}

template <bug Bug>
testing::law_result check_cell() {
    return check<cell<Bug>>([](cell<Bug>& s, crdt::replica_id, testing::rng& random) {
        const auto stamp = random.below(4);
        return s.assign(stamp, random.below(6));
    });
}

} // namespace

TEST_CASE("the cell without a bug keeps every law") {
    const auto result = check_cell<bug::none>();
    CHECK_MESSAGE(result.holds(), result.text());
}

TEST_CASE("a broken law is told with its type, its name and a seed that shows it alone") {
    const auto result = check_cell<bug::keeps_own_on_ties>();
    REQUIRE(result.broken("commutative"));
    CHECK(result.text().find("cell<") != std::string::npos);
    CHECK(result.text().find("\"commutative\"") != std::string::npos);
    const auto at = std::find_if(result.failures.begin(), result.failures.end(),
                                 [](const auto& f) { return f.law == "commutative"; });
    CHECK(result.text().find("JOINERY_SEED=" + std::to_string(at->seed)) != std::string::npos);
}

TEST_CASE("equal stamps that keep the own value are not commutative") {
    CHECK(check_cell<bug::keeps_own_on_ties>().broken("commutative"));
}

TEST_CASE("a merge that adds is not idempotent") {
    CHECK(check_cell<bug::adds_instead_of_max>().broken("idempotent"));
}

TEST_CASE("a circular winner is not associative") {
    CHECK(check_cell<bug::not_associative>().broken("associative"));
}

TEST_CASE("a default that beats a written value is no identity") {
    CHECK(check_cell<bug::default_is_not_least>().broken("identity"));
}

TEST_CASE("growth that is told always or never is seen") {
    CHECK(check_cell<bug::tells_growth_always>().broken("growth_told"));
    CHECK(check_cell<bug::tells_growth_never>().broken("growth_told"));
}

TEST_CASE("a merge with the same object that clears is not idempotent") {
    CHECK(check_cell<bug::clears_on_self_merge>().broken("idempotent"));
}

TEST_CASE("an older write that overwrites breaks the delta law") {
    CHECK(check_cell<bug::older_write_overwrites>().broken("delta"));
}

TEST_CASE("a delta that is not what was done breaks the delta law") {
    CHECK(check_cell<bug::delta_is_the_argument>().broken("delta"));
}

TEST_CASE("an order that is not the join's is seen") {
    const auto result = check_cell<bug::order_forgets_the_value>();
    CHECK(result.broken("inflation"));
    CHECK(result.broken("compared"));
}

TEST_CASE("a difference that lacks something, or holds what is known, is seen") {
    CHECK(check_cell<bug::difference_gives_nothing>().broken("difference"));
    const auto result = check_cell<bug::difference_gives_too_much>();
    CHECK(result.broken("difference"));
    CHECK(result.broken("difference_is_minimal"));
}

TEST_CASE("bytes that lose a field do not round trip") {
    CHECK(check_cell<bug::loses_a_field_in_bytes>().broken("round_trip"));
}

TEST_CASE("a decoder that takes two encodings of one value is seen") {
    CHECK(check_cell<bug::reads_any_padding>().broken("damaged"));
}

TEST_CASE("a version that leaves something out does not tell states apart") {
    CHECK(check_cell<bug::version_forgets_the_value>().broken("entries_tell_states_apart"));
}

TEST_CASE("an entry given twice is seen") {
    CHECK(check_cell<bug::entry_given_twice>().broken("entries_of_the_value"));
}

TEST_CASE("a stamp that nobody wrote is seen") {
    CHECK(check_cell<bug::stamp_invented>().broken("stamps_are_not_invented"));
}

TEST_CASE("bytes that depend on history are not canonical") {
    using set = set_in_order_of_arrival;
    const auto result = check<set>([](set& s, crdt::replica_id, testing::rng& random) {
        set delta;
        delta.values.push_back(static_cast<std::uint32_t>(random.below(8)));
        s.merge(delta);
        return delta;
    });
    CHECK(result.broken("canonical"));
    CHECK(!result.broken("commutative"));
}

TEST_CASE("copies that share their state are not values") {
    using maximum = shared_maximum;
    const auto result = check<maximum>([](maximum& s, crdt::replica_id, testing::rng& random) {
        maximum delta;
        *delta.value = random.below(100);
        s.merge(delta);
        return delta;
    });
    CHECK(result.broken("copies_are_values"));
}

TEST_CASE("a remove that only forgets brings elements back") {
    using set = forgetful_set;
    const auto result = check<set>([](set& s, crdt::replica_id, testing::rng& random) {
        set delta;
        const auto value = random.below(8);
        if (random.chance(1, 3)) {
            s.values.erase(value);
        } else {
            delta.values.insert(value);
            s.merge(delta);
        }
        return delta;
    });
    CHECK(result.broken("delta"));
    CHECK(result.broken("nothing_comes_back"));
}

} // namespace planted_bugs_test
