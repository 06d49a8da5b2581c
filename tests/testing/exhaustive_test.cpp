// SPDX-License-Identifier: Apache-2.0
// Every short history of every plain type against its model, and bugs that only such a search
// finds.
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/g_set.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/max_register.hpp>
#include <crdt/or_set.hpp>
#include <crdt/version_vector.hpp>

#include "exhaustive_check.hpp"

namespace exhaustive_test {

namespace crdt = joinery::crdt;
namespace spec = joinery::testing::spec;
namespace wire = joinery::wire;
using joinery::testing::check_exhaustively;
using joinery::testing::exhaustive;
using joinery::testing::set_of;

namespace {

using id = crdt::replica_id;

} // namespace

TEST_CASE("g_counter") {
    using type = crdt::g_counter;
    check_exhaustively<type, spec::g_counter>(
        {{"increment", [](type& s, id self) { return s.increment(self); }, 1},
         {"increment by 5", [](type& s, id self) { return s.increment(self, 5); }, 5}},
        [](const type& s) { return static_cast<std::int64_t>(s.value()); });
}

TEST_CASE("version_vector") {
    using type = crdt::version_vector;
    check_exhaustively<type, spec::version_vector>(
        {{"increment", [](type& s, id self) { return s.increment(self); }, {}}}, [](const type& s) {
            std::map<std::size_t, std::uint64_t> counts;
            s.for_each([&](id replica, std::uint64_t n) { counts[replica.value - 1] = n; });
            return counts;
        });
}

TEST_CASE("max_register") {
    using type = crdt::max_register<int>;
    check_exhaustively<type, spec::max_register<int>>(
        {{"assign 1", [](type& s, id self) { return s.assign(self, 1); }, 1},
         {"assign 2", [](type& s, id self) { return s.assign(self, 2); }, 2}},
        [](const type& s) { return s.value(); });
}

TEST_CASE("lww_register") {
    using type = crdt::lww_register<std::string>;
    check_exhaustively<type, spec::lww_register<std::string>>(
        {{"assign x at 1", [](type& s, id self) { return s.assign(self, 1, "x"); }, {1, "x"}},
         {"assign y at 1", [](type& s, id self) { return s.assign(self, 1, "y"); }, {1, "y"}},
         {"assign w at 2", [](type& s, id self) { return s.assign(self, 2, "w"); }, {2, "w"}}},
        [](const type& s) { return s.value() ? std::optional(*s.value()) : std::nullopt; });
}

TEST_CASE("g_set") {
    using type = crdt::g_set<int>;
    check_exhaustively<type, spec::g_set<int>>(
        {{"add 1", [](type& s, id self) { return s.add(self, 1); }, 1},
         {"add 2", [](type& s, id self) { return s.add(self, 2); }, 2}},
        [](const type& s) { return s.elements(); });
}

TEST_CASE("or_set") {
    using type = crdt::or_set<int>;
    check_exhaustively<type, spec::or_set<int>>(
        {{"add 1", [](type& s, id self) { return s.add(self, 1); }, {true, 1}},
         {"remove 1", [](type& s, id self) { return s.remove(self, 1); }, {false, 1}},
         {"add 2", [](type& s, id self) { return s.add(self, 2); }, {true, 2}}},
        [](const type& s) { return set_of(s.elements()); });
}

TEST_CASE("g_map of counters") {
    using type = crdt::g_map<std::string, crdt::g_counter>;
    const auto on = [](const std::string& key) {
        return [key](type& s, id self) {
            return s.update(self, key, [](crdt::g_counter& c, id i) { return c.increment(i); });
        };
    };
    check_exhaustively<type, spec::g_map<std::string, spec::g_counter>>(
        {{"k: increment", on("k"), {"k", 1}}, {"l: increment", on("l"), {"l", 1}}},
        [](const type& s) {
            std::map<std::string, std::int64_t> counts;
            for (const auto& [key, c] : s.entries())
                counts[key] = static_cast<std::int64_t>(c.value());
            return counts;
        });
}

TEST_CASE("g_map of sets") {
    using type = crdt::g_map<std::string, crdt::or_set<int>>;
    using set = crdt::or_set<int>;
    const auto add = [](type& s, id self) {
        return s.update(self, "k", [](set& each, id i) { return each.add(i, 1); });
    };
    const auto remove = [](type& s, id self) {
        return s.update(self, "k", [](set& each, id i) { return each.remove(i, 1); });
    };
    check_exhaustively<type, spec::g_map<std::string, spec::or_set<int>>>(
        {{"k: add 1", add, {"k", {true, 1}}}, {"k: remove 1", remove, {"k", {false, 1}}}},
        [](const type& s) {
            std::map<std::string, std::set<int>> sets;
            for (const auto& [key, each] : s.entries())
                if (!each.empty()) sets[key] = set_of(each.elements());
            return sets;
        });
}

namespace {

enum class bug { none, remove_claims_all, remove_is_local, forgets_on_merge };

// or_set<int>, but for one bug that keeps the laws of a lattice or nearly does.
template <bug Bug>
class broken_set {
public:
    using inner = crdt::or_set<int>;

    broken_set add(id self, int value) { return broken_set(set_.add(self, value)); }
    broken_set remove(id self, int value) {
        inner delta = set_.remove(self, value);
        if (Bug == bug::remove_claims_all) {
            delta.merge(gaps(set_));
            set_.merge(delta);
        }
        if (Bug == bug::remove_is_local) return broken_set{};
        return broken_set(std::move(delta));
    }

    bool merge(const broken_set& other) {
        const inner before = set_;
        set_.merge(other.set_);
        if (Bug == bug::forgets_on_merge && set_.contains(1) && set_.contains(2) &&
            set_.dots_of(1).size() == 2)
            set_.remove({}, 2);
        return set_ != before;
    }
    std::vector<int> elements() const { return set_.elements(); }

    void write(wire::writer& w) const { set_.write(w); }
    void read(wire::reader& r) { set_.read(r); }

    broken_set() = default;
    friend bool operator==(const broken_set&, const broken_set&) = default;

private:
    explicit broken_set(inner set) : set_(std::move(set)) {}

    // A claim of the dots of replica 1 that are missing, as if nothing came out of order.
    static inner gaps(const inner& set) {
        inner other;
        while (other.context().last(id{1}) < set.context().last(id{1})) other.add(id{1}, 0);
        return crdt::difference(crdt::context(other), crdt::context(set));
    }

    inner set_;
};

template <bug Bug>
joinery::testing::exhaustive_result search(std::size_t depth) {
    using type = broken_set<Bug>;
    exhaustive<type, spec::or_set<int>> all(
        {{"add 1", [](type& s, id self) { return s.add(self, 1); }, {true, 1}},
         {"remove 1", [](type& s, id self) { return s.remove(self, 1); }, {false, 1}},
         {"add 2", [](type& s, id self) { return s.add(self, 2); }, {true, 2}}},
        [](const type& s) { return set_of(s.elements()); });
    return all.run(depth);
}

// A register in which the first of two equal stamps stays.
struct first_wins {
    std::uint64_t stamp = 0;
    std::string value;

    first_wins assign(id, std::uint64_t at, std::string what) {
        const first_wins written{at, std::move(what)};
        merge(written);
        return written;
    }
    bool merge(const first_wins& other) {
        if (other.stamp <= stamp) return false;
        *this = other;
        return true;
    }
    void write(wire::writer& w) const {
        w.varint(stamp);
        wire::put(w, value);
    }
    void read(wire::reader& r) {
        stamp = r.varint();
        wire::get(r, value);
    }
    friend bool operator==(const first_wins&, const first_wins&) = default;
};

} // namespace

TEST_CASE("the set without a bug passes") { CHECK(search<bug::none>(4).holds()); }

TEST_CASE("a remove that claims more than it removes is found with the commands that show it") {
    const auto result = search<bug::remove_claims_all>(5);
    REQUIRE(!result.holds());
    CHECK(result.failure.find("remove 1") != std::string::npos);
    CHECK(result.failure.find("gets delta 2 of A") != std::string::npos);
    CHECK(result.failure.ends_with("the model says"));
}

TEST_CASE("a remove that stays local is found") {
    CHECK(search<bug::remove_is_local>(3).failure.find("delta") != std::string::npos);
}

TEST_CASE("a merge that forgets is found") { CHECK(!search<bug::forgets_on_merge>(5).holds()); }

TEST_CASE("a tie that each replica decides for itself is found") {
    using type = first_wins;
    exhaustive<type, spec::lww_register<std::string>> all(
        {{"assign x at 1", [](type& s, id self) { return s.assign(self, 1, "x"); }, {1, "x"}},
         {"assign y at 1", [](type& s, id self) { return s.assign(self, 1, "y"); }, {1, "y"}}},
        [](const type& s) { return s.stamp ? std::optional(s.value) : std::nullopt; });
    CHECK(all.run(2).failure ==
          "A: assign x at 1; A: assign y at 1; does not show what the model says");
}

TEST_CASE("a search is as deep as it is told") {
    using type = crdt::g_set<int>;
    exhaustive<type, spec::g_set<int>> all(
        {{"add 1", [](type& s, id self) { return s.add(self, 1); }, 1}},
        [](const type& s) { return s.elements(); });
    CHECK(all.run(0).worlds == 1);
    CHECK(all.run(1).worlds == 4);
    CHECK(all.run(3).worlds > all.run(2).worlds);
}

} // namespace exhaustive_test
