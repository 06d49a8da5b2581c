// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>
#include <crdt/detail/element_store.hpp>

#include <cstddef>
#include <string_view>
#include <tuple>
#include <vector>

namespace joinery::crdt {

/// The elements of an or_set, to be read; what stands for a set in a map of sets.
template <element T>
using or_set_elements = detail::element_store<T>;

/// Add-wins observed-remove set without tombstones.
///
/// State      dot -> element for the adds not removed, and the context of all dots seen.
/// Join       a dot lives on if both hold it, or one does and the other has not seen it.
/// Value      the elements of the live dots.
/// Invariant  live dots lie in the context; a delta's context claims only what it adds and cancels.
///            Of two payloads under one dot the greater bytes win, and the dot is reported.
/// Cost       add, remove, contains, merge of a delta near O(1) an element; merge of a large set
///            scans bitmaps and touches what differs.
/// Source     Bieniusa et al. 2012, arXiv 1210.3368; Almeida et al. 2018, arXiv 1603.01529.
template <element T>
class or_set : public detail::causal<or_set<T>, or_set_elements<T>> {
    using core = detail::causal<or_set<T>, or_set_elements<T>>;

public:
    static constexpr std::string_view schema_name = "or_set";
    using schema_parameters = std::tuple<T>;

    /// Adds `value` under a new dot that replaces the observed ones; returns the delta.
    or_set add(replica_id self, const T& value) {
        or_set delta = claiming(value);
        const bool absent = delta.context().empty();
        const auto next = this->context().upcoming(self);
        const auto minted = next.minted;
        core::live(delta).put(minted, value);
        if (absent) {
            core::claims(delta).add_first(minted);
            // Without a search for what a new dot cannot meet.
            core::live(*this).put_absent(minted, value);
            try {
                core::claims(*this).add_next(next);
            } catch (...) {
                core::live(*this).drop(minted);
                throw;
            }
        } else {
            core::claims(delta).add(minted);
            this->merge(delta);
        }
        return delta;
    }

    /// Cancels the observed adds of `value`; bottom if it is absent. Mints no dot.
    or_set remove(replica_id, const T& value) { return this->applied(claiming(value)); }

    /// Cancels all observed adds.
    or_set clear(replica_id) { return this->applied(core::cancelling(&this->live())); }

    bool contains(const T& value) const { return this->live().contains(value); }
    std::size_t size() const { return this->live().size(); }
    bool empty() const { return this->live().empty(); }
    /// The elements in order.
    std::vector<T> elements() const { return this->live().elements(); }
    /// The live dots of one element, in order.
    std::vector<dot> dots_of(const T& value) const { return this->live().dots_of(value); }
    /// Calls f(dot, element) for each live dot, in dot order.
    template <class F>
    void for_each_dot(F f) const {
        this->live().for_each([&](const dot& d, const auto& v) { f(d, *v.key); });
    }

private:
    /// A delta that cancels the observed adds of a value.
    or_set claiming(const T& value) const {
        or_set delta;
        this->live().for_dots(value, [&](const dot& d) { core::claims(delta).add(d); });
        return delta;
    }
};

} // namespace joinery::crdt
