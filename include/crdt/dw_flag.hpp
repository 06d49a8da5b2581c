// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>
#include <crdt/detail/mark.hpp>

#include <string_view>
#include <utility>

namespace joinery::crdt {

/// A dw_flag to be read; what stands for a flag in a map of flags.
class dw_flag_marks : public dot_fun<detail::mark> {
public:
    bool value() const { return detail::present(payloads()); }
};

/// Flag whose disabling wins over concurrent enabling.
///
/// State      dot -> enabled or disabled for the events not replaced, and the context.
/// Join       as for every causal type.
/// Value      whether there are events and all of them enable; false at first.
/// Invariant  both events mint a dot, and each replaces exactly those seen: a disabling of a flag
///            that was never enabled wins over concurrent enablings too.
/// Cost       O(concurrent events).
/// Source     Almeida et al. 2018, arXiv 1603.01529, whose flag starts true.
class dw_flag : public detail::causal<dw_flag, dw_flag_marks> {
public:
    static constexpr std::string_view schema_name = "dw_flag";

    /// Sets the flag once everything concurrent enables too; returns the delta.
    /// Throws counter_exhausted.
    dw_flag enable(replica_id self) { return replace(self, {true}); }
    /// Clears the flag; returns the delta. Throws counter_exhausted.
    dw_flag disable(replica_id self) { return replace(self, {false}); }

    bool value() const { return live().value(); }

private:
    dw_flag replace(replica_id self, detail::mark mark) {
        dw_flag delta = cancelling(&live());
        const auto minted = mint(delta, self);
        live(delta).put(minted, {&mark});
        return applied(std::move(delta));
    }
};

} // namespace joinery::crdt
