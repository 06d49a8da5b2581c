// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>

#include <doctest/doctest.h>

#include "bounded_history.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace bounded_history_test {

TEST_CASE("no history of losses, crashes, transfers and reclaims takes the total below 0") {
    // Fewer show too little: that a decrement comes before its increment is rare.
    const auto cases = std::max<std::uint64_t>(3000 / JOINERY_CASES_DIVISOR, 300);
    bounded::counts seen;
    const auto failure = bounded::first_failure<bounded::right_rules>(cases, seen);
    CHECK_MESSAGE(failure.empty(), failure);
    CHECK(seen.spent > cases);
    CHECK(seen.refused > cases);
    CHECK(seen.given > cases);
    CHECK(seen.reclaimed > cases);
    CHECK(seen.crashes > cases);
    CHECK(seen.stops > cases);
    CHECK(seen.early > cases / 30);
}

} // namespace bounded_history_test
