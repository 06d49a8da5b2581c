// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>

#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

namespace joinery::crdt {

/// Register that keeps the greatest value ever assigned.
///
/// State      no value, or one.
/// Join       maximum by the type's own order; no value is below every value.
/// Cost       O(1).
template <element T>
class max_register {
public:
    static constexpr std::string_view schema_name = "max_register";
    using schema_parameters = std::tuple<T>;

    /// Offers a value and returns the delta. A value that is not greater changes nothing.
    max_register assign(replica_id, T value) {
        max_register delta;
        delta.value_ = std::move(value);
        merge(delta);
        return delta;
    }

    const std::optional<T>& value() const { return value_; }

    bool merge(const max_register& other, report* = nullptr) {
        if (other.leq(*this)) return false;
        value_ = other.value_;
        return true;
    }
    bool leq(const max_register& other) const {
        return !value_ || (other.value_ && !(*other.value_ < *value_));
    }

    void write(wire::writer& w) const { wire::put(w, value_); }
    void read(wire::reader& r) { wire::get(r, value_); }

    friend bool operator==(const max_register&, const max_register&) = default;

private:
    std::optional<T> value_;
};

} // namespace joinery::crdt
