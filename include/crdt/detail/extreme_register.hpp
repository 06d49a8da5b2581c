// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>

#include <optional>
#include <utility>

namespace joinery::crdt::detail {

/// No value, or the last one in the order `Below`: the body of max_register and min_register.
template <class Self, class T, class Below>
class extreme_register {
public:
    /// Offers a value and returns the delta. A value that does not win changes nothing.
    Self assign(replica_id, T value) {
        Self delta;
        delta.value_ = std::move(value);
        merge(delta);
        return delta;
    }

    const std::optional<T>& value() const { return value_; }

    bool merge(const Self& other, report* = nullptr) {
        if (!value_below(other.value_)) return false;
        value_ = other.value_;
        return true;
    }
    bool leq(const Self& other) const { return !other.value_below(value_); }

    void write(wire::writer& w) const { wire::put(w, value_); }
    void read(wire::reader& r) { wire::get(r, value_); }

    friend bool operator==(const extreme_register&, const extreme_register&) = default;

protected:
    extreme_register() = default;

    bool value_below(const std::optional<T>& other) const {
        return other && (!value_ || Below{}(*value_, *other));
    }

    std::optional<T> value_;
};

} // namespace joinery::crdt::detail
