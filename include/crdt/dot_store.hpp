// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/dot_columns.hpp>
#include <crdt/detail/dot_view.hpp>
#include <crdt/detail/ordered_chunks.hpp>
#include <crdt/detail/payload_column.hpp>

#include <algorithm>
#include <compare>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// What a store of live dots brings, so that one causal join serves all: dot_set, dot_fun, dot_map.
/// put and replace throw with the store as it was, drop does not throw.
/// A view is what stands under a dot: keys and payload, by reference; an entry is the dots under
/// equal keys. `columns` are the views of many dots as they come off the wire.
template <class S>
concept dot_store = std::regular<S> && requires(S& s, const S& c, const dot& d, typename S::view v,
                                                typename S::columns& columns, wire::reader& r) {
    { c.dot_count() } -> std::same_as<std::size_t>;
    { c.holds(d) } -> std::same_as<bool>;
    { c.at(d) } -> std::same_as<std::optional<typename S::view>>;
    s.put(d, v);
    s.replace(d, v);
    s.drop(d);
    columns.read(r, std::size_t{});
    { columns.at(std::size_t{}) } -> std::same_as<typename S::view>;
};

/// The payload of a dot that has none.
struct no_payload {
    void write(wire::writer&) const {}
    void read(wire::reader&) {}
    friend auto operator<=>(const no_payload&, const no_payload&) = default;
};

/// Live dots without payload.
///
/// State      sorted dots, one of them in the object itself.
/// Cost       O(log n), whatever many dots come or go at once.
/// Source     Almeida et al. 2018, arXiv 1603.01529 (DotSet).
class dot_set {
public:
    using view = detail::payload_view<no_payload>;
    /// Tables of keys on the wire.
    static constexpr std::size_t tables = 0;
    /// The most memory that one dot may take, its column included and what a payload owns not.
    static constexpr std::size_t dot_memory = 4 * sizeof(dot);

    std::size_t dot_count() const { return dots_.size(); }
    bool holds(const dot& d) const { return dots_.contains(d); }
    std::optional<view> at(const dot& d) const {
        return holds(d) ? std::optional(view{&none}) : std::nullopt;
    }
    /// Precondition: d is not held.
    void put(const dot& d, const view&) { dots_.insert(dots_.lower_bound(d), {d, none}); }
    /// Precondition: d is held.
    void replace(const dot&, const view&) {}
    /// Precondition: d is held.
    void drop(const dot& d) { dots_.erase(dots_.find(d)); }

    /// Calls f(dot, view) in dot order.
    template <class F>
    void for_each(F f) const {
        for (const auto& item : dots_) f(item.first, view{&none});
    }
    /// The same for the dots in `seen`.
    template <class F>
    void for_each_in(const causal_context& seen, F f) const {
        detail::for_dots_in(dots_, seen, [&](const auto& item) { f(item.first, view{&none}); });
    }
    /// Calls f(view) once an entry.
    template <class F>
    void for_each_leaf(F f) const {
        if (!dots_.empty()) f(view{&none});
    }
    bool has_leaf(const view&) const { return !dots_.empty(); }
    /// Calls f(dot, view) for the dots of the entry that `v` names.
    template <class F>
    void for_leaf(const view&, F f) const {
        for_each(f);
    }

    struct columns {
        void read(wire::reader&, std::size_t) {}
        view at(std::size_t) const { return {&none}; }
    };
    static void write_columns(wire::writer&, std::span<const view>) {}
    static std::size_t view_bytes(const view&) { return 0; }

    friend bool operator==(const dot_set&, const dot_set&) = default;

private:
    static constexpr no_payload none{};

    detail::ordered_chunks<dot, no_payload> dots_;
};

/// Live dots with a payload each.
///
/// State      dot -> payload.
/// Cost       O(log n).
/// Source     Almeida et al. 2018, arXiv 1603.01529 (DotFun).
template <class P>
class dot_fun {
public:
    using view = detail::payload_view<P>;
    static constexpr std::size_t tables = 0;
    static constexpr std::size_t dot_memory =
        wire::detail::tree_memory<std::pair<dot, P>> + 2 * sizeof(P);

    std::size_t dot_count() const { return payloads_.size(); }
    const std::map<dot, P>& payloads() const { return payloads_; }
    bool holds(const dot& d) const { return payloads_.contains(d); }
    std::optional<view> at(const dot& d) const {
        const auto found = payloads_.find(d);
        return found == payloads_.end() ? std::nullopt : std::optional(view{&found->second});
    }
    /// Precondition: d is not held.
    void put(const dot& d, const view& v) { payloads_.emplace(d, *v.payload); }
    void replace(const dot& d, const view& v) {
        P copy = *v.payload;
        payloads_.find(d)->second = std::move(copy);
    }
    void drop(const dot& d) { payloads_.erase(d); }

    template <class F>
    void for_each(F f) const {
        for (const auto& [d, payload] : payloads_) f(d, view{&payload});
    }
    template <class F>
    void for_each_in(const causal_context& seen, F f) const {
        detail::for_dots_in(payloads_, seen,
                            [&](const auto& item) { f(item.first, view{&item.second}); });
    }
    template <class F>
    void for_each_leaf(F f) const {
        if (!payloads_.empty()) f(view{&payloads_.begin()->second});
    }
    bool has_leaf(const view&) const { return !payloads_.empty(); }
    template <class F>
    void for_leaf(const view&, F f) const {
        for_each(f);
    }

    struct columns {
        void read(wire::reader& r, std::size_t n) { payloads.read(r, n); }
        view at(std::size_t i) const { return {&payloads[i]}; }

        detail::payload_column<P> payloads;
    };
    static void write_columns(wire::writer& w, std::span<const view> views) {
        detail::payload_column<P>::write(w, views, [](const view& v) { return v.payload; });
    }
    static std::size_t view_bytes(const view& v) { return detail::column_bytes(*v.payload); }

    friend bool operator==(const dot_fun&, const dot_fun&) = default;

private:
    std::map<dot, P> payloads_;
};

/// Live dots below keys.
///
/// State      key -> store, none of them empty; dot -> its key.
/// Invariant  a dot is live under one key at most; the index follows from the stores.
/// Cost       O(log n) for a key and for a dot: dropping a dot looks at no other key.
/// Source     Almeida et al. 2018, arXiv 1603.01529 (DotMap), with an index.
template <element K, dot_store S>
class dot_map {
public:
    using view = detail::keyed_view<K, typename S::view>;
    /// Whether the keys are a plain column on the wire: where mostly one dot is below each.
    static constexpr bool bare = std::same_as<typename S::view, dot_set::view>;
    static constexpr std::size_t tables = S::tables + (bare ? 0 : 1);
    static constexpr std::size_t dot_memory =
        S::dot_memory + 80 + wire::detail::tree_memory<std::pair<K, S>> + 2 * sizeof(K) + 32;

    dot_map() = default;
    dot_map(const dot_map& other) : stores_(other.stores_) { copy_index(other); }
    dot_map(dot_map&&) noexcept = default;
    dot_map& operator=(const dot_map& other) {
        if (this != &other) *this = dot_map(other);
        return *this;
    }
    dot_map& operator=(dot_map&&) noexcept = default;
    ~dot_map() = default;

    std::size_t dot_count() const { return index_.size(); }
    /// The keys and stores in order, each with `first` and `second`.
    const auto& entries() const { return stores_; }
    const S* below(const K& key) const {
        const auto found = stores_.find(key);
        return found == stores_.end() ? nullptr : &found->second;
    }
    bool holds(const dot& d) const { return index_.contains(d); }
    std::optional<view> at(const dot& d) const {
        const auto found = index_.find(d);
        return found == index_.end() ? std::nullopt : std::optional(view_of(*found));
    }
    /// Precondition: d is not held.
    void put(const dot& d, const view& v) {
        const auto [here, fresh] = make(*v.key);
        bool indexed = false;
        try {
            index_.insert(index_.lower_bound(d), {d, here});
            indexed = true;
            here->second.put(d, v.below);
        } catch (...) { // memory ran out: as if nothing had been put
            if (indexed) index_.erase(index_.find(d));
            if (fresh) drop(here);
            throw;
        }
    }
    /// Precondition: d is held. It moves to what `v` names; if memory runs out, it stays.
    void replace(const dot& d, const view& v) {
        const auto slot = index_.find(d);
        const auto from = slot->second;
        if (!(from->first < *v.key) && !(*v.key < from->first))
            return from->second.replace(d, v.below);
        const auto [to, fresh] = make(*v.key);
        try {
            to->second.put(d, v.below);
        } catch (...) {
            if (fresh) drop(to);
            throw;
        }
        slot->second = to;
        from->second.drop(d);
        if (from->second.dot_count() == 0) drop(from);
    }
    /// Precondition: d is held.
    void drop(const dot& d) {
        const auto found = index_.find(d);
        const auto here = found->second;
        index_.erase(found);
        here->second.drop(d);
        if (here->second.dot_count() == 0) drop(here);
    }

    template <class F>
    void for_each(F f) const {
        for (const auto& item : index_) f(item.first, view_of(item));
    }
    template <class F>
    void for_each_in(const causal_context& seen, F f) const {
        detail::for_dots_in(index_, seen, [&](const auto& item) { f(item.first, view_of(item)); });
    }
    template <class F>
    void for_each_leaf(F f) const {
        for (const auto& [key, store] : stores_)
            store.for_each_leaf([&](const auto& below) { f(view{&key, below}); });
    }
    bool has_leaf(const view& v) const {
        const auto found = stores_.find(*v.key);
        return found != stores_.end() && found->second.has_leaf(v.below);
    }
    template <class F>
    void for_leaf(const view& v, F f) const {
        const auto found = stores_.find(*v.key);
        if (found == stores_.end()) return;
        found->second.for_leaf(v.below, [&](const dot& d, const auto& below) {
            f(d, view{&found->first, below});
        });
    }

    /// Takes the store under `key` out for a change; settle() must follow before anything else.
    /// The place of the dot that the change may add is made now. If memory runs out, nothing has
    /// changed. Precondition: `added` is not held.
    S take(const K& key, const dot& added) {
        const auto [here, fresh] = make(key);
        try {
            index_.insert(index_.lower_bound(added), {added, here});
        } catch (...) {
            if (fresh) drop(here);
            throw;
        }
        return std::exchange(here->second, S{});
    }
    /// Puts a store that held `before` dots back under `key`. `changed` has the dots that were
    /// added or dropped meanwhile; of those, what is in `seen` but not live here stays away, and
    /// what is new comes into `seen`. Asks for no memory if that is the dot that take() knew of at
    /// most, for which there is room in `seen`; else, if memory runs out, all others stay away.
    void settle(const K& key, S&& store, std::size_t before, const causal_context& changed,
                causal_context& seen, const dot& added) {
        const auto here = &*stores_.find(key);
        const bool grew = store.holds(added);
        if (grew)
            seen.add(added);
        else
            index_.erase(index_.find(added));
        bool others = false;
        store.for_each_in(changed, [&](const dot& d, const auto&) {
            const auto found = index_.find(d);
            others = others || found == index_.end() || found->second != here;
        });
        const auto gone = drop_gone(here, store, changed);
        if (others || store.dot_count() + gone != before + (grew ? 1 : 0))
            return replace(here, std::move(store), changed, seen);
        hold(here, std::move(store));
        // What was added and dropped again in one change.
        if (!changed.leq(seen)) seen.merge(changed);
    }

    /// Keys are a column where mostly one dot is below each, a sorted table with the index of each
    /// dot's key elsewhere.
    struct columns {
        void read(wire::reader& r, std::size_t n) {
            if constexpr (bare)
                keys.read(r, n);
            else
                read_table(r, n);
            if (r.ok()) below.read(r, n);
        }
        view at(std::size_t i) const {
            if constexpr (bare)
                return {&keys[i], below.at(i)};
            else
                return {&keys[of_dot[i]], below.at(i)};
        }

        void read_table(wire::reader& r, std::size_t n) {
            const auto size = r.count();
            if (size > n) r.fail(wire::errc::non_canonical);
            if (r.ok()) keys.read(r, size);
            for (std::size_t i = 1; i < keys.size(); ++i)
                if (!(keys[i - 1] < keys[i])) r.fail(wire::errc::non_canonical);
            if (n > r.left()) return r.fail(wire::errc::truncated);
            std::vector<char> used(keys.size());
            of_dot.reserve(n);
            for (std::size_t i = 0; i < n; ++i) {
                const auto which = r.varint();
                if (which >= keys.size()) return r.fail(wire::errc::bad_value);
                of_dot.push_back(static_cast<std::size_t>(which));
                used[of_dot.back()] = 1;
            }
            if (std::find(used.begin(), used.end(), 0) != used.end())
                r.fail(wire::errc::non_canonical);
        }

        detail::payload_column<K> keys;
        std::vector<std::size_t> of_dot;
        typename S::columns below;
    };
    static void write_columns(wire::writer& w, std::span<const view> views) {
        if constexpr (bare) {
            detail::payload_column<K>::write(w, views, [](const view& v) { return v.key; });
        } else {
            write_table(w, views);
        }
        std::vector<typename S::view> below;
        below.reserve(views.size());
        for (const auto& v : views) below.push_back(v.below);
        S::write_columns(w, below);
    }
    static std::size_t view_bytes(const view& v) {
        return detail::column_bytes(*v.key) + (bare ? 0 : table_bytes) + S::view_bytes(v.below);
    }

    friend bool operator==(const dot_map& a, const dot_map& b) { return a.stores_ == b.stores_; }

private:
    using node = detail::map_entry<K, S>;
    using place = node*;
    /// Behind pointers, so that an entry keeps its place; looking for a key, few of them are met.
    using store_map = detail::ordered_chunks<K, S, detail::boxed<node>, 16>;
    using index_map = detail::ordered_chunks<dot, place>;

    static constexpr std::size_t table_bytes = 4;

    static view view_of(const typename index_map::value_type& item) {
        return {&item.second->first, *item.second->second.at(item.first)};
    }

    /// The entry of a key, and whether it is new.
    std::pair<place, bool> make(const K& key) {
        auto at = stores_.lower_bound(key);
        const bool fresh = at == stores_.end() || key < at->first;
        if (fresh) at = stores_.insert(at, {key, S{}});
        return {&*at, fresh};
    }
    void drop(place here) { stores_.erase(stores_.find(here->first)); }

    void copy_index(const dot_map& other) {
        std::unordered_map<const node*, place> copies;
        copies.reserve(stores_.size());
        auto copy = stores_.begin();
        for (const auto& original : other.stores_) copies.emplace(&original, &*copy++);
        for (const auto& [d, original] : other.index_) index_.append({d, copies.at(original)});
    }

    /// Forgets the dots of a context that are below an entry no more; how many.
    std::size_t drop_gone(place here, const S& store, const causal_context& changed) {
        std::size_t gone = 0;
        for (const auto& i : changed.intervals())
            for (auto at = index_.lower_bound(dot{i.replica, i.first});
                 at != index_.end() && at->first.replica == i.replica &&
                 at->first.counter <= i.last;) {
                const auto d = at->first;
                if (at->second != here || store.holds(d)) {
                    ++at;
                    continue;
                }
                index_.erase(at);
                ++gone;
                at = index_.lower_bound(d);
            }
        return gone;
    }
    /// settle() for a store that was swapped for another one as a whole, or has several new dots.
    void replace(place here, S&& store, const causal_context& changed, causal_context& seen) {
        try {
            index_map kept;
            causal_context fresh = changed;
            std::vector<dot> refused;
            for (const auto& item : index_)
                if (item.second != here) kept.append(item);
            store.for_each([&](const dot& d, const auto&) {
                const auto found = index_.find(d);
                const bool live = found != index_.end();
                if (live ? found->second != here : seen.contains(d))
                    refused.push_back(d);
                else
                    kept.insert(kept.lower_bound(d), {d, here});
                if (!live) fresh.add(d);
            });
            seen.merge(fresh);
            for (const auto& d : refused) store.drop(d);
            index_ = std::move(kept);
        } catch (...) {
            keep_known(here, store);
            hold(here, std::move(store));
            throw;
        }
        hold(here, std::move(store));
    }
    /// Drops the dots of a store that are not in the index, and those from the index that are not
    /// in the store. Asks for no memory.
    void keep_known(place here, S& store) {
        for (bool all = false; !all;) {
            dot unknown;
            all = true;
            store.for_each([&](const dot& d, const auto&) {
                const auto found = index_.find(d);
                if (found != index_.end() && found->second == here) return;
                unknown = d;
                all = false;
            });
            if (!all) store.drop(unknown);
        }
        const auto lost = [&] {
            return std::find_if(index_.begin(), index_.end(), [&](const auto& item) {
                return item.second == here && !store.holds(item.first);
            });
        };
        for (auto at = lost(); at != index_.end(); at = lost()) index_.erase(at);
    }
    void hold(place here, S&& store) {
        here->second = std::move(store);
        if (here->second.dot_count() == 0) drop(here);
    }

    static void write_table(wire::writer& w, std::span<const view> views) {
        std::map<K, std::size_t> table;
        for (const auto& v : views) table.emplace(*v.key, 0);
        std::vector<const K*> keys;
        for (auto& [key, index] : table) {
            index = keys.size();
            keys.push_back(&key);
        }
        w.varint(keys.size());
        detail::payload_column<K>::write(w, std::span<const K* const>(keys),
                                         [](const K* key) { return key; });
        for (const auto& v : views) w.varint(table.find(*v.key)->second);
    }

    store_map stores_;
    index_map index_;
};

} // namespace joinery::crdt
