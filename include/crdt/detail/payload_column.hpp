// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>

#include <concepts>
#include <cstddef>
#include <deque>
#include <span>
#include <type_traits>
#include <vector>

namespace joinery::crdt::detail {

/// The payloads (or keys) of many dots on the wire: integers as one block, others one by one.
template <class P>
class payload_column {
public:
    void read(wire::reader& r, std::size_t n) {
        if constexpr (std::same_as<P, bool>)
            for (std::size_t i = 0; i < n && r.ok(); ++i) wire::get(r, items_.emplace_back());
        else
            wire::get_column(r, n, items_);
    }
    std::size_t size() const { return items_.size(); }
    const P& operator[](std::size_t i) const { return items_[i]; }

    /// Writes *of(item) for each item.
    template <class Item, class Of>
    static void write(wire::writer& w, std::span<const Item> items, Of of) {
        if constexpr (std::integral<P> && !std::same_as<P, bool>) {
            std::vector<P> column;
            column.reserve(items.size());
            for (const auto& item : items) column.push_back(*of(item));
            wire::put_column(w, column);
        } else {
            for (const auto& item : items) wire::put(w, *of(item));
        }
    }

private:
    // A vector<bool> has no elements to point at.
    std::conditional_t<std::same_as<P, bool>, std::deque<P>, std::vector<P>> items_;
};

} // namespace joinery::crdt::detail
