// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <testing/exhaustive.hpp>
#include <testing/spec.hpp>

#ifndef JOINERY_SEARCH_DEPTH
#define JOINERY_SEARCH_DEPTH 5
#endif

namespace joinery::testing {

template <class T>
std::set<T> set_of(const std::vector<T>& values) {
    return {values.begin(), values.end()};
}

template <class T, class Model>
void check_exhaustively(std::vector<exhaustive_operation<T, Model>> operations,
                        typename exhaustive<T, Model>::reader read) {
    const auto depth = exhaustive_depth(JOINERY_SEARCH_DEPTH);
    const auto result = exhaustive<T, Model>(std::move(operations), std::move(read)).run(depth);
    CHECK_MESSAGE(result.holds(), result.failure);
    // Fewer would not be worth a search.
    if (depth >= 5) CHECK(result.worlds > 1000);
}

} // namespace joinery::testing
