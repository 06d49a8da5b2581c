// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <type_traits>

#include <crdt/causal_context.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/g_set.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/max_register.hpp>
#include <crdt/or_set.hpp>
#include <crdt/struct.hpp>
#include <crdt/version_vector.hpp>
#include <testing/random_history.hpp>

// Enrols every type of crdt/ in the laws. Domains are small, so that replicas collide; now and then
// wide, so that states grow out of their small shapes.
namespace joinery::testing {

template <class T>
T wide_value(rng& random, std::uint64_t domain = 1000) {
    const auto drawn = random.below(domain);
    if constexpr (std::is_same_v<T, std::string>) {
        return std::string(static_cast<std::size_t>(drawn % 5), 'x') + std::to_string(drawn);
    } else {
        return static_cast<T>(drawn);
    }
}

template <class T>
T random_value(rng& random) {
    return wide_value<T>(random, random.chance(1, 8) ? 1000 : 6);
}

template <>
struct random_step<crdt::g_counter> {
    crdt::g_counter operator()(crdt::g_counter& s, crdt::replica_id self, rng& random) const {
        return s.increment(self, random.below(random.chance(1, 16) ? 1U << 30U : 4U));
    }
};

template <>
struct random_step<crdt::version_vector> {
    crdt::version_vector operator()(crdt::version_vector& s, crdt::replica_id self, rng&) const {
        return s.increment(self);
    }
};

// Dots of any replica, with gaps.
template <>
struct random_step<crdt::causal_context> {
    crdt::causal_context operator()(crdt::causal_context& s, crdt::replica_id self,
                                    rng& random) const {
        crdt::causal_context delta;
        if (random.chance(1, 3)) {
            const auto first = 1 + random.below(40);
            delta.add(crdt::causal_context::interval{crdt::replica_id{random.below(4)}, first,
                                                     first + random.below(8)});
        } else {
            delta.add(s.next(self));
        }
        s.merge(delta);
        return delta;
    }
};

template <class T>
struct random_step<crdt::max_register<T>> {
    crdt::max_register<T> operator()(crdt::max_register<T>& s, crdt::replica_id self,
                                     rng& random) const {
        return s.assign(self, random_value<T>(random));
    }
};

// Few stamps, so that replicas write at one stamp, and one replica two values at one stamp.
template <class T>
struct random_step<crdt::lww_register<T>> {
    crdt::lww_register<T> operator()(crdt::lww_register<T>& s, crdt::replica_id self,
                                     rng& random) const {
        return s.assign(self, random.below(8), random_value<T>(random));
    }
};

template <class T>
struct random_step<crdt::g_set<T>> {
    crdt::g_set<T> operator()(crdt::g_set<T>& s, crdt::replica_id self, rng& random) const {
        return s.add(self, random_value<T>(random));
    }
};

template <class T>
struct random_step<crdt::or_set<T>> {
    crdt::or_set<T> operator()(crdt::or_set<T>& s, crdt::replica_id self, rng& random) const {
        const auto what = random.below(64);
        if (what == 0) return random.chance(1, 2) ? s.clear(self) : add_many(s, self, random);
        const T value = random_value<T>(random);
        return what < 24 ? s.remove(self, value) : s.add(self, value);
    }

    // Enough dots in a row for the dense form of a store. Deltas joined are a delta.
    static crdt::or_set<T> add_many(crdt::or_set<T>& s, crdt::replica_id self, rng& random) {
        crdt::or_set<T> delta;
        for (auto n = 30 + random.below(30); n > 0; --n)
            delta.merge(s.add(self, wide_value<T>(random)));
        return delta;
    }
};

template <class K, class L>
struct random_step<crdt::g_map<K, L>> {
    crdt::g_map<K, L> operator()(crdt::g_map<K, L>& s, crdt::replica_id self, rng& random) const {
        return s.update(self, random_value<K>(random), [&](L& value, crdt::replica_id id) {
            return random_step<L>{}(value, id, random);
        });
    }
};

} // namespace joinery::testing
