// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>

namespace joinery::crdt {

/// A counter slot or a dot would pass 2^63 - 1. The state is unchanged.
class counter_exhausted : public std::overflow_error {
public:
    counter_exhausted() : std::overflow_error("counter slot would pass 2^63 - 1") {}
};

/// An amount below zero where only growth is possible. The state is unchanged.
class negative_amount : public std::invalid_argument {
public:
    negative_amount() : std::invalid_argument("amount must not be negative") {}
};

/// A hybrid clock would pass its last stamp. The clock is unchanged.
class clock_exhausted : public std::overflow_error {
public:
    clock_exhausted() : std::overflow_error("hybrid clock has no stamp left") {}
};

} // namespace joinery::crdt
