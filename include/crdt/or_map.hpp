// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// The values of an or_map, to be read; what stands for a map in a map of maps.
template <element K, class C>
class or_map_values : public dot_map<K, typename C::store> {
public:
    /// The value under `key`, to be read; null if the key is absent. Reading never inserts.
    const typename C::store* find(const K& key) const { return this->below(key); }
    bool contains(const K& key) const { return this->below(key) != nullptr; }
    std::size_t size() const { return this->entries().size(); }
    bool empty() const { return this->entries().empty(); }
    /// The keys in order.
    std::vector<K> keys() const {
        std::vector<K> all;
        all.reserve(size());
        for (const auto& [key, value] : this->entries()) all.push_back(key);
        return all;
    }
};

namespace detail {

/// The store of a map, once it is sure that the value can share the map's context.
template <class K, class C>
struct map_store {
    static_assert(causal_type<C>,
                  "or_map<K, C> needs a causal C (or_set, rw_set, mv_register, ew_flag, dw_flag, "
                  "causal_counter, or_map); for any other lattice take g_map<K, C>");
    using type = or_map_values<K, C>;
};

} // namespace detail

/// Observed-remove map of causal values under one context, nested to any depth.
///
/// State      key -> the value's live dots, and the context of all dots seen in the whole map.
/// Join       as for every causal type, with both contexts; keys follow from the dots.
/// Value      the keys with a live dot below; one without is absent.
/// Invariant  erasing takes away exactly what was seen below the key: an update that is concurrent
///            with it survives, alone, and a key can come again.
/// Cost       find O(log n); update O(log n) plus the value's; erase O(dots below log n); merge of
///            a delta O(|δ| log n).
/// Source     Almeida et al. 2018, arXiv 1603.01529 (ORMap); riak_dt#93 for what is easily wrong.
template <element K, class C>
class or_map : public detail::causal<or_map<K, C>, typename detail::map_store<K, C>::type> {
    using core = detail::causal<or_map<K, C>, typename detail::map_store<K, C>::type>;
    using access = detail::causal_access;

public:
    static constexpr std::string_view schema_name = "or_map";
    using schema_parameters = std::tuple<K, C>;
    using value_type = C;

    /// Calls f(value, self), exactly one mutator call that returns the value's delta, and returns
    /// the map's delta. The value's context() is that of the change alone. If the mutator throws,
    /// the map is unchanged; if memory runs out, it is that or changed, and sound. Precondition: f
    /// does not touch the map.
    template <class F>
    or_map update(replica_id self, const K& key, F f) {
        static_assert(std::same_as<decltype(f(std::declval<C&>(), self)), C>,
                      "f returns the delta of the value's mutator");
        // All that minting needs of the map's context.
        causal_context seen;
        const auto last = this->context().last(self);
        if (last != 0) seen.add(dot{self, last});
        const dot next{self, last + 1};
        core::claims(*this).make_room();
        C value = access::make<C>(core::live(*this).take(key, next), std::move(seen));
        const auto before = access::live(value).dot_count();
        const auto settle = [&] {
            core::live(*this).settle(key, std::move(access::live(value)), before, value.context(),
                                     core::claims(*this), next);
        };
        C change = [&] {
            try {
                return f(value, self);
            } catch (...) {
                settle();
                throw;
            }
        }();
        settle();
        return lift(key, change);
    }

    /// Takes away what was seen below `key`; bottom if it is absent. Mints no dot.
    or_map erase(replica_id, const K& key) {
        return this->applied(core::cancelling(this->live().below(key)));
    }

    /// Takes away everything seen.
    or_map clear(replica_id) { return this->applied(core::cancelling(&this->live())); }

    /// A delta of one key, made of the value's delta; nothing is merged.
    static or_map lift(const K& key, const C& change) {
        or_map delta;
        core::claims(delta) = change.context();
        access::live(change).for_each([&](const dot& d, const auto& v) {
            core::live(delta).put(d, {&key, v});
        });
        return delta;
    }

    /// The value under `key`, to be read; null if the key is absent. Reading never inserts.
    const typename C::store* find(const K& key) const { return this->live().find(key); }
    bool contains(const K& key) const { return this->live().contains(key); }
    std::size_t size() const { return this->live().size(); }
    bool empty() const { return this->live().empty(); }
    /// The keys in order.
    std::vector<K> keys() const { return this->live().keys(); }
};

} // namespace joinery::crdt
