// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/causal_context.hpp>
#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>

#include <compare>
#include <cstddef>

namespace joinery::crdt::detail {

/// What stands under one dot of a store, by reference: the keys from the outermost map inwards,
/// then the payload. Valid until the store that it points into changes.
template <class P>
struct payload_view {
    const P* payload = nullptr;
};

template <class K, class Below>
struct keyed_view {
    const K* key = nullptr;
    Below below;
};

/// Order of the canonical bytes: of two payloads under one dot the greater wins everywhere.
template <class P>
std::strong_ordering compare_views(const payload_view<P>& a, const payload_view<P>& b) {
    return compare_bytes(*a.payload, *b.payload);
}
template <class K, class Below>
std::strong_ordering compare_views(const keyed_view<K, Below>& a, const keyed_view<K, Below>& b) {
    const auto by_key = compare_bytes(*a.key, *b.key);
    return by_key != 0 ? by_key : compare_views(a.below, b.below);
}

/// Order by the keys alone: views that name one entry are equivalent.
struct entry_before {
    template <class P>
    bool operator()(const payload_view<P>&, const payload_view<P>&) const {
        return false;
    }
    template <class K, class Below>
    bool operator()(const keyed_view<K, Below>& a, const keyed_view<K, Below>& b) const {
        if (*a.key < *b.key) return true;
        return !(*b.key < *a.key) && (*this)(a.below, b.below);
    }
};

template <class P>
entry_id entry_of(entry_id path, const payload_view<P>&) {
    return path;
}
template <class K, class Below>
entry_id entry_of(entry_id path, const keyed_view<K, Below>& v) {
    return entry_of(path_of(path, *v.key), v.below);
}

template <class P>
void put_keys(wire::writer&, const payload_view<P>&) {}
template <class K, class Below>
void put_keys(wire::writer& w, const keyed_view<K, Below>& v) {
    wire::put(w, *v.key);
    put_keys(w, v.below);
}

template <class P>
void put_payload(wire::writer& w, const payload_view<P>& v) {
    wire::put(w, *v.payload);
}
template <class K, class Below>
void put_payload(wire::writer& w, const keyed_view<K, Below>& v) {
    put_payload(w, v.below);
}

/// The stamp of what stands under a dot, if the payload tells it by max_stamp().
template <class P>
stamp_t stamp_of(const payload_view<P>& v)
    requires requires { v.payload->max_stamp(); }
{
    return v.payload->max_stamp();
}
template <class K, class Below>
stamp_t stamp_of(const keyed_view<K, Below>& v)
    requires requires { stamp_of(v.below); }
{
    return stamp_of(v.below);
}

/// Calls f(*at) for the items of a sorted range with dots that lie in `seen`, in dot order, in
/// O(min(intervals, items) log); `dot_of` tells an item's dot, `from` finds the first at a dot.
template <class Range, class DotOf, class From, class F>
void for_items_in(const Range& items, const causal_context& seen, DotOf dot_of, From from, F f) {
    if (seen.intervals().size() > items.size()) {
        for (const auto& item : items)
            if (seen.contains(dot_of(item))) f(item);
        return;
    }
    for (const auto& i : seen.intervals())
        for (auto at = from(dot{i.replica, i.first});
             at != items.end() && dot_of(*at).replica == i.replica && dot_of(*at).counter <= i.last;
             ++at)
            f(*at);
}

/// The same for a map from dots.
template <class Map, class F>
void for_dots_in(const Map& map, const causal_context& seen, F f) {
    for_items_in(
        map, seen, [](const auto& item) -> const dot& { return item.first; },
        [&](const dot& d) { return map.lower_bound(d); }, f);
}

} // namespace joinery::crdt::detail
