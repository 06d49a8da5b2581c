// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <unordered_map>

// What one would write without a library: counts under the names of nodes. No tuning touches this.
namespace joinery::bench::baseline {

inline std::string node_name(std::uint64_t n) {
    char text[32];
    std::snprintf(text, sizeof text, "node-%05llu", static_cast<unsigned long long>(n));
    return text;
}

struct g_counter {
    std::unordered_map<std::string, std::uint64_t> counts;

    void increment(const std::string& node, std::uint64_t amount = 1) { counts[node] += amount; }
    std::uint64_t value() const {
        std::uint64_t sum = 0;
        for (const auto& [node, count] : counts) sum += count;
        return sum;
    }
    void merge(const g_counter& other) {
        for (const auto& [node, count] : other.counts) {
            auto& mine = counts[node];
            mine = std::max(mine, count);
        }
    }
    /// Whether every count is at most the other's: the order of vector clocks.
    bool leq(const g_counter& other) const {
        for (const auto& [node, count] : counts) {
            const auto there = other.counts.find(node);
            if (there == other.counts.end() || there->second < count) return false;
        }
        return true;
    }
};

struct pn_counter {
    g_counter up, down;

    void merge(const pn_counter& other) {
        up.merge(other.up);
        down.merge(other.down);
    }
};

} // namespace joinery::bench::baseline
