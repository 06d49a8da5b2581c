// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/field.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace joinery::merkle::detail {

inline constexpr std::size_t max_width = 8;

/// The numbers that a sketch decodes to.
struct sketch_roots {
    std::array<std::uint32_t, max_width> values{};
    std::size_t count = 0;
};

/// Decodes odd power sums of at most `width` distinct non-zero numbers of GF(2^32).
///
/// Invariant  a set of at most `width` numbers is always found; more of them are either refused or
///            decode to other numbers with probability 1/width!, so that the caller checks.
/// Cost       O(32 width^2) multiplications for the test, as many again to split; no allocation.
/// Source     Dodis et al. 2004 (PinSketch); Massey 1969; Berlekamp 1970 (trace splitting).
class sketch_decoder {
public:
    explicit sketch_decoder(const field& over) : field_(over) {}

    /// False if no set of at most `width` numbers has these sums. Precondition: width <= 8.
    bool decode(const std::uint32_t* sums, std::size_t width, sketch_roots& found) {
        found.count = 0;
        polynomial locator;
        if (!locate(sums, width, locator)) return false;
        if (locator.degree == 0) return true;
        if (locator.degree == 1) {
            found.values[found.count++] = locator.c[0];
            return locator.c[0] != 0;
        }
        return locator.c[0] != 0 && frobenius(locator) && split(locator, found);
    }

private:
    struct polynomial {
        field_row c{}; // c[i] is the factor of x^i
        std::size_t degree = 0;
    };

    // The shortest recurrence of the power sums; as a monic polynomial its roots are the numbers.
    bool locate(const std::uint32_t* sums, std::size_t width, polynomial& out) const {
        std::array<std::uint32_t, 2 * max_width + 1> s{};
        for (std::size_t i = 1; i <= 2 * width; ++i) {
            s[i] = i % 2 == 1 ? sums[i / 2] : field_.multiply(s[i / 2], s[i / 2]);
        }
        std::array<std::uint32_t, 2 * max_width + 2> now{1}, before{1};
        std::size_t length = 0, gap = 1;
        std::uint32_t last = 1;
        for (std::size_t n = 1; n <= 2 * width; ++n) {
            std::uint32_t wrong = s[n];
            for (std::size_t i = 1; i <= std::min(length, n - 1); ++i) {
                wrong ^= field_.multiply(now[i], s[n - i]);
            }
            if (wrong == 0) {
                ++gap;
                continue;
            }
            const auto kept = now;
            const std::uint32_t by = field_.multiply(wrong, field_.invert(last));
            field_.add_scaled(now.data() + gap, by, before.data(), now.size() - gap);
            if (2 * length <= n - 1) {
                length = n - length;
                before = kept;
                last = wrong;
                gap = 1;
            } else {
                ++gap;
            }
        }
        if (length > width) return false;
        out.degree = length;
        for (std::size_t i = 0; i <= length; ++i) out.c[i] = now[length - i];
        return out.c[length] == 1;
    }

    // x^(2^i) mod f for all i; whether f divides x^(2^32) - x, that is, has distinct roots only.
    bool frobenius(const polynomial& f) {
        const std::size_t d = f.degree;
        std::array<field_row, max_width> squares{}; // x^(2j) mod f
        field_row power{};
        power[0] = 1;
        for (std::size_t j = 0; j < 2 * d - 1; ++j) {
            if (j % 2 == 0) squares[j / 2] = power;
            const std::uint32_t top = power[d - 1];
            for (std::size_t i = d - 1; i > 0; --i) power[i] = power[i - 1];
            power[0] = 0;
            field_.add_scaled(power.data(), top, f.c.data(), d);
        }
        powers_[0] = {};
        powers_[0][1] = 1;
        field_row next{};
        for (std::size_t i = 0; i < 32; ++i) {
            std::array<std::uint32_t, max_width> squared{};
            for (std::size_t j = 0; j < d; ++j) {
                squared[j] = reduce(table_multiplier::square(powers_[i][j]));
            }
            field_.combine(next.data(), squared.data(), squares.data(), d, d);
            if (i < 31) powers_[i + 1] = next;
        }
        for (std::size_t i = 0; i < d; ++i) {
            if (next[i] != (i == 1 ? 1U : 0U)) return false;
        }
        return true;
    }

    // Each basis element b parts the roots by the trace of b * root; no two agree for all of them.
    bool split(const polynomial& f, sketch_roots& found) {
        std::array<polynomial, max_width> open{f};
        std::size_t count = 1;
        for (unsigned bit = 0; bit < 32 && count > 0; ++bit) {
            polynomial trace;
            std::array<std::uint32_t, 32> by{};
            std::uint32_t b = std::uint32_t{1} << bit;
            for (std::uint32_t& each : by) {
                each = b;
                b = reduce(table_multiplier::square(b));
            }
            field_.combine(trace.c.data(), by.data(), powers_.data(), 32, f.degree);
            std::array<polynomial, max_width> rest{};
            std::size_t left = 0;
            for (std::size_t i = 0; i < count; ++i) {
                polynomial part, other;
                if (!part_of(open[i], trace, f.degree, part, other)) {
                    rest[left++] = open[i];
                    continue;
                }
                for (const polynomial* each : {&part, &other}) {
                    if (each->degree == 1)
                        found.values[found.count++] = each->c[0];
                    else
                        rest[left++] = *each;
                }
            }
            open = rest;
            count = left;
        }
        return count == 0;
    }

    // part = gcd(g, trace), other = g / part, both monic; false if that parts nothing.
    bool part_of(const polynomial& g, const polynomial& trace, std::size_t width, polynomial& part,
                 polynomial& other) const {
        polynomial b;
        b.c = trace.c;
        b.degree = width - 1;
        trim(b);
        remainder(b, g);
        part = g;
        while (!zero(b)) {
            remainder(part, b);
            std::swap(part, b);
        }
        if (part.degree == 0 || part.degree == g.degree) return false;
        const std::uint32_t scale = field_.invert(part.c[part.degree]);
        polynomial monic;
        field_.add_scaled(monic.c.data(), scale, part.c.data(), part.degree + 1);
        monic.degree = part.degree;
        part = monic;
        polynomial rest = g;
        other = {};
        other.degree = g.degree - part.degree;
        for (std::size_t i = other.degree + 1; i-- > 0;) {
            other.c[i] = rest.c[i + part.degree];
            field_.add_scaled(rest.c.data() + i, other.c[i], part.c.data(), part.degree + 1);
        }
        return true;
    }

    // a mod b up to a factor, which spares an inversion a step.
    void remainder(polynomial& a, const polynomial& b) const {
        while (!zero(a) && a.degree >= b.degree) {
            const std::uint32_t head = a.c[a.degree];
            const std::uint32_t lead = b.c[b.degree];
            if (lead != 1) {
                field_row scaled{};
                field_.add_scaled(scaled.data(), lead, a.c.data(), a.degree);
                scaled[a.degree] = field_.multiply(lead, head);
                a.c = scaled;
            }
            field_.add_scaled(a.c.data() + (a.degree - b.degree), head, b.c.data(), b.degree + 1);
            trim(a);
        }
    }

    static void trim(polynomial& a) {
        while (a.degree > 0 && a.c[a.degree] == 0) --a.degree;
    }
    static bool zero(const polynomial& a) { return a.degree == 0 && a.c[0] == 0; }

    const field& field_;
    std::array<field_row, 32> powers_{};
};

} // namespace joinery::merkle::detail
