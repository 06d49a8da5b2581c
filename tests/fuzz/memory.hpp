// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// What the program that links memory.cpp allocates with operator new.
namespace memory {

/// Bytes in use now.
std::size_t used();
/// Starts a measurement: the peak is what is in use now.
void reset_peak();
/// The most bytes that were in use since reset_peak().
std::size_t peak();
/// Allocations since the start of the program.
std::uint64_t allocations();

/// Makes one allocation throw std::bad_alloc, the n-th from now (from 1); 0 makes none throw.
/// Result of disarm: whether one has thrown.
void arm(std::uint64_t nth);
bool disarm();

/// The bytes that a call uses at its peak beyond those in use before it.
template <class F>
std::size_t peak_of(F f) {
    const std::size_t before = used();
    reset_peak();
    f();
    return peak() - before;
}

} // namespace memory
