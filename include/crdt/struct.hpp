// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <wire/codec.hpp>

#include <boost/hana/adapt_struct.hpp>
#include <boost/hana/define_struct.hpp>

namespace joinery::crdt {

/// A struct of lattices is a lattice: the product, field by field.
///
///     struct cart {
///         BOOST_HANA_DEFINE_STRUCT(cart, (crdt::g_counter, visits), (crdt::or_set<std::string>,
///         items)); static constexpr std::string_view schema_name = "cart"; friend bool
///         operator==(const cart&, const cart&) = default;
///     };
///
/// merge, leq, difference, entries, encoding: all derived. A field is known on the wire by a hash
/// of its name, so fields may be added and reordered, but not renamed.
template <class S>
concept crdt_struct = wire::reflected<S> && join_semilattice<S>;

} // namespace joinery::crdt
