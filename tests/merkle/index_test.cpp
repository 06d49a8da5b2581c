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
    CHECK(changed.find(all[7].first) == wire::digest{1, 2});
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
    for (const unsigned depth : {0U, 1U, 3U, 4U, 13U, 15U, 16U}) {
        for (const std::uint64_t id : {all[0].first, all[1].first, all[300].first}) {
            const merkle::index::range range = around(id, depth);
            entries expected;
            for (const auto& entry : sorted) {
                if (around(entry.first, depth).prefix == range.prefix) {
                    expected.push_back(entry);
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
