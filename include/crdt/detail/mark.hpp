// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>

#include <algorithm>
#include <compare>
#include <cstdint>

namespace joinery::crdt::detail {

/// Whether the event of a dot puts something there or takes it away, where both leave a dot.
struct mark {
    bool present = false;

    void write(wire::writer& w) const { wire::put(w, present); }
    void read(wire::reader& r) { wire::get(r, present); }
    friend auto operator<=>(const mark&, const mark&) = default;
};

/// Removal wins: something is there if a dot says so and none says otherwise.
template <class Marks>
bool present(const Marks& marks) {
    return !marks.empty() &&
           std::all_of(marks.begin(), marks.end(), [](const auto& m) { return m.second.present; });
}

} // namespace joinery::crdt::detail
