// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

#include <crdt/causal_counter.hpp>
#include <crdt/dw_flag.hpp>
#include <crdt/ew_flag.hpp>
#include <crdt/mv_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/rw_set.hpp>

#include "random_steps.hpp"

// Enrols the causal types in the laws.
namespace joinery::testing {

template <class T>
struct random_step<crdt::mv_register<T>> {
    crdt::mv_register<T> operator()(crdt::mv_register<T>& s, crdt::replica_id self,
                                    rng& random) const {
        return random.chance(1, 6) ? s.clear(self) : s.assign(self, random_value<T>(random));
    }
};

template <>
struct random_step<crdt::ew_flag> {
    crdt::ew_flag operator()(crdt::ew_flag& s, crdt::replica_id self, rng& random) const {
        return random.chance(1, 3) ? s.disable(self) : s.enable(self);
    }
};

template <>
struct random_step<crdt::dw_flag> {
    crdt::dw_flag operator()(crdt::dw_flag& s, crdt::replica_id self, rng& random) const {
        return random.chance(1, 3) ? s.disable(self) : s.enable(self);
    }
};

template <class T>
struct random_step<crdt::rw_set<T>> {
    crdt::rw_set<T> operator()(crdt::rw_set<T>& s, crdt::replica_id self, rng& random) const {
        const T value = random_value<T>(random);
        return random.chance(1, 3) ? s.remove(self, value) : s.add(self, value);
    }
};

template <>
struct random_step<crdt::causal_counter> {
    crdt::causal_counter operator()(crdt::causal_counter& s, crdt::replica_id self,
                                    rng& random) const {
        const auto amount = random.below(random.chance(1, 16) ? 1U << 30U : 4U);
        switch (random.below(8)) {
            case 0: return s.reset(self);
            case 1: return s.compact(self);
            case 2:
            case 3: return s.decrement(self, amount);
            default: return s.increment(self, amount);
        }
    }
};

template <class K, class C>
struct random_step<crdt::or_map<K, C>> {
    crdt::or_map<K, C> operator()(crdt::or_map<K, C>& s, crdt::replica_id self, rng& random) const {
        if (random.chance(1, 64)) return s.clear(self);
        const K key = random_value<K>(random);
        // Seldom of an absent key: that changes nothing.
        if (random.chance(1, 5) && (s.contains(key) || random.chance(1, 8)))
            return s.erase(self, key);
        return s.update(self, key, [&](C& value, crdt::replica_id id) {
            return random_step<C>{}(value, id, random);
        });
    }
};

} // namespace joinery::testing
