// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>

#include <string_view>
#include <utility>

namespace joinery::crdt {

/// An ew_flag to be read; what stands for a flag in a map of flags.
class ew_flag_dots : public dot_set {
public:
    bool value() const { return dot_count() != 0; }
};

/// Flag whose enabling wins over concurrent disabling.
///
/// State      the dots of the enablings not disabled, and the context of all dots seen.
/// Join       as for every causal type.
/// Value      whether there is a dot; false at first.
/// Invariant  disabling mints no dot: it cancels the enablings seen.
/// Cost       O(concurrent enablings).
/// Source     Almeida et al. 2018, arXiv 1603.01529.
class ew_flag : public detail::causal<ew_flag, ew_flag_dots> {
public:
    static constexpr std::string_view schema_name = "ew_flag";

    /// Sets the flag under a new dot that replaces those seen; returns the delta.
    /// Throws counter_exhausted.
    ew_flag enable(replica_id self) {
        ew_flag delta = cancelling(&live());
        const auto minted = mint(delta, self);
        live(delta).put(minted, {});
        return applied(std::move(delta));
    }

    /// Cancels the enablings seen; bottom if the flag is false.
    ew_flag disable(replica_id) { return applied(cancelling(&live())); }

    bool value() const { return live().value(); }
};

} // namespace joinery::crdt
