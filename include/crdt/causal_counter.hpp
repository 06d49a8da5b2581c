// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>
#include <crdt/detail/signed_int128.hpp>
#include <crdt/error.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace joinery::crdt {

namespace detail {

/// What one event of a counter adds. Never 0; its magnitude is at most 2^63 - 1.
struct amount {
    std::int64_t value = 0;

    void write(wire::writer& w) const { w.svarint(value); }
    void read(wire::reader& r) {
        value = r.svarint();
        if (value == 0 || value < -static_cast<std::int64_t>(max_count))
            r.fail(wire::errc::bad_value);
    }
    friend auto operator<=>(const amount&, const amount&) = default;
};

} // namespace detail

/// A causal_counter to be read; what stands for a counter in a map of counters.
class causal_counter_amounts : public dot_fun<detail::amount> {
public:
    /// The exact sum.
    int128 value() const {
        int128 sum = 0;
        for (const auto& [d, amount] : payloads()) sum += amount.value;
        return sum;
    }
};

/// Counter that can be reset, alone or as a value of an or_map.
///
/// State      dot -> signed amount for the increments not reset, and the context of all dots seen.
/// Join       as for every causal type; two amounts under one dot are reported, greater bytes win.
/// Value      exact sum, in 128 bits.
/// Invariant  a reset takes away exactly the increments seen: of 100 reset concurrently with an
///            increment of 7, 7 is left. No amount is 0 or above 2^63 - 1.
/// Cost       increment O(log dots), value O(dots): one dot an increment until compact().
/// Source     Almeida et al. 2018, arXiv 1603.01529; Baquero et al. 2016 (resettable counters).
class causal_counter : public detail::causal<causal_counter, causal_counter_amounts> {
public:
    static constexpr std::string_view schema_name = "causal_counter";

    /// Adds `amount` under a new dot and returns the delta; 0 gives bottom.
    /// Throws negative_amount or counter_exhausted with the state unchanged.
    template <std::integral Amount = std::uint64_t>
    causal_counter increment(replica_id self, Amount amount = 1) {
        return add(self, checked(amount));
    }
    /// The same, down.
    template <std::integral Amount = std::uint64_t>
    causal_counter decrement(replica_id self, Amount amount = 1) {
        return add(self, -checked(amount));
    }

    /// Takes away all increments seen; bottom if there is none. Mints no dot.
    causal_counter reset(replica_id) { return applied(cancelling(&live())); }

    /// Folds the dots of `self` into one and returns the delta; the value stays. A reset by a
    /// replica that has not seen this misses what was folded. Bottom if there is nothing to fold.
    /// Throws counter_exhausted, the state unchanged, if the sum has no slot.
    causal_counter compact(replica_id self) {
        causal_counter delta;
        int128 sum = 0;
        std::size_t dots = 0;
        causal_context own;
        if (context().last(self) != 0)
            own.add(causal_context::interval{self, 1, context().last(self)});
        live().for_each_in(own, [&](const dot& d, const auto& v) {
            claims(delta).add(d);
            sum += v.payload->value;
            ++dots;
        });
        if (dots < 2) return {};
        if (sum > int128{max_count} || sum < -int128{max_count}) throw counter_exhausted();
        put(delta, self, static_cast<std::int64_t>(sum));
        return applied(std::move(delta));
    }

    /// The exact sum.
    int128 value() const { return live().value(); }

private:
    template <std::integral Amount>
    static std::int64_t checked(Amount amount) {
        if (std::cmp_less(amount, 0)) throw negative_amount();
        if (std::cmp_greater(amount, max_count)) throw counter_exhausted();
        return static_cast<std::int64_t>(amount);
    }

    causal_counter add(replica_id self, std::int64_t amount) {
        causal_counter delta;
        put(delta, self, amount);
        return applied(std::move(delta));
    }

    void put(causal_counter& delta, replica_id self, std::int64_t amount) const {
        if (amount == 0) return;
        const detail::amount added{amount};
        const auto minted = mint(delta, self);
        live(delta).put(minted, {&added});
    }
};

} // namespace joinery::crdt
