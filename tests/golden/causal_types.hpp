// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <string>
#include <vector>

#include <crdt/causal_counter.hpp>
#include <crdt/detail/causal.hpp>
#include <crdt/dw_flag.hpp>
#include <crdt/ew_flag.hpp>
#include <crdt/mv_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <crdt/rw_set.hpp>
#include <crdt/voted_register.hpp>

#include "crdt_types.hpp"

// Every causal type is a context and its live dots, each with the keys and the payload above it.
namespace golden {

template <>
struct show_type<crdt::detail::amount> {
    static std::string of(const crdt::detail::amount& a) { return show(a.value); }
};
template <>
struct show_type<crdt::detail::mark> {
    static std::string of(const crdt::detail::mark& m) { return show(m.present); }
};
template <class T>
struct show_type<crdt::vote<T>> {
    static std::string of(const crdt::vote<T>& v) {
        return object({{"confidence", show(v.confidence)},
                       {"stamp", show(v.stamp)},
                       {"value", show(v.value)}});
    }
};

template <class P>
void show_view(std::vector<std::string>& row, const crdt::detail::payload_view<P>& v) {
    if constexpr (!std::same_as<P, crdt::no_payload>) row.push_back(show(*v.payload));
}
template <class K, class Below>
void show_view(std::vector<std::string>& row, const crdt::detail::keyed_view<K, Below>& v) {
    row.push_back(show(*v.key));
    show_view(row, v.below);
}

template <crdt::detail::causal_type C>
struct show_type<C> {
    static std::string of(const C& c) {
        std::vector<std::string> dots;
        crdt::detail::causal_access::live(c).for_each([&](const crdt::dot& d, const auto& v) {
            std::vector<std::string> row{show(d.replica), show(d.counter)};
            show_view(row, v);
            dots.push_back(listed(row));
        });
        return object({{"context", show(c.context())}, {"dots", listed(dots)}});
    }
};

} // namespace golden
