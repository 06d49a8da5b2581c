// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <wire/fields.hpp>

namespace joinery::gossip::detail {

template <class S>
concept causal = requires(const S& s) {
    { s.delta_since(s.context().difference(s.context())) } -> std::same_as<S>;
};

template <class S>
concept keyed = requires(const S& s) {
    s.entries().begin()->second;
    { S::lift(s.entries().begin()->first, s.entries().begin()->second) } -> std::same_as<S>;
};

template <class S>
concept removable = requires(const S& s) { s.removes(); };

/// Whether named() finds everything that a delta can take away from an S.
template <class S>
constexpr bool names_all() {
    if constexpr (wire::reflected<S>) {
        bool all = true;
        wire::for_each_field<S>([&]<class Field>(Field) {
            all = all && names_all<std::remove_cvref_t<decltype(Field::get(std::declval<S&>()))>>();
        });
        return all;
    } else if constexpr (keyed<S>) {
        using value = std::remove_cvref_t<decltype(std::declval<S&>().entries().begin()->second)>;
        return names_all<value>();
    } else {
        return causal<S> || !removable<S>;
    }
}

/// The live elements of s whose dots the delta names, in O(|δ| + intervals). After a merge the
/// delta alone no longer tells which elements have lost some of their dots but not all.
template <class S>
S named(const S& s, const S& delta) {
    S part{};
    if constexpr (wire::reflected<S>) {
        wire::for_each_field<S>([&]<class Field>(Field) {
            Field::get(part) = named(Field::get(s), Field::get(delta));
        });
    } else if constexpr (causal<S>) {
        if (crdt::removes(delta))
            part = s.delta_since(s.context().difference(delta.context()));
    } else if constexpr (keyed<S>) {
        for (const auto& [key, change] : delta.entries())
            if (const auto* value = s.find(key))
                crdt::merge(part, S::lift(key, named(*value, change)));
    }
    return part;
}

} // namespace joinery::gossip::detail
