// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/extreme_register.hpp>

#include <functional>
#include <string_view>
#include <tuple>

namespace joinery::crdt {

/// Register that keeps the least value ever assigned.
///
/// State      no value, or one.
/// Join       minimum by the type's own order; no value is bottom, as if above every value.
/// Value      the least value assigned anywhere, if any.
/// Cost       O(1).
template <element T>
class min_register : public detail::extreme_register<min_register<T>, T, std::greater<T>> {
public:
    static constexpr std::string_view schema_name = "min_register";
    using schema_parameters = std::tuple<T>;

    min_register() = default;
    friend bool operator==(const min_register&, const min_register&) = default;
};

} // namespace joinery::crdt
