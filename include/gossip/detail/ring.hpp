// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// A queue that uses its slots again, with the memory that the values in them own.
///
/// State      slots in a circle; where the first is that is in use, and how many are.
/// Invariant  while nothing waits no more than max_spare slots are kept.
/// Cost       O(1), amortised; nothing is allocated for what fits into a slot that was in use.
template <class T>
class ring {
public:
    static constexpr std::size_t max_spare = 32;

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }

    /// Precondition: there are more than `n`.
    T& operator[](std::size_t n) { return slots_[(first_ + n) % slots_.size()]; }
    const T& operator[](std::size_t n) const { return slots_[(first_ + n) % slots_.size()]; }
    T& front() { return (*this)[0]; }

    /// The slot that push() adds at the end. It holds whatever was left in it.
    T& next() {
        if (size_ == slots_.size()) grow();
        return (*this)[size_];
    }
    void push() { ++size_; }

    /// Removes the first and swaps it with `into`. Precondition: not empty.
    void pop(T& into) {
        std::swap(into, front());
        pop();
    }
    void pop() {
        first_ = (first_ + 1) % slots_.size();
        if (--size_ == 0 && slots_.size() > max_spare) *this = {};
    }

private:
    void grow() {
        std::vector<T> more(std::max<std::size_t>(2 * size_, 4));
        for (std::size_t each = 0; each < size_; ++each) more[each] = std::move((*this)[each]);
        slots_ = std::move(more);
        first_ = 0;
    }

    std::vector<T> slots_;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

} // namespace joinery::gossip::detail
