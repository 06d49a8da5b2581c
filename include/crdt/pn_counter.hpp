// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/replica_counts.hpp>
#include <crdt/detail/signed_int128.hpp>
#include <crdt/error.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace joinery::crdt {

/// Counter that goes up and down.
///
/// State      replica -> what it added and what it took away, two sums that only grow.
/// Join       pointwise maximum of both.
/// Value      added less taken away, exact and signed, in 128 bits.
/// Invariant  no slot holds two zeros or a sum above 2^63 - 1.
/// Cost       increment, decrement O(log replicas), merge O(replicas), of a delta
///            O(|δ| log replicas).
/// Source     Shapiro et al. 2011, INRIA RR-7506, specification 7.
class pn_counter : public detail::slot_lattice<pn_counter, detail::replica_pairs> {
public:
    static constexpr std::string_view schema_name = "pn_counter";

    /// Adds `amount` at `self` and returns the delta; 0 gives bottom.
    /// Throws negative_amount or counter_exhausted with the state unchanged.
    template <std::integral Amount = std::uint64_t>
    pn_counter increment(replica_id self, Amount amount = 1) {
        const auto after = detail::raised_by(slots_.get(self).up, amount);
        return amount == 0 ? pn_counter{} : raise(self, {after, 0});
    }

    /// Takes `amount` away at `self` and returns the delta; as increment otherwise.
    template <std::integral Amount = std::uint64_t>
    pn_counter decrement(replica_id self, Amount amount = 1) {
        const auto after = detail::raised_by(slots_.get(self).down, amount);
        return amount == 0 ? pn_counter{} : raise(self, {0, after});
    }

    int128 value() const {
        int128 sum = 0;
        for (const auto& slot : slots_.slots())
            sum += static_cast<int128>(slot.count.up) - static_cast<int128>(slot.count.down);
        return sum;
    }

    /// What one replica added, and what it took away.
    std::uint64_t added(replica_id id) const { return slots_.get(id).up; }
    std::uint64_t taken(replica_id id) const { return slots_.get(id).down; }

    pn_counter() = default;
    friend bool operator==(const pn_counter&, const pn_counter&) = default;
};

} // namespace joinery::crdt
