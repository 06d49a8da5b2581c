// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "measure.hpp"

#include <wire/hash.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

namespace joinery::bench {

/// What is timed beside our own code so that a time can be said for the reference machine: how long
/// the same work takes there, in ns.
namespace reference {
inline constexpr double hash_32_bytes = 3.2;    ///< XXH3-64 of 32 bytes
inline constexpr double find_in_million = 96;   ///< boost::unordered_flat_map find, 1M u64
inline constexpr double copy_a_byte = 1 / 13.0; ///< memcpy of 256 MiB, 13 GB/s
inline constexpr double sort_an_element = 66;   ///< std::sort of 10^6 u64
} // namespace reference

/// The same pseudo-random numbers in every run.
class numbers {
public:
    explicit numbers(std::uint64_t seed) : state_(seed) {}
    std::uint64_t next() { return wire::mix(state_ += 0x9e3779b97f4a7c15U); }
    std::uint64_t below(std::uint64_t bound) { return next() % bound; }

private:
    std::uint64_t state_;
};

inline std::vector<std::uint64_t> random_keys(std::size_t n, std::uint64_t seed) {
    numbers random(seed);
    std::vector<std::uint64_t> keys(n);
    for (auto& key : keys) key = random.next();
    return keys;
}

/// Lets an operation begin only when the one before is done. Between two of them a program does
/// other work; a bare loop would measure how many cache misses fit side by side.
inline void one_at_a_time() {
#if defined(__x86_64__)
    asm volatile("lfence" ::: "memory");
#else
    asm volatile("" ::: "memory");
#endif
}

/// A call as other programs make it: the length is known only when it runs.
[[gnu::noinline]] inline std::uint64_t hash_called(const std::byte* bytes, std::size_t size) {
    return wire::content_hash64({bytes, size});
}

/// Adds XXH3-64 of 32 bytes to a group.
inline timing& hash_anchor(group& g) {
    auto blocks = std::make_shared<std::vector<std::uint64_t>>(random_keys(4 * 1024, 7));
    return g.loop("XXH3-64 of 32 bytes", 1024, [blocks] {
        std::uint64_t sum = 0;
        std::size_t size = 32;
        benchmark::DoNotOptimize(size);
        const auto bytes = std::as_bytes(std::span(*blocks));
        for (std::size_t i = 0; i < 1024; ++i) sum += hash_called(bytes.data() + 32 * i, size);
        benchmark::DoNotOptimize(sum);
    });
}

/// Adds lookups among a million keys to a group, each one known only when the one before is done.
inline timing& find_anchor(group& g) {
    struct table {
        std::vector<std::uint64_t> keys = random_keys(1'000'000, 11);
        boost::unordered_flat_map<std::uint64_t, std::uint64_t> map;
        std::size_t at = 0;
        table() {
            for (const auto key : keys) map.emplace(key, 0);
        }
    };
    auto t = std::make_shared<table>();
    return g.loop("flat_map find among 1M", 1000, [t] {
        for (int i = 0; i < 1000; ++i)
            t->at = (t->at + 618'033 + t->map.find(t->keys[t->at])->second) % t->keys.size();
        benchmark::DoNotOptimize(t->at);
    });
}

/// Adds memcpy of 256 MiB to a group, per byte.
inline timing& copy_anchor(group& g) {
    constexpr std::size_t size = std::size_t{256} << 20;
    auto from = std::make_shared<std::vector<char>>(size, 'x');
    auto to = std::make_shared<std::vector<char>>(size, 'y');
    return g.loop("memcpy of 256 MiB", static_cast<double>(size), [from, to] {
        std::memcpy(to->data(), from->data(), size);
        benchmark::DoNotOptimize(to->data());
        benchmark::ClobberMemory();
    });
}

/// Adds std::sort of a million random numbers to a group, per element.
inline timing& sort_anchor(group& g) {
    auto keys = std::make_shared<std::vector<std::uint64_t>>(random_keys(1'000'000, 13));
    return g.fresh("std::sort of 1M", 1e6, 1, *keys, [keys](auto& copy) {
        std::sort(copy.begin(), copy.end());
        benchmark::DoNotOptimize(copy.data());
    });
}

} // namespace joinery::bench
