// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"
#include "failure.hpp"

#include <cstdint>
#include <fstream>
#include <map>
#include <string>

namespace cluster {

// Every count of a report, "word include" or "bytes" -> count. Throws failure if it is none.
using counts_by_label = std::map<std::string, std::uint64_t>;

inline counts_by_label read_report(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    counts_by_label read;
    for (std::string line; std::getline(in, line);) {
        const std::size_t blank = line.rfind(' ');
        if (blank == std::string::npos) throw failure("not a report: " + path);
        read[line.substr(0, blank)] = parse_number(path, line.substr(blank + 1));
    }
    if (read.size() < 5) throw failure("not a report: " + path);
    return read;
}

struct comparison {
    std::uint64_t compared = 0;
    std::uint64_t too_low = 0;  // counts below the right ones: something was lost
    std::uint64_t too_high = 0; // counts above: something was counted twice
    std::string first;          // the first count that differs

    bool equal() const { return too_low == 0 && too_high == 0; }
};

inline comparison compare(const counts_by_label& got, const counts_by_label& right) {
    counts_by_label labels = right;
    labels.insert(got.begin(), got.end());
    const auto at = [](const counts_by_label& in, const std::string& label) {
        const auto found = in.find(label);
        return found == in.end() ? 0 : found->second;
    };
    comparison made;
    for (const auto& each : labels) {
        const std::uint64_t mine = at(got, each.first);
        const std::uint64_t theirs = at(right, each.first);
        ++made.compared;
        made.too_low += mine < theirs ? 1U : 0U;
        made.too_high += mine > theirs ? 1U : 0U;
        if (mine != theirs && made.first.empty()) {
            made.first =
                each.first + ": " + std::to_string(mine) + " instead of " + std::to_string(theirs);
        }
    }
    return made;
}

} // namespace cluster
