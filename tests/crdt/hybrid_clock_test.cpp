// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <crdt/hybrid_clock.hpp>

namespace hybrid_clock_test {

namespace crdt = joinery::crdt;

TEST_CASE("a stamp carries the wall time in milliseconds") {
    crdt::hybrid_clock clock;
    CHECK(crdt::hybrid_clock::milliseconds(clock.tick(1'234)) == 1'234);
}

TEST_CASE("stamps strictly increase while the wall stands still or runs back") {
    crdt::hybrid_clock clock;
    crdt::stamp_t last = 0;
    for (const std::uint64_t wall : {100U, 100U, 100U, 50U, 0U, 101U, 3U}) {
        const auto stamp = clock.tick(wall);
        CHECK(stamp > last);
        last = stamp;
    }
}

TEST_CASE("65,536 events in a millisecond carry over into the next") {
    crdt::hybrid_clock clock;
    clock.tick(7);
    for (int i = 0; i < 65'535; ++i) clock.tick(7);
    CHECK(crdt::hybrid_clock::milliseconds(clock.last()) == 7);
    CHECK(crdt::hybrid_clock::milliseconds(clock.tick(7)) == 8);
}

TEST_CASE("a stamp follows every stamp observed") {
    crdt::hybrid_clock clock;
    CHECK(clock.observe(crdt::stamp_t{500} << 16U, 480));
    CHECK(clock.tick(490) > crdt::stamp_t{500} << 16U);
}

TEST_CASE("a wall beyond 48 bits does not wrap") {
    crdt::hybrid_clock clock;
    const auto before = clock.tick(1);
    CHECK(clock.tick(~std::uint64_t{0}) > before);
}

TEST_CASE("the last stamp of all is followed by none") {
    crdt::hybrid_clock clock;
    CHECK(clock.observe(~crdt::stamp_t{0}, ~std::uint64_t{0}));
    const auto before = clock;
    CHECK_THROWS_AS(clock.tick(0), crdt::clock_exhausted);
    CHECK(clock == before);
}

} // namespace hybrid_clock_test
