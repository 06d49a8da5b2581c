// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/counts.hpp>
#include <crdt/replica_id.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace joinery::crdt::detail {

/// Two sorted lists of (replica, count) merged into a third, counts of one
/// replica joined. Which id comes next cannot be foreseen, so that no branch
/// asks; a step waits for the loads of the step before, so that three stretches
/// of the lists are merged side by side.
///
/// Cost       O(ids), about 5 cycles each.
template <class Count>
class slot_merge {
public:
    struct list {
        const replica_id* ids;
        const Count* counts;
        std::size_t size;
    };

    /// Precondition: `ids` and `counts` have room for both lists.
    slot_merge(const list& a, const list& b, replica_id* ids, Count* counts) {
        std::array<stretch, 3> parts = cut(a, b, ids, counts);
        side_by_side(parts);
        for (auto& part : parts) {
            while (part.steps() != 0) step(part);
            finish(part);
            // Ids that both have came out once: a stretch may end before the next one
            // begins.
            if (part.ids != ids + size_) {
                std::copy(part.ids, part.ids + part.out, ids + size_);
                std::copy(part.counts, part.counts + part.out, counts + size_);
            }
            size_ += part.out;
        }
        grew_ = grew_ || size_ != a.size;
    }

    /// How many came out, and whether the first list grew.
    std::size_t size() const { return size_; }
    bool grew() const { return grew_; }

private:
    /// A piece of each list and where it goes. The place in `b` is out - i: an id
    /// that both have moves the beginning of `b`.
    struct stretch {
        list a, b;
        replica_id* ids;
        Count* counts;
        std::size_t i = 0, out = 0;

        /// So many steps need no look at the ends.
        std::size_t steps() const { return std::min(a.size - i, b.size - (out - i)); }
    };

    static std::array<stretch, 3> cut(const list& a, const list& b, replica_id* ids,
                                      Count* counts) {
        std::array<stretch, 3> parts;
        std::size_t i = 0, j = 0;
        for (std::size_t n = 0; n < parts.size(); ++n) {
            const auto i_end = a.size * (n + 1) / parts.size();
            const auto* last = b.ids + b.size;
            const auto* at =
                i_end == a.size ? last : std::lower_bound(b.ids + j, last, a.ids[i_end]);
            const auto j_end = static_cast<std::size_t>(at - b.ids);
            parts[n] = {{a.ids + i, a.counts + i, i_end - i},
                        {b.ids + j, b.counts + j, j_end - j},
                        ids + i + j,
                        counts + i + j};
            i = i_end;
            j = j_end;
        }
        return parts;
    }

    static std::size_t common_steps(const std::array<stretch, 3>& parts) {
        return std::min({parts[0].steps(), parts[1].steps(), parts[2].steps()});
    }

    // Of its own, so that where it stands in memory does not depend on who calls: up to a quarter
    // of the time does.
    [[gnu::noinline, gnu::aligned(64)]] void side_by_side(std::array<stretch, 3>& all) {
        auto parts = all; // which nothing that is written can be
        for (auto n = common_steps(parts); n != 0; n = common_steps(parts))
            for (; n != 0; --n) {
                step(parts[0]);
                step(parts[1]);
                step(parts[2]);
            }
        all = parts;
    }

    void step(stretch& s) {
        const auto j = s.out - s.i;
        const auto mine = s.a.ids[s.i].value, theirs = s.b.ids[j].value;
        if (mine == theirs) [[unlikely]]
            return both(s, j);
        const std::uint64_t first = mine < theirs;
        const auto mask = std::uint64_t{0} - first;
        s.ids[s.out].value = theirs ^ ((mine ^ theirs) & mask);
        s.counts[s.out] = count_if(s.a.counts[s.i], s.b.counts[j], mask);
        s.i += first;
        ++s.out;
    }

    void both(stretch& s, std::size_t j) {
        Count count = s.a.counts[s.i];
        grew_ |= raise_count(count, s.b.counts[j]);
        s.ids[s.out] = s.a.ids[s.i++];
        s.counts[s.out++] = count;
        ++s.b.ids;
        ++s.b.counts;
        --s.b.size;
    }

    static void finish(stretch& s) {
        const auto copy = [&s](const list& from, std::size_t at) {
            std::copy(from.ids + at, from.ids + from.size, s.ids + s.out);
            std::copy(from.counts + at, from.counts + from.size, s.counts + s.out);
            s.out += from.size - at;
        };
        const auto j = s.out - s.i;
        copy(s.a, s.i);
        copy(s.b, j);
    }

    std::size_t size_ = 0;
    bool grew_ = false;
};

} // namespace joinery::crdt::detail
