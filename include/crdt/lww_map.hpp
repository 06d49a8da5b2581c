// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>
#include <crdt/g_map.hpp>
#include <crdt/lww_register.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// Map in which the last write to a key wins; erasing is a write too.
///
/// State      key -> the winning write: stamp, replica, and a value or none (a tombstone).
/// Join       key by key the greater (stamp, replica, canonical bytes), a value over a tombstone.
/// Value      the keys whose winning write has a value; a put after an erase brings the key back.
/// Invariant  a stamp one replica used for two writes to a key is reported; the bytes decide
///            everywhere. A tombstone stays until a later put.
/// Cost       put, erase, find O(log n); merge of a delta O(|δ| log n).
/// Source     Shapiro et al. 2011, specification 8, a register for each key.
template <element K, element V>
class lww_map {
public:
    static constexpr std::string_view schema_name = "lww_map";
    using schema_parameters = std::tuple<K, V>;

    /// Writes `value` under `key` at `stamp` (see hybrid_clock) and returns the delta. A write that
    /// is older than the one here changes nothing.
    lww_map put(replica_id self, stamp_t stamp, const K& key, V value) {
        return assign(self, stamp, key, std::move(value));
    }
    /// Writes that there is nothing under `key`, known here or not; as put otherwise.
    lww_map erase(replica_id self, stamp_t stamp, const K& key) {
        return assign(self, stamp, key, std::nullopt);
    }

    /// The value under `key`, null if none was put or the last write erased it.
    const V* find(const K& key) const {
        const auto* written = cells_.find(key);
        return written == nullptr ? nullptr : live(*written);
    }
    bool contains(const K& key) const { return find(key) != nullptr; }
    std::size_t size() const { return live_; }
    bool empty() const { return live_ == 0; }
    /// Calls f(key, value) in order of the keys.
    template <class F>
    void for_each(F f) const {
        for (const auto& [key, written] : cells_.entries())
            if (const auto* value = live(written)) f(key, *value);
    }
    /// The keys and values in order.
    std::vector<std::pair<K, V>> entries() const {
        std::vector<std::pair<K, V>> all;
        all.reserve(live_);
        for_each([&](const K& key, const V& value) { all.emplace_back(key, value); });
        return all;
    }
    /// The stamp of the last write to `key`, an erase included; 0 if there was none.
    stamp_t stamp(const K& key) const {
        const auto* written = cells_.find(key);
        return written == nullptr ? 0 : written->stamp();
    }
    stamp_t max_stamp() const { return cells_.max_stamp(); }

    bool merge(const lww_map& other, report* found = nullptr) {
        return cells_.merge(
            other.cells_,
            [&](cell& mine, const cell& theirs) {
                const bool before = live(mine) != nullptr;
                const bool grew = mine.merge(theirs, found);
                live_ = live_ - before + (live(mine) != nullptr);
                return grew;
            },
            [this](const cell& c) { live_ += live(c) != nullptr; });
    }
    bool leq(const lww_map& other) const { return cells_.leq(other.cells_); }
    lww_map difference(const lww_map& known) const {
        return lww_map(cells_.difference(known.cells_));
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        cells_.for_each_entry(path, f);
    }
    template <class F>
    void touched(const lww_map& delta, entry_id path, F& f) const {
        cells_.touched(delta.cells_, path, f);
    }
    template <class F>
    void changes(const lww_map& delta, entry_id path, F& f) const {
        cells_.changes(delta.cells_, path, f);
    }
    lww_map fragment(entry_id path, const id_set& ids) const {
        return lww_map(cells_.fragment(path, ids));
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        cells_.split(max_bytes, [&](cells part) { f(lww_map(std::move(part))); });
    }

    void write(wire::writer& w) const { cells_.write(w); }
    void read(wire::reader& r) {
        cells_.read(r);
        *this = lww_map(std::move(cells_));
    }

    lww_map() = default;
    lww_map(const lww_map&) = default;
    lww_map(lww_map&& other) noexcept
        : cells_(std::move(other.cells_)), live_(std::exchange(other.live_, 0)) {}
    lww_map& operator=(const lww_map&) = default;
    lww_map& operator=(lww_map&& other) noexcept {
        cells_ = std::move(other.cells_);
        live_ = std::exchange(other.live_, 0);
        return *this;
    }
    ~lww_map() = default;
    /// The number of live keys follows from the cells.
    friend bool operator==(const lww_map& a, const lww_map& b) { return a.cells_ == b.cells_; }

private:
    using cell = lww_register<std::optional<V>>;
    using cells = g_map<K, cell>;

    explicit lww_map(cells all) : cells_(std::move(all)) {
        for (const auto& [key, written] : cells_.entries()) live_ += live(written) != nullptr;
    }

    lww_map assign(replica_id self, stamp_t stamp, const K& key, std::optional<V> value) {
        cell fresh;
        fresh.assign(self, stamp, std::move(value));
        lww_map delta(cells::lift(key, std::move(fresh)));
        merge(delta);
        return delta;
    }

    static const V* live(const cell& c) {
        const auto* written = c.value();
        return written != nullptr && *written ? &**written : nullptr;
    }

    cells cells_;
    std::size_t live_ = 0;
};

} // namespace joinery::crdt
