// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/block.hpp>
#include <merkle/detail/exchange.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>

namespace joinery::merkle::detail {

/// The positions of which a session does not know yet what differs, and how to ask for them.
///
/// State      disjoint intervals, by their first position.
/// Cost       O(log intervals) and the intervals that a change covers.
class pending {
public:
    struct request {
        unsigned level = 0; ///< of the groups to ask for; 0 is not yet known
        mode as = mode::cells;
        std::uint64_t turn = 0; ///< the last turn that asked
    };

    bool empty() const { return all_.empty(); }
    std::size_t size() const { return all_.size(); }
    void clear() { all_.clear(); }

    /// Whether all of [first, last] is pending.
    bool covers(std::uint64_t first, std::uint64_t last) const {
        auto at = all_.upper_bound(first);
        if (at == all_.begin()) return false;
        --at;
        for (;;) {
            if (at->second.last >= last) return at->first <= last;
            const std::uint64_t next = at->second.last + 1;
            if (next <= first) return false;
            if (++at == all_.end() || at->first != next) return false;
        }
    }

    /// The turn that asked last for a position; 0 if it is not pending.
    std::uint64_t asked(std::uint64_t position) const {
        const auto at = all_.upper_bound(position);
        if (at == all_.begin()) return 0;
        const auto& part = std::prev(at)->second;
        return part.last >= position ? part.ask.turn : 0;
    }

    void remove(std::uint64_t first, std::uint64_t last) {
        auto at = all_.upper_bound(first);
        if (at != all_.begin()) --at;
        while (at != all_.end() && at->first <= last) {
            const auto [from, part] = *at;
            if (part.last < first) {
                ++at;
                continue;
            }
            at = all_.erase(at);
            if (from < first) all_.emplace(from, interval{first - 1, part.ask});
            if (part.last > last) {
                all_.emplace(last + 1, part);
                break;
            }
        }
    }

    void put(std::uint64_t first, std::uint64_t last, const request& ask) {
        remove(first, last);
        all_.emplace(first, interval{last, ask});
    }

    /// Calls f(level, run of groups, request) for the intervals last asked for up to a turn, in
    /// groups that cut no interval, and notes that they are asked for at `now`.
    template <class F>
    void ask(std::uint64_t up_to, std::uint64_t now, F&& f) {
        for (auto& [from, part] : all_) {
            if (part.ask.turn > up_to) continue;
            const request ask = part.ask;
            part.ask.turn = now;
            std::uint64_t first = from;
            for (bool more = true; more;) {
                const unsigned level = widest(first, part.last);
                const group block{level, level == 0 ? 0 : first >> (64 - level)};
                f(block, ask);
                more = block.last() < part.last;
                first = block.last() + 1;
            }
        }
    }

private:
    struct interval {
        std::uint64_t last = 0;
        request ask;
    };

    // The level of the largest group that begins at `first` and does not pass `last`.
    static unsigned widest(std::uint64_t first, std::uint64_t last) {
        const auto zeros = static_cast<unsigned>(first == 0 ? 64 : std::countr_zero(first));
        unsigned level = 64 - zeros;
        while (level < 64 && (first | (~std::uint64_t{0} >> level)) > last) ++level;
        return level;
    }

    std::map<std::uint64_t, interval> all_;
};

} // namespace joinery::merkle::detail
