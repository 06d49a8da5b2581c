// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/int128.hpp>
#include <crdt/detail/replica_counts.hpp>
#include <crdt/error.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace joinery::crdt {

/// Grow-only counter.
///
/// State      replica -> events counted there; an absent replica counted none.
/// Join       pointwise maximum.
/// Value      exact sum over replicas, in 128 bits.
/// Invariant  no slot is 0 or above 2^63 - 1.
/// Cost       increment O(log replicas), merge O(replicas), of a delta O(|δ|
/// log replicas). Source     Shapiro et al. 2011, INRIA RR-7506,
/// specification 6.
class g_counter : public detail::slot_lattice<g_counter, detail::replica_counts> {
public:
    static constexpr std::string_view schema_name = "g_counter";

    /// Counts `amount` events at `self` and returns the delta; 0 gives bottom.
    /// Throws negative_amount or counter_exhausted with the state unchanged.
    template <std::integral Amount = std::uint64_t>
    g_counter increment(replica_id self, Amount amount = 1) {
        place_hint place = 0;
        return increment(self, amount, place);
    }

    /// Where a counter had a slot. Any value fits any counter: it only saves
    /// looking.
    using place_hint = std::size_t;

    /// The same for a caller that counts often and keeps `place` from call to
    /// call.
    template <std::integral Amount>
    g_counter increment(replica_id self, Amount amount, place_hint& place) {
        auto* mine = slots_.slot_of(self, place);
        const auto after = detail::raised_by(mine != nullptr ? *mine : 0, amount);
        g_counter delta;
        if (amount == 0) return delta;
        delta.slots_.set_first(self, after);
        if (mine != nullptr)
            *mine = after;
        else
            slots_.insert(place, self, after);
        return delta;
    }

    uint128 value() const {
        uint128 sum = 0;
        for (const auto count : slots_.counts()) sum += count;
        return sum;
    }

    /// Events counted at one replica.
    std::uint64_t slot(replica_id id) const { return slots_.get(id); }

    g_counter() = default;
    friend bool operator==(const g_counter&, const g_counter&) = default;
};

} // namespace joinery::crdt
