// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace joinery::bench {

/// Calls of operator new so far, where count_allocations.cpp is linked in.
extern std::size_t allocation_count;

} // namespace joinery::bench
