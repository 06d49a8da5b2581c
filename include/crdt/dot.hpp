// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/replica_id.hpp>

#include <compare>
#include <cstdint>

namespace joinery::crdt {

/// The greatest event counter and the greatest counter slot: 2^63 - 1.
inline constexpr std::uint64_t max_count = (std::uint64_t{1} << 63) - 1;

/// One event: the `counter`-th (from 1) of `replica`.
/// Source  Preguiça et al. 2010, arXiv 1011.5808 (dotted version vectors).
struct dot {
    static constexpr std::string_view schema_name = "dot";

    replica_id replica;
    std::uint64_t counter = 0;

    void write(wire::writer& w) const {
        replica.write(w);
        w.varint(counter);
    }
    void read(wire::reader& r) {
        replica.read(r);
        counter = r.varint();
        if (counter == 0 || counter > max_count) r.fail(wire::errc::bad_value);
    }

    friend auto operator<=>(const dot&, const dot&) = default;
};

} // namespace joinery::crdt
