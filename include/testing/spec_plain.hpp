// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <testing/visibility.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

/// What each type of crdt/ must show at a replica that has seen some operations, under the name of
/// the type: `operation`, and `value(all, visible)`. They have no metadata and merge nothing. A
/// model may also have `takes(all, what, seen)`, the operations seen that a new one takes back, and
/// `allowed(all, seen, replica, what)`, false for an operation that is to be refused.
namespace joinery::testing::spec {

template <class Model>
using value_of = decltype(Model::value(std::declval<const visibility<typename Model::operation>&>(),
                                       event_set{}));

/// A counter's replica tells of all it counted before, with each count.
struct g_counter {
    using operation = std::uint64_t;
    static std::int64_t value(const visibility<operation>& all, event_set visible) {
        std::int64_t sum = 0;
        for (const auto& [id, each] : all.all())
            if (replica_tells(visible, id)) sum += static_cast<std::int64_t>(each.what);
        return sum;
    }
    /// Whether an operation of the same replica, this one or a later, is visible.
    static bool replica_tells(event_set visible, event_id id) {
        const auto end = (replica_of(id) + 1) * max_own_events;
        const auto own = end == 64 ? visible : visible & (just(end) - 1);
        return own >> id != 0;
    }
};

struct version_vector {
    struct operation {};
    static std::map<std::size_t, std::uint64_t> value(const visibility<operation>& all,
                                                      event_set visible) {
        std::map<std::size_t, std::uint64_t> counts;
        for (const auto& [id, each] : all.all())
            if (g_counter::replica_tells(visible, id)) ++counts[replica_of(id)];
        return counts;
    }
};

/// Amounts above zero go up, below zero down; each direction tells of itself alone.
struct pn_counter {
    using operation = std::int64_t;
    static std::int64_t value(const visibility<operation>& all, event_set visible) {
        const auto direction = [&](bool up) {
            return g_counter::value(all.mapped<std::uint64_t>([&](std::int64_t amount) {
                return (amount > 0) == up
                           ? std::optional(static_cast<std::uint64_t>(up ? amount : -amount))
                           : std::nullopt;
            }),
                                    only(all, visible, up));
        };
        return direction(true) - direction(false);
    }

private:
    static event_set only(const visibility<operation>& all, event_set visible, bool up) {
        event_set some = 0;
        all.for_each(visible, [&](event_id id, const auto& each) {
            if ((each.what > 0) == up) some |= just(id);
        });
        return some;
    }
};

template <class T>
struct max_register {
    using operation = T;
    static std::optional<T> value(const visibility<operation>& all, event_set visible) {
        std::optional<T> greatest;
        all.for_each(visible, [&](event_id, const auto& each) {
            if (!greatest || *greatest < each.what) greatest = each.what;
        });
        return greatest;
    }
};

template <class T>
struct min_register {
    using operation = T;
    static std::optional<T> value(const visibility<operation>& all, event_set visible) {
        std::optional<T> least;
        all.for_each(visible, [&](event_id, const auto& each) {
            if (!least || each.what < *least) least = each.what;
        });
        return least;
    }
};

/// The greatest (stamp, replica, value) wins.
template <class T>
struct lww_register {
    struct operation {
        std::uint64_t stamp;
        T value;
    };
    static std::optional<T> value(const visibility<operation>& all, event_set visible) {
        std::optional<std::tuple<std::uint64_t, std::size_t, T>> best;
        all.for_each(visible, [&](event_id id, const auto& each) {
            const std::tuple mine(each.what.stamp, replica_of(id), each.what.value);
            if (!best || *best < mine) best = mine;
        });
        return best ? std::optional(std::get<2>(*best)) : std::nullopt;
    }
};

/// A register for each key; nothing is a value too, and the least.
template <class K, class V>
struct lww_map {
    struct operation {
        K key;
        std::uint64_t stamp;
        std::optional<V> value;
    };
    static std::map<K, V> value(const visibility<operation>& all, event_set visible) {
        using cell = lww_register<std::optional<V>>;
        std::set<K> keys;
        for (const auto& [id, each] : all.all()) keys.insert(each.what.key);
        std::map<K, V> present;
        for (const auto& key : keys) {
            using write = typename cell::operation;
            const auto won = cell::value(all.template mapped<write>([&](const operation& each) {
                return each.key == key ? std::optional(write{each.stamp, each.value})
                                       : std::nullopt;
            }),
                                         visible);
            if (won && *won) present.emplace(key, **won);
        }
        return present;
    }
};

template <class T>
struct g_set {
    using operation = T;
    static std::set<T> value(const visibility<operation>& all, event_set visible) {
        std::set<T> present;
        all.for_each(visible, [&](event_id, const auto& each) { present.insert(each.what); });
        return present;
    }
};

template <class T>
struct set_operation {
    bool adds;
    T element;
};

/// A removed element never returns, whether it was seen or not.
template <class T>
struct two_p_set {
    using operation = set_operation<T>;
    static std::set<T> value(const visibility<operation>& all, event_set visible) {
        std::set<T> added, removed;
        all.for_each(visible, [&](event_id, const auto& each) {
            (each.what.adds ? added : removed).insert(each.what.element);
        });
        std::erase_if(added, [&](const T& element) { return removed.contains(element); });
        return added;
    }
};

/// Elements, counted exactly.
template <class T>
struct hyperloglog {
    using operation = T;
    static std::size_t value(const visibility<operation>& all, event_set visible) {
        return g_set<T>::value(all, visible).size();
    }
};

/// Each replica spends what it gained and was given; giving to oneself is not an operation.
struct bounded_counter {
    enum class kind { increment, decrement, transfer };
    struct operation {
        kind what;
        std::int64_t amount;
        std::size_t to = 0;
    };
    static std::int64_t value(const visibility<operation>& all, event_set visible) {
        std::int64_t sum = 0;
        for (const auto& [id, each] : all.all()) {
            if (each.what.what == kind::transfer || !told(all, visible, id)) continue;
            sum += each.what.what == kind::increment ? each.what.amount : -each.what.amount;
        }
        return sum < 0 ? 0 : sum;
    }
    static bool allowed(const visibility<operation>& all, event_set seen, std::size_t replica,
                        const operation& what) {
        if (what.what == kind::increment) return true;
        std::int64_t rights = 0;
        for (const auto& [id, each] : all.all()) {
            if (!told(all, seen, id)) continue;
            const bool own = replica_of(id) == replica;
            const bool gift = each.what.what == kind::transfer;
            if (own)
                rights += each.what.what == kind::increment ? each.what.amount : -each.what.amount;
            if (gift && each.what.to == replica) rights += each.what.amount;
        }
        return what.amount <= rights;
    }

private:
    /// Each operation tells of the increments before it, a decrement and a transfer also of the
    /// decrements, a transfer also of those to the same replica.
    static bool told(const visibility<operation>& all, event_set visible, event_id id) {
        const operation& what = all.all().at(id).what;
        bool told = false;
        all.for_each(visible, [&](event_id later, const auto& each) {
            if (later < id || replica_of(later) != replica_of(id)) return;
            told = told || what.what == kind::increment || later == id ||
                   (what.what == kind::decrement && each.what.what != kind::increment) ||
                   (each.what.what == kind::transfer && each.what.to == what.to);
        });
        return told;
    }
};

/// A lattice for each key; an operation on one says nothing of the others. A key with the value
/// that nothing has is left out.
template <class K, class Model>
struct g_map {
    struct operation {
        K key;
        typename Model::operation inner;
    };
    static std::map<K, value_of<Model>> value(const visibility<operation>& all, event_set visible) {
        std::set<K> keys;
        all.for_each(visible, [&](event_id, const auto& each) { keys.insert(each.what.key); });
        std::map<K, value_of<Model>> values;
        for (const auto& key : keys) {
            const auto some = below(all, key);
            auto value = Model::value(some, within(some, visible));
            if (!(value == Model::value(some, 0))) values.emplace(key, std::move(value));
        }
        return values;
    }
    static event_set takes(const visibility<operation>& all, const operation& what,
                           event_set seen) {
        const auto some = below(all, what.key);
        if constexpr (requires { Model::takes(some, what.inner, seen); })
            return Model::takes(some, what.inner, within(some, seen));
        else
            return 0;
    }

private:
    using inner_operation = typename Model::operation;

    static visibility<inner_operation> below(const visibility<operation>& all, const K& key) {
        return all.template mapped<inner_operation>([&](const operation& each) {
            return each.key == key ? std::optional(each.inner) : std::nullopt;
        });
    }
    static event_set within(const visibility<inner_operation>& some, event_set visible) {
        event_set ids = 0;
        some.for_each(visible, [&](event_id id, const auto&) { ids |= just(id); });
        return ids;
    }
};

} // namespace joinery::testing::spec
