// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>
#include <crdt/detail/packed_elements.hpp>
#include <crdt/lattice.hpp>
#include <crdt/or_set.hpp>
#include <wire/codec.hpp>

#include <cstddef>
#include <optional>
#include <span>

namespace joinery::crdt {

namespace detail {

/// What is read of a state to be merged and forgotten; the state itself unless it knows better.
template <class L>
struct encoded_form {
    L state{};

    void read(wire::reader& r) { wire::get(r, state); }
    bool merge_into(L& live, report* found) const { return merge_fn{}(live, state, found); }
};

template <element T>
    requires packed_elements<T>::possible
struct encoded_form<or_set<T>> {
    packed_state<T> state;

    // What wire::get() charges for the set.
    void read(wire::reader& r) {
        if (!r.enter()) return;
        if (r.take_memory(sizeof(or_set<T>))) state.read(r);
        r.leave();
    }
    bool merge_into(or_set<T>& live, report* found) const {
        return live.merge_packed(state, found);
    }
};

} // namespace detail

/// Merges the value that has exactly these framed bytes: what decoding and merging it does, but
/// elements of full width are merged as they stand in the bytes. Whether `live` grew; or nothing
/// and why, if the bytes are refused: then nothing has changed.
template <class L>
std::optional<bool> merge_encoded(L& live, std::span<const std::byte> bytes,
                                  const wire::limits& allowed, wire::error& why,
                                  report* found = nullptr) {
    wire::reader r(bytes, allowed, wire::unknown_fields::refuse);
    using form = detail::encoded_form<L>;
    const auto theirs = wire::detail::guarded<form>(r, why, [&](form& value) {
        if (wire::detail::get_header<L>(r)) value.read(r);
    });
    if (!theirs) return std::nullopt;
    return theirs->merge_into(live, found);
}

} // namespace joinery::crdt
