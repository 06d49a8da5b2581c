// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include <doctest/doctest.h>

#include <testing/laws.hpp>

#include "random_steps.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace joinery::testing {

inline constexpr std::uint64_t law_cases = 10'000 / JOINERY_CASES_DIVISOR;

// Every law on T; that replicas did diverge shows that the histories are worth something.
template <crdt::replicated T>
void check_all_laws() {
    const law_result result = check_laws<T>({.cases = law_cases});
    CHECK_MESSAGE(result.holds(), result.text());
    CHECK(result.laws.size() == 27);
    if (result.cases == law_cases) CHECK(result.unequal > law_cases / 2);
}

} // namespace joinery::testing
