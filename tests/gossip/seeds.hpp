// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace gossip_test {

// The seeds to run: the one that JOINERY_SEED names, or the given number of them, of which slow
// builds take a part.
inline std::vector<std::uint64_t> seeds(std::uint64_t count) {
    if (const char* named = std::getenv("JOINERY_SEED")) {
        return {std::strtoull(named, nullptr, 10)};
    }
    const std::uint64_t part = count / JOINERY_CASES_DIVISOR;
    std::vector<std::uint64_t> all;
    for (std::uint64_t seed = 1; seed <= (part < 2 ? 2 : part); ++seed) {
        all.push_back(seed);
    }
    return all;
}

} // namespace gossip_test
