// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/slot_list.hpp>
#include <crdt/replica_id.hpp>

#include <cstddef>
#include <cstdint>

namespace joinery::crdt::detail {

/// One replica and what it counted: a number or a pair.
template <class Count>
struct replica_slot {
    using key_type = replica_id;
    static constexpr std::size_t key_bytes = 8;

    replica_id replica;
    Count count{};

    const replica_id& key() const { return replica; }
    void put_key(wire::writer& w) const { replica.write(w); }
    void get_key(wire::reader& r) { replica.read(r); }

    friend bool operator==(const replica_slot&, const replica_slot&) = default;
};

/// replica -> count, the body of g_counter and version_vector.
using replica_counts = slot_list<replica_slot<std::uint64_t>>;

/// replica -> two counts, the body of pn_counter.
using replica_pairs = slot_list<replica_slot<count_pair>>;

} // namespace joinery::crdt::detail
