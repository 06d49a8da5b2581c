// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <cstdlib>
#include <new>

#include "test_types.hpp"

namespace {
std::size_t allocated_bytes = 0;
} // namespace

// Counts for the whole test program; only this file reads the count. Not inlined, because g++ then
// takes the pair of malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    allocated_bytes += size;
    if (void* place = std::malloc(size == 0 ? 1 : size)) return place;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* place) noexcept { std::free(place); }
[[gnu::noinline]] void operator delete(void* place, std::size_t) noexcept { std::free(place); }

using namespace wire_test;

namespace {

template <class T>
std::size_t cost_of_refusing(const bytes& in, wire::errc expected) {
    T value{};
    wire::reader r(in);
    const std::size_t before = allocated_bytes;
    wire::get(r, value);
    const std::size_t cost = allocated_bytes - before;
    CHECK(r.error().code == expected);
    return cost;
}

} // namespace

TEST_CASE("nine bytes that claim 2^60 elements cost no allocation") {
    wire::writer w;
    w.varint(std::uint64_t{1} << 60U);
    const bytes in = w.take();
    REQUIRE(in.size() == 9);
    using wire::errc;
    CHECK(cost_of_refusing<std::vector<std::uint64_t>>(in, errc::too_many) == 0);
    CHECK(cost_of_refusing<std::vector<std::uint8_t>>(in, errc::truncated) == 0);
    CHECK(cost_of_refusing<std::vector<std::string>>(in, errc::too_many) == 0);
    CHECK(cost_of_refusing<std::vector<bool>>(in, errc::too_many) == 0);
    CHECK(cost_of_refusing<std::string>(in, errc::truncated) == 0);
    CHECK(cost_of_refusing<std::map<std::string, std::string>>(in, errc::too_many) == 0);
    CHECK(cost_of_refusing<std::set<std::string>>(in, errc::too_many) == 0);
    CHECK(cost_of_refusing<person>(in, errc::too_many) == 0);
    CHECK(cost_of_refusing<tree>(in, errc::too_many) == 0);
}

TEST_CASE("a count that the bytes left could hold reserves little until the elements come") {
    bytes in = bytes_of({0xc0, 0x84, 0x3d}); // 1,000,000
    in.resize(1000003, std::byte{0xff});
    CHECK(cost_of_refusing<std::vector<std::string>>(in, wire::errc::overlong) < 200000);
}

TEST_CASE("reading integers, digests and arrays allocates nothing") {
    wire::writer w;
    wire::put(w, std::uint64_t{1} << 40U);
    wire::put(w, wire::digest{1, 2});
    wire::put(w, std::array<std::uint32_t, 4>{1, 2, 3, 4});
    const std::size_t before = allocated_bytes;
    wire::reader r(w.bytes());
    std::uint64_t number = 0;
    wire::digest digest;
    std::array<std::uint32_t, 4> array{};
    wire::get(r, number);
    wire::get(r, digest);
    wire::get(r, array);
    const std::size_t cost = allocated_bytes - before;
    CHECK(r.ok());
    CHECK(cost == 0);
}

TEST_CASE("measuring allocates nothing") {
    const order o = some_order();
    const std::size_t before = allocated_bytes;
    const std::size_t size = wire::encoded_size(o);
    const std::size_t cost = allocated_bytes - before;
    CHECK(size == wire::encode_nested(o).size());
    CHECK(cost == 0);
}
