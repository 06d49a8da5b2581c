// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/small_column.hpp>
#include <crdt/dot.hpp>
#include <crdt/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

namespace joinery::crdt {

/// A set of dots: what a replica has seen, gaps included.
///
/// State      per replica the maximal intervals of counters seen; the one from 1 is the version
///            vector, those beyond a gap are the dot cloud.
/// Join       union.
/// Invariant  sorted by (replica, first); intervals neither touch nor overlap; counters from 1.
/// Cost       contains O(log intervals); merge of a small context O(|δ| log intervals) plus the
///            words shifted, of a large one linear.
/// Source     Almeida et al. 2018, arXiv 1603.01529; intervals instead of single dots.
class causal_context {
public:
    static constexpr std::string_view schema_name = "causal_context";

    struct interval {
        replica_id replica;
        std::uint64_t first = 1;
        std::uint64_t last = 1;
        friend bool operator==(const interval&, const interval&) = default;
    };

    bool empty() const { return intervals_.empty(); }
    std::span<const interval> intervals() const { return {intervals_.data(), intervals_.size()}; }

    bool contains(const dot& d) const {
        const auto at = reaching(d.replica, d.counter);
        return at != intervals_.end() && at->replica == d.replica && at->first <= d.counter;
    }

    /// The greatest counter of a replica seen, 0 if none.
    std::uint64_t last(replica_id id) const { return last_before(behind(id), id); }

    /// The dot of the next event of `self`. Throws counter_exhausted.
    dot next(replica_id self) const { return upcoming(self).minted; }

    /// A dot that is the next of its replica, and how many intervals lie before it. Valid until
    /// the context changes.
    struct next_dot {
        dot minted;
        std::size_t behind;
    };
    /// next() for add_next(), which then need not search. Throws counter_exhausted.
    [[gnu::always_inline]] next_dot upcoming(replica_id self) const {
        const auto after = behind(self);
        const auto greatest = last_before(after, self);
        if (greatest == max_count) throw counter_exhausted();
        return {{self, greatest + 1}, after};
    }

    /// Number of dots, which may pass 2^64 only for hostile input and then saturates.
    std::uint64_t size() const {
        std::uint64_t sum = 0;
        for (const auto& i : intervals_) {
            const auto length = i.last - i.first + 1;
            sum = sum + length < sum ? ~std::uint64_t{0} : sum + length;
        }
        return sum;
    }

    bool add(const dot& d) { return add(interval{d.replica, d.counter, d.counter}); }
    /// The same for a context that is as it was made.
    void add_first(const dot& d) { intervals_.set_first({d.replica, d.counter, d.counter}); }
    /// add() for what upcoming() has given.
    [[gnu::always_inline]] void add_next(const next_dot& next) {
        const auto& [d, after] = next;
        if (d.counter == 1)
            intervals_.insert(after, {d.replica, 1, 1});
        else
            intervals_[after - 1].last = d.counter;
    }

    /// Room for one dot more: adding it then asks for no memory.
    void make_room() { intervals_.make_room(1); }

    /// Adds all dots of an interval; true if one was new. Precondition: 1 <= first <= last.
    bool add(const interval& added) {
        if (intervals_.empty() || after_all(added)) {
            intervals_.push_back(added);
            return true;
        }
        const auto from = reaching(added.replica, added.first == 1 ? 1 : added.first - 1);
        auto to = from;
        interval joined = added;
        for (;
             to != intervals_.end() && to->replica == added.replica && to->first <= added.last + 1;
             ++to) {
            if (to->first <= added.first && added.last <= to->last) return false;
            joined.first = std::min(joined.first, to->first);
            joined.last = std::max(joined.last, to->last);
        }
        const auto at = static_cast<std::size_t>(from - begin());
        const auto end = static_cast<std::size_t>(to - begin());
        if (at == end) {
            intervals_.insert(at, joined);
        } else {
            intervals_[at] = joined;
            intervals_.erase(at + 1, end);
        }
        return true;
    }

    /// If memory runs out, the context is as it was.
    bool merge(const causal_context& other) {
        if (other.intervals_ == intervals_) return false;
        if (other.intervals_.size() <= few || other.intervals_.size() * 8 < intervals_.size()) {
            bool grew = false;
            if (other.intervals_.size() > 1) intervals_.make_room(other.intervals_.size());
            for (const auto& i : other.intervals_) grew |= add(i);
            return grew;
        }
        column all;
        all.resize_for_overwrite(intervals_.size() + other.intervals_.size());
        std::merge(intervals_.begin(), intervals_.end(), other.intervals_.begin(),
                   other.intervals_.end(), all.begin(), before);
        coalesce(all);
        const bool grew = !(all == intervals_);
        if (grew) intervals_ = std::move(all);
        return grew;
    }

    bool leq(const causal_context& other) const {
        return std::all_of(intervals_.begin(), intervals_.end(), [&](const interval& i) {
            const auto at = other.reaching(i.replica, i.first);
            return at != other.intervals_.end() && at->replica == i.replica &&
                   at->first <= i.first && i.last <= at->last;
        });
    }

    /// The dots here that `known` lacks.
    causal_context difference(const causal_context& known) const {
        causal_context rest;
        for (const auto& i : intervals_) {
            auto from = i.first;
            for (auto at = known.reaching(i.replica, i.first);
                 at != known.intervals_.end() && at->replica == i.replica && at->first <= i.last;
                 ++at) {
                if (from < at->first) rest.intervals_.push_back({i.replica, from, at->first - 1});
                from = at->last + 1;
            }
            if (from <= i.last) rest.intervals_.push_back({i.replica, from, i.last});
        }
        return rest;
    }

    /// The dots both have.
    causal_context intersection(const causal_context& other) const {
        causal_context both;
        for (const auto& i : intervals_)
            for (auto at = other.reaching(i.replica, i.first);
                 at != other.intervals_.end() && at->replica == i.replica && at->first <= i.last;
                 ++at)
                both.intervals_.push_back(
                    {i.replica, std::max(i.first, at->first), std::min(i.last, at->last)});
        return both;
    }

    /// Per interval: replica, or the gap to the previous one of the replica; then the length.
    void write(wire::writer& w) const {
        std::size_t replicas = 0;
        for (std::size_t i = 0; i < intervals_.size(); ++i)
            replicas += i == 0 || intervals_[i].replica != intervals_[i - 1].replica;
        w.varint(replicas);
        for (auto at = intervals_.begin(); at != intervals_.end();) {
            const auto id = at->replica;
            const auto end = std::find_if(at, intervals_.end(),
                                          [&](const interval& i) { return i.replica != id; });
            w.fixed64(id.value);
            w.varint(static_cast<std::uint64_t>(end - at));
            // The next interval begins two counters after the last one at the earliest.
            for (std::uint64_t floor = 1; at != end; ++at) {
                w.varint(at->first - floor);
                w.varint(at->last - at->first);
                floor = at->last + 2;
            }
        }
    }

    void read(wire::reader& r) {
        intervals_.clear();
        const auto replicas = r.count(11, 0);
        replica_id previous;
        for (std::size_t n = 0; n < replicas && r.ok(); ++n) {
            replica_id id;
            id.read(r);
            if (n != 0 && id <= previous) r.fail(wire::errc::non_canonical);
            previous = id;
            const auto runs = r.count(2, 3 * sizeof(interval));
            if (runs == 0) r.fail(wire::errc::non_canonical);
            read_runs(r, id, runs);
        }
        if (!r.ok()) intervals_.clear();
    }

    friend bool operator==(const causal_context&, const causal_context&) = default;

private:
    using column = detail::small_column<interval, 2>;
    using iterator = const interval*;

    /// So many intervals are added one by one without asking for memory.
    static constexpr std::size_t few = 8;

    iterator begin() const { return intervals_.begin(); }

    static bool before(const interval& a, const interval& b) {
        return a.replica != b.replica ? a.replica < b.replica : a.first < b.first;
    }

    /// Neither touches nor precedes an interval here.
    bool after_all(const interval& added) const {
        const auto& back = intervals_.back();
        return added.replica != back.replica ? back.replica < added.replica
                                             : added.first > back.last + 1;
    }
    /// How many intervals there are up to the last one of `id`.
    std::size_t behind(replica_id id) const {
        const auto* const all = begin();
        std::size_t from = 0;
        for (auto n = intervals_.size(); n != 0;) {
            const auto half = n / 2;
            const bool above = id < all[from + half].replica;
            from = above ? from : from + half + 1;
            n = above ? half : n - half - 1;
        }
        return from;
    }
    std::uint64_t last_before(std::size_t after, replica_id id) const {
        return after != 0 && intervals_[after - 1].replica == id ? intervals_[after - 1].last : 0;
    }
    /// The first interval of `id` that ends at `counter` or later.
    iterator reaching(replica_id id, std::uint64_t counter) const {
        return std::lower_bound(intervals_.begin(), intervals_.end(), dot{id, counter},
                                [](const interval& i, const dot& d) {
                                    return i.replica != d.replica ? i.replica < d.replica
                                                                  : i.last < d.counter;
                                });
    }

    static void coalesce(column& sorted) {
        std::size_t kept = 0;
        for (std::size_t i = 1; i < sorted.size(); ++i) {
            if (sorted[i].replica == sorted[kept].replica &&
                sorted[i].first <= sorted[kept].last + 1)
                sorted[kept].last = std::max(sorted[kept].last, sorted[i].last);
            else
                sorted[++kept] = sorted[i];
        }
        if (!sorted.empty()) sorted.resize(kept + 1);
    }

    void read_runs(wire::reader& r, replica_id id, std::size_t runs) {
        std::uint64_t floor = 1;
        for (std::size_t n = 0; n < runs && r.ok(); ++n) {
            if (intervals_.size() == intervals_.capacity())
                wire::detail::make_room(intervals_,
                                        intervals_.size() + std::max(runs - n, intervals_.size()));
            const auto skip = r.varint();
            const auto length = r.varint();
            if (floor > max_count || skip > max_count - floor ||
                length > max_count - floor - skip) {
                r.fail(wire::errc::bad_value);
                return;
            }
            intervals_.push_back({id, floor + skip, floor + skip + length});
            floor = floor + skip + length + 2;
        }
    }

    column intervals_;
};

} // namespace joinery::crdt
