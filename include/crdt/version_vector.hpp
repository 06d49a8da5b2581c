// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/replica_counts.hpp>
#include <crdt/error.hpp>

#include <string_view>
#include <utility>

namespace joinery::crdt {

/// Version vector (vector clock).
///
/// State      replica -> number of its events seen, without gaps.
/// Join       pointwise maximum.
/// Value      get(replica); crdt::compare gives causality, which is no total order.
/// Invariant  no count is 0: {A:0} and {} are one value.
/// Cost       get O(log replicas), merge and compare O(replicas).
/// Source     Parker et al. 1983; Mattern 1989.
class version_vector {
public:
    static constexpr std::string_view schema_name = "version_vector";

    /// Records the next event of `self` and returns the delta. Throws counter_exhausted.
    version_vector increment(replica_id self) {
        const auto before = counts_.get(self);
        if (before == max_count) throw counter_exhausted();
        version_vector delta;
        delta.counts_.raise(self, before + 1);
        counts_.raise(self, before + 1);
        return delta;
    }

    std::uint64_t get(replica_id id) const { return counts_.get(id); }
    bool contains(const dot& d) const { return d.counter <= counts_.get(d.replica); }

    /// Calls f(replica, count) in replica order.
    template <class F>
    void for_each(F f) const {
        for (const auto slot : counts_.slots()) f(slot.replica, slot.count);
    }

    bool merge(const version_vector& other, report* = nullptr) {
        return counts_.merge(other.counts_);
    }
    bool leq(const version_vector& other) const { return counts_.leq(other.counts_); }
    version_vector difference(const version_vector& known) const {
        return version_vector(counts_.difference(known.counts_));
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        counts_.for_each_entry(path, f);
    }
    template <class F>
    void touched(const version_vector& delta, entry_id path, F& f) const {
        counts_.touched(delta.counts_, path, f);
    }
    template <class F>
    void changes(const version_vector& delta, entry_id path, F& f) const {
        counts_.changes(delta.counts_, path, f);
    }
    version_vector fragment(entry_id path, const id_set& ids) const {
        return version_vector(counts_.fragment(path, ids));
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        auto lift = [&](detail::replica_counts part) { f(version_vector(std::move(part))); };
        counts_.split(max_bytes, lift);
    }

    void write(wire::writer& w) const { counts_.write(w); }
    void read(wire::reader& r) { counts_.read(r); }

    version_vector() = default;
    friend bool operator==(const version_vector&, const version_vector&) = default;

private:
    explicit version_vector(detail::replica_counts counts) : counts_(std::move(counts)) {}

    detail::replica_counts counts_;
};

} // namespace joinery::crdt
