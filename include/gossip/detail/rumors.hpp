// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/groups.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
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
/// State      their numbers, in groups by how often they were told.
/// Invariant  at most `most`: what is told most gives way, and is in the tables all the same.
/// Cost       O(limit) a rumor.
class rumors {
public:
    static constexpr std::size_t most = 256; ///< some seconds of telling: tables are faster then

    void start(std::uint32_t id) {
        if (size() >= most && !left_.contains(id)) left_.remove(left_.all()[size() - 1]);
        left_.put(id, 0);
    }
    void stop(std::uint32_t id) { left_.remove(id); }

    /// Calls f(id), least told first, which says whether it was told; false ends.
    template <class F>
    void tell(unsigned limit, F&& f) {
        said_.clear();
        for (const std::uint32_t id : left_.all()) {
            if (!f(id)) break;
            said_.push_back(id);
        }
        for (const std::uint32_t id : said_) {
            const std::size_t times = left_.group_of(id) + 1;
            if (times >= limit)
                left_.remove(id);
            else
                left_.put(id, times);
        }
    }

    bool empty() const { return left_.size() == 0; }
    std::size_t size() const { return left_.size(); }

    /// How often one rumor is told in a cluster of n.
    static unsigned limit(std::size_t n) {
        return static_cast<unsigned>(4 * (log10_milli(n + 1) + 999) / 1000 + 2);
    }

private:
    groups left_;
    std::vector<std::uint32_t> said_;
};

} // namespace joinery::gossip::detail
