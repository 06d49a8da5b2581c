// SPDX-License-Identifier: Apache-2.0
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "files.hpp"

// The files hold what the library reads and writes, and what it showed when they were made.

namespace {

std::string file_of(const std::string& name) {
    return std::string(JOINERY_GOLDEN_FOLDER) + "/" + name + ".json";
}

} // namespace

TEST_CASE("each golden vector decodes to its value and encodes to its bytes") {
    std::size_t checked = 0;
    for (const golden::family& each : golden::all_families()) {
        for (const std::string& line : golden::read_lines(file_of(each.name))) {
            CAPTURE(line);
            const golden::vector v = golden::from_line(line);
            const golden::codec* how = each.find(v.type);
            REQUIRE(how != nullptr);
            golden::wire::error why;
            const auto again = how->recode(v.encoding, why);
            REQUIRE(again.has_value());
            CHECK(*again == v.encoding);
            CHECK(how->show(v.encoding) == v.value);
            ++checked;
        }
    }
    CHECK(checked >= 200);
}

TEST_CASE("the files hold every value of the writer, and nothing else") {
    for (const golden::family& each : golden::all_families()) {
        const auto lines = golden::read_lines(file_of(each.name));
        REQUIRE(lines.size() == each.vectors.size());
        for (std::size_t i = 0; i < lines.size(); ++i)
            CHECK(lines[i] == golden::to_line(each.vectors[i]));
    }
}

TEST_CASE("different values of a type have different bytes") {
    for (const golden::family& each : golden::all_families()) {
        std::set<std::pair<std::string, golden::bytes>> all;
        for (const golden::vector& v : each.vectors)
            CHECK_MESSAGE(all.emplace(v.type, v.encoding).second, golden::to_line(v));
    }
}

TEST_CASE("digests are those of the file") {
    CHECK(golden::read_lines(file_of("digests")) == golden::digest_lines());
}
