// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/causal_context.hpp>
#include <crdt/detail/dot_columns.hpp>
#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// Add-wins observed-remove set without tombstones.
///
/// State      dot -> element for the adds not removed, and the context of all dots seen.
/// Join       a dot lives on if both hold it, or one does and the other has not seen it.
/// Value      the elements of the live dots.
/// Invariant  live dots lie in the context; a delta's context claims only what it adds and cancels.
///            Of two payloads under one dot the greater bytes win, and the dot is reported.
/// Cost       add, remove, contains O(log n); merge of a delta O(|δ| log n).
/// Source     Bieniusa et al. 2012, arXiv 1210.3368; Almeida et al. 2018, arXiv 1603.01529.
template <element T>
class or_set {
public:
    static constexpr std::string_view schema_name = "or_set";
    using schema_parameters = std::tuple<T>;

    /// Adds `value` under a new dot that replaces the observed ones; returns the delta.
    or_set add(replica_id self, const T& value) {
        or_set delta = claim(value);
        const auto minted = context_.next(self);
        delta.context_.add(minted);
        delta.put(minted, value);
        merge(delta);
        return delta;
    }

    /// Cancels the observed adds of `value`; bottom if it is absent. Mints no dot.
    or_set remove(replica_id, const T& value) {
        or_set delta = claim(value);
        merge(delta);
        return delta;
    }

    /// Cancels all observed adds.
    or_set clear(replica_id) {
        or_set delta;
        for (const auto& [d, value] : live_) delta.context_.add(d);
        merge(delta);
        return delta;
    }

    bool contains(const T& value) const { return index_.contains(value); }
    std::size_t size() const { return index_.size(); }
    bool empty() const { return index_.empty(); }
    /// The elements in order.
    std::vector<T> elements() const {
        std::vector<T> all;
        all.reserve(index_.size());
        for (const auto& [value, dots] : index_) all.push_back(value);
        return all;
    }
    /// The live dots of one element, in order.
    std::vector<dot> dots_of(const T& value) const {
        const auto at = index_.find(value);
        return at == index_.end() ? std::vector<dot>{} : at->second;
    }
    /// Calls f(dot, element) for each live dot, in dot order.
    template <class F>
    void for_each_dot(F f) const {
        for (const auto& [d, value] : live_) f(d, value);
    }
    const causal_context& context() const { return context_; }

    bool merge(const or_set& other, report* found = nullptr) {
        if (&other == this) return false;
        bool grew = false;
        for (const auto& [d, value] : other.live_) grew |= receive(d, value, found);
        std::vector<dot> cancelled;
        for_live_in(other.context_, [&](const dot& d, const T&) {
            if (!other.live_.contains(d)) cancelled.push_back(d);
        });
        for (const auto& d : cancelled) drop(d);
        const bool context_grew = context_.merge(other.context_);
        return grew || !cancelled.empty() || context_grew;
    }

    bool leq(const or_set& other) const {
        if (!context_.leq(other.context_)) return false;
        bool below = true;
        other.for_live_in(context_, [&](const dot& d, const T& theirs) {
            const auto mine = live_.find(d);
            below =
                below && mine != live_.end() && detail::compare_bytes(mine->second, theirs) <= 0;
        });
        return below;
    }

    or_set difference(const or_set& known) const {
        or_set delta;
        delta.context_ = context_.difference(known.context_);
        for_live_in(delta.context_, [&](const dot& d, const T& value) { delta.put(d, value); });
        known.for_live_in(context_, [&](const dot& d, const T& theirs) {
            const auto mine = live_.find(d);
            if (mine == live_.end()) {
                delta.context_.add(d);
            } else if (detail::compare_bytes(theirs, mine->second) < 0) {
                delta.context_.add(d);
                delta.put(d, mine->second);
            }
        });
        return delta;
    }

    /// What a peer with this context lacks. Removals it has not seen cost the dots they removed.
    or_set delta_since(const causal_context& known) const {
        or_set delta;
        delta.context_ = context_.difference(known);
        for_live_in(delta.context_, [&](const dot& d, const T& value) { delta.put(d, value); });
        return delta;
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        for (const auto& [value, dots] : index_) give(path, value, dots, f);
    }
    template <class F>
    void touched(const or_set& delta, entry_id path, F& f) const {
        std::set<T> named;
        for (const auto& [d, value] : delta.live_)
            if (index_.contains(value)) named.insert(value);
        for_live_in(delta.context_, [&](const dot&, const T& value) { named.insert(value); });
        for (const auto& value : named) give(path, value, index_.find(value)->second, f);
    }
    template <class F>
    void changes(const or_set& delta, entry_id path, F& f) const {
        std::map<T, std::set<dot>> after;
        const auto dots = [&](const T& value) -> std::set<dot>& {
            const auto [at, fresh] = after.try_emplace(value);
            if (fresh)
                for (const auto& d : dots_of(value)) at->second.insert(d);
            return at->second;
        };
        for (const auto& [d, value] : delta.live_) {
            const auto mine = live_.find(d);
            if (mine == live_.end() ? context_.contains(d)
                                    : detail::compare_bytes(mine->second, value) >= 0)
                continue;
            if (mine != live_.end()) dots(mine->second).erase(d);
            dots(value).insert(d);
        }
        for_live_in(delta.context_, [&](const dot& d, const T& value) {
            if (!delta.live_.contains(d)) dots(value).erase(d);
        });
        for (const auto& [value, left] : after) {
            const std::vector<dot> now = dots_of(value), then(left.begin(), left.end());
            if (now != then)
                f(detail::path_of(path, value), version(value, now), version(value, then));
        }
    }
    or_set fragment(entry_id path, const id_set& ids) const { return cut(path, ids, true); }
    or_set held(entry_id path, const id_set& ids) const { return cut(path, ids, false); }
    or_set answer(entry_id path, const id_set& ids, const or_set& asked) const {
        or_set part = cut(path, ids, true);
        causal_context gone = asked.context_.intersection(context_);
        causal_context alive;
        for_live_in(gone, [&](const dot& d, const T&) { alive.add(d); });
        part.context_.merge(gone.difference(alive));
        return part;
    }
    or_set context_part() const {
        or_set part;
        part.context_ = context_;
        return part;
    }
    bool removes() const { return context_.size() != live_.size(); }

    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        detail::part_builder<or_set, F> parts(detail::room_after(max_bytes, 12), f);
        dot previous;
        for (const auto& [d, value] : live_) {
            const auto bytes = detail::column_bytes(value);
            const bool follows = d.replica == previous.replica && d.counter == previous.counter + 1;
            const bool run = follows && parts.fits(bytes + run_bytes);
            parts.add(bytes + (run ? run_bytes : lone_bytes), [&](or_set& part) {
                part.context_.add(d);
                part.put(d, value);
            });
            previous = d;
        }
        causal_context alive;
        for (const auto& [d, value] : live_) alive.add(d);
        const auto cancelled = context_.difference(alive);
        for (const auto& i : cancelled.intervals())
            parts.add(lone_bytes, [&](or_set& part) { part.context_.add(i); });
        parts.flush();
    }

    void write(wire::writer& w) const {
        context_.write(w);
        detail::dot_columns<T>::write(w, live_);
    }
    void read(wire::reader& r) {
        *this = or_set{};
        context_.read(r);
        std::map<dot, T> dots;
        detail::dot_columns<T>::read(r, context_, dots);
        if (!r.ok()) return;
        for (auto& [d, value] : dots) put(d, value);
    }

    /// The index of elements follows from the live dots.
    friend bool operator==(const or_set& a, const or_set& b) {
        return a.context_ == b.context_ && a.live_ == b.live_;
    }

private:
    /// Bytes of one dot beside its payload: after its predecessor in a part, or on its own, where
    /// it may cost a replica, an interval and a chunk.
    static constexpr std::size_t run_bytes = 4;
    static constexpr std::size_t lone_bytes = 64;

    or_set claim(const T& value) const {
        or_set delta;
        for (const auto& d : dots_of(value)) delta.context_.add(d);
        return delta;
    }

    void put(const dot& d, const T& value) {
        live_.emplace(d, value);
        auto& dots = index_[value];
        dots.insert(std::lower_bound(dots.begin(), dots.end(), d), d);
    }

    void drop(const dot& d) {
        const auto at = live_.find(d);
        const auto entry = index_.find(at->second);
        std::erase(entry->second, d);
        if (entry->second.empty()) index_.erase(entry);
        live_.erase(at);
    }

    bool receive(const dot& d, const T& value, report* found) {
        const auto mine = live_.find(d);
        if (mine == live_.end()) {
            if (context_.contains(d)) return false;
            put(d, value);
            return true;
        }
        const auto order = detail::compare_bytes(mine->second, value);
        if (order != 0 && found != nullptr) found->double_spent.push_back(d);
        if (order >= 0) return false;
        drop(d);
        put(d, value);
        return true;
    }

    template <class F>
    void for_live_in(const causal_context& context, F f) const {
        for (const auto& i : context.intervals())
            for (auto at = live_.lower_bound({i.replica, i.first});
                 at != live_.end() && at->first.replica == i.replica && at->first.counter <= i.last;
                 ++at)
                f(at->first, at->second);
    }

    or_set cut(entry_id path, const id_set& ids, bool payloads) const {
        or_set part;
        for (const auto& [value, dots] : index_) {
            if (!ids.contains(detail::path_of(path, value))) continue;
            for (const auto& d : dots) {
                part.context_.add(d);
                if (payloads) part.put(d, value);
            }
        }
        return part;
    }

    template <class F>
    static void give(entry_id path, const T& value, const std::vector<dot>& dots, F& f) {
        f(detail::path_of(path, value), version(value, dots));
    }

    static wire::digest version(const T& value, const std::vector<dot>& dots) {
        if (dots.empty()) return {};
        return detail::version_of([&](wire::writer& w) {
            wire::put(w, value);
            for (const auto& d : dots) d.write(w);
        });
    }

    std::map<dot, T> live_;
    std::map<T, std::vector<dot>> index_;
    causal_context context_;
};

} // namespace joinery::crdt
