// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <sstream>

#include <wire/json.hpp>

#include "test_types.hpp"

using namespace wire_test;

namespace {

template <class T>
std::string to_json(const T& value) {
    std::ostringstream out;
    {
        cereal::JSONOutputArchive archive(out);
        archive(cereal::make_nvp("value", value));
    }
    return out.str();
}

template <class T>
T from_json(const std::string& text) {
    std::istringstream in(text);
    cereal::JSONInputArchive archive(in);
    T value{};
    archive(cereal::make_nvp("value", value));
    return value;
}

} // namespace

TEST_CASE("a struct is one named node per field and reads back") {
    const team t{"kernel", some_person()};
    const std::string text = to_json(t);
    for (const char* part :
         {"\"title\": \"kernel\"", "\"lead\"", "\"name\": \"Ada\"", "\"age\": 36"}) {
        CHECK(text.find(part) != std::string::npos);
    }
    CHECK(from_json<team>(text) == t);
}

TEST_CASE("a native type is the hexadecimal text of its bytes and reads back") {
    const std::string text = to_json(interval{9, 300});
    CHECK(text.find("\"bytes\": \"09ac02\"") != std::string::npos);
    CHECK(from_json<interval>(text) == interval{9, 300});
    CHECK(from_json<wire::digest>(to_json(wire::digest{1, 2})) == wire::digest{1, 2});
}

TEST_CASE("cereal types that hold ours go through JSON as well") {
    CHECK(from_json<order>(to_json(some_order())) == some_order());
}

TEST_CASE("text that is no value is refused") {
    const auto with = [](const std::string& hex) {
        return "{\"value\": {\"bytes\": \"" + hex + "\"}}";
    };
    CHECK(from_json<interval>(with("0102")) == interval{1, 2});
    CHECK_THROWS_AS(from_json<interval>(with("0201")), wire::decode_error);
    CHECK_THROWS_AS(from_json<interval>(with("01")), wire::decode_error);
    CHECK_THROWS_AS(from_json<interval>(with("010203")), wire::decode_error);
    CHECK_THROWS_AS(from_json<interval>(with("01020")), wire::decode_error);
    CHECK_THROWS_AS(from_json<interval>(with("01xx")), wire::decode_error);
}

TEST_CASE("hexadecimal text is lower case and reads back") {
    const bytes in = bytes_of({0, 0x7f, 0xab});
    CHECK(wire::to_hex(in) == "007fab");
    CHECK(wire::from_hex("007fab") == in);
    CHECK_THROWS_AS(wire::from_hex("0A"), wire::decode_error);
}
