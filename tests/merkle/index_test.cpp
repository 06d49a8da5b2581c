// SPDX-License-Identifier: Apache-2.0
#include <merkle/index.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace index_test {

namespace merkle = joinery::merkle;
namespace wire = joinery::wire;

namespace {

wire::keyed_hasher hasher_of(std::string_view secret) {
    std::vector<std::byte> bytes;
    for (const char each : secret) {
        bytes.push_back(static_cast<std::byte>(each));
    }
    return wire::keyed_hasher(bytes);
}

using entries = std::vector<std::pair<std::uint64_t, wire::digest>>;

entries some_entries(std::uint64_t count) {
    entries all;
    for (std::uint64_t each = 0; each < count; ++each) {
        // Half of the ids are dense, so that deep ranges hold more than one.
        const std::uint64_t id = each % 2 == 0 ? wire::mix(each, 1) : each;
        all.emplace_back(id, wire::digest{wire::mix(each, 2), wire::mix(each, 3)});
    }
    return all;
}

merkle::index index_of(const entries& all, std::string_view secret = "secret") {
    merkle::index made(hasher_of(secret));
    for (const auto& [id, version] : all) {
        made.set(id, version);
    }
    return made;
}

// The nibbles of an id down to a depth, as the prefix of a range.
merkle::index::range around(std::uint64_t id, unsigned depth) {
    const std::uint64_t prefix = depth == 0 ? 0 : id >> (64 - 4 * depth) << (64 - 4 * depth);
    return {prefix, depth};
}

merkle::index::range child(const merkle::index::range& parent, std::uint64_t nibble) {
    return {parent.prefix | nibble << (60 - 4 * parent.depth), parent.depth + 1};
}

} // namespace

TEST_CASE("an empty index has the zero root, whatever the secret") {
    CHECK(index_of({}).root().zero());
    CHECK(index_of({}, "other").root().zero());
    CHECK(index_of({}).size() == 0);
    CHECK(index_of({}).count({0, 0}) == 0);
}

TEST_CASE("the order of insertions does not show") {
    entries all = some_entries(500);
    const merkle::index forward = index_of(all);
    std::reverse(all.begin(), all.end());
    const merkle::index backward = index_of(all);
    std::rotate(all.begin(), all.begin() + 123, all.end());
    const merkle::index rotated = index_of(all);
    CHECK(forward.root() == backward.root());
    CHECK(forward.root() == rotated.root());
    CHECK(forward.size() == 500);
    CHECK(forward.sum({0, 0}) == forward.root());
}

TEST_CASE("erasing an entry gives the exact former digest back") {
    const entries all = some_entries(300);
    merkle::index grown(hasher_of("secret"));
    std::vector<wire::digest> roots;
    for (const auto& [id, version] : all) {
        roots.push_back(grown.root());
        grown.set(id, version);
    }
    for (std::size_t left = all.size(); left > 0; --left) {
        grown.erase(all[left - 1].first);
        REQUIRE(grown.root() == roots[left - 1]);
        REQUIRE(grown.size() == left - 1);
    }
    grown.erase(42);
    CHECK(grown.root().zero());
}

TEST_CASE("setting an id again replaces its version") {
    const entries all = some_entries(50);
    merkle::index changed = index_of(all);
    const wire::digest before = changed.root();
    changed.set(all[7].first, wire::digest{1, 2});
    CHECK(changed.root() != before);
    CHECK(changed.size() == 50);
    CHECK(changed.find(all[7].first) == wire::digest{0, merkle::kept_version(wire::digest{1, 2})});
    changed.set(all[7].first, all[7].second);
    CHECK(changed.root() == before);
    CHECK(!changed.find(123'456'789).has_value());
}

TEST_CASE("the sum and the count of a range are those of its sixteen children") {
    const entries all = some_entries(400);
    const merkle::index made = index_of(all);
    for (unsigned depth = 0; depth < 16; ++depth) {
        for (const std::uint64_t id : {all[0].first, all[1].first, all[399].first}) {
            const merkle::index::range parent = around(id, depth);
            wire::digest sum;
            std::size_t count = 0;
            for (std::uint64_t nibble = 0; nibble < 16; ++nibble) {
                sum += made.sum(child(parent, nibble));
                count += made.count(child(parent, nibble));
            }
            REQUIRE(made.sum(parent) == sum);
            REQUIRE(made.count(parent) == count);
            REQUIRE(count > 0);
        }
    }
}

TEST_CASE("a range visits its own entries in ascending order and no other") {
    const entries all = some_entries(400);
    const merkle::index made = index_of(all);
    const std::map<std::uint64_t, wire::digest> sorted(all.begin(), all.end());
    const auto kept = [](const wire::digest& version) {
        return wire::digest{0, merkle::kept_version(version)};
    };
    for (const unsigned depth : {0U, 1U, 3U, 4U, 13U, 15U, 16U}) {
        for (const std::uint64_t id : {all[0].first, all[1].first, all[300].first}) {
            const merkle::index::range range = around(id, depth);
            entries expected;
            for (const auto& entry : sorted) {
                if (around(entry.first, depth).prefix == range.prefix) {
                    expected.emplace_back(entry.first, kept(entry.second));
                }
            }
            entries visited;
            made.for_each(range, [&](std::uint64_t each, const wire::digest& version) {
                visited.emplace_back(each, version);
            });
            REQUIRE(visited == expected);
            REQUIRE(made.count(range) == expected.size());
        }
    }
}

TEST_CASE("roots depend on the secret, on the id and on the version") {
    const entries all = some_entries(10);
    CHECK(index_of(all).root() != index_of(all, "other").root());
    entries swapped = all;
    std::swap(swapped[0].second, swapped[1].second);
    CHECK(index_of(swapped).root() != index_of(all).root());
}

TEST_CASE("a cleared index is like a new one, and copies are independent") {
    merkle::index made = index_of(some_entries(100));
    const merkle::index copy = made;
    made.clear();
    CHECK(made.root().zero());
    CHECK(made.size() == 0);
    CHECK(copy.size() == 100);
    CHECK(copy.root() == index_of(some_entries(100)).root());
}

namespace {

// The same entries in an index that grew and shrank, and in one that was built at once.
template <class Index>
void check_against_model(const Index& made, const std::map<std::uint64_t, wire::digest>& expected) {
    Index fresh(made.hasher());
    const std::vector<std::pair<std::uint64_t, wire::digest>> all(expected.begin(), expected.end());
    fresh.assign(all);
    REQUIRE(made.size() == expected.size());
    REQUIRE(made.records().total() == fresh.records().total());
    REQUIRE(made.records().estimate() == fresh.records().estimate());
    for (const auto& [id, version] : all) {
        REQUIRE(made.find(id) == wire::digest{0, merkle::kept_version(version)});
    }
    for (unsigned level = 1; level < 64; level += 5) {
        const std::uint64_t at = all.empty() ? 0 : all[all.size() / 2].first;
        const std::uint64_t rest = ~std::uint64_t{0} >> level;
        const auto first = at & ~rest, last = at | rest;
        REQUIRE(made.records().sum(first, last) == fresh.records().sum(first, last));
        REQUIRE(made.records().count(first, last) == fresh.records().count(first, last));
    }
}

template <class Index>
void grow_and_shrink(std::uint64_t spread) {
    INFO("seed " << spread);
    Index made(hasher_of("secret"));
    std::map<std::uint64_t, wire::digest> expected;
    for (std::uint64_t step = 0; step < 12'000; ++step) {
        // Growing at first, shrinking at last; ids crowd below `spread`.
        const std::uint64_t id = wire::mix(step, 7) % spread;
        const bool add = wire::mix(step, 8) % 12'000 > step;
        if (add) {
            const wire::digest version{step, wire::mix(step)};
            made.set(id, version);
            expected[id] = version;
        } else {
            const auto at = expected.lower_bound(id);
            const auto victim = at != expected.end() ? at : expected.begin();
            if (victim == expected.end()) continue;
            REQUIRE(made.erase(victim->first));
            expected.erase(victim);
        }
        if (step % 1'500 == 0) check_against_model(made, expected);
    }
    while (!expected.empty()) {
        REQUIRE(made.erase(expected.begin()->first));
        expected.erase(expected.begin());
    }
    CHECK(made.records().total() == typename Index::cell_type{});
    CHECK(made.records().estimate() == merkle::detail::estimator{});
}

} // namespace

TEST_CASE("every shape that changes leave behind has the sums of one that was built at once") {
    for (const std::uint64_t spread : {~std::uint64_t{0}, std::uint64_t{5'000}}) {
        grow_and_shrink<merkle::index>(spread);
        grow_and_shrink<merkle::keyed_index>(spread);
        grow_and_shrink<merkle::basic_index<0>>(spread);
        grow_and_shrink<merkle::basic_index<1, merkle::by_key>>(spread);
        grow_and_shrink<merkle::basic_index<4>>(spread);
    }
}

TEST_CASE("a keyed place gives its id back") {
    const merkle::by_key place(hasher_of("secret")), other(hasher_of("other"));
    for (std::uint64_t each = 0; each < 1'000; ++each) {
        const std::uint64_t id = each < 500 ? each : wire::mix(each);
        CHECK(place.id(place.position(id)) == id);
        CHECK(place.position(id) != other.position(id));
    }
}

TEST_CASE("elements that share an id add up, in any order, and are taken away again") {
    merkle::index made(hasher_of("secret")), other(hasher_of("secret"));
    const wire::digest one{0, 5}, two{0, 9};
    made.add(3, one);
    const wire::digest alone = made.root();
    made.add(3, two);
    other.add(3, two);
    other.add(3, one);
    CHECK(made.root() == other.root());
    CHECK(made.size() == 1);
    other.set(3, one + two);
    CHECK(made.root() == other.root());
    made.subtract(3, two);
    CHECK(made.root() == alone);
    made.subtract(3, one);
    CHECK(made.size() == 0);
    made.subtract(3, one);
    CHECK(made.root().zero());
    const std::vector<std::pair<std::uint64_t, wire::digest>> both{{3, one}, {4, two}, {3, two}};
    made.assign(both);
    CHECK(made.find(3) == wire::digest{0, 14});
    CHECK(made.size() == 2);
}

} // namespace index_test
