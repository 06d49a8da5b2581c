// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

// GF(2^32) modulo x^32 + x^7 + x^3 + x^2 + 1. The same bytes come out of every multiplier: one uses
// the processor's carry-less multiplication, the other a table; active_field() picks at run time.
namespace joinery::merkle::detail {

using field_row = std::array<std::uint32_t, 16>;

/// The products that sketches are made of, each big enough to be worth a call.
struct field {
    const char* name;
    std::uint32_t (*multiply)(std::uint32_t, std::uint32_t);
    /// sums[k] ^= the sum over xs of x^(2k+1), k < width <= 8.
    void (*add_powers)(const std::uint32_t* xs, std::size_t count, std::uint32_t* sums,
                       std::size_t width);
    /// out[i] = the sum over j < rows of by[j] * row[j][i], i < width. Allows no overlap.
    void (*combine)(std::uint32_t* out, const std::uint32_t* by, const field_row* row,
                    std::size_t rows, std::size_t width);
    /// out[i] ^= by * in[i], i < width.
    void (*add_scaled)(std::uint32_t* out, std::uint32_t by, const std::uint32_t* in,
                       std::size_t width);
    std::uint32_t (*invert)(std::uint32_t);
};

constexpr std::uint32_t reduce(std::uint64_t product) {
    const auto fold = [](std::uint64_t high) {
        return high ^ (high << 2U) ^ (high << 3U) ^ (high << 7U);
    };
    const std::uint64_t once = fold(product >> 32U);
    return static_cast<std::uint32_t>(product ^ once ^ fold(once >> 32U));
}

/// Carry-less products by four bits at a time of the second factor.
struct table_multiplier {
    static std::uint64_t wide(std::uint32_t a, std::uint32_t b) {
        std::array<std::uint64_t, 16> multiples{};
        for (std::size_t i = 1; i < 16; ++i) {
            multiples[i] = (multiples[i / 2] << 1U) ^ ((i & 1U) != 0 ? a : 0U);
        }
        std::uint64_t product = 0;
        for (unsigned shift = 32; shift > 0;) {
            shift -= 4;
            product = (product << 4U) ^ multiples[(b >> shift) & 15U];
        }
        return product;
    }
    // A square spreads the bits, for which eight constants are enough.
    static std::uint64_t square(std::uint32_t a) {
        std::uint64_t x = a;
        x = (x | (x << 16U)) & 0x0000ffff0000ffffU;
        x = (x | (x << 8U)) & 0x00ff00ff00ff00ffU;
        x = (x | (x << 4U)) & 0x0f0f0f0f0f0f0f0fU;
        x = (x | (x << 2U)) & 0x3333333333333333U;
        return (x | (x << 1U)) & 0x5555555555555555U;
    }
};

/// The kernels over any multiplier. They are inlined into functions that may use its instructions.
template <class M>
struct kernels {
    [[gnu::always_inline]] static inline std::uint32_t times(std::uint32_t a, std::uint32_t b) {
        return reduce(M::wide(a, b));
    }

    // The powers come from products of four levels instead of a chain of eight.
    [[gnu::always_inline]] static inline void add_powers(const std::uint32_t* xs, std::size_t count,
                                                         std::uint32_t* sums, std::size_t width) {
        for (std::size_t i = 0; i < count; ++i) {
            const std::uint32_t x = xs[i];
            sums[0] ^= x;
            if (width == 1) continue;
            const std::uint32_t x2 = reduce(M::square(x)), x4 = reduce(M::square(x2));
            const std::uint32_t x3 = times(x, x2), x5 = times(x, x4), x7 = times(x3, x4);
            sums[1] ^= x3;
            sums[2] ^= x5;
            sums[3] ^= x7;
            if (width == 4) continue;
            const std::uint32_t x8 = reduce(M::square(x4));
            sums[4] ^= times(x, x8);
            sums[5] ^= times(x3, x8);
            sums[6] ^= times(x5, x8);
            sums[7] ^= times(x7, x8);
        }
    }

    [[gnu::always_inline]] static inline void combine(std::uint32_t* out, const std::uint32_t* by,
                                                      const field_row* row, std::size_t rows,
                                                      std::size_t width) {
        for (std::size_t i = 0; i < width; ++i) {
            std::uint64_t sum = 0;
            for (std::size_t j = 0; j < rows; ++j) sum ^= M::wide(row[j][i], by[j]);
            out[i] = reduce(sum);
        }
    }

    [[gnu::always_inline]] static inline void
    add_scaled(std::uint32_t* out, std::uint32_t by, const std::uint32_t* in, std::size_t width) {
        for (std::size_t i = 0; i < width; ++i) out[i] ^= times(in[i], by);
    }

    // x^(2^32 - 2): the exponent is 31 ones and a zero, gathered as 1, 2, 3, 6, 7, 14, 15, 30, 31.
    [[gnu::always_inline]] static inline std::uint32_t invert(std::uint32_t x) {
        const auto raised = [](std::uint32_t y, unsigned squares) {
            for (; squares > 0; --squares) y = reduce(M::square(y));
            return y;
        };
        const std::uint32_t ones2 = times(raised(x, 1), x), ones3 = times(raised(ones2, 1), x);
        const std::uint32_t ones6 = times(raised(ones3, 3), ones3);
        const std::uint32_t ones7 = times(raised(ones6, 1), x);
        const std::uint32_t ones14 = times(raised(ones7, 7), ones7);
        const std::uint32_t ones15 = times(raised(ones14, 1), x);
        const std::uint32_t ones30 = times(raised(ones15, 15), ones15);
        return raised(times(raised(ones30, 1), x), 1);
    }
};

inline const field& table_field() {
    using k = kernels<table_multiplier>;
    static const field made{"table",
                            [](std::uint32_t a, std::uint32_t b) { return k::times(a, b); },
                            [](const std::uint32_t* xs, std::size_t count, std::uint32_t* sums,
                               std::size_t width) { k::add_powers(xs, count, sums, width); },
                            [](std::uint32_t* out, const std::uint32_t* by, const field_row* row,
                               std::size_t rows,
                               std::size_t width) { k::combine(out, by, row, rows, width); },
                            [](std::uint32_t* out, std::uint32_t by, const std::uint32_t* in,
                               std::size_t width) { k::add_scaled(out, by, in, width); },
                            [](std::uint32_t x) { return k::invert(x); }};
    return made;
}

#if defined(__x86_64__) && defined(__GNUC__)
struct carryless {
    [[gnu::target("pclmul,sse2")]] static inline std::uint64_t wide(std::uint32_t a,
                                                                    std::uint32_t b) {
        const __m128i product = _mm_clmulepi64_si128(_mm_cvtsi32_si128(static_cast<int>(a)),
                                                     _mm_cvtsi32_si128(static_cast<int>(b)), 0);
        return static_cast<std::uint64_t>(_mm_cvtsi128_si64(product));
    }
    [[gnu::target("pclmul,sse2")]] static inline std::uint64_t square(std::uint32_t a) {
        return wide(a, a);
    }

    using k = kernels<carryless>;
    [[gnu::target("pclmul,sse2")]] static std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
        return k::times(a, b);
    }
    [[gnu::target("pclmul,sse2")]] static void
    add_powers(const std::uint32_t* xs, std::size_t count, std::uint32_t* sums, std::size_t width) {
        k::add_powers(xs, count, sums, width);
    }
    [[gnu::target("pclmul,sse2")]] static void combine(std::uint32_t* out, const std::uint32_t* by,
                                                       const field_row* row, std::size_t rows,
                                                       std::size_t width) {
        k::combine(out, by, row, rows, width);
    }
    [[gnu::target("pclmul,sse2")]] static void
    add_scaled(std::uint32_t* out, std::uint32_t by, const std::uint32_t* in, std::size_t width) {
        k::add_scaled(out, by, in, width);
    }
    [[gnu::target("pclmul,sse2")]] static std::uint32_t invert(std::uint32_t x) {
        return k::invert(x);
    }
};

inline const field* carryless_field() {
    static const field made{"carry-less",       carryless::multiply,   carryless::add_powers,
                            carryless::combine, carryless::add_scaled, carryless::invert};
    static const bool available = __builtin_cpu_supports("pclmul") != 0;
    return available ? &made : nullptr;
}
#else
inline const field* carryless_field() { return nullptr; }
#endif

/// The fastest field of this processor.
inline const field& active_field() {
    static const field& chosen = carryless_field() != nullptr ? *carryless_field() : table_field();
    return chosen;
}

} // namespace joinery::merkle::detail
