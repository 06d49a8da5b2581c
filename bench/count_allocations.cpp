// SPDX-License-Identifier: Apache-2.0
#include "count_allocations.hpp"

#include <cstdlib>
#include <new>

namespace joinery::bench {

std::size_t allocation_count = 0;

} // namespace joinery::bench

void* operator new(std::size_t size) {
    ++joinery::bench::allocation_count;
    if (void* place = std::malloc(size)) return place;
    throw std::bad_alloc();
}
void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
