// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>
#include <string>

#include <wire/error.hpp>

namespace wire = joinery::wire;

TEST_CASE("every reason has a message of its own") {
    std::set<std::string> seen;
    const auto last = static_cast<unsigned>(wire::errc::unknown_field);
    for (unsigned code = 0; code <= last; ++code) {
        seen.insert(wire::message(static_cast<wire::errc>(code)));
    }
    CHECK(seen.size() == last + 1);
    CHECK(seen.count(wire::message(static_cast<wire::errc>(200))) == 0);
}

TEST_CASE("a decode error tells its reason and its offset") {
    const wire::decode_error e({wire::errc::overlong, 17});
    CHECK(e.code() == wire::errc::overlong);
    CHECK(e.offset() == 17);
    CHECK(std::string(e.what()).find("byte 17") != std::string::npos);
}

TEST_CASE("a default error means success") {
    CHECK(wire::error{} == wire::error{wire::errc::none, 0});
}
