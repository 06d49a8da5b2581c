// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <testing/spec_plain.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::testing::spec {

/// What the operations that nobody took back amount to. A causal model says which operations can be
/// taken back, by which later ones that have seen them, and how to read the others: `mints`,
/// `takes_back`, `read`.
template <class Model>
struct causal {
    template <class Operation>
    static auto value(const visibility<Operation>& all, event_set visible) {
        std::vector<std::pair<event_id, Operation>> left;
        all.for_each(all.left(visible), [&](event_id id, const auto& each) {
            if (Model::mints(each.what)) left.emplace_back(id, each.what);
        });
        return Model::read(left);
    }

    /// Only what was still there: a replica that hears of this operation alone, and then of one
    /// that had been taken back before, does not know better.
    template <class Operation>
    static event_set takes(const visibility<Operation>& all, const Operation& what,
                           event_set seen) {
        event_set some = 0;
        all.for_each(all.left(seen), [&](event_id id, const auto& each) {
            if (Model::mints(each.what) && Model::takes_back(what, each.what)) some |= just(id);
        });
        return some;
    }
};

template <class Operation>
using left_over = std::vector<std::pair<event_id, Operation>>;

/// An addition replaces the additions seen, a removal takes them away.
template <class T>
struct or_set : causal<or_set<T>> {
    using operation = set_operation<T>;
    static bool mints(const operation& one) { return one.adds; }
    static bool takes_back(const operation& later, const operation& earlier) {
        return later.element == earlier.element;
    }
    static std::set<T> read(const left_over<operation>& left) {
        std::set<T> present;
        for (const auto& [id, one] : left) present.insert(one.element);
        return present;
    }
};

/// Additions and removals replace what was seen; a removal that is left wins.
template <class T>
struct rw_set : causal<rw_set<T>> {
    using operation = set_operation<T>;
    static bool mints(const operation&) { return true; }
    static bool takes_back(const operation& later, const operation& earlier) {
        return later.element == earlier.element;
    }
    static std::set<T> read(const left_over<operation>& left) {
        std::set<T> present;
        for (const auto& [id, one] : left) present.insert(one.element);
        for (const auto& [id, one] : left)
            if (!one.adds) present.erase(one.element);
        return present;
    }
};

/// The operation is whether the flag is enabled.
struct ew_flag : causal<ew_flag> {
    using operation = bool;
    static bool mints(const operation& enables) { return enables; }
    static bool takes_back(const operation&, const operation&) { return true; }
    static bool read(const left_over<operation>& left) { return !left.empty(); }
};

/// False at first; a disabling that is left wins.
struct dw_flag : causal<dw_flag> {
    using operation = bool;
    static bool mints(const operation&) { return true; }
    static bool takes_back(const operation&, const operation&) { return true; }
    static bool read(const left_over<operation>& left) {
        return !left.empty() &&
               std::all_of(left.begin(), left.end(), [](const auto& each) { return each.second; });
    }
};

template <class T>
struct mv_register : causal<mv_register<T>> {
    using operation = T;
    static bool mints(const operation&) { return true; }
    static bool takes_back(const operation&, const operation&) { return true; }
    static std::set<T> read(const left_over<operation>& left) {
        std::set<T> values;
        for (const auto& [id, one] : left) values.insert(one);
        return values;
    }
};

/// Among those left the greatest (confidence, stamp, replica, value).
template <class T>
struct voted_register : causal<voted_register<T>> {
    struct operation {
        std::uint64_t confidence, stamp;
        T value;
    };
    static bool mints(const operation&) { return true; }
    static bool takes_back(const operation&, const operation&) { return true; }
    static std::optional<T> read(const left_over<operation>& left) {
        std::optional<std::tuple<std::uint64_t, std::uint64_t, std::size_t, T>> best;
        for (const auto& [id, one] : left) {
            const std::tuple mine(one.confidence, one.stamp, replica_of(id), one.value);
            if (!best || *best < mine) best = mine;
        }
        return best ? std::optional(std::get<3>(*best)) : std::nullopt;
    }
};

/// An amount, or nothing for a reset.
struct causal_counter : causal<causal_counter> {
    using operation = std::optional<std::int64_t>;
    static bool mints(const operation& one) { return one.has_value(); }
    static bool takes_back(const operation& later, const operation&) { return !later; }
    static std::int64_t read(const left_over<operation>& left) {
        std::int64_t sum = 0;
        for (const auto& [id, one] : left) sum += *one;
        return sum;
    }
};

/// An operation of the value under a key, or nothing for an erase of the key.
template <class K, class Model>
struct or_map : causal<or_map<K, Model>> {
    struct operation {
        K key;
        std::optional<typename Model::operation> inner;
    };
    static bool mints(const operation& one) { return one.inner && Model::mints(*one.inner); }
    static bool takes_back(const operation& later, const operation& earlier) {
        if (later.key != earlier.key) return false;
        return !later.inner || (earlier.inner && Model::takes_back(*later.inner, *earlier.inner));
    }
    static auto read(const left_over<operation>& left) {
        using inner = left_over<typename Model::operation>;
        std::map<K, inner> below;
        for (const auto& [id, one] : left) below[one.key].emplace_back(id, *one.inner);
        std::map<K, decltype(Model::read(inner{}))> values;
        for (const auto& [key, some] : below) values.emplace(key, Model::read(some));
        return values;
    }
};

/// An event, a removal record, a truncation of all that was seen, or a write to the register.
template <class T>
struct event_log {
    enum class kind { append, remove, truncate };
    struct operation {
        kind what;
        std::uint64_t stamp;
        T payload;
    };
    struct shown {
        std::vector<T> events; ///< by (stamp, replica, order of appending)
        std::int64_t total = 0, net = 0;
        friend bool operator==(const shown&, const shown&) = default;
    };
    static shown value(const visibility<operation>& all, event_set visible) {
        std::vector<std::tuple<std::uint64_t, event_id, T>> left;
        all.for_each(all.left(visible), [&](event_id id, const auto& each) {
            if (each.what.what != kind::truncate)
                left.emplace_back(each.what.stamp, id, each.what.payload);
        });
        std::sort(left.begin(), left.end());
        shown result;
        for (const auto& [stamp, id, payload] : left) result.events.push_back(payload);
        count(all, visible, result);
        return result;
    }
    static event_set takes(const visibility<operation>& all, const operation& what,
                           event_set seen) {
        event_set some = 0;
        if (what.what != kind::truncate) return some;
        all.for_each(all.left(seen), [&](event_id id, const auto& each) {
            if (each.what.what != kind::truncate) some |= just(id);
        });
        return some;
    }

private:
    /// The last sequence known of an origin tells of all before it, and so does its last removal
    /// record; a truncation tells of the sequences that it took away.
    static void count(const visibility<operation>& all, event_set visible, shown& result) {
        event_set sequences = 0, removals = 0;
        all.for_each(visible, [&](event_id id, const auto& each) {
            if (each.what.what == kind::remove) removals |= just(id);
            sequences |= each.what.what == kind::truncate ? each.takes : just(id);
        });
        std::map<std::size_t, std::pair<std::int64_t, std::int64_t>> origins;
        for (const auto& [id, each] : all.all()) {
            if (each.what.what == kind::truncate) continue;
            auto& [known, removed] = origins[replica_of(id)];
            known += g_counter::replica_tells(sequences, id);
            removed += each.what.what == kind::remove && g_counter::replica_tells(removals, id);
        }
        for (const auto& [replica, counts] : origins) {
            const auto removed = std::min(counts.first, counts.second);
            result.total += counts.first - removed;
            result.net += counts.first - 2 * removed;
        }
    }
};

} // namespace joinery::testing::spec
