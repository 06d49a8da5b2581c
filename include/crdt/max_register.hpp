// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/extreme_register.hpp>

#include <functional>
#include <string_view>
#include <tuple>

namespace joinery::crdt {

/// Register that keeps the greatest value ever assigned.
///
/// State      no value, or one.
/// Join       maximum by the type's own order; no value is below every value.
/// Value      the greatest value assigned anywhere, if any.
/// Cost       O(1).
template <element T>
class max_register : public detail::extreme_register<max_register<T>, T, std::less<T>> {
public:
    static constexpr std::string_view schema_name = "max_register";
    using schema_parameters = std::tuple<T>;

    max_register() = default;
    friend bool operator==(const max_register&, const max_register&) = default;
};

} // namespace joinery::crdt
