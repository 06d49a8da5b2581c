// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <compare>
#include <cstddef>
#include <utility>
#include <vector>

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <testing/random_history.hpp>
#include <wire/codec.hpp>

namespace joinery::testing {

/// What every lattice keeps. a, b, c are any three states, δ a delta, ⊥ the default value.
///
/// Each law is one function over a random history; it answers whether the law held there.
/// They hold for every value that can be decoded, also when two events share a dot.
template <crdt::join_semilattice T>
struct lattice_laws {
    using history = random_history<T>;

    /// a ⊔ b == b ⊔ a, also between states and deltas.
    static bool commutative(const history& h, rng& random) {
        const auto& [a, b, c] = h.replicas;
        const T& d = any_delta(h, random);
        return crdt::join(a, b) == crdt::join(b, a) && crdt::join(c, d) == crdt::join(d, c);
    }

    /// (a ⊔ b) ⊔ c == a ⊔ (b ⊔ c)
    static bool associative(const history& h, rng& random) {
        const auto& [a, b, c] = h.replicas;
        const T& d = any_delta(h, random);
        return crdt::join(crdt::join(a, b), c) == crdt::join(a, crdt::join(b, c)) &&
               crdt::join(crdt::join(a, d), b) == crdt::join(a, crdt::join(d, b));
    }

    /// a ⊔ a == a, for a copy and for the same object; neither grew.
    static bool idempotent(const history& h, rng&) {
        T a = h.replicas[0];
        const T copy = a;
        const bool copy_grew = crdt::merge(a, copy);
        const bool kept = a == copy;
        const T& same = a;
        const bool self_grew = crdt::merge(a, same);
        return !copy_grew && !self_grew && kept && a == copy;
    }

    /// a ⊔ ⊥ == a == ⊥ ⊔ a, and ⊥ ≤ a.
    static bool identity(const history& h, rng& random) {
        for (const T* a : {&h.replicas[0], &any_delta(h, random)}) {
            T b = *a;
            const bool grew = crdt::merge(b, T{});
            if (grew || b != *a || crdt::join(T{}, *a) != *a || !crdt::leq(T{}, *a)) return false;
        }
        return true;
    }

    /// a ≤ a ⊔ b, b ≤ a ⊔ b, and a ≤ b exactly when a ⊔ b == b.
    static bool inflation(const history& h, rng& random) {
        const auto& [a, b, c] = h.replicas;
        const T both = crdt::join(a, b);
        const T& d = any_delta(h, random);
        return crdt::leq(a, both) && crdt::leq(b, both) && crdt::leq(a, b) == (both == b) &&
               crdt::leq(d, c) == (crdt::join(c, d) == c);
    }

    /// merge answers true exactly when the state changed; so does merge with a report.
    static bool growth_told(const history& h, rng& random) {
        const T& a = h.replicas[0];
        for (const T* other : {&h.replicas[1], &any_delta(h, random), &h.earlier[0]}) {
            T plain = a;
            if (crdt::merge(plain, *other) != (plain != a)) return false;
            if constexpr (requires(crdt::report& r) { crdt::merge(plain, *other, r); }) {
                T reported = a;
                crdt::report report;
                if (crdt::merge(reported, *other, report) != (plain != a)) return false;
                if (reported != plain) return false;
            }
        }
        return true;
    }

    /// compare is leq asked both ways.
    static bool compared(const history& h, rng&) {
        const auto& [a, b, c] = h.replicas;
        const T both = crdt::join(a, b);
        return compare_agrees(a, b) && compare_agrees(b, a) && compare_agrees(a, both) &&
               compare_agrees(both, c) && compare_agrees(a, a);
    }

    /// before ⊔ δ == after, before ≤ after and δ ≤ after.
    static bool delta(const history& h, rng& random) {
        for (std::size_t i = 0; i < h.replicas.size(); ++i) {
            T after = h.replicas[i];
            const T d = h.step(after, i, random);
            if (crdt::join(h.replicas[i], d) != after) return false;
            if (!crdt::leq(h.replicas[i], after) || !crdt::leq(d, after)) return false;
        }
        return true;
    }

    /// Deltas in any order, repeated, joined or split, leave the author's state.
    static bool deltas_in_any_order(const history& h, rng& random) {
        T author = h.replicas[0];
        std::vector<T> inbox;
        for (auto steps = 1 + random.below(8); steps > 0; --steps) {
            const T d = h.step(author, 0, random);
            const auto how = random.below(4);
            if (how == 0 && !inbox.empty()) inbox.push_back(crdt::join(d, inbox.front()));
            if (how != 1) inbox.push_back(d);
            if (how == 1) in_parts(d, random, inbox);
            if (how == 2) inbox.push_back(d);
        }
        for (std::size_t i = inbox.size(); i > 1; --i)
            std::swap(inbox[i - 1], inbox[static_cast<std::size_t>(random.below(i))]);
        T reader = h.replicas[0];
        for (const T& d : inbox) crdt::merge(reader, d);
        return reader == author;
    }

    /// What was absorbed once changes nothing when it comes again: nothing removed comes back.
    static bool nothing_comes_back(const history& h, rng&) {
        T now = h.replicas[0];
        for (const T& old : h.absorbed)
            if (!crdt::leq(old, now) || crdt::merge(now, old)) return false;
        return !crdt::merge(now, h.earlier[0]) && now == h.replicas[0];
    }

    /// Changing a copy leaves the original alone.
    static bool copies_are_values(const history& h, rng& random) {
        const auto before = wire::encode_nested(h.replicas[0]);
        T copy = h.replicas[0];
        h.step(copy, 0, random);
        crdt::merge(copy, h.replicas[1]);
        return wire::encode_nested(h.replicas[0]) == before;
    }

    /// known ⊔ difference(a, known) == known ⊔ a, and the difference holds nothing else.
    static bool difference(const history& h, rng& random) {
        const auto& [a, known, c] = h.replicas;
        const T lacking = crdt::difference(a, known);
        if (crdt::join(known, lacking) != crdt::join(known, a)) return false;
        if (!crdt::leq(lacking, a) || crdt::difference(lacking, known) != lacking) return false;
        const T& d = any_delta(h, random);
        if (crdt::join(c, crdt::difference(d, c)) != crdt::join(c, d)) return false;
        return crdt::difference(a, a) == T{} && crdt::difference(a, crdt::join(known, a)) == T{} &&
               crdt::difference(a, T{}) == a;
    }

    static const T& any_delta(const history& h, rng& random) {
        if (h.deltas.empty()) return h.earlier[1];
        return h.deltas[static_cast<std::size_t>(random.below(h.deltas.size()))];
    }

private:
    static bool compare_agrees(const T& a, const T& b) {
        const bool below = crdt::leq(a, b), above = crdt::leq(b, a);
        const std::partial_ordering order = crdt::compare(a, b);
        if ((a == b) != (below && above)) return false;
        if (below && above) return order == std::partial_ordering::equivalent;
        if (below) return order == std::partial_ordering::less;
        return order == (above ? std::partial_ordering::greater : std::partial_ordering::unordered);
    }

    static void in_parts(const T& d, rng& random, std::vector<T>& inbox) {
        if constexpr (crdt::replicated<T>) {
            const auto most = static_cast<std::size_t>(1 + random.below(64));
            crdt::split(d, most, [&](T part) { inbox.push_back(std::move(part)); });
        } else {
            inbox.push_back(d);
        }
    }
};

} // namespace joinery::testing
