// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// A thousand times the logarithm to base 10, good to about 3 %; 0 for n < 2.
inline std::uint64_t log10_milli(std::uint64_t n) {
    if (n < 2) return 0;
    const auto whole = static_cast<unsigned>(std::bit_width(n)) - 1;
    const std::uint64_t base = std::uint64_t{1} << whole;
    return 301 * whole + 301 * (n - base) / base;
}

/// The members of whom there is news to tell, each so and so often.
///
/// State      name -> how often told; the least told first.
/// Cost       O(log rumors).
class rumors {
public:
    void start(const std::string& name) {
        stop(name);
        told_.emplace(name, 0);
        order_.emplace(0, name);
    }
    void stop(const std::string& name) {
        const auto at = told_.find(name);
        if (at == told_.end()) return;
        order_.erase({at->second, name});
        told_.erase(at);
    }

    /// Calls f(name), least told first, which says whether it was told; false ends.
    template <class F>
    void tell(unsigned limit, F&& f) {
        std::vector<std::string> said;
        for (const auto& [times, name] : order_) {
            if (!f(name)) break;
            said.push_back(name);
        }
        for (const std::string& name : said) {
            const auto at = told_.find(name);
            order_.erase({at->second, name});
            if (++at->second >= limit)
                told_.erase(at);
            else
                order_.emplace(at->second, name);
        }
    }

    bool empty() const { return told_.empty(); }
    std::size_t size() const { return told_.size(); }

    /// How often one rumor is told in a cluster of n.
    static unsigned limit(std::size_t n) {
        return static_cast<unsigned>(4 * (log10_milli(n + 1) + 999) / 1000 + 2);
    }

private:
    std::map<std::string, unsigned> told_;
    std::set<std::pair<unsigned, std::string>> order_;
};

} // namespace joinery::gossip::detail
