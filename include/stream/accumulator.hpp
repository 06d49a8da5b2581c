// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/lattice.hpp>
#include <crdt/replica_id.hpp>
#include <wire/codec.hpp>
#include <wire/error.hpp>
#include <wire/limits.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::stream {

/// An input record came out of turn. The accumulator is unchanged.
class wrong_offset : public std::logic_error {
public:
    wrong_offset(std::uint64_t expected, std::uint64_t actual)
        : std::logic_error("offset " + std::to_string(actual) + " where " +
                           std::to_string(expected) + " is next"),
          expected_(expected),
          actual_(actual) {}

    std::uint64_t expected() const { return expected_; }
    std::uint64_t actual() const { return actual_; }

private:
    std::uint64_t expected_;
    std::uint64_t actual_;
};

/// The private count of one partition on the worker that processes it.
///
/// State      the partition's name, the next input offset, the lattice over all input before it.
/// Value      checkpoint_bytes() holds all three: equal input prefixes give equal bytes.
/// Invariant  starts empty at offset 0 or from verified checkpoint bytes, never from gossiped
///            state; each offset is processed once, in order; the actor is the partition.
/// Cost       process() that of one mutator call; checkpoint_bytes() O(state).
/// Source     exactly-once by deterministic replay from (bytes, offset) under one root.
template <crdt::join_semilattice L>
class accumulator {
public:
    static constexpr std::string_view schema_name = "accumulator";
    using schema_parameters = std::tuple<L>;

    accumulator() = default;
    explicit accumulator(std::string partition) : partition_(std::move(partition)) {}

    /// Continues from checkpoint bytes; merge state() out at once, for all who heard its deltas may
    /// be gone. Precondition: verified against a certificate (verify, or transfer). Damaged bytes
    /// still give nothing, and the reason.
    static std::optional<accumulator> resume(std::span<const std::byte> checkpoint_bytes,
                                             wire::error& error, const wire::limits& limits = {}) {
        return wire::try_decode<accumulator>(checkpoint_bytes, limits, error);
    }

    /// Applies f(L&, replica_id actor) -> delta, a deterministic function of the record at
    /// `offset`, and returns that delta to be merged out. Throws wrong_offset unless offset is
    /// next(). If f throws, the offset stays next().
    template <class F>
    L process(std::uint64_t offset, F f) {
        if (offset != next_) throw wrong_offset(next_, offset);
        L delta = f(state_, crdt::replica_id::of(partition_, 0));
        ++next_;
        return delta;
    }

    const std::string& partition() const { return partition_; }
    std::uint64_t next() const { return next_; }
    const L& state() const { return state_; }

    std::vector<std::byte> checkpoint_bytes() const { return wire::encode(*this); }

    /// What an accumulator of the same partition at an earlier offset lacks: see increment.
    std::vector<std::byte> increment_bytes(const accumulator& base) const {
        accumulator lacking(partition_);
        lacking.next_ = next_;
        lacking.state_ = crdt::difference(state_, base.state_);
        return wire::encode(lacking);
    }

    /// Goes on to where increment_bytes were made; checkpoint_bytes() are then those of that place,
    /// to be verified against its root. Damaged bytes, another partition's, and older ones change
    /// nothing.
    bool advance(std::span<const std::byte> increment_bytes, wire::error& error,
                 const wire::limits& limits = {}) {
        const auto step = wire::try_decode<accumulator>(increment_bytes, limits, error);
        if (!step || step->partition_ != partition_ || step->next_ < next_) return false;
        L joined = state_; // half of a step, counted on from its start, would count twice
        crdt::merge(joined, step->state_);
        state_ = std::move(joined);
        next_ = step->next_;
        return true;
    }

    void write(wire::writer& w) const {
        wire::put(w, partition_);
        w.varint(next_);
        wire::put(w, state_);
    }
    void read(wire::reader& r) {
        wire::get(r, partition_);
        next_ = r.varint();
        wire::get(r, state_);
    }

    friend bool operator==(const accumulator&, const accumulator&) = default;

private:
    std::string partition_;
    std::uint64_t next_ = 0;
    L state_{};
};

} // namespace joinery::stream
