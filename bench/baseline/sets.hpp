// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

// An observed-remove set without tombstones as one would write it: element -> dots, and a version
// vector. No tuning touches this.
namespace joinery::bench::baseline {

struct dot {
    std::uint64_t replica = 0;
    std::uint64_t counter = 0;
    friend bool operator==(const dot&, const dot&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(replica, counter);
    }
};

template <class T>
struct or_set {
    std::unordered_map<T, std::vector<dot>> dots;
    std::map<std::uint64_t, std::uint64_t> seen;

    void add(std::uint64_t replica, const T& value) {
        dots[value] = {dot{replica, ++seen[replica]}};
    }
    void remove(const T& value) { dots.erase(value); }
    bool contains(const T& value) const { return dots.contains(value); }

    void merge(const or_set& other) {
        for (const auto& [value, theirs] : other.dots) {
            auto& mine = dots[value];
            std::vector<dot> kept;
            for (const auto& d : mine)
                if (has(theirs, d) || !other.knows(d)) kept.push_back(d);
            for (const auto& d : theirs)
                if (!has(mine, d) && !knows(d)) kept.push_back(d);
            mine = std::move(kept);
        }
        for (auto at = dots.begin(); at != dots.end();) {
            if (!other.dots.contains(at->first))
                std::erase_if(at->second, [&](const dot& d) { return other.knows(d); });
            at = at->second.empty() ? dots.erase(at) : std::next(at);
        }
        for (const auto& [replica, counter] : other.seen) {
            auto& mine = seen[replica];
            mine = std::max(mine, counter);
        }
    }
    /// The elements with dots that `known` has not seen: what one would send instead of everything.
    or_set difference(const or_set& known) const {
        or_set delta;
        for (const auto& [value, mine] : dots)
            for (const auto& d : mine)
                if (!known.knows(d)) delta.dots[value].push_back(d);
        delta.seen = seen;
        return delta;
    }

    template <class Archive>
    void serialize(Archive& archive) {
        archive(dots, seen);
    }

private:
    bool knows(const dot& d) const {
        const auto at = seen.find(d.replica);
        return at != seen.end() && d.counter <= at->second;
    }
    static bool has(const std::vector<dot>& all, const dot& d) {
        return std::find(all.begin(), all.end(), d) != all.end();
    }
};

} // namespace joinery::bench::baseline
