// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace joinery::crdt {

/// One incarnation of one named replica, as 64 bits.
///
/// Invariant  a process that cannot prove that its state is the newest it ever had takes a new
///            incarnation, so no dot is ever minted for two different events.
/// Source     riak_kv#679: a name alone as identity loses data after every restored backup.
struct replica_id {
    static constexpr std::string_view schema_name = "replica_id";

    std::uint64_t value = 0;

    /// The id of `name` in its given incarnation.
    static replica_id of(std::string_view name, std::uint64_t incarnation) {
        wire::writer w;
        wire::put(w, std::string(name));
        w.fixed64(incarnation);
        return {wire::content_hash64(w.bytes())};
    }

    void write(wire::writer& w) const { w.fixed64(value); }
    void read(wire::reader& r) { value = r.fixed64(); }

    friend auto operator<=>(const replica_id&, const replica_id&) = default;
};

/// What a replica keeps durable beside its state, so that no dot is minted twice.
///
/// State      incarnation; whether it stopped cleanly, its state saved; the last dot it minted.
/// Invariant  written with clean == false before the first dot, with clean == true only after the
///            state itself is durable.
struct lease {
    static constexpr std::string_view schema_name = "lease";

    std::uint64_t incarnation = 0;
    bool clean = false;
    std::uint64_t last_dot = 0;

    void write(wire::writer& w) const {
        w.fixed64(incarnation);
        wire::put(w, clean);
        w.varint(last_dot);
    }
    void read(wire::reader& r) {
        incarnation = r.fixed64();
        wire::get(r, clean);
        last_dot = r.varint();
    }

    friend bool operator==(const lease&, const lease&) = default;
};

/// The incarnation to start under: the leased one after a clean stop with a state at least as new,
/// the one after it otherwise, and `random` (64 bits from the host) when the lease is gone.
inline std::uint64_t next_incarnation(const std::optional<lease>& found,
                                      std::uint64_t last_dot_of_state, std::uint64_t random) {
    if (!found) return random;
    if (found->clean && last_dot_of_state >= found->last_dot) return found->incarnation;
    return found->incarnation + 1;
}

} // namespace joinery::crdt
