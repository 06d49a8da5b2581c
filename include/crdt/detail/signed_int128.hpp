// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/int128.hpp>

#include <string>

namespace joinery::crdt {

/// Differences of sums over counter slots are exact in 128 bits too.
__extension__ using int128 = __int128;

/// Decimal digits, with a minus sign below zero.
inline std::string to_string(int128 value) {
    if (value >= 0) return to_string(static_cast<uint128>(value));
    return "-" + to_string(uint128{0} - static_cast<uint128>(value));
}

} // namespace joinery::crdt
