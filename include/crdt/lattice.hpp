// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/dot.hpp>
#include <wire/fields.hpp>

#include <compare>
#include <concepts>
#include <cstdint>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// Hybrid time: 48 bits of milliseconds above a 16-bit counter. See hybrid_clock.
using stamp_t = std::uint64_t;

/// Events `from` to `to` of an origin were truncated before they arrived here.
struct history_gap {
    replica_id origin;
    std::uint64_t from = 0;
    std::uint64_t to = 0;

    friend bool operator==(const history_gap&, const history_gap&) = default;
};

/// What a merge met that the application should hear of. The merge itself is lawful all the same.
struct report {
    std::vector<dot> double_spent;           ///< dots that arrived with two payloads
    std::vector<stamp_t> conflicting_stamps; ///< stamps one replica used for two values
    std::vector<history_gap> history_gaps;   ///< events that can no longer arrive

    bool empty() const {
        return double_spent.empty() && conflicting_stamps.empty() && history_gaps.empty();
    }
};

namespace detail {

template <class L>
concept has_leq = requires(const L& a) {
    { a.leq(a) } -> std::same_as<bool>;
};

template <class L>
concept has_difference = requires(const L& a) {
    { a.difference(a) } -> std::same_as<L>;
};

struct merge_fn {
    template <class L>
    bool operator()(L& a, const L& b, report* found = nullptr) const {
        if constexpr (wire::reflected<L>) {
            bool grew = false;
            wire::for_each_field<L>(
                [&]<class Field>(Field) { grew |= (*this)(Field::get(a), Field::get(b), found); });
            return grew;
        } else if constexpr (requires {
                                 { a.merge(b, found) } -> std::same_as<bool>;
                             }) {
            return a.merge(b, found);
        } else {
            static_assert(
                requires {
                    { a.merge(b) } -> std::same_as<bool>;
                }, "not a lattice: no `bool merge(const L&)`; is a struct field no CRDT?");
            return a.merge(b);
        }
    }
    template <class L>
    bool operator()(L& a, const L& b, report& found) const {
        return (*this)(a, b, &found);
    }
};

struct join_fn {
    template <class L>
    [[nodiscard]] L operator()(L a, const L& b) const {
        merge_fn{}(a, b);
        return a;
    }
};

struct leq_fn {
    template <class L>
    [[nodiscard]] bool operator()(const L& a, const L& b) const {
        if constexpr (wire::reflected<L>) {
            bool all = true;
            wire::for_each_field<L>(
                [&]<class Field>(Field) { all = all && (*this)(Field::get(a), Field::get(b)); });
            return all;
        } else if constexpr (has_leq<L>) {
            return a.leq(b);
        } else {
            L joined = b;
            return !merge_fn{}(joined, a);
        }
    }
};

struct compare_fn {
    template <class L>
    [[nodiscard]] std::partial_ordering operator()(const L& a, const L& b) const {
        const bool below = leq_fn{}(a, b);
        const bool above = leq_fn{}(b, a);
        if (below && above) return std::partial_ordering::equivalent;
        if (below) return std::partial_ordering::less;
        return above ? std::partial_ordering::greater : std::partial_ordering::unordered;
    }
};

struct difference_fn {
    template <class L>
    [[nodiscard]] L operator()(const L& a, const L& known) const {
        if constexpr (wire::reflected<L>) {
            L delta{};
            wire::for_each_field<L>([&]<class Field>(Field) {
                Field::get(delta) = (*this)(Field::get(a), Field::get(known));
            });
            return delta;
        } else if constexpr (has_difference<L>) {
            return a.difference(known);
        } else {
            return leq_fn{}(a, known) ? L{} : a;
        }
    }
};

} // namespace detail

/// a becomes a ⊔ b; true if a grew. With a report: also tells double-spent dots and stamps.
inline constexpr detail::merge_fn merge{};
/// a ⊔ b.
inline constexpr detail::join_fn join{};
/// The lattice order: `b` already contains everything in `a`.
inline constexpr detail::leq_fn leq{};
/// Both directions of leq: causality, never a total order.
inline constexpr detail::compare_fn compare{};
/// The smallest δ with known ⊔ δ == known ⊔ a.
inline constexpr detail::difference_fn difference{};

/// A join-semilattice: a regular type whose default value is the least element. A type brings
/// `bool merge(const L&, report* = nullptr)` (and `leq`, `difference` when it can do better than
/// the default); a Hana struct of lattices is one by its fields. testing/laws.hpp checks:
///     idempotent   a ⊔ a       == a               commutative  a ⊔ b   == b ⊔ a
///     associative  (a ⊔ b) ⊔ c == a ⊔ (b ⊔ c)     identity     a ⊔ L{} == a
///     inflation    leq(a, a ⊔ b)                  growth       merge(a, b) == !leq(b, a)
///     delta        before ⊔ δ == after            difference   known ⊔ (a − known) == known ⊔ a
/// They hold for every value that can be decoded, not only for what correct replicas send.
template <class L>
concept join_semilattice = std::regular<L> && requires(L& a, const L& b) {
    { crdt::merge(a, b) } -> std::same_as<bool>;
};

} // namespace joinery::crdt
