// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/lattice.hpp>
#include <wire/codec.hpp>

// The join of `parts`, checked to be one state, with one encoding, in every order of arrival, each
// part arriving once or again after any other.
template <class T>
T in_every_order(const std::vector<T>& parts) {
    namespace crdt = joinery::crdt;
    namespace wire = joinery::wire;
    T expected{};
    for (const T& part : parts) crdt::merge(expected, part);
    std::vector<std::size_t> order(parts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    do {
        T once{}, again{};
        for (const auto i : order) {
            crdt::merge(once, parts[i]);
            crdt::merge(again, parts[i]);
            crdt::merge(again, parts[order.front()]);
            crdt::merge(again, parts[i]);
        }
        CHECK((once == expected));
        CHECK((again == expected));
        CHECK((wire::encode(once) == wire::encode(expected)));
    } while (std::next_permutation(order.begin(), order.end()));
    return expected;
}
