// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace joinery::gossip::detail {

/// A set of sequence numbers as closed intervals.
///
/// State      lo -> hi.
/// Invariant  intervals neither overlap nor touch.
/// Cost       insert, erase, contains O(log intervals).
class intervals {
public:
    bool contains(std::uint64_t n) const {
        const auto after = spans_.upper_bound(n);
        return after != spans_.begin() && std::prev(after)->second >= n;
    }

    void insert(std::uint64_t n) {
        const auto after = spans_.upper_bound(n);
        const bool touches_next = after != spans_.end() && after->first == n + 1;
        if (after != spans_.begin()) {
            const auto before = std::prev(after);
            if (before->second >= n) return;
            if (before->second + 1 == n) {
                before->second = touches_next ? after->second : n;
                if (touches_next) spans_.erase(after);
                return;
            }
        }
        if (touches_next)
            begin_at(after, n);
        else
            spans_.emplace_hint(after, n, n);
    }

    void erase(std::uint64_t n) {
        const auto after = spans_.upper_bound(n);
        if (after == spans_.begin()) return;
        const auto at = std::prev(after);
        const std::uint64_t hi = at->second;
        if (hi < n) return;
        if (at->first < n) {
            at->second = n - 1;
            if (n < hi) spans_.emplace_hint(after, n + 1, hi);
        } else if (n < hi) {
            begin_at(at, n + 1);
        } else {
            spans_.erase(at);
        }
    }

    /// Calls f(n) for the numbers of lo..hi that are missing, ascending, until f returns false.
    template <class F>
    void for_each_missing(std::uint64_t lo, std::uint64_t hi, F&& f) const {
        for (std::uint64_t n = lo;;) {
            const auto after = spans_.upper_bound(n);
            if (after != spans_.begin() && std::prev(after)->second >= n) {
                n = std::prev(after)->second;
            } else if (!f(n)) {
                return;
            }
            if (n >= hi) return;
            ++n;
        }
    }

    /// Closes the lowest gaps until at most `most` intervals are left.
    void coarsen(std::size_t most) {
        while (spans_.size() > std::max<std::size_t>(most, 1)) {
            const auto first = spans_.begin();
            const auto second = std::next(first);
            first->second = second->second;
            spans_.erase(second);
        }
    }

    bool empty() const { return spans_.empty(); }
    std::size_t size() const { return spans_.size(); }
    const std::map<std::uint64_t, std::uint64_t>& spans() const { return spans_; }

private:
    void begin_at(std::map<std::uint64_t, std::uint64_t>::iterator at, std::uint64_t lo) {
        auto span = spans_.extract(at);
        span.key() = lo;
        spans_.insert(std::move(span));
    }

    std::map<std::uint64_t, std::uint64_t> spans_;
};

} // namespace joinery::gossip::detail
