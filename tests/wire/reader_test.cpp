// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "test_types.hpp"

using namespace wire_test;

namespace {

wire::errc varint_error(std::initializer_list<unsigned> values) {
    const bytes in = bytes_of(values);
    wire::reader r(in);
    const std::uint64_t value = r.varint();
    if (!r.ok()) CHECK(value == 0);
    return r.error().code;
}

} // namespace

TEST_CASE("a reader reads back every integer") {
    const std::uint64_t top = std::uint64_t{1} << 63U;
    for (unsigned shift = 0; shift < 64; ++shift) {
        for (const std::uint64_t value : {(top >> shift) - 1, top >> shift, (top >> shift) + 1}) {
            wire::writer w;
            w.varint(value);
            w.svarint(static_cast<std::int64_t>(value));
            w.svarint(-static_cast<std::int64_t>(value >> 1U));
            w.fixed64(value);
            w.fixed32(static_cast<std::uint32_t>(value));
            wire::reader r(w.bytes());
            CHECK(r.varint() == value);
            CHECK(r.svarint() == static_cast<std::int64_t>(value));
            CHECK(r.svarint() == -static_cast<std::int64_t>(value >> 1U));
            CHECK(r.fixed64() == value);
            CHECK(r.fixed32() == static_cast<std::uint32_t>(value));
            CHECK(r.ok());
            CHECK(r.left() == 0);
        }
    }
}

TEST_CASE("a varint that is not the shortest form is refused") {
    CHECK(varint_error({0x80, 0}) == wire::errc::overlong);
    CHECK(varint_error({0xff, 0x80, 0}) == wire::errc::overlong);
    CHECK(varint_error({255, 255, 255, 255, 255, 255, 255, 255, 255, 2}) == wire::errc::overlong);
    CHECK(varint_error({255, 255, 255, 255, 255, 255, 255, 255, 255, 0x81, 0}) ==
          wire::errc::overlong);
    CHECK(varint_error({255, 255, 255, 255, 255, 255, 255, 255, 255, 1}) == wire::errc::none);
    CHECK(varint_error({0x80}) == wire::errc::truncated);
    CHECK(varint_error({}) == wire::errc::truncated);
}

TEST_CASE("the first failure stays and everything after it is zero") {
    const bytes in = bytes_of({5, 0x80, 0, 9, 9, 9, 9, 9, 9, 9, 9});
    wire::reader r(in);
    CHECK(r.u8() == 5);
    CHECK(r.varint() == 0);
    CHECK(r.error() == wire::error{wire::errc::overlong, 2});
    CHECK(r.left() == 0);
    CHECK(r.u8() == 0);
    CHECK(r.fixed32() == 0);
    CHECK(r.fixed64() == 0);
    CHECK(r.svarint() == 0);
    CHECK(r.count() == 0);
    CHECK(r.raw(1).empty());
    std::array<std::uint16_t, 2> column{7, 7};
    r.array(std::span<std::uint16_t>(column));
    CHECK(column == std::array<std::uint16_t, 2>{0, 0});
    CHECK_FALSE(r.enter());
    r.fail(wire::errc::bad_value);
    CHECK(r.error() == wire::error{wire::errc::overlong, 2});
}

TEST_CASE("a count is checked against the bytes left and the items of the whole message") {
    const bytes in = bytes_of({3, 0, 0, 0, 4, 1, 1, 1, 1});
    wire::reader fits(in);
    CHECK(fits.count(2) == 3);
    CHECK(fits.raw(3).size() == 3);
    CHECK(fits.count(2) == 0);
    CHECK(fits.error().code == wire::errc::truncated);

    wire::reader budget(in, wire::limits{.max_items = 6});
    CHECK(budget.count() == 3);
    CHECK(budget.raw(3).size() == 3);
    CHECK(budget.count() == 0);
    CHECK(budget.error().code == wire::errc::too_many);
}

TEST_CASE("a message above the limit of bytes is refused unread") {
    const bytes in(11);
    wire::reader r(in, wire::limits{.max_bytes = 10});
    CHECK(r.error() == wire::error{wire::errc::too_large, 0});
    CHECK(r.left() == 0);
}

TEST_CASE("depth is limited and comes back") {
    wire::reader r({}, wire::limits{.max_depth = 2});
    CHECK(r.enter());
    CHECK(r.enter());
    r.leave();
    CHECK(r.enter());
    CHECK_FALSE(r.enter());
    CHECK(r.error().code == wire::errc::too_deep);
}

TEST_CASE("a narrowed reader must read its part to the end and no further") {
    const bytes in = bytes_of({1, 2, 3, 4});
    {
        wire::reader r(in);
        const auto* outer = r.narrow(2);
        CHECK(r.raw(2).size() == 2);
        CHECK(r.left() == 0);
        r.widen(outer);
        CHECK(r.left() == 2);
    }
    {
        wire::reader r(in);
        const auto* outer = r.narrow(2);
        r.u8();
        r.widen(outer);
        CHECK(r.error() == wire::error{wire::errc::trailing_bytes, 1});
    }
    {
        wire::reader r(in);
        const auto* outer = r.narrow(2);
        CHECK(r.fixed32() == 0);
        r.widen(outer);
        CHECK(r.error() == wire::error{wire::errc::truncated, 0});
        CHECK(r.left() == 0);
    }
}
