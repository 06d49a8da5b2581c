// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include <doctest/doctest.h>

#include <testing/laws.hpp>

#include "random_steps.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace joinery::testing {

/// 10,000, of which slow builds take a part; JOINERY_LONG=n runs n times as many.
inline std::uint64_t law_cases() {
    const char* times = std::getenv("JOINERY_LONG");
    return 10'000 / JOINERY_CASES_DIVISOR *
           (times == nullptr ? 1 : std::max<std::uint64_t>(std::strtoull(times, nullptr, 10), 1));
}

// Every law on T; that replicas did diverge shows that the histories are worth something.
template <crdt::replicated T>
void check_all_laws() {
    const law_result result = check_laws<T>({.cases = law_cases()});
    CHECK_MESSAGE(result.holds(), result.text());
    CHECK(result.laws.size() == 27);
    if (result.cases == law_cases()) CHECK(result.unequal > law_cases() / 2);
}

} // namespace joinery::testing
