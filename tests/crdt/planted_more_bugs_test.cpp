// SPDX-License-Identifier: Apache-2.0
// The obvious wrong ways to write these types, each seen to break a law or a history.
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/bounded_counter.hpp>
#include <crdt/version_vector.hpp>
#include <crdt/voted_register.hpp>
#include <testing/laws.hpp>

#include "bounded_history.hpp"

namespace planted_more_bugs_test {

namespace crdt = joinery::crdt;
namespace testing = joinery::testing;
namespace wire = joinery::wire;

namespace {

template <class T>
testing::law_result check(const testing::mutator<T>& step) {
    return testing::check_laws<T>({.cases = 300, .seed = 7, .heed_environment = false}, step);
}

// A voted register that keeps the winner alone, with the version it has seen.
struct naive_voted {
    static constexpr std::string_view schema_name = "naive_voted";

    crdt::version_vector seen, written; // all that came in; what the winner's writer had seen
    std::uint64_t confidence = 0, value = 0;

    naive_voted assign(crdt::replica_id self, std::uint64_t sure, std::uint64_t what) {
        seen.increment(self);
        written = seen;
        confidence = sure;
        value = what;
        return *this;
    }
    bool merge(const naive_voted& other) {
        const naive_voted before = *this;
        const auto order = crdt::compare(written, other.written);
        const bool wins = order == std::partial_ordering::less ||
                          (order != std::partial_ordering::greater && key() < other.key());
        const auto all_seen = crdt::join(seen, other.seen);
        if (wins) *this = other;
        seen = all_seen;
        return *this != before;
    }
    std::tuple<std::uint64_t, std::uint64_t, std::vector<std::byte>> key() const {
        return {confidence, value, wire::encode_nested(written)};
    }

    void write(wire::writer& w) const {
        seen.write(w);
        written.write(w);
        w.varint(confidence);
        w.varint(value);
    }
    void read(wire::reader& r) {
        seen.read(r);
        written.read(r);
        confidence = r.varint();
        value = r.varint();
    }
    friend bool operator==(const naive_voted&, const naive_voted&) = default;
};

enum class bug { none, keeps_own_on_ties, erase_forgets, put_ignored_after_erase };

// An lww_map<uint64, uint64>, but for one bug.
template <bug Bug>
struct stamped_map {
    static constexpr std::string_view schema_name = "stamped_map";
    using cell = std::tuple<std::uint64_t, std::uint64_t, std::optional<std::uint64_t>>;

    std::map<std::uint64_t, cell> cells;

    stamped_map assign(crdt::replica_id self, std::uint64_t stamp, std::uint64_t key,
                       std::optional<std::uint64_t> value) {
        stamped_map delta;
        if (Bug == bug::erase_forgets && !value) {
            cells.erase(key);
            return delta;
        }
        if (Bug == bug::put_ignored_after_erase && value && cells.contains(key) &&
            !std::get<2>(cells[key]))
            cells[key] = {stamp, self.value, std::nullopt};
        delta.cells[key] = {stamp, self.value, value};
        merge(delta);
        return delta;
    }
    bool merge(const stamped_map& other) {
        bool grew = false;
        for (const auto& [key, theirs] : std::map<std::uint64_t, cell>(other.cells)) {
            const auto [mine, fresh] = cells.try_emplace(key, theirs);
            const bool greater = Bug == bug::keeps_own_on_ties
                                     ? std::get<0>(mine->second) < std::get<0>(theirs)
                                     : mine->second < theirs;
            if (greater) mine->second = theirs;
            grew = grew || fresh || greater;
        }
        return grew;
    }

    void write(wire::writer& w) const { wire::put(w, cells); }
    void read(wire::reader& r) { wire::get(r, cells); }
    friend bool operator==(const stamped_map&, const stamped_map&) = default;
};

template <bug Bug>
testing::law_result check_map() {
    using map = stamped_map<Bug>;
    return check<map>([](map& s, crdt::replica_id self, testing::rng& random) {
        const auto stamp = random.below(4), key = random.below(3), value = random.below(4);
        if (random.chance(1, 3)) return s.assign(self, stamp, key, std::nullopt);
        return s.assign(self, stamp, key, value);
    });
}

// A set with an add that takes a tombstone away, as if removed elements could return.
struct reviving_set {
    static constexpr std::string_view schema_name = "reviving_set";

    std::map<std::uint64_t, bool> removed;

    bool merge(const reviving_set& other) {
        const auto before = removed;
        for (const auto& [value, gone] : before)
            if (!gone && other.removed.contains(value)) removed[value] = other.removed.at(value);
        for (const auto& [value, gone] : other.removed) removed.try_emplace(value, gone);
        return removed != before;
    }

    void write(wire::writer& w) const { wire::put(w, removed); }
    void read(wire::reader& r) { wire::get(r, removed); }
    friend bool operator==(const reviving_set&, const reviving_set&) = default;
};

// A counter with one signed sum a replica: the maximum forgets what was taken away.
struct signed_slots {
    static constexpr std::string_view schema_name = "signed_slots";

    std::map<std::uint64_t, std::int64_t> sums;

    bool merge(const signed_slots& other) {
        const auto before = sums;
        for (const auto& [id, sum] : other.sums) {
            const auto mine = sums.try_emplace(id, sum).first;
            mine->second = std::max(mine->second, sum);
        }
        return sums != before;
    }

    void write(wire::writer& w) const { wire::put(w, sums); }
    void read(wire::reader& r) { wire::get(r, sums); }
    friend bool operator==(const signed_slots&, const signed_slots&) = default;
};

// A minimum that starts at 0, as if nothing had been written as 0.
struct minimum_from_zero {
    static constexpr std::string_view schema_name = "minimum_from_zero";

    std::uint64_t value = 0;

    bool merge(const minimum_from_zero& other) {
        const auto before = value;
        value = std::min(value, other.value);
        return value != before;
    }

    void write(wire::writer& w) const { w.varint(value); }
    void read(wire::reader& r) { value = r.varint(); }
    friend bool operator==(const minimum_from_zero&, const minimum_from_zero&) = default;
};

crdt::bounded_counter cell(crdt::replica_id writer, crdt::replica_id other, std::uint64_t up,
                           std::uint64_t down) {
    wire::writer w;
    w.varint(1);
    writer.write(w);
    other.write(w);
    w.varint(up);
    w.varint(down);
    crdt::bounded_counter made;
    wire::decode_nested(w.bytes(), made);
    return made;
}

using bounded::right_rules;
using counter = crdt::bounded_counter;

struct wrong_rules : right_rules {
    static constexpr bool right = false;
};

struct spends_what_is_not_durable : wrong_rules {
    static counter decrement(counter& live, crdt::replica_id self, std::uint64_t amount,
                             const counter&) {
        return live.decrement(self, amount, live);
    }
    static counter transfer(counter& live, crdt::replica_id self, crdt::replica_id to,
                            std::uint64_t amount, const counter&) {
        return live.transfer(self, to, amount, live);
    }
};

// A decrement that, short of own rights, spends another's by raising the other's cell.
struct writes_anothers_cell : wrong_rules {
    static counter decrement(counter& live, crdt::replica_id self, std::uint64_t amount,
                             const counter& durable) {
        if (live.rights(self, durable) >= amount) return live.decrement(self, amount, durable);
        for (std::uint64_t n = 1; n < 9; ++n) {
            const auto other = crdt::replica_id::of("host-" + std::to_string(n % 3), 1 + n / 3);
            if (live.rights(other) < amount) continue;
            const auto delta = cell(other, other, live.added(other), live.taken(other) + amount);
            live.merge(delta);
            return delta;
        }
        throw crdt::insufficient_rights();
    }
};

struct reclaims_without_knowledge : wrong_rules {
    static counter reclaim(counter& live, crdt::replica_id self, crdt::replica_id old,
                           const counter&) {
        return live.reclaim(self, old, live);
    }
};

struct crashes_and_goes_on : wrong_rules {
    static constexpr bool new_incarnation = false;
};

struct stops_and_goes_on : wrong_rules {
    static constexpr bool stops_when_stopped = false;
};

template <class Rules>
std::string goes_wrong() {
    bounded::counts seen;
    return bounded::first_failure<Rules>(1000, seen);
}

} // namespace

TEST_CASE("a voted register that keeps the winner alone is no lattice") {
    const auto result =
        check<naive_voted>([](naive_voted& s, crdt::replica_id self, testing::rng& random) {
            const auto confidence = random.below(4);
            return s.assign(self, confidence, random.below(6));
        });
    CHECK(result.broken("associative"));
    CHECK(!result.broken("commutative"));
}

TEST_CASE("a voted register that keeps the winner alone diverges, and siblings do not") {
    const crdt::replica_id a{1}, b{2};
    naive_voted sure, later, other;
    sure.assign(a, 9, 1);
    later = sure;
    later.assign(a, 1, 2);
    other.assign(b, 5, 3);
    CHECK(crdt::join(crdt::join(sure, other), later).value == 2);
    CHECK(crdt::join(crdt::join(other, later), sure).value == 1);
    CHECK(crdt::join(crdt::join(sure, later), other).value == 3);

    crdt::voted_register<int> x, y, z;
    x.assign(a, 9, 0, 1);
    y = x;
    y.assign(a, 1, 0, 2);
    z.assign(b, 5, 0, 3);
    CHECK(*crdt::join(crdt::join(x, z), y).value() == 3);
    CHECK(*crdt::join(crdt::join(z, y), x).value() == 3);
    CHECK(*crdt::join(crdt::join(x, y), z).value() == 3);
}

TEST_CASE("the map without a bug keeps every law") {
    const auto result = check_map<bug::none>();
    CHECK_MESSAGE(result.holds(), result.text());
}

TEST_CASE("a map in which what came first wins a tie is not commutative") {
    CHECK(check_map<bug::keeps_own_on_ties>().broken("commutative"));
}

TEST_CASE("an erase that only forgets brings keys back") {
    const auto result = check_map<bug::erase_forgets>();
    CHECK(result.broken("delta"));
    CHECK(result.broken("nothing_comes_back"));
}

TEST_CASE("a put that a tombstone swallows is not the delta that it returns") {
    CHECK(check_map<bug::put_ignored_after_erase>().broken("delta"));
}

TEST_CASE("a set whose removed elements return is no lattice") {
    const auto result =
        check<reviving_set>([](reviving_set& s, crdt::replica_id, testing::rng& random) {
            reviving_set delta;
            const auto value = random.below(6);
            delta.removed[value] = random.chance(1, 3);
            if (!delta.removed[value]) s.removed.erase(value);
            s.merge(delta);
            return delta;
        });
    CHECK(result.broken("delta"));
    CHECK(result.broken("nothing_comes_back"));
}

TEST_CASE("a counter with one signed sum a replica loses decrements") {
    const auto result =
        check<signed_slots>([](signed_slots& s, crdt::replica_id self, testing::rng& random) {
            signed_slots delta;
            auto& sum = s.sums[self.value];
            sum += random.chance(1, 2) ? 1 : -1;
            delta.sums[self.value] = sum;
            return delta;
        });
    CHECK(result.broken("delta"));
}

TEST_CASE("a minimum that starts at a value has no bottom") {
    const auto result =
        check<minimum_from_zero>([](minimum_from_zero& s, crdt::replica_id, testing::rng& random) {
            minimum_from_zero delta;
            s.value = delta.value = 1 + random.below(9);
            return delta;
        });
    CHECK(result.broken("identity"));
}

TEST_CASE("every wrong way to handle rights takes a total below 0, or makes rights") {
    CHECK(goes_wrong<spends_what_is_not_durable>() != "");
    CHECK(goes_wrong<writes_anothers_cell>() != "");
    CHECK(goes_wrong<reclaims_without_knowledge>() != "");
    CHECK(goes_wrong<crashes_and_goes_on>() != "");
    CHECK(goes_wrong<stops_and_goes_on>() != "");
}

TEST_CASE("rights that a crash forgets, once spent, leave a total below 0") {
    const crdt::replica_id a{1}, b{2};
    const counter disk; // of a and of b: both have saved nothing yet
    counter at_a, at_b, at_c;
    at_a.increment(a, 5);
    CHECK_THROWS_AS(at_a.transfer(a, b, 5, disk), crdt::insufficient_rights);
    at_b.merge(spends_what_is_not_durable::transfer(at_a, a, b, 5, disk));
    CHECK_THROWS_AS(at_b.decrement(b, 5, disk), crdt::insufficient_rights);
    at_c.merge(spends_what_is_not_durable::decrement(at_b, b, 5, disk));
    at_a = at_b = disk;
    const auto all = crdt::join(crdt::join(at_a, at_b), at_c);
    CHECK(all.taken() == 5);
    CHECK(all.added() == 0);
}

} // namespace planted_more_bugs_test
