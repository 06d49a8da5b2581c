// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <boost/hana/adapt_struct.hpp>

#include "test_types.hpp"

namespace wire_test {
struct plain {
    std::uint16_t left = 0;
    std::string right;
    bool operator==(const plain&) const = default;
};

template <class T>
struct box {
    BOOST_HANA_DEFINE_STRUCT(box<T>, (T, content), (std::uint8_t, size));
    bool operator==(const box&) const = default;
};
} // namespace wire_test

BOOST_HANA_ADAPT_STRUCT(wire_test::plain, left, right);

using namespace wire_test;

namespace {

template <class T>
std::vector<std::uint32_t> ids_in_order() {
    return []<class... F>(wire::fields<F...>) {
        return std::vector<std::uint32_t>{F::id...};
    }(wire::fields_by_id<T>{});
}

} // namespace

TEST_CASE("only structs that Hana knows and that have no codec of their own are reflected") {
    static_assert(wire::reflected<person>);
    static_assert(wire::reflected<plain>);
    static_assert(wire::reflected<nothing>);
    static_assert(wire::reflected<box<std::string>>);
    static_assert(!wire::reflected<interval>);
    static_assert(!wire::reflected<order>);
    static_assert(!wire::reflected<std::uint64_t>);
    static_assert(!wire::reflected<std::string>);
}

TEST_CASE("fields come in the order of declaration with their names and ids") {
    std::vector<std::string> names;
    wire::for_each_field<person>([&]<class F>(F) {
        names.emplace_back(F::name());
        static_assert(F::id == wire::fnv1a(F::name()));
    });
    CHECK(names == std::vector<std::string>{"name", "age", "scores", "hours"});
    static_assert(wire::fields_of<person>::size == 4);
    static_assert(wire::fields_of<nothing>::size == 0);
}

TEST_CASE("a field reads a constant object and writes another") {
    person p = some_person();
    const person& constant = p;
    wire::for_each_field<person>([&]<class F>(F) {
        static_assert(std::is_const_v<std::remove_reference_t<decltype(F::get(constant))>>);
        static_assert(!std::is_const_v<std::remove_reference_t<decltype(F::get(p))>>);
        if constexpr (std::same_as<typename F::template type<person>, std::string>) {
            F::get(p) = "Joan";
        }
    });
    CHECK(constant.name == "Joan");
}

TEST_CASE("the order of the bytes is by ascending id") {
    for (const auto& ids : {ids_in_order<person>(), ids_in_order<person_v2>()}) {
        CHECK(std::is_sorted(ids.begin(), ids.end()));
    }
    CHECK(ids_in_order<person>().size() == 4);
    CHECK(ids_in_order<nothing>().empty());
}

TEST_CASE("adapted structs, templates and structs without fields round trip") {
    const plain p{7, "x"};
    CHECK(wire::decode<plain>(wire::encode(p)) == p);
    const box<std::vector<std::string>> b{{"a", "b"}, 3};
    CHECK(wire::decode<box<std::vector<std::string>>>(wire::encode(b)) == b);
    CHECK(wire::encode_nested(nothing{}) == bytes_of({0}));
    CHECK(wire::decode<nothing>(wire::encode(nothing{})) == nothing{});
}
