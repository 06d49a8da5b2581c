// SPDX-License-Identifier: Apache-2.0
#include "memory.hpp"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <new>

// One thread: the programs that link this have no other.
namespace {

std::size_t in_use = 0;
std::size_t most = 0;
std::uint64_t count = 0;
std::uint64_t countdown = 0;
bool thrown = false;

} // namespace

namespace memory {

std::size_t used() { return in_use; }
void reset_peak() { most = in_use; }
std::size_t peak() { return most; }
std::uint64_t allocations() { return count; }
void arm(std::uint64_t nth) {
    countdown = nth;
    thrown = false;
}
bool disarm() {
    countdown = 0;
    return thrown;
}

} // namespace memory

// Not inlined, because g++ then takes the pair of malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++count;
    if (countdown != 0 && --countdown == 0) {
        thrown = true;
        throw std::bad_alloc();
    }
    void* place = std::malloc(size == 0 ? 1 : size);
    if (place == nullptr) throw std::bad_alloc();
    in_use += malloc_usable_size(place);
    most = std::max(most, in_use);
    return place;
}
[[gnu::noinline]] void operator delete(void* place) noexcept {
    if (place == nullptr) return;
    in_use -= malloc_usable_size(place);
    std::free(place);
}
void operator delete(void* place, std::size_t) noexcept { operator delete(place); }

// The other forms: sanitizers have their own, which would not match those above.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    try {
        return operator new(size);
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}
void operator delete(void* place, const std::nothrow_t&) noexcept { operator delete(place); }
void* operator new[](std::size_t size) { return operator new(size); }
void operator delete[](void* place) noexcept { operator delete(place); }
void operator delete[](void* place, std::size_t) noexcept { operator delete(place); }
