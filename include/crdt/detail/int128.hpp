// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace joinery::crdt {

/// Sums over counter slots are exact in 128 bits: 2^63 slots of 2^63 - 1 fit.
__extension__ using uint128 = unsigned __int128;

/// Decimal digits of a sum.
inline std::string to_string(uint128 value) {
    std::string digits;
    do {
        digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
        value /= 10;
    } while (value != 0);
    return digits;
}

} // namespace joinery::crdt
