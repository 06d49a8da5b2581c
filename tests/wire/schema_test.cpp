// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <algorithm>

#include "test_types.hpp"

using namespace wire_test;

namespace {

template <class K, class V>
struct table {
    static constexpr std::string_view schema_name = "table";
    using schema_parameters = std::tuple<K, V>;
};

struct next_interval {
    static constexpr std::string_view schema_name = "interval";
    static constexpr unsigned schema_major = 2;
};

struct first_interval {
    static constexpr std::string_view schema_name = "interval";
    static constexpr unsigned schema_major = 1;
};

template <class... T>
std::vector<std::uint32_t> ids() {
    return {wire::type_id<T>()...};
}

} // namespace

TEST_CASE("type ids are distinct") {
    using u8 = std::uint8_t;
    using u64 = std::uint64_t;
    using std::string;
    auto all =
        ids<bool, char, u8, std::int8_t, std::uint16_t, std::int16_t, std::uint32_t, std::int32_t,
            u64, std::int64_t, float, double, string, std::vector<u64>, std::vector<string>,
            std::vector<std::vector<u64>>, std::array<u64, 2>, std::array<u64, 3>,
            std::pair<u64, string>, std::pair<string, u64>, std::tuple<u64>, std::optional<u64>,
            std::map<u64, string>, std::map<string, u64>, std::set<u64>, std::set<string>,
            table<u64, string>, table<string, u64>, table<u64, table<u64, u64>>, interval,
            next_interval, person, wire::digest>();
    const std::size_t count = all.size();
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    CHECK(all.size() == count);
}

TEST_CASE("type ids are a name and a major version, never the fields") {
    CHECK(wire::type_id<person>() == wire::type_id<person_v2>());
    CHECK(wire::type_id<person>() == wire::fnv1a("struct"));
    CHECK(wire::type_id<interval>() == wire::type_id<first_interval>());
    CHECK(wire::type_id<colour>() == wire::type_id<std::uint16_t>());
}

TEST_CASE("the hash of names is the published FNV-1a") {
    static_assert(wire::fnv1a("") == 0x811c9dc5U);
    static_assert(wire::fnv1a("a") == 0xe40c292cU);
    static_assert(wire::fnv1a("foobar") == 0xbf9cf968U);
    static_assert(wire::type_id<std::uint64_t>() == wire::fnv1a("u64"));
}
