// SPDX-License-Identifier: Apache-2.0
// What the examples of docs/crdt.md take for granted, and then the examples.
#include <string>
#include <vector>

#include <crdt.hpp>
#include <doctest/doctest.h>

namespace crdt = joinery::crdt;

namespace {

const auto a = crdt::replica_id::of("a", 1);
const auto b = crdt::replica_id::of("b", 1);

struct page {
    BOOST_HANA_DEFINE_STRUCT(page, (crdt::g_counter, visits), (crdt::or_set<std::string>, tags));
    bool operator==(const page&) const = default;
};

template <class L>
void meet(L& x, L& y) {
    crdt::merge(x, y);
    crdt::merge(y, x);
}

} // namespace

#undef assert
#define assert(...) CHECK((__VA_ARGS__))

#include "crdt_examples.inc"
