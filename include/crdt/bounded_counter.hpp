// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/int128.hpp>
#include <crdt/detail/rights.hpp>
#include <crdt/error.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace joinery::crdt {

/// A replica would spend rights that it does not have, or not durably. The state is unchanged.
class insufficient_rights : public std::invalid_argument {
public:
    insufficient_rights() : std::invalid_argument("not enough durable rights") {}
};

/// Counter that never falls below 0, without asking anybody.
///
/// State      cell (i, j), written by i alone: on the diagonal what i added and what it took away,
///            elsewhere what i gave to j and what it reclaimed from a dead j.
/// Join       pointwise maximum.
/// Value      added less taken away, exact; 0 while a decrement came before what paid for it.
/// Invariant  a replica spends only what it was given or added, and that durably: see rights().
/// Cost       a mutator and rights() O(cells), merge O(cells), of a delta O(|δ| log cells).
/// Source     Balegas et al. 2015, Bounded Counter; durable rights and reclaim are ours.
class bounded_counter : public detail::slot_lattice<bounded_counter, detail::right_cells> {
public:
    static constexpr std::string_view schema_name = "bounded_counter";

    /// Adds `amount`, and as many rights of `self` to take away; 0 gives bottom.
    /// Throws negative_amount or counter_exhausted with the state unchanged.
    template <std::integral Amount = std::uint64_t>
    bounded_counter increment(replica_id self, Amount amount = 1) {
        const auto after = detail::raised_by(slots_.get({self, self}).up, amount);
        return amount == 0 ? bounded_counter{} : raise({self, self}, {after, 0});
    }

    /// Takes `amount` away and spends as many durable rights of `self`; `durable` is the state that
    /// its host last saved (the counter itself, if each state is saved before its delta leaves).
    /// The delta shows the own increments too. Throws insufficient_rights, or as increment.
    template <std::integral Amount>
    bounded_counter decrement(replica_id self, Amount amount, const bounded_counter& durable) {
        require(self, amount, durable);
        auto own = slots_.get({self, self});
        own.down = detail::raised_by(own.down, amount);
        return amount == 0 ? bounded_counter{} : raise({self, self}, own);
    }

    /// Gives durable rights of `self` to another replica; to itself it is a bottom delta.
    /// Throws insufficient_rights, or as increment.
    template <std::integral Amount>
    bounded_counter transfer(replica_id self, replica_id to, Amount amount,
                             const bounded_counter& durable) {
        require(self, amount, durable);
        const auto given = detail::raised_by(to == self ? 0 : slots_.get({self, to}).up, amount);
        return amount == 0 || to == self ? bounded_counter{} : give(self, to, given);
    }

    /// The last act of an incarnation that stops cleanly: gives all its durable rights to the one
    /// that follows; bottom if that is itself. The state must be saved after this, before the lease
    /// is marked clean. Throws counter_exhausted with the state unchanged.
    bounded_counter hand_on(replica_id self, replica_id next, const bounded_counter& durable) {
        if (next == self) return {};
        const auto all = rights(self, durable);
        return all == 0 ? bounded_counter{}
                        : give(self, next, raised(slots_.get({self, next}).up, all));
    }

    /// Takes over all rights of a dead incarnation; an operator's decision.
    /// Precondition: `old` never writes again, and `last` holds all that `old` ever sent or made
    /// durable and what was reclaimed from it before; one replica at a time reclaims from `old`.
    /// Deltas of `old` still under way are then known already. Throws counter_exhausted.
    bounded_counter reclaim(replica_id self, replica_id old, const bounded_counter& last) {
        if (old == self) return {};
        bounded_counter delta = last.difference(*this), known = *this;
        known.merge(delta);
        const auto place = detail::matrix_place{self, old};
        if (const auto left = known.rights(old); left != 0)
            delta.slots_.raise(place, {0, raised(known.slots_.get(place).down, left)});
        merge(delta);
        return delta;
    }

    uint128 value() const {
        const auto up = added(), down = taken();
        return up > down ? up - down : 0;
    }
    /// The sum of all increments known here.
    uint128 added() const {
        return sum([](const auto& s) { return s.key().diagonal() ? s.count.up : 0; });
    }
    /// The sum of all decrements known here; above added() only while increments are under way.
    uint128 taken() const {
        return sum([](const auto& s) { return s.key().diagonal() ? s.count.down : 0; });
    }

    /// What one replica added, and what it took away.
    std::uint64_t added(replica_id id) const { return slots_.get({id, id}).up; }
    std::uint64_t taken(replica_id id) const { return slots_.get({id, id}).down; }

    /// The rights that a replica holds as far as this state shows, durable or not.
    uint128 rights(replica_id id) const { return rights(id, *this); }

    /// The rights that `self` may spend if `durable` was saved: those gained in both states, less
    /// all that this one shows spent, given away, or reclaimed by others. A crash then forgets no
    /// right that anybody saw spent.
    uint128 rights(replica_id self, const bounded_counter& durable) const {
        uint128 gained = 0, gone = 0;
        for (const auto& s : slots_.slots()) {
            if (s.at.writer != self && s.at.other != self) continue;
            const auto safe = durable.slots_.get(s.at);
            const bool reclaimer = s.at.writer == self && !s.at.diagonal();
            gained += reclaimer ? std::min(s.count.down, safe.down) : std::min(s.count.up, safe.up);
            gone += reclaimer ? s.count.up : s.count.down;
        }
        return gained > gone ? gained - gone : 0;
    }

    bounded_counter() = default;
    friend bool operator==(const bounded_counter&, const bounded_counter&) = default;

private:
    template <std::integral Amount>
    void require(replica_id self, Amount amount, const bounded_counter& durable) const {
        if (std::cmp_less(amount, 0)) throw negative_amount();
        if (static_cast<uint128>(amount) > rights(self, durable)) throw insufficient_rights();
    }

    static std::uint64_t raised(std::uint64_t before, uint128 amount) {
        if (amount > max_count - before) throw counter_exhausted();
        return before + static_cast<std::uint64_t>(amount);
    }

    /// Own increments travel with what they pay for.
    bounded_counter give(replica_id self, replica_id to, std::uint64_t total) {
        bounded_counter delta;
        delta.slots_.raise({self, self}, slots_.get({self, self}));
        delta.slots_.raise({self, to}, {total, 0});
        merge(delta);
        return delta;
    }

    template <class F>
    uint128 sum(F part) const {
        uint128 total = 0;
        for (const auto& s : slots_.slots()) total += part(s);
        return total;
    }
};

} // namespace joinery::crdt
