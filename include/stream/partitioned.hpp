// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/g_map.hpp>
#include <crdt/replica_id.hpp>
#include <stream/accumulator.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace joinery::stream {

/// The shared aggregate of a partitioned input: what every replica joins and gossips.
///
/// State      partition -> lattice, the partitions whose value is not bottom.
/// Join       partition by partition.
/// Value      total(), the join of all partitions.
/// Invariant  inside a partition the actor is the partition, never the worker: the states that
///            deterministic processing passes through form a chain, and replay mints the same dots.
/// Cost       that of crdt::g_map<std::string, L>.
/// Source     Almeida et al. 2018, delta state; exactly-once by deterministic replay.
template <crdt::join_semilattice L>
class partitioned {
    using map_type = crdt::g_map<std::string, L>;

public:
    static constexpr std::string_view schema_name = "partitioned";
    using schema_parameters = std::tuple<L>;
    using fields_of = L; ///< its entries are those of its values

    partitioned() = default;

    /// The one actor of a partition, on whatever worker it runs.
    static crdt::replica_id actor(std::string_view partition) {
        return crdt::replica_id::of(partition, 0);
    }

    /// Joins what an accumulator of that partition returned; the result is what was new of it,
    /// bottom for a delta that was here already.
    partitioned advance(std::string_view partition, const L& delta) {
        const auto absorb = [&](L& value, crdt::replica_id) {
            L fresh = crdt::difference(delta, value);
            crdt::merge(value, fresh);
            return fresh;
        };
        return partitioned(map_.update(actor(partition), std::string(partition), absorb));
    }

    /// The value of a partition, null if it is bottom.
    const L* find(std::string_view partition) const { return map_.find(std::string(partition)); }
    const auto& entries() const { return map_.entries(); }
    std::size_t size() const { return map_.size(); }

    /// f(partition, value) under the same partitions.
    template <class F>
    partitioned map_values(F f) const {
        return partitioned(map_.map_values(f));
    }

    /// The join of all partitions.
    L total() const {
        L sum{};
        for (const auto& [partition, value] : map_.entries()) crdt::merge(sum, value);
        return sum;
    }

    bool merge(const partitioned& other, crdt::report* found = nullptr) {
        return map_.merge(other.map_, found);
    }
    bool leq(const partitioned& other) const { return map_.leq(other.map_); }
    partitioned difference(const partitioned& known) const {
        return partitioned(map_.difference(known.map_));
    }

    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        map_.for_each_entry(path, f);
    }
    template <class F>
    void touched(const partitioned& delta, crdt::entry_id path, F& f) const {
        map_.touched(delta.map_, path, f);
    }
    template <class F>
    void changes(const partitioned& delta, crdt::entry_id path, F& f) const {
        map_.changes(delta.map_, path, f);
    }
    partitioned fragment(crdt::entry_id path, const crdt::id_set& ids) const {
        return partitioned(map_.fragment(path, ids));
    }
    partitioned held(crdt::entry_id path, const crdt::id_set& ids) const {
        return partitioned(map_.held(path, ids));
    }
    partitioned answer(crdt::entry_id path, const crdt::id_set& ids,
                       const partitioned& asked) const {
        return partitioned(map_.answer(path, ids, asked.map_));
    }
    partitioned context_part() const { return partitioned(map_.context_part()); }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        auto lift = [&](map_type part) { f(partitioned(std::move(part))); };
        map_.split(max_bytes, lift);
    }
    crdt::stamp_t max_stamp() const { return map_.max_stamp(); }
    bool removes() const { return map_.removes(); }

    void write(wire::writer& w) const { map_.write(w); }
    void read(wire::reader& r) { map_.read(r); }

    friend bool operator==(const partitioned&, const partitioned&) = default;

private:
    explicit partitioned(map_type map) : map_(std::move(map)) {}

    map_type map_;
};

} // namespace joinery::stream
