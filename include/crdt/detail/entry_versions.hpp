// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/dot_view.hpp>

#include <map>

namespace joinery::crdt::detail {

/// The dots of one entry with what stands under them.
template <class Store>
using dots_of_entry = std::map<dot, typename Store::view>;

template <class Store>
dots_of_entry<Store> entry_dots(const Store& store, const typename Store::view& named) {
    dots_of_entry<Store> dots;
    store.for_leaf(named, [&](const dot& d, const typename Store::view& v) {
        dots.emplace_hint(dots.end(), d, v);
    });
    return dots;
}

/// Digest of an entry's keys, dots and payloads.
/// Precondition: the entry has a dot; an entry without one has version zero.
template <class Store>
wire::digest entry_version(const typename Store::view& named, const Store& store) {
    return version_of([&](wire::writer& w) {
        put_keys(w, named);
        store.for_leaf(named, [&](const dot& d, const typename Store::view& v) {
            d.write(w);
            put_payload(w, v);
        });
    });
}
template <class View>
wire::digest entry_version(const View& named, const std::map<dot, View>& dots) {
    if (dots.empty()) return {};
    return version_of([&](wire::writer& w) {
        put_keys(w, named);
        for (const auto& [d, v] : dots) {
            d.write(w);
            put_payload(w, v);
        }
    });
}

/// Entries of a store as a change will leave them, beside what they are.
template <class Store>
class entry_changes {
public:
    using view = typename Store::view;

    explicit entry_changes(const Store& store) : store_(store) {}

    /// The dots, to be changed, of the entry that `v` names.
    dots_of_entry<Store>& of(const view& v) {
        const auto [entry, fresh] = after_.try_emplace(v);
        if (fresh) entry->second = entry_dots(store_, v);
        return entry->second;
    }

    /// Calls f(id, old version, new version) for each entry that does change.
    template <class F>
    void tell(entry_id path, F& f) const {
        for (const auto& [named, dots] : after_) {
            const auto now = store_.has_leaf(named) ? entry_version(named, store_) : wire::digest{};
            const auto then = entry_version(named, dots);
            if (now != then) f(entry_of(path, named), now, then);
        }
    }

private:
    const Store& store_;
    std::map<view, dots_of_entry<Store>, entry_before> after_;
};

} // namespace joinery::crdt::detail
