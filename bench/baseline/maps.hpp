// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "counters.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>

// Maps and registers as one would write them. No tuning touches this.
namespace joinery::bench::baseline {

struct lww_register {
    std::uint64_t stamp = 0;
    std::string replica;
    std::string value;

    void merge(const lww_register& other) {
        if (other.stamp > stamp || (other.stamp == stamp && other.replica > replica)) *this = other;
    }
};

template <class L>
struct map {
    std::unordered_map<std::string, L> values;

    void merge(const map& other) {
        for (const auto& [key, value] : other.values) values[key].merge(value);
    }
};

} // namespace joinery::bench::baseline
