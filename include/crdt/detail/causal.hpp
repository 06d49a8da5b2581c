// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/entry_versions.hpp>
#include <crdt/dot_store.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// The one causal join: everything that replication needs of (store, context), for any dot store.
/// A causal type derives from it and adds mutators and reads.
///
/// State      live dots with what stands under them, and the context of all dots seen.
/// Join       a dot lives on if both hold it, or one does and the other has not seen it; of two
///            payloads (keys included) under one dot the greater bytes win, and it is reported.
/// Invariant  live dots lie in the context; a delta's context claims only what it adds and cancels.
/// Cost       merge of a delta O(|δ| log n), also when δ only removes.
/// Source     Almeida et al. 2018, arXiv 1603.01529, with per-dot indices instead of a walk.
template <class Self, dot_store Store>
class causal {
public:
    using store = Store;

    causal() = default;

    /// All dots seen. Inside a map's update only those of the running change.
    const causal_context& context() const { return context_; }

    bool merge(const Self& other, report* found = nullptr) {
        const causal& theirs = other;
        if (&theirs == this) return false;
        return whole_or_not(theirs.store_, [&] {
            if constexpr (joins_itself)
                return join_whole(theirs.store_, theirs.context_, found);
            else
                return join_each(theirs, found);
        });
    }
    /// The same for a state whose elements stay in the bytes that they came in.
    template <class Packed>
    bool merge_packed(const Packed& theirs, report* found) {
        return whole_or_not(theirs.elements,
                            [&] { return join_whole(theirs.elements, theirs.context, found); });
    }

    bool leq(const Self& other) const {
        const causal& theirs = other;
        if (!context_.leq(theirs.context_)) return false;
        bool below = true;
        theirs.store_.for_each_in(context_, [&](const dot& d, const view& v) {
            if (!below) return;
            const auto mine = store_.at(d);
            below = mine && compare_views(*mine, v) <= 0;
        });
        return below;
    }

    Self difference(const Self& known) const {
        const causal& theirs = known;
        if constexpr (joins_itself) {
            Self delta;
            claims(delta) = context_.difference(theirs.context_);
            const auto cancelled =
                store_.lacking(theirs.store_, context_, claims(delta), live(delta));
            claims(delta).merge(cancelled);
            return delta;
        }
        Self delta = delta_since(theirs.context_);
        causal_context cancelled;
        theirs.store_.for_each_in(context_, [&](const dot& d, const view& v) {
            const auto mine = store_.at(d);
            if (mine && compare_views(v, *mine) >= 0) return;
            cancelled.add(d);
            if (mine) live(delta).put(d, *mine);
        });
        claims(delta).merge(cancelled);
        return delta;
    }

    /// What a peer that has seen `known` has not: new dots, and removals of dots it never saw.
    /// A removal of a dot in `known` shows in no context; repair finds it.
    Self delta_since(const causal_context& known) const {
        Self delta;
        causal& lacking = delta;
        lacking.context_ = context_.difference(known);
        store_.for_each_in(lacking.context_,
                           [&](const dot& d, const view& v) { lacking.store_.put(d, v); });
        return delta;
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        store_.for_each_leaf([&](const view& v) { give(path, v, f); });
    }
    template <class F>
    void touched(const Self& delta, entry_id path, F& f) const {
        const causal& change = delta;
        std::set<view, entry_before> named;
        change.store_.for_each([&](const dot&, const view& v) {
            if (store_.has_leaf(v)) named.insert(v);
        });
        store_.for_each_in(change.context_, [&](const dot&, const view& v) { named.insert(v); });
        for (const auto& v : named) give(path, v, f);
    }
    template <class F>
    void changes(const Self& delta, entry_id path, F& f) const {
        const causal& change = delta;
        entry_changes<Store> after(store_);
        change.store_.for_each([&](const dot& d, const view& v) {
            const auto mine = store_.at(d);
            if (mine ? compare_views(*mine, v) >= 0 : context_.contains(d)) return;
            if (mine) after.of(*mine).erase(d);
            after.of(v).insert_or_assign(d, v);
        });
        store_.for_each_in(change.context_, [&](const dot& d, const view& v) {
            if (!change.store_.holds(d)) after.of(v).erase(d);
        });
        after.tell(path, f);
    }
    Self fragment(entry_id path, const id_set& ids) const { return cut(path, ids, true); }
    Self held(entry_id path, const id_set& ids) const { return cut(path, ids, false); }
    Self answer(entry_id path, const id_set& ids, const Self& asked) const {
        Self part = cut(path, ids, true);
        const causal& question = asked;
        const causal_context known = question.context_.intersection(context_);
        causal_context alive;
        store_.for_each_in(known, [&](const dot& d, const view&) { alive.add(d); });
        claims(part).merge(known.difference(alive));
        return part;
    }
    Self context_part() const {
        Self part;
        claims(part) = context_;
        return part;
    }
    bool removes() const { return context_.size() != store_.dot_count(); }
    stamp_t max_stamp() const
        requires requires(const typename Store::view& v) { stamp_of(v); }
    {
        stamp_t greatest = 0;
        store_.for_each(
            [&](const dot&, const view& v) { greatest = std::max(greatest, stamp_of(v)); });
        return greatest;
    }

    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        part_builder<Self, F> parts(room_after(max_bytes, part_bytes), f);
        causal_context alive;
        dot previous;
        store_.for_each([&](const dot& d, const view& v) {
            alive.add(d);
            const auto bytes = Store::view_bytes(v);
            const bool follows = d.replica == previous.replica && d.counter == previous.counter + 1;
            const bool run = follows && parts.fits(bytes + run_bytes);
            parts.add(bytes + (run ? run_bytes : lone_bytes), [&](Self& part) {
                claims(part).add(d);
                live(part).put(d, v);
            });
            previous = d;
        });
        const auto cancelled = context_.difference(alive);
        for (const auto& i : cancelled.intervals())
            parts.add(lone_bytes, [&](Self& part) { claims(part).add(i); });
        parts.flush();
    }

    void write(wire::writer& w) const {
        context_.write(w);
        if constexpr (joins_itself) return store_.write(w);
        std::vector<dot> dots;
        std::vector<view> views;
        dots.reserve(store_.dot_count());
        views.reserve(store_.dot_count());
        store_.for_each([&](const dot& d, const view& v) {
            dots.push_back(d);
            views.push_back(v);
        });
        dot_columns::write(w, dots, bitmaps);
        Store::write_columns(w, views);
    }
    void read(wire::reader& r) {
        context_ = {};
        store_ = {};
        causal_context seen;
        seen.read(r);
        if constexpr (joins_itself) {
            store_.read(r, seen);
            if (r.ok()) context_ = std::move(seen);
            return;
        }
        const auto dots = dot_columns::read(r, seen, bitmaps);
        typename Store::columns columns;
        if (r.take_memory(dots.size(), Store::dot_memory) && r.ok()) columns.read(r, dots.size());
        if (!r.ok()) return;
        for (std::size_t i = 0; i < dots.size(); ++i) store_.put(dots[i], columns.at(i));
        context_ = std::move(seen);
    }

    friend bool operator==(const Self& a, const Self& b) {
        const causal& x = a;
        const causal& y = b;
        return x.context_ == y.context_ && x.store_ == y.store_;
    }

protected:
    using view = typename Store::view;

    static Store& live(Self& s) { return static_cast<causal&>(s).store_; }
    static const Store& live(const Self& s) { return static_cast<const causal&>(s).store_; }
    static causal_context& claims(Self& s) { return static_cast<causal&>(s).context_; }

    const Store& live() const { return store_; }

    /// A delta that cancels all dots of a store.
    template <class Dots>
    static Self cancelling(const Dots* dots) {
        Self delta;
        if (dots != nullptr)
            dots->for_each([&](const dot& d, const auto&) { claims(delta).add(d); });
        return delta;
    }
    /// The next dot of `self`, claimed by `delta`. Throws counter_exhausted.
    dot mint(Self& delta, replica_id self) const {
        const auto minted = context_.next(self);
        claims(delta).add(minted);
        return minted;
    }
    Self applied(Self delta) {
        merge(delta);
        return delta;
    }

private:
    friend struct causal_access;

    /// A store in columns of its own brings the bulk operations.
    static constexpr bool joins_itself =
        requires(Store& s, const causal_context& seen) { s.receive(s, seen, seen, nullptr); };

    static constexpr bool bitmaps = !std::same_as<view, dot_set::view>;

    /// Bytes of a part's counts, and of one dot beside its view: after its predecessor in a part,
    /// or on its own, where it may cost a replica, an interval and a chunk.
    static constexpr std::size_t part_bytes = 12 + 4 * Store::tables;
    static constexpr std::size_t run_bytes = 4;
    static constexpr std::size_t lone_bytes = 64;

    template <class Elements, class Join>
    bool whole_or_not(const Elements& theirs, Join join) {
        try {
            return join();
        } catch (...) { // memory ran out: what was put so far lies outside of the context
            theirs.for_each([&](const dot& d, const auto&) {
                if (store_.holds(d) && !context_.contains(d)) store_.drop(d);
            });
            throw;
        }
    }
    /// Whatever asks for memory comes before the context, and what is cancelled goes after it, so
    /// that there is either nothing to undo or nothing left to fail.
    template <class Elements>
    bool join_whole(const Elements& theirs, const causal_context& their_seen, report* found) {
        const auto received = store_.receive(theirs, context_, their_seen, found);
        const bool context_grew = context_.merge(their_seen);
        store_.forget(received);
        return received.changed || !received.gone.empty() || context_grew;
    }
    bool join_each(const causal& theirs, report* found) {
        bool grew = false;
        theirs.store_.for_each([&](const dot& d, const view& v) { grew |= receive(d, v, found); });
        std::vector<dot> cancelled;
        store_.for_each_in(theirs.context_, [&](const dot& d, const view&) {
            if (!theirs.store_.holds(d)) cancelled.push_back(d);
        });
        const bool context_grew = context_.merge(theirs.context_);
        for (const auto& d : cancelled) store_.drop(d);
        return grew || !cancelled.empty() || context_grew;
    }

    bool receive(const dot& d, const view& v, report* found) {
        const auto mine = store_.at(d);
        if (!mine) {
            if (context_.contains(d)) return false;
            store_.put(d, v);
            return true;
        }
        const auto order = compare_views(*mine, v);
        if (order != 0 && found != nullptr) found->double_spent.push_back(d);
        if (order >= 0) return false;
        store_.replace(d, v);
        return true;
    }

    Self cut(entry_id path, const id_set& ids, bool payloads) const {
        Self part;
        std::vector<dot> dots;
        store_.for_each_leaf([&](const view& named) {
            if (!ids.contains(entry_of(path, named))) return;
            store_.for_leaf(named, [&](const dot& d, const view& v) {
                dots.push_back(d);
                if (payloads) live(part).put(d, v);
            });
        });
        // In the order of the keys, most would go between others.
        std::sort(dots.begin(), dots.end());
        for (const auto& d : dots) claims(part).add(d);
        return part;
    }

    template <class F>
    void give(entry_id path, const view& v, F& f) const {
        f(entry_of(path, v), entry_version(v, store_));
    }

    Store store_;
    causal_context context_;
};

/// How or_map takes values apart into store and context and puts them together.
struct causal_access {
    template <class C>
    static C make(typename C::store live, causal_context seen) {
        C whole;
        whole.store_ = std::move(live);
        whole.context_ = std::move(seen);
        return whole;
    }
    template <class C>
    static typename C::store& live(C& c) {
        return c.store_;
    }
    template <class C>
    static const typename C::store& live(const C& c) {
        return c.store_;
    }
};

/// A (store, context) of this core: what an or_map can hold.
template <class C>
concept causal_type =
    requires { typename C::store; } && std::derived_from<C, causal<C, typename C::store>>;

} // namespace joinery::crdt::detail
