// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/int128.hpp>
#include <crdt/detail/replica_counts.hpp>
#include <crdt/error.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>
#include <utility>

namespace joinery::crdt {

/// Grow-only counter.
///
/// State      replica -> events counted there; an absent replica counted none.
/// Join       pointwise maximum.
/// Value      exact sum over replicas, in 128 bits.
/// Invariant  no slot is 0 or above 2^63 - 1.
/// Cost       increment O(log replicas), merge O(replicas), of a delta O(|δ| log replicas).
/// Source     Shapiro et al. 2011, INRIA RR-7506, specification 6.
class g_counter {
public:
    static constexpr std::string_view schema_name = "g_counter";

    /// Counts `amount` events at `self` and returns the delta; 0 gives bottom.
    /// Throws negative_amount or counter_exhausted with the state unchanged.
    template <std::integral Amount = std::uint64_t>
    g_counter increment(replica_id self, Amount amount = 1) {
        if (std::cmp_less(amount, 0)) throw negative_amount();
        const auto before = counts_.get(self);
        if (std::cmp_greater(amount, max_count - before)) throw counter_exhausted();
        g_counter delta;
        if (amount != 0) delta.counts_.raise(self, before + static_cast<std::uint64_t>(amount));
        merge(delta);
        return delta;
    }

    uint128 value() const {
        uint128 sum = 0;
        for (const auto& slot : counts_.slots()) sum += slot.count;
        return sum;
    }

    /// Events counted at one replica.
    std::uint64_t slot(replica_id id) const { return counts_.get(id); }

    bool merge(const g_counter& other, report* = nullptr) { return counts_.merge(other.counts_); }
    bool leq(const g_counter& other) const { return counts_.leq(other.counts_); }
    g_counter difference(const g_counter& known) const {
        return g_counter(counts_.difference(known.counts_));
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        counts_.for_each_entry(path, f);
    }
    template <class F>
    void touched(const g_counter& delta, entry_id path, F& f) const {
        counts_.touched(delta.counts_, path, f);
    }
    template <class F>
    void changes(const g_counter& delta, entry_id path, F& f) const {
        counts_.changes(delta.counts_, path, f);
    }
    g_counter fragment(entry_id path, const id_set& ids) const {
        return g_counter(counts_.fragment(path, ids));
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        auto lift = [&](detail::replica_counts part) { f(g_counter(std::move(part))); };
        counts_.split(max_bytes, lift);
    }

    void write(wire::writer& w) const { counts_.write(w); }
    void read(wire::reader& r) { counts_.read(r); }

    g_counter() = default;
    friend bool operator==(const g_counter&, const g_counter&) = default;

private:
    explicit g_counter(detail::replica_counts counts) : counts_(std::move(counts)) {}

    detail::replica_counts counts_;
};

} // namespace joinery::crdt
