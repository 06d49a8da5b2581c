// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/slot_list.hpp>
#include <crdt/replica_id.hpp>

#include <compare>
#include <cstddef>

namespace joinery::crdt::detail {

/// One cell of a matrix over replicas; only `writer` ever raises it.
struct matrix_place {
    replica_id writer;
    replica_id other;

    bool diagonal() const { return writer == other; }

    void write(wire::writer& w) const {
        writer.write(w);
        other.write(w);
    }
    void read(wire::reader& r) {
        writer.read(r);
        other.read(r);
    }

    friend auto operator<=>(const matrix_place&, const matrix_place&) = default;
};

/// A cell and its two sums: see bounded_counter.
struct right_cell {
    using key_type = matrix_place;
    static constexpr std::size_t key_bytes = 16;

    matrix_place at;
    count_pair count;

    const matrix_place& key() const { return at; }
    void put_key(wire::writer& w) const { at.write(w); }
    void get_key(wire::reader& r) { at.read(r); }

    friend bool operator==(const right_cell&, const right_cell&) = default;
};

using right_cells = slot_list<right_cell>;

} // namespace joinery::crdt::detail
