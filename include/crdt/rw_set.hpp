// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>
#include <crdt/detail/mark.hpp>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// The elements of an rw_set, to be read; what stands for a set in a map of sets.
template <element T>
class rw_set_marks : public dot_map<T, dot_fun<detail::mark>> {
public:
    bool contains(const T& value) const {
        const auto* marks = this->below(value);
        return marks != nullptr && detail::present(marks->payloads());
    }
    /// The elements in order.
    std::vector<T> elements() const {
        std::vector<T> all;
        for (const auto& [value, marks] : this->entries())
            if (detail::present(marks.payloads())) all.push_back(value);
        return all;
    }
    std::size_t size() const {
        return static_cast<std::size_t>(
            std::count_if(this->entries().begin(), this->entries().end(), [](const auto& entry) {
                return detail::present(entry.second.payloads());
            }));
    }
    bool empty() const { return size() == 0; }
};

/// Remove-wins set: of a concurrent add and remove of one element the remove wins.
///
/// State      element -> dot -> added or removed, for the events not replaced; the context.
/// Join       as for every causal type.
/// Value      the elements that have events all of which add.
/// Invariant  adds and removes mint a dot, and each replaces exactly the events of its element that
///            its replica had seen; a remove wins also over a concurrent add it could not see.
/// Cost       add, remove, contains O(log n), size O(n); a removed element stays in the state.
/// Source     Bieniusa et al. 2012, arXiv 1210.3368 (remove-wins).
template <element T>
class rw_set : public detail::causal<rw_set<T>, rw_set_marks<T>> {
    using core = detail::causal<rw_set<T>, rw_set_marks<T>>;

public:
    static constexpr std::string_view schema_name = "rw_set";
    using schema_parameters = std::tuple<T>;

    /// Adds `value`, which is present once no concurrent remove is left; returns the delta.
    /// Throws counter_exhausted.
    rw_set add(replica_id self, const T& value) { return replace(self, value, {true}); }
    /// Removes `value`, present here or not; returns the delta. Throws counter_exhausted.
    rw_set remove(replica_id self, const T& value) { return replace(self, value, {false}); }

    bool contains(const T& value) const { return this->live().contains(value); }
    std::size_t size() const { return this->live().size(); }
    bool empty() const { return this->live().empty(); }
    /// The elements in order.
    std::vector<T> elements() const { return this->live().elements(); }

private:
    rw_set replace(replica_id self, const T& value, detail::mark mark) {
        rw_set delta = core::cancelling(this->live().below(value));
        const auto minted = this->mint(delta, self);
        core::live(delta).put(minted, {&value, {&mark}});
        return this->applied(std::move(delta));
    }
};

} // namespace joinery::crdt
