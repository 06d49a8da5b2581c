// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/ew_flag.hpp>

#include "every_order.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace ew_flag_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using flag = crdt::ew_flag;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new flag is false") { CHECK(!flag{}.value()); }

TEST_CASE("enabling sets, disabling clears") {
    flag f;
    f.enable(a);
    CHECK(f.value());
    f.disable(b);
    CHECK(!f.value());
    f.enable(b);
    CHECK(f.value());
}

TEST_CASE("an enabling that the disabling had not seen wins") {
    flag x;
    x.enable(a);
    flag y = x;
    x.disable(a);
    y.enable(b);
    CHECK(in_every_order<flag>({x, y}).value());
}

TEST_CASE("disabling a flag that is false is bottom") {
    flag f;
    CHECK(f.disable(a) == flag{});
    f.enable(a);
    f.disable(a);
    CHECK(f.disable(a) == flag{});
    CHECK(!crdt::removes(flag{}));
}

TEST_CASE("a disabling costs what it cancels") {
    flag f;
    for (int i = 0; i < 1000; ++i) f.enable(a);
    CHECK(wire::encode_nested(f.disable(b)).size() < 24);
    CHECK(wire::encode(f).size() < 32);
}

TEST_CASE("many concurrent enablings come back from their bytes, at a byte or more each") {
    flag all;
    for (int i = 1; i <= 400; ++i) {
        flag author;
        flag last;
        for (int n = 0; n < i; ++n) last = author.enable(a);
        // The enabling without what it replaced.
        all.merge(author.fragment(0, crdt::id_set({0})));
    }
    CHECK(all.value());
    CHECK(wire::encode(all).size() > 400);
    CHECK(wire::decode<flag>(wire::encode(all)) == all);
}

TEST_CASE("many concurrent enablings join and go as one") {
    constexpr std::uint64_t n = 300'000 / JOINERY_CASES_DIVISOR;
    // Every second dot, from the first or the second on, each chunk a list of offsets.
    const auto enablings = [](std::uint64_t first) {
        wire::writer w;
        w.varint(1);
        w.fixed64(1);
        w.varint(n);
        for (std::uint64_t i = 0; i < n; ++i) {
            w.varint(i == 0 ? first - 1 : 0);
            w.varint(0);
        }
        w.varint(1);
        w.fixed64(1);
        w.varint((first + 2 * n - 2) / 512 + 1);
        for (std::uint64_t chunk = 0, next = first; next < first + 2 * n; ++chunk) {
            std::vector<std::uint64_t> offsets;
            for (; next < first + 2 * n && next / 512 == chunk; next += 2)
                offsets.push_back(next % 512);
            w.varint(0);
            w.varint(offsets.size());
            for (std::size_t i = 0; i < offsets.size(); ++i)
                w.varint(i == 0 ? offsets[i] : offsets[i] - offsets[i - 1] - 1);
        }
        flag read;
        REQUIRE(wire::decode_nested(w.bytes(), read));
        return read;
    };
    flag f = enablings(1);
    const flag others = enablings(2);
    CHECK(f.merge(others));
    CHECK(f.context().intervals().size() == 1);
    flag g = f;
    CHECK(g.disable(a).context().size() == 2 * n);
    CHECK(!g.value());
    CHECK(g.merge(f) == false);
    CHECK(f.merge(g));
    CHECK(f == g);
}

} // namespace ew_flag_test
