// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element.hpp>
#include <crdt/detail/ordered_chunks.hpp>
#include <crdt/entries.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>

namespace joinery::crdt {

/// Grow-only map of lattices; each value keeps its own causality.
///
/// State      key -> value, the keys whose value is not bottom.
/// Join       key by key.
/// Invariant  no value is bottom: an absent key and a key with a bottom value are one thing.
/// Cost       find, update O(log n) plus the value's; merge of a delta O(|δ| log n), of a map of
///            about the same keys O(n) in order of memory.
/// Source     Baquero et al. 2017, composition of state-based CRDTs.
template <element K, join_semilattice L>
class g_map {
public:
    static constexpr std::string_view schema_name = "g_map";
    using schema_parameters = std::tuple<K, L>;
    using fields_of = L; ///< its entries are those of its values
    static constexpr bool causal = detail::is_causal<L>();

    /// Calls f(value, self), exactly one mutator call that returns the value's delta, on the value
    /// under `key` and returns the map's delta. If f throws, the map is unchanged.
    /// Precondition: f does not change the map.
    template <class F>
    g_map update(replica_id self, const K& key, F f) {
        // First all that could fail afterwards.
        g_map delta;
        L& change = delta.values_.append({key, L{}});
        const auto at = values_.lower_bound(key);
        if (at == values_.end() || key < at->first) {
            L fresh{};
            change = f(fresh, self);
            if (!(fresh == L{})) values_.insert(at, {key, std::move(fresh)});
        } else {
            change = f(at->second, self);
        }
        if (change == L{}) delta.values_.clear();
        return delta;
    }

    /// A delta of one key, made of the value's delta; nothing is merged.
    static g_map lift(const K& key, L change) {
        g_map delta;
        if (!(change == L{})) delta.values_.append({key, std::move(change)});
        return delta;
    }

    /// The value under `key`, null if it is bottom; it stays there until the map changes. Reading
    /// never inserts.
    const L* find(const K& key) const {
        const auto at = values_.find(key);
        return at == values_.end() ? nullptr : &at->second;
    }
    bool contains(const K& key) const { return values_.contains(key); }
    /// The keys and values in order, each with `first` and `second`; as a const std::map<K, L>.
    const detail::ordered_chunks<K, L>& entries() const { return values_; }
    std::size_t size() const { return values_.size(); }

    bool merge(const g_map& other, report* found = nullptr) {
        return merge(
            other, [found](L& mine, const L& theirs) { return crdt::merge(mine, theirs, found); },
            [](const L&) {});
    }
    /// The same with join_values(mine, theirs) for keys that both have, and added(value) for the
    /// others.
    template <class Join, class Added>
    bool merge(const g_map& other, Join join_values, Added added) {
        if (&other == this) return false;
        // Where the other side is large, keys are passed in order; else each is looked for.
        const bool walk = other.size() > size() / 8;
        bool grew = false;
        auto at = values_.begin();
        for (const auto& [key, value] : other.values_) {
            if (!walk) at = values_.lower_bound(key);
            bool same = at != values_.end() && at->first == key;
            if (!same) {
                while (at != values_.end() && at->first < key) ++at;
                same = at != values_.end() && at->first == key;
            }
            if (same) {
                grew |= join_values(at->second, value);
            } else {
                at = values_.insert(at, {key, value});
                added(at->second);
                grew = true;
            }
            ++at;
        }
        return grew;
    }
    bool leq(const g_map& other) const {
        return std::all_of(values_.begin(), values_.end(), [&](const auto& entry) {
            const auto* there = other.find(entry.first);
            return there != nullptr && crdt::leq(entry.second, *there);
        });
    }
    g_map difference(const g_map& known) const {
        return map_values([&](const K& key, const L& value) {
            const auto* there = known.find(key);
            return there == nullptr ? value : crdt::difference(value, *there);
        });
    }

    /// The map of f(key, value) under the same keys.
    template <class F>
    g_map map_values(F f) const {
        g_map mapped;
        for (const auto& [key, value] : values_)
            if (L changed = f(key, value); !(changed == L{}))
                mapped.values_.append({key, std::move(changed)});
        return mapped;
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        for (const auto& [key, value] : values_)
            crdt::for_each_entry(value, f, detail::path_of(path, key));
    }
    template <class F>
    void touched(const g_map& delta, entry_id path, F& f) const {
        for (const auto& [key, change] : delta.values_)
            if (const auto* value = find(key))
                crdt::touched(*value, change, f, detail::path_of(path, key));
    }
    template <class F>
    void changes(const g_map& delta, entry_id path, F& f) const {
        static const L nothing{};
        for (const auto& [key, change] : delta.values_) {
            const auto* value = find(key);
            crdt::changes(value != nullptr ? *value : nothing, change, f,
                          detail::path_of(path, key));
        }
    }
    g_map fragment(entry_id path, const id_set& ids) const {
        return map_values([&](const K& key, const L& value) {
            return crdt::fragment(value, ids, detail::path_of(path, key));
        });
    }
    g_map held(entry_id path, const id_set& ids) const {
        if constexpr (!causal) return {};
        return map_values([&](const K& key, const L& value) {
            return crdt::held(value, ids, detail::path_of(path, key));
        });
    }
    g_map answer(entry_id path, const id_set& ids, const g_map& asked) const {
        static const L nothing{};
        return map_values([&](const K& key, const L& value) {
            const auto* question = asked.find(key);
            return crdt::answer(value, ids, question != nullptr ? *question : nothing,
                                detail::path_of(path, key));
        });
    }
    g_map context_part() const {
        if constexpr (!causal) return {};
        return map_values([](const K&, const L& value) { return crdt::context(value); });
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        const auto room = detail::room_after(max_bytes, 5);
        detail::part_builder<g_map, F> parts(room, f);
        for (const auto& [key, value] : values_) {
            const auto key_bytes = wire::encoded_size(key);
            // Pieces of one value that meet in a part are billed as joined: a join can have more
            // bytes than its pieces, where a list of dots becomes a bitmap.
            L here{};
            std::size_t billed = 0;
            crdt::split(value, detail::room_after(room, key_bytes), [&](L piece) {
                auto bytes = std::max(
                    billed,
                    key_bytes + wire::encoded_size(billed == 0 ? piece : crdt::join(here, piece)));
                if (billed != 0 && !parts.fits(bytes - billed)) {
                    parts.flush();
                    here = L{};
                    billed = 0;
                    bytes = key_bytes + wire::encoded_size(piece);
                }
                crdt::merge(here, piece);
                parts.add(bytes - billed,
                          [&](g_map& part) { part.join_at(key, std::move(piece)); });
                billed = bytes;
            });
        }
        parts.flush();
    }
    stamp_t max_stamp() const {
        stamp_t greatest = 0;
        for (const auto& [key, value] : values_)
            greatest = std::max(greatest, crdt::max_stamp(value));
        return greatest;
    }
    bool removes() const {
        return std::any_of(values_.begin(), values_.end(),
                           [](const auto& entry) { return crdt::removes(entry.second); });
    }

    void write(wire::writer& w) const {
        w.varint(values_.size());
        for (const auto& [key, value] : values_) {
            wire::put(w, key);
            wire::put(w, value);
        }
    }
    void read(wire::reader& r) {
        values_.clear();
        const auto n = r.count(2);
        const L bottom{};
        const K* previous = nullptr;
        K passed{};
        typename values::sequence all(n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t skipped = r.skipped_fields();
            auto& [key, value] = all.next();
            wire::get(r, key);
            wire::get(r, value);
            if (!r.ok()) return;
            const bool strange = r.skipped_fields() != skipped && value == bottom;
            if ((value == bottom && !strange) || (previous != nullptr && !(*previous < key)))
                return r.fail(wire::errc::non_canonical);
            previous = &key;
            if (!strange) continue;
            passed = std::move(key); // only fields that this build does not know
            previous = &passed;
            all.drop();
        }
        values_ = values(std::move(all));
    }

    friend bool operator==(const g_map&, const g_map&) = default;

private:
    using values = detail::ordered_chunks<K, L>;

    void join_at(const K& key, L piece) {
        const auto at = values_.lower_bound(key);
        if (at != values_.end() && at->first == key)
            crdt::merge(at->second, piece);
        else
            values_.insert(at, {key, std::move(piece)});
    }

    values values_;
};

} // namespace joinery::crdt
