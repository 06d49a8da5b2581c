// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// Grow-only set.
///
/// State      the elements.
/// Join       union.
/// Cost       add, contains O(log n); merge of a delta O(|δ| log n).
/// Source     Shapiro et al. 2011, specification 11.
template <element T>
class g_set {
public:
    static constexpr std::string_view schema_name = "g_set";
    using schema_parameters = std::tuple<T>;

    /// Adds an element and returns the delta, bottom if it was there.
    g_set add(replica_id, T value) {
        g_set delta;
        const auto [at, inserted] = elements_.insert(std::move(value));
        if (inserted) delta.elements_.insert(*at);
        return delta;
    }

    bool contains(const T& value) const { return elements_.contains(value); }
    const std::set<T>& elements() const { return elements_; }
    std::size_t size() const { return elements_.size(); }

    bool merge(const g_set& other, report* = nullptr) {
        const auto before = elements_.size();
        if (&other != this) elements_.insert(other.elements_.begin(), other.elements_.end());
        return elements_.size() != before;
    }
    bool leq(const g_set& other) const {
        return std::includes(other.elements_.begin(), other.elements_.end(), elements_.begin(),
                             elements_.end());
    }
    g_set difference(const g_set& known) const {
        g_set delta;
        std::set_difference(elements_.begin(), elements_.end(), known.elements_.begin(),
                            known.elements_.end(),
                            std::inserter(delta.elements_, delta.elements_.end()));
        return delta;
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        for (const auto& value : elements_) give(path, value, f);
    }
    template <class F>
    void touched(const g_set& delta, entry_id path, F& f) const {
        for (const auto& value : delta.elements_)
            if (contains(value)) give(path, value, f);
    }
    template <class F>
    void changes(const g_set& delta, entry_id path, F& f) const {
        const auto fresh = [&](entry_id id, const wire::digest& v) { f(id, wire::digest{}, v); };
        for (const auto& value : delta.elements_)
            if (!contains(value)) give(path, value, fresh);
    }
    g_set fragment(entry_id path, const id_set& ids) const {
        g_set part;
        for (const auto& value : elements_)
            if (ids.contains(detail::path_of(path, value)))
                part.elements_.insert(part.elements_.end(), value);
        return part;
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        detail::part_builder<g_set, F> parts(detail::room_after(max_bytes, 5), f);
        for (const auto& value : elements_)
            parts.add(std::max<std::size_t>(wire::encoded_size(value), 8),
                      [&](g_set& part) { part.elements_.insert(part.elements_.end(), value); });
        parts.flush();
    }

    void write(wire::writer& w) const {
        w.varint(elements_.size());
        wire::put_column(w, std::vector<T>(elements_.begin(), elements_.end()));
    }
    void read(wire::reader& r) {
        elements_.clear();
        constexpr bool block = std::integral<T> && !std::same_as<T, bool>;
        const auto n = r.count(block ? sizeof(T) : 1, wire::detail::tree_memory<T>);
        std::vector<T> column;
        wire::get_column(r, n, column);
        // Nodes are made once all is read, so that what is refused costs no tree.
        const auto falls = [](const T& a, const T& b) { return !(a < b); };
        if (std::adjacent_find(column.begin(), column.end(), falls) != column.end())
            r.fail(wire::errc::non_canonical);
        if (!r.ok()) return;
        for (auto& value : column) elements_.insert(elements_.end(), std::move(value));
    }

    friend bool operator==(const g_set&, const g_set&) = default;

private:
    template <class F>
    static void give(entry_id path, const T& value, F& f) {
        f(detail::path_of(path, value),
          detail::version_of([&](wire::writer& w) { wire::put(w, value); }));
    }

    std::set<T> elements_;
};

} // namespace joinery::crdt
