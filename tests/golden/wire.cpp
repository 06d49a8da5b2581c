// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <boost/hana/define_struct.hpp>

#include "crdt_types.hpp"
#include "family.hpp"

namespace golden {

namespace {

struct point {
    BOOST_HANA_DEFINE_STRUCT(point, (std::int32_t, x), (std::int32_t, y));
    static constexpr std::string_view schema_name = "point";
    bool operator==(const point&) const = default;
};

struct person {
    BOOST_HANA_DEFINE_STRUCT(person, (std::string, name), (std::uint32_t, age),
                             (std::vector<std::uint16_t>, scores), (point, home));
    bool operator==(const person&) const = default;
};

// The same with another major version and a field more.
struct point_3d {
    BOOST_HANA_DEFINE_STRUCT(point_3d, (std::int32_t, x), (std::int32_t, y), (std::int32_t, z));
    static constexpr std::string_view schema_name = "point";
    static constexpr unsigned schema_major = 2;
    bool operator==(const point_3d&) const = default;
};

enum class colour : std::uint16_t { red = 1, blue = 300 };

void add_scalars(family& all) {
    all.add<bool>("bool", {false, true});
    all.add<std::uint8_t>("u8", {0, 127, 255});
    all.add<std::int8_t>("i8", {0, -1, -128, 127});
    all.add<std::uint16_t>("u16", {0, 127, 128, 65535});
    all.add<std::int16_t>("i16", {0, -1, 63, 64, -65, -32768, 32767});
    all.add<std::uint32_t>("u32", {0, 300, 4294967295});
    all.add<std::int32_t>("i32", {-300, -2147483647 - 1, 2147483647});
    all.add<std::uint64_t>("u64", {0, 16383, 16384, std::uint64_t{1} << 32U,
                                   (std::uint64_t{1} << 63U) - 1, ~std::uint64_t{0}});
    all.add<std::int64_t>("i64", {0, -5, std::int64_t{1} << 40U, INT64_MIN, INT64_MAX});
    all.add<float>("f32", {0.0F, 1.5F, -2.25F, 3.4028235e38F, 1e-45F, 1.0F / 0.0F});
    all.add<double>("f64", {0.0, 0.1, -1e300, 5e-324, 1.0 / 0.0, -1.0 / 0.0});
    all.add<colour>("u16", {colour::red, colour::blue});
}

void add_containers(family& all) {
    all.add<std::string>("string", {"", "a", "one \"two\"\n\\", "Köln", std::string(200, 'x')});
    all.add<std::vector<std::uint8_t>>("list<u8>", {{}, {0, 255, 7}});
    all.add<std::vector<std::uint16_t>>("list<u16>", {{}, {1, 515}});
    all.add<std::vector<std::int32_t>>("list<i32>", {{-1, 1, 1 << 30}});
    all.add<std::vector<std::uint64_t>>("list<u64>", {{0, ~std::uint64_t{0}}});
    all.add<std::vector<bool>>("list<bool>", {{}, {true, false, true}});
    all.add<std::vector<std::string>>("list<string>", {{"b", "", "a"}});
    all.add<std::vector<std::vector<std::string>>>("list<list<string>>", {{{}, {"x", "y"}}});
    all.add<std::set<std::string>>("set<string>", {{}, {"a", "aa", "b"}});
    all.add<std::set<std::int16_t>>("set<i16>", {{-300, -1, 0, 5}});
    all.add<std::map<std::string, std::int64_t>>("map<string,i64>", {{}, {{"a", -5}, {"b", 6}}});
    all.add<std::map<std::uint32_t, std::vector<std::uint8_t>>>("map<u32,list<u8>>",
                                                                {{{1, {}}, {70000, {1, 2}}}});
    all.add<std::array<std::uint16_t, 3>>("array<3,u16>", {{1, 2, 0x0304}});
    all.add<std::array<std::string, 2>>("array<2,string>", {{"left", "right"}});
    all.add<std::pair<bool, double>>("tuple<bool,f64>", {{true, 2.5}});
    all.add<std::tuple<std::int8_t, std::string, std::uint64_t>>("tuple<i8,string,u64>",
                                                                 {{-1, "mid", 1U << 20U}});
    all.add<std::optional<std::uint32_t>>("optional<u32>", {std::nullopt, 0U, 300U});
    all.add<std::optional<std::optional<bool>>>("optional<optional<bool>>",
                                                {std::nullopt, std::optional<bool>{}, true});
}

void add_structs(family& all) {
    all.add<point>("point{x:i32,y:i32}", {{}, {3, 0}, {-1, 70000}});
    all.add<point_3d>("point@2{x:i32,y:i32,z:i32}", {{}, {0, 0, 5}, {1, 2, 3}});
    all.add<person>("{name:string,age:u32,scores:list<u16>,home:point{x:i32,y:i32}}",
                    {{},
                     {"Ada", 36, {1, 2, 515}, {9, 17}},
                     {"", 0, {}, {0, 1}},
                     {std::string(130, 'n'), 1, {}, {}}});
}

void add_identity(family& all) {
    all.add<wire::digest>("digest", {{}, {0x0123456789abcdef, 0xfedcba9876543210}});
    all.add<crdt::replica_id>("replica_id", {{}, ada, eve, named});
    all.add<crdt::lease>("lease", {{}, {7, true, 300}, {~std::uint64_t{0}, false, 1}});
    all.add<crdt::dot>("dot", {{ada, 1}, {eve, 128}, {bob, crdt::max_count}});
}

} // namespace

family wire_family() {
    family all("wire");
    all.memory_multiple = 40;
    add_scalars(all);
    add_containers(all);
    add_structs(all);
    add_identity(all);
    return all;
}

} // namespace golden
