// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>
#include <vector>

#include "memory.hpp"

// What all fuzz targets share. A target gets any bytes and ends the program when a promise breaks.
namespace fuzz {

using bytes = std::vector<std::byte>;
using view = std::span<const std::byte>;

inline void require(bool promise, std::string_view what) {
    if (promise) return;
    std::fprintf(stderr, "broken: %.*s\n", static_cast<int>(what.size()), what.data());
    std::abort();
}

/// Runs f, which reads `size` received bytes. It may use 64 KiB and a multiple of them.
template <class F>
void bounded(std::size_t size, std::size_t multiple, std::string_view what, F f) {
    const std::size_t used = memory::peak_of(f);
    if (used > multiple * size + (std::size_t{64} << 10U))
        std::fprintf(stderr, "%zu bytes in memory for %zu bytes read\n", used, size);
    require(used <= multiple * size + (std::size_t{64} << 10U), what);
}

/// Takes decisions off the front of the input; zeros when it is used up.
class source {
public:
    explicit source(view all) : rest_(all) {}

    bool empty() const { return rest_.empty(); }
    std::uint8_t byte() {
        if (rest_.empty()) return 0;
        const auto first = std::to_integer<std::uint8_t>(rest_.front());
        rest_ = rest_.subspan(1);
        return first;
    }
    std::size_t below(std::size_t bound) { return byte() % bound; }
    /// A part that is preceded by its length in two bytes; all that is left if that is less.
    view part() {
        const std::size_t low = byte();
        const std::size_t length = low + std::size_t{256} * byte();
        const view taken = rest_.first(length < rest_.size() ? length : rest_.size());
        rest_ = rest_.subspan(taken.size());
        return taken;
    }
    view all() { return rest_; }

private:
    view rest_;
};

} // namespace fuzz
