// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <crdt/causal_context.hpp>
#include <crdt/dot.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/g_set.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/max_register.hpp>
#include <crdt/min_register.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/replica_id.hpp>
#include <crdt/struct.hpp>
#include <crdt/version_vector.hpp>

#include "show.hpp"

namespace golden {

namespace crdt = joinery::crdt;

// Replicas whose ids exercise all eight bytes, and small ones that people can read.
inline const crdt::replica_id ada{1}, bob{2}, eve{0xfedcba9876543210};
inline const crdt::replica_id named = crdt::replica_id::of("ada", 7);

template <>
struct show_type<crdt::replica_id> {
    static std::string of(crdt::replica_id id) { return std::to_string(id.value); }
};

template <>
struct show_type<crdt::lease> {
    static std::string of(const crdt::lease& l) {
        return object({{"incarnation", show(l.incarnation)},
                       {"clean", show(l.clean)},
                       {"last_dot", show(l.last_dot)}});
    }
};

template <>
struct show_type<crdt::dot> {
    static std::string of(const crdt::dot& d) { return listed({show(d.replica), show(d.counter)}); }
};

template <>
struct show_type<crdt::causal_context> {
    static std::string of(const crdt::causal_context& c) {
        std::vector<std::string> parts;
        for (const auto& i : c.intervals())
            parts.push_back(listed({show(i.replica), show(i.first), show(i.last)}));
        return listed(parts);
    }
};

template <>
struct show_type<crdt::version_vector> {
    static std::string of(const crdt::version_vector& v) {
        std::vector<std::string> parts;
        v.for_each([&](crdt::replica_id id, std::uint64_t count) {
            parts.push_back(listed({show(id), show(count)}));
        });
        return listed(parts);
    }
};

/// The slots of a counter, which only its descendants see.
template <class Counter>
struct peek : Counter {
    static auto slots(const Counter& c) { return (c.*&peek::slots_).slots(); }
};

template <>
struct show_type<crdt::pn_counter> {
    static std::string of(const crdt::pn_counter& c) {
        std::vector<std::string> parts;
        for (const auto& slot : peek<crdt::pn_counter>::slots(c))
            parts.push_back(
                listed({show(slot.replica), show(slot.count.up), show(slot.count.down)}));
        return listed(parts);
    }
};

template <>
struct show_type<crdt::g_counter> {
    static std::string of(const crdt::g_counter& c) {
        std::vector<std::string> parts;
        for (const auto& slot : peek<crdt::g_counter>::slots(c))
            parts.push_back(listed({show(slot.replica), show(slot.count)}));
        return listed(parts);
    }
};

template <class T>
struct show_type<crdt::lww_register<T>> {
    static std::string of(const crdt::lww_register<T>& r) {
        if (r.value() == nullptr) return "null";
        return object({{"stamp", show(r.stamp())},
                       {"replica", show(r.writer())},
                       {"value", show(*r.value())}});
    }
};

template <class T>
struct show_type<crdt::max_register<T>> {
    static std::string of(const crdt::max_register<T>& r) { return show(r.value()); }
};

template <class T>
struct show_type<crdt::min_register<T>> {
    static std::string of(const crdt::min_register<T>& r) { return show(r.value()); }
};

template <class T>
struct show_type<crdt::g_set<T>> {
    static std::string of(const crdt::g_set<T>& s) { return show_all(s.elements()); }
};

template <class K, class L>
struct show_type<crdt::g_map<K, L>> {
    static std::string of(const crdt::g_map<K, L>& m) {
        std::vector<std::string> parts;
        for (const auto& [key, value] : m.entries())
            parts.push_back(listed({show(key), show(value)}));
        return listed(parts);
    }
};

} // namespace golden
