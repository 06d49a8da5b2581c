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
        if (contains(n)) return;
        std::uint64_t lo = n;
        std::uint64_t hi = n;
        const auto after = spans_.upper_bound(n);
        if (after != spans_.end() && after->first == n + 1) {
            hi = after->second;
            spans_.erase(after);
        }
        const auto next = spans_.upper_bound(n);
        if (next != spans_.begin() && std::prev(next)->second + 1 == n) lo = std::prev(next)->first;
        spans_[lo] = hi;
    }

    void erase(std::uint64_t n) {
        if (!contains(n)) return;
        const auto at = std::prev(spans_.upper_bound(n));
        const std::uint64_t hi = at->second;
        if (at->first < n) {
            at->second = n - 1;
            if (n < hi) spans_[n + 1] = hi;
        } else {
            auto span = spans_.extract(at); // its memory is used again
            if (n == hi) return;
            span.key() = n + 1;
            spans_.insert(std::move(span));
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
    std::map<std::uint64_t, std::uint64_t> spans_;
};

} // namespace joinery::gossip::detail
