// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/error.hpp>
#include <crdt/g_map.hpp>
#include <crdt/replica_id.hpp>
#include <crdt/struct.hpp>
#include <wire/codec.hpp>

#include <concepts>
#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

namespace joinery::stream {

/// A commutative monoid: M{} is neutral, a.combine(b) adds b to a, in any order with equal value.
template <class M>
concept monoid = std::regular<M> && requires(M& a, const M& b) { a.combine(b); };

/// One source's contribution: a chain, the later version replaces the earlier one.
///
/// State      the number of updates; their sum.
/// Join       the greater (version, canonical bytes of the sum): a source that said two things
///            under one version is the same on all replicas.
template <monoid M>
struct contribution {
    static constexpr std::string_view schema_name = "contribution";
    using schema_parameters = std::tuple<M>;

    std::uint64_t version = 0;
    M sum{};

    bool merge(const contribution& other) {
        if (!below(other)) return false;
        auto whole = other; // a new version must not come with half of a sum
        *this = std::move(whole);
        return true;
    }
    bool leq(const contribution& other) const { return !other.below(*this); }

    void write(wire::writer& w) const {
        w.varint(version);
        wire::put(w, sum);
    }
    void read(wire::reader& r) {
        version = r.varint();
        wire::get(r, sum);
        // Version 0 is the default alone, the least element.
        if (r.ok() && version == 0 && !(sum == M{})) r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const contribution&, const contribution&) = default;

private:
    bool below(const contribution& other) const {
        if (version != other.version) return version < other.version;
        if (sum == other.sum) return false;
        const auto mine = wire::encode_nested(sum), theirs = wire::encode_nested(other.sum);
        return mine < theirs;
    }
};

/// Makes a lattice of what only adds up, such as a Count-Min or a quantile sketch: repeated gossip
/// counts once.
///
/// State      source -> how often it was updated, and its sum since.
/// Join       source by source, the later one.
/// Value      total(), folded in the order of the sources' ids.
/// Invariant  a source is one (name, incarnation) or, replayed deterministically, a partition; only
///            it updates its sum.
/// Cost       an update's delta is the source's whole sum: update in batches.
/// Source     state-based counters; sketches that are no lattice: datasketches' Count-Min, KLL.
template <monoid M>
struct source_keyed {
    using contributions = crdt::g_map<crdt::replica_id, contribution<M>>;

    BOOST_HANA_DEFINE_STRUCT(source_keyed, (contributions, sources));
    static constexpr std::string_view schema_name = "source_keyed";
    using schema_parameters = std::tuple<M>;

    /// Calls f(M&) on the source's own sum and returns the delta. If f throws, nothing changed.
    template <class F>
    source_keyed update(crdt::replica_id source, F f) {
        source_keyed delta;
        delta.sources = sources.update(source, source, [&](contribution<M>& own, crdt::replica_id) {
            contribution<M> next = own;
            f(next.sum);
            ++next.version;
            auto change = next;
            own = std::move(next);
            return change;
        });
        return delta;
    }

    /// What one source contributes, null if nothing.
    const M* find(crdt::replica_id source) const {
        const auto* own = sources.find(source);
        return own == nullptr ? nullptr : &own->sum;
    }

    M total() const {
        M all{};
        for (const auto& [source, each] : sources.entries()) all.combine(each.sum);
        return all;
    }

    friend bool operator==(const source_keyed&, const source_keyed&) = default;
};

} // namespace joinery::stream
