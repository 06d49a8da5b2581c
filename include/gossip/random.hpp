// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace joinery::gossip {

/// A small deterministic generator, the only source of chance in an engine.
///
/// State      64 bits.
/// Invariant  one seed gives one sequence with every compiler and on every platform.
/// Source     splitmix64, Steele et al. 2014.
class random {
public:
    explicit random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        std::uint64_t z = state_;
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31U);
    }

    /// A number below n, even but for a bias of n in 2^64; 0 if n is 0.
    std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : next() % n; }

    /// True with the chance numerator / denominator.
    bool chance(std::uint64_t numerator, std::uint64_t denominator) {
        return below(denominator) < numerator;
    }

    friend bool operator==(const random&, const random&) = default;

private:
    std::uint64_t state_;
};

} // namespace joinery::gossip
