// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// The values of an mv_register, to be read; what stands for a register in a map of registers.
template <element T>
class mv_register_values : public dot_fun<T> {
public:
    bool empty() const { return this->payloads().empty(); }
    /// The values no later assignment replaced, in order, equal ones once.
    std::vector<T> value() const {
        std::vector<T> all;
        all.reserve(this->payloads().size());
        for (const auto& [d, value] : this->payloads()) all.push_back(value);
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        return all;
    }
};

/// Register that keeps all concurrent assignments.
///
/// State      dot -> value for the assignments not replaced, and the context of all dots seen.
/// Join       as for every causal type; two values under one dot are reported, greater bytes win.
/// Value      the values, in order; equal ones collapse on reading.
/// Invariant  an assignment replaces exactly those that its replica had seen.
/// Cost       assign, value and merge O(concurrent values log of them).
/// Source     Shapiro et al. 2011, INRIA RR-7506, specification 10.
template <element T>
class mv_register : public detail::causal<mv_register<T>, mv_register_values<T>> {
    using core = detail::causal<mv_register<T>, mv_register_values<T>>;

public:
    static constexpr std::string_view schema_name = "mv_register";
    using schema_parameters = std::tuple<T>;

    /// Replaces all values seen by `value`; returns the delta. Throws counter_exhausted.
    mv_register assign(replica_id self, const T& value) {
        mv_register delta = core::cancelling(&this->live());
        const auto minted = this->mint(delta, self);
        core::live(delta).put(minted, {&value});
        return this->applied(std::move(delta));
    }

    /// Takes all values seen away; bottom if there is none.
    mv_register clear(replica_id) { return this->applied(core::cancelling(&this->live())); }

    bool empty() const { return this->live().empty(); }
    /// None before the first assignment, several after concurrent ones.
    std::vector<T> value() const { return this->live().value(); }
};

} // namespace joinery::crdt
