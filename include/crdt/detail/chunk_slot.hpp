// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace joinery::crdt::detail {

/// A value where it stands.
template <class T>
struct unboxed {
    T held;

    T& operator*() { return held; }
    const T& operator*() const { return held; }
};

/// A value behind a pointer. Precondition of everything but destruction and assignment: it was not
/// moved from.
template <class T>
class boxed {
public:
    boxed(T value) : held_(std::make_unique<T>(std::move(value))) {}
    boxed(const boxed& other) : held_(std::make_unique<T>(*other)) {}
    boxed(boxed&&) noexcept = default;
    boxed& operator=(const boxed& other) {
        held_ = std::make_unique<T>(*other);
        return *this;
    }
    boxed& operator=(boxed&&) noexcept = default;
    ~boxed() = default;

    T& operator*() { return *held_; }
    const T& operator*() const { return *held_; }

private:
    std::unique_ptr<T> held_;
};

/// How a value stands in a chunk, where others move it aside: behind a pointer if that could fail
/// or take long.
template <class T>
using chunk_slot = std::conditional_t<std::is_nothrow_move_constructible_v<T> &&
                                          std::is_nothrow_move_assignable_v<T> && sizeof(T) <= 256,
                                      unboxed<T>, boxed<T>>;

} // namespace joinery::crdt::detail
