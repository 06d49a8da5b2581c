// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <limits>

#include "test_types.hpp"

using namespace wire_test;

namespace {

template <class T>
void check_round_trip(const T& value) {
    const bytes framed = wire::encode(value);
    CHECK(wire::decode<T>(framed) == value);
    const bytes nested = wire::encode_nested(value);
    CHECK(nested.size() == wire::encoded_size(value));
    CHECK(framed.size() == nested.size() + 7);
    T again{};
    CHECK(wire::decode_nested(nested, again, {}, wire::unknown_fields::refuse));
    CHECK(again == value);
}

// Every truncation fails, and every flip of a bit fails or is the one spelling of another value.
template <class T>
void check_damage(const T& value) {
    const bytes whole = wire::encode(value);
    for (std::size_t length = 0; length < whole.size(); ++length) {
        wire::error why;
        const std::span<const std::byte> part = std::span(whole).first(length);
        CHECK_FALSE(wire::try_decode<T>(part, {}, why).has_value());
        CHECK(why.code != wire::errc::none);
        CHECK(why.offset <= length);
    }
    for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
        bytes flipped = whole;
        flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        wire::error why;
        const auto read = wire::try_decode<T>(flipped, {}, why);
        if (read) CHECK(wire::encode(*read) == flipped);
    }
}

} // namespace

TEST_CASE("scalars round trip at their limits") {
    const auto both = []<class T>(T) {
        check_round_trip(std::numeric_limits<T>::min());
        check_round_trip(std::numeric_limits<T>::max());
        check_round_trip(T{1});
    };
    both(std::uint8_t{});
    both(std::int8_t{});
    both(char{});
    both(std::uint16_t{});
    both(std::int16_t{});
    both(std::uint32_t{});
    both(std::int32_t{});
    both(std::uint64_t{});
    both(std::int64_t{});
    both(float{});
    both(double{});
    check_round_trip(std::numeric_limits<double>::infinity());
    check_round_trip(true);
    check_round_trip(colour::blue);
    check_round_trip(std::byte{200});
}

TEST_CASE("containers round trip, alone and inside each other") {
    check_round_trip(std::string("with a \0 inside", 15));
    check_round_trip(std::vector<std::uint64_t>{1, 2, ~std::uint64_t{0}});
    check_round_trip(std::vector<std::byte>(3000, std::byte{5}));
    check_round_trip(std::vector<std::string>{"", "a", "bc"});
    check_round_trip(std::vector<bool>{true, false, true});
    check_round_trip(std::vector<double>{1.5, -2});
    check_round_trip(std::vector<colour>{colour::red, colour::blue});
    check_round_trip(std::array<std::string, 2>{"x", "y"});
    check_round_trip(std::pair<std::string, bool>{"k", true});
    check_round_trip(std::tuple<int, std::string, double>{-7, "t", 0.25});
    check_round_trip(std::optional<std::string>{});
    check_round_trip(std::optional<std::string>{""});
    check_round_trip(std::set<std::string>{"b", "a"});
    check_round_trip(
        std::map<std::string, std::vector<std::set<std::int32_t>>>{{"", {}}, {"k", {{}, {-1, 1}}}});
    check_round_trip(std::vector<std::string>(100000, "many more than are reserved at once"));
}

TEST_CASE("structs, native types and cereal types round trip") {
    check_round_trip(interval{3, 5});
    check_round_trip(std::vector<interval>{{1, 2}, {3, 4}});
    check_round_trip(person{});
    check_round_trip(some_person());
    check_round_trip(team{"x", some_person()});
    check_round_trip(some_order());
    check_round_trip(std::map<std::uint16_t, order>{{4, some_order()}});
    check_round_trip(tree{{tree{}, tree{{tree{}}}}});
}

TEST_CASE("the frame and the nested form have a published spelling") {
    CHECK(wire::encode(std::uint64_t{5}) ==
          bytes_of({'J', 'N', 1, wire::fnv1a("u64") & 255U, (wire::fnv1a("u64") >> 8U) & 255U,
                    (wire::fnv1a("u64") >> 16U) & 255U, wire::fnv1a("u64") >> 24U, 5}));
    CHECK(wire::encode_nested(std::vector<std::uint16_t>{0x0102, 3}) == bytes_of({2, 2, 1, 3, 0}));
    CHECK(wire::encode_nested(std::map<std::string, int>{{"a", -1}}) == bytes_of({1, 1, 'a', 1}));
    CHECK(wire::encode_nested(std::optional<bool>{true}) == bytes_of({1, 1}));
    CHECK(wire::encode_nested(1.0) == bytes_of({0, 0, 0, 0, 0, 0, 0xf0, 0x3f}));
}

TEST_CASE("every truncation and every flipped bit of a message is refused or canonical") {
    check_damage(some_person());
    check_damage(team{"x", some_person()});
    check_damage(some_order());
    check_damage(std::map<std::string, std::set<std::uint16_t>>{{"a", {1, 2}}, {"b", {}}});
    check_damage(std::tuple<bool, double, std::optional<std::int32_t>>{true, 1.5, -9});
}

TEST_CASE("a frame says what is wrong with it") {
    const bytes good = wire::encode(std::uint64_t{5});
    const auto broken = [&](std::size_t at) {
        bytes changed = good;
        changed[at] ^= std::byte{1};
        wire::error why;
        CHECK_FALSE(wire::try_decode<std::uint64_t>(changed, {}, why));
        return why.code;
    };
    CHECK(broken(0) == wire::errc::bad_magic);
    CHECK(broken(1) == wire::errc::bad_magic);
    CHECK(broken(2) == wire::errc::unsupported_version);
    CHECK(broken(3) == wire::errc::wrong_type);
    bytes longer = good;
    longer.push_back(std::byte{0});
    wire::error why;
    CHECK_FALSE(wire::try_decode<std::uint64_t>(longer, {}, why));
    CHECK(why == wire::error{wire::errc::trailing_bytes, good.size()});
    CHECK_THROWS_AS(wire::decode<std::string>(good), wire::decode_error);
}

TEST_CASE("second spellings of a value are refused") {
    using wire::errc;
    CHECK(why_refused<bool>(bytes_of({2})) == errc::bad_value);
    CHECK(why_refused<std::optional<bool>>(bytes_of({2, 0})) == errc::bad_value);
    CHECK(why_refused<std::uint16_t>(bytes_of({0x81, 0})) == errc::overlong);
    CHECK(why_refused<std::uint16_t>(bytes_of({0x80, 0x80, 4})) == errc::bad_value);
    CHECK(why_refused<std::int16_t>(bytes_of({0x80, 0x80, 4})) == errc::bad_value);
    CHECK(why_refused<std::set<std::uint16_t>>(bytes_of({2, 2, 1})) == errc::non_canonical);
    CHECK(why_refused<std::set<std::uint16_t>>(bytes_of({2, 2, 2})) == errc::non_canonical);
    CHECK(why_refused<std::map<std::uint16_t, bool>>(bytes_of({2, 2, 0, 1, 0})) ==
          errc::non_canonical);
    CHECK(why_refused<std::map<std::uint16_t, bool>>(bytes_of({2, 2, 0, 2, 0})) ==
          errc::non_canonical);
    CHECK(why_refused<interval>(bytes_of({5, 4})) == errc::bad_value);
}

TEST_CASE("floating point numbers have one spelling each") {
    CHECK(wire::encode_nested(-0.0) == wire::encode_nested(0.0));
    CHECK(wire::encode_nested(-0.0F) == wire::encode_nested(0.0F));
    using wire::errc;
    CHECK(why_refused<double>(bytes_of({0, 0, 0, 0, 0, 0, 0, 0x80})) == errc::non_canonical);
    CHECK(why_refused<double>(bytes_of({1, 0, 0, 0, 0, 0, 0xf0, 0x7f})) == errc::non_canonical);
    CHECK(why_refused<double>(bytes_of({0, 0, 0, 0, 0, 0, 0xf8, 0xff})) == errc::non_canonical);
    CHECK(why_refused<float>(bytes_of({0, 0, 0, 0x80})) == errc::non_canonical);
    CHECK(why_refused<float>(bytes_of({0, 0, 0xc0, 0x7f})) == errc::non_canonical);
    CHECK(why_refused<float>(bytes_of({0, 0, 0x80, 0xff})) == errc::none);
}

TEST_CASE("adding a field changes no existing bytes") {
    const person old = some_person();
    const person_v2 next{old.name, "", old.age, old.scores, old.hours};
    CHECK(wire::encode(old) == wire::encode(next));
    CHECK(wire::decode<person_v2>(wire::encode(old)) == next);
}

TEST_CASE("an unknown field is refused, or skipped and counted") {
    const person old = some_person();
    const person_v2 next{old.name, "ada@example.org", old.age, old.scores, old.hours};
    const bytes in = wire::encode(next);
    wire::error why;
    CHECK_FALSE(wire::try_decode<person>(in, {}, why));
    CHECK(why.code == wire::errc::unknown_field);
    std::size_t skipped = 0;
    const auto read = wire::try_decode_skipping<person>(in, {}, why, skipped);
    REQUIRE(read.has_value());
    CHECK(*read == old);
    CHECK(skipped == 1);
    CHECK(why.code == wire::errc::none);
}

TEST_CASE("a nested struct that holds only unknown fields is skipped as well") {
    const bytes in = wire::encode(team_v2{"t", person_v2{"", "only@mail", 0, {}, {}}});
    wire::error why;
    std::size_t skipped = 0;
    const auto read = wire::try_decode_skipping<team>(in, {}, why, skipped);
    REQUIRE(read.has_value());
    CHECK(*read == team{"t", {}});
    CHECK(skipped == 1);
    CHECK_FALSE(wire::try_decode<team>(in, {}, why));
}

TEST_CASE("bottom fields, wrong order and wrong lengths of fields are refused") {
    const auto one_field = [](std::uint32_t id, const bytes& content, std::size_t length) {
        wire::writer w;
        w.varint(1);
        w.fixed32(id);
        w.varint(length);
        w.raw(content);
        return w.take();
    };
    const std::uint32_t name = wire::fnv1a("name");
    using wire::errc;
    CHECK(why_refused<person>(one_field(name, bytes_of({1, 'x'}), 2)) == errc::none);
    CHECK(why_refused<person>(one_field(name, bytes_of({0}), 1)) == errc::non_canonical);
    CHECK(why_refused<person>(one_field(name, bytes_of({1, 'x', 0}), 3)) == errc::trailing_bytes);
    CHECK(why_refused<person>(one_field(name, bytes_of({1, 'x'}), 1)) == errc::truncated);

    bytes twice = bytes_of({2});
    const bytes field = one_field(name, bytes_of({1, 'x'}), 2);
    for (int i = 0; i < 2; ++i) twice.insert(twice.end(), field.begin() + 1, field.end());
    CHECK(why_refused<person>(twice) == errc::non_canonical);
}

TEST_CASE("depth is limited for vectors, structs and cereal types") {
    tree deep;
    for (int i = 0; i < 100; ++i) {
        tree outer;
        outer.children.push_back(std::move(deep));
        deep = std::move(outer);
    }
    const bytes in = wire::encode_nested(deep);
    CHECK(why_refused<tree>(in) == wire::errc::too_deep);
    CHECK(why_refused<tree>(in, wire::limits{.max_depth = 300}) == wire::errc::none);
    const bytes hostile(10000000, std::byte{1});
    CHECK(why_refused<tree>(hostile) == wire::errc::too_deep);

    const bytes nested = wire::encode_nested(std::vector<std::vector<std::string>>{{"x"}});
    using lists = std::vector<std::vector<std::string>>;
    CHECK(why_refused<lists>(nested, wire::limits{.max_depth = 1}) == wire::errc::too_deep);
    CHECK(why_refused<lists>(nested, wire::limits{.max_depth = 2}) == wire::errc::none);
}

TEST_CASE("columns are read without a count of their own") {
    const std::vector<std::uint32_t> numbers{1, 2, 0x01020304};
    const std::vector<std::string> words{"a", "", "bc"};
    wire::writer w;
    wire::put_column(w, numbers);
    wire::put_column(w, words);
    wire::reader r(w.bytes());
    std::vector<std::uint32_t> numbers_read{9};
    std::vector<std::string> words_read{"old"};
    wire::get_column(r, 3, numbers_read);
    wire::get_column(r, 3, words_read);
    CHECK(r.ok());
    CHECK(numbers_read == numbers);
    CHECK(words_read == words);
    wire::get_column(r, std::size_t{1} << 60U, numbers_read);
    CHECK(r.error().code == wire::errc::truncated);
    CHECK(numbers_read.empty());
}

TEST_CASE("a refused nested value leaves the old one unchanged") {
    person kept = some_person();
    CHECK_FALSE(wire::decode_nested(bytes_of({9}), kept, {}, wire::unknown_fields::refuse));
    CHECK(kept == some_person());
}
