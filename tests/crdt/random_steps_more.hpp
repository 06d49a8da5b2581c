// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

#include <crdt/bounded_counter.hpp>
#include <crdt/lww_map.hpp>
#include <crdt/min_register.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/two_p_set.hpp>
#include <crdt/voted_register.hpp>

#include "random_steps.hpp"

namespace joinery::testing {

template <>
struct random_step<crdt::pn_counter> {
    crdt::pn_counter operator()(crdt::pn_counter& s, crdt::replica_id self, rng& random) const {
        const auto amount = random.below(random.chance(1, 16) ? 1U << 30U : 4U);
        return random.chance(1, 2) ? s.increment(self, amount) : s.decrement(self, amount);
    }
};

// Rights go to other replicas of the history, dead incarnations included; what is not there to
// spend is refused, which is a bottom delta.
template <>
struct random_step<crdt::bounded_counter> {
    crdt::bounded_counter operator()(crdt::bounded_counter& s, crdt::replica_id self,
                                     rng& random) const {
        const auto other =
            crdt::replica_id::of("replica-" + std::to_string(random.below(3)), 1 + random.below(3));
        const auto amount = random.below(random.chance(1, 16) ? 1U << 30U : 4U);
        try {
            switch (random.below(10)) {
                case 0:
                case 1: return s.transfer(self, other, amount, s);
                case 2:
                case 3: return s.decrement(self, amount, s);
                case 4:
                    return random.chance(1, 2) ? s.hand_on(self, other, s)
                                               : s.reclaim(self, other, s);
                default: return s.increment(self, 1 + amount);
            }
        } catch (const crdt::insufficient_rights&) {
            return {};
        }
    }
};

template <class T>
struct random_step<crdt::min_register<T>> {
    crdt::min_register<T> operator()(crdt::min_register<T>& s, crdt::replica_id self,
                                     rng& random) const {
        return s.assign(self, random_value<T>(random));
    }
};

// Few confidences and stamps, so that all of them tie now and then.
template <class T>
struct random_step<crdt::voted_register<T>> {
    crdt::voted_register<T> operator()(crdt::voted_register<T>& s, crdt::replica_id self,
                                       rng& random) const {
        const auto confidence = random.below(3);
        const auto stamp = random.below(4);
        return s.assign(self, confidence, stamp, random_value<T>(random));
    }
};

template <class T>
struct random_step<crdt::two_p_set<T>> {
    crdt::two_p_set<T> operator()(crdt::two_p_set<T>& s, crdt::replica_id self, rng& random) const {
        const T value = wide_value<T>(random, random.chance(1, 2) ? 1000 : 12);
        return random.chance(1, 3) ? s.remove(self, value) : s.add(self, value);
    }
};

// Few stamps, so that replicas write at one stamp, and one replica two values at one stamp.
template <class K, class V>
struct random_step<crdt::lww_map<K, V>> {
    crdt::lww_map<K, V> operator()(crdt::lww_map<K, V>& s, crdt::replica_id self,
                                   rng& random) const {
        const K key = random_value<K>(random);
        const auto stamp = random.below(8);
        if (random.chance(1, 3)) return s.erase(self, stamp, key);
        return s.put(self, stamp, key, random_value<V>(random));
    }
};

} // namespace joinery::testing
