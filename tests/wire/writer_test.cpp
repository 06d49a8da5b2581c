// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "test_types.hpp"

using namespace wire_test;

namespace {

// A column spelled byte by byte, least significant first.
template <class I>
bytes little_endian(const std::vector<I>& values) {
    bytes result;
    for (const I value : values) {
        const auto bits = static_cast<std::uint64_t>(value);
        for (std::size_t i = 0; i < sizeof(I); ++i) {
            result.push_back(static_cast<std::byte>((bits >> (8 * i)) & 0xffU));
        }
    }
    return result;
}

template <class I>
void check_column(const std::vector<I>& values) {
    wire::writer w;
    w.array(std::span<const I>(values));
    CHECK(w.take() == little_endian(values));
}

} // namespace

TEST_CASE("integers have one published spelling") {
    wire::writer w;
    w.u8(7);
    w.varint(0);
    w.varint(127);
    w.varint(128);
    w.varint(300);
    w.svarint(0);
    w.svarint(-1);
    w.svarint(1);
    w.svarint(-65);
    w.fixed32(0x01020304);
    w.fixed64(0x0102030405060708);
    CHECK(w.take() == bytes_of({7, 0, 0x7f, 0x80, 1, 0xac, 2, 0, 1, 2, 0x81, 1,
                                4, 3, 2,    1,    8, 7,    6, 5, 4, 3, 2,    1}));
}

TEST_CASE("the longest varint has ten bytes") {
    wire::writer w;
    w.varint(~std::uint64_t{0});
    CHECK(w.take() == bytes_of({255, 255, 255, 255, 255, 255, 255, 255, 255, 1}));
}

TEST_CASE("a column of integers equals an explicit little-endian spelling") {
    check_column<std::uint8_t>({0, 1, 255});
    check_column<std::int8_t>({0, -1, 127});
    check_column<std::uint16_t>({0x0102, 0xfffe});
    check_column<std::int32_t>({-2, 0x01020304});
    check_column<std::uint64_t>({0x0102030405060708, ~std::uint64_t{0}, 3});
    check_column<std::int64_t>({});
    check_column<std::uint64_t>(std::vector<std::uint64_t>(1000, 0x1122334455667788));
}

TEST_CASE("a counting writer measures what the other writes") {
    const auto write = [](wire::writer& w) {
        w.varint(1U << 20U);
        w.u8(1);
        w.fixed32(2);
        w.svarint(-1000);
        const std::size_t start = w.begin_sized();
        w.raw(bytes(5000, std::byte{1}));
        w.end_sized(start);
        const std::vector<std::uint32_t> column(77, 9);
        w.array(std::span<const std::uint32_t>(column));
    };
    wire::writer real;
    wire::writer counting = wire::writer::counting();
    write(real);
    write(counting);
    CHECK(counting.size() == real.size());
    CHECK(real.bytes().size() == real.size());
}

TEST_CASE("small and large writes in any order keep every byte") {
    wire::writer w;
    bytes expected;
    for (unsigned i = 0; i < 300; ++i) {
        const std::size_t length = (i * 37) % 1100;
        const bytes block(length, static_cast<std::byte>(i));
        w.u8(static_cast<std::uint8_t>(i));
        expected.push_back(static_cast<std::byte>(i));
        w.raw(block);
        expected.insert(expected.end(), block.begin(), block.end());
    }
    CHECK(w.take() == expected);
}

TEST_CASE("a sized part is preceded by its length whatever that takes") {
    for (const std::size_t length : {0U, 1U, 127U, 128U, 511U, 513U, 16383U, 16384U, 70000U}) {
        const bytes part(length, std::byte{0xab});
        wire::writer w;
        w.u8(1);
        const std::size_t start = w.begin_sized();
        w.raw(part);
        w.end_sized(start);
        w.u8(2);

        wire::writer plain;
        plain.u8(1);
        plain.varint(length);
        plain.raw(part);
        plain.u8(2);
        CHECK(w.take() == plain.take());
    }
}

TEST_CASE("a writer starts again after take and clear") {
    wire::writer w;
    w.varint(1000);
    CHECK(w.take().size() == 2);
    CHECK(w.size() == 0);
    w.u8(1);
    w.clear();
    w.u8(2);
    CHECK(w.take() == bytes_of({2}));
}

TEST_CASE("a writer goes on behind bytes that it is given, in their memory") {
    bytes begun = bytes_of({1, 2});
    begun.reserve(200);
    const std::byte* const place = begun.data();
    wire::writer w(std::move(begun));
    CHECK(w.size() == 2);
    const std::size_t part = w.begin_sized();
    w.fixed32(5);
    w.end_sized(part);
    const bytes made = w.take();
    CHECK(made == bytes_of({1, 2, 4, 5, 0, 0, 0}));
    CHECK(made.data() == place);
    CHECK(w.take().empty());
}
