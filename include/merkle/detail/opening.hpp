// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/exchange.hpp>
#include <merkle/detail/resolve.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace joinery::merkle::detail {

/// What the first question says of all that the asker holds.
struct opening {
    std::uint32_t hasher = 0;
    std::uint64_t count = 0;
    wire_cell whole;
    std::array<std::uint16_t, estimator::counters> ones{}; // modulo 2^10

    static constexpr unsigned counter_bits = 10;

    bool read(std::span<const std::byte> payload, std::size_t width) {
        bit_reader in(payload);
        hasher = static_cast<std::uint32_t>(in.get(32));
        count = in.get(40);
        whole = get_cell(in, width);
        for (std::uint16_t& each : ones) each = static_cast<std::uint16_t>(in.get(counter_bits));
        return in.finished();
    }
};

template <class Index>
void put_opening(bit_writer& out, const Index& index, std::size_t width) {
    out.put(index.hasher().id(), 32);
    out.put(index.size(), 40);
    put_cell(out, index.records().total(), width);
    for (unsigned i = 0; i < estimator::counters; ++i)
        out.put(index.records().estimate().ones(i), opening::counter_bits);
}

/// How many elements differ, to some 18 %; between what the counts allow.
template <class Index>
double estimated(const Index& index, const opening& theirs, double factor) {
    const auto own = static_cast<double>(index.size()), other = static_cast<double>(theirs.count);
    // Half of what one side has more of has any bit set: only what is beyond that may wrap around.
    const std::uint64_t more = index.size() - theirs.count;
    const auto half = static_cast<std::uint32_t>(static_cast<std::int64_t>(more) >> 1U);
    constexpr std::uint32_t period = 1U << opening::counter_bits;
    double squares = 0;
    for (unsigned i = 0; i < estimator::counters; ++i) {
        const std::uint32_t ones =
            (index.records().estimate().ones(i) - std::uint32_t{theirs.ones[i]} - half) &
            (period - 1);
        const double beyond = ones < period / 2 ? ones : static_cast<double>(ones) - period;
        // Each element adds 1 or -1; its bit says which.
        const double turned = 2 * beyond - static_cast<double>(more & 1U);
        squares += turned * turned;
    }
    const double made = squares / estimator::counters * factor;
    return std::clamp(made, std::abs(own - other), own + other);
}

/// How a session goes on when its first sketch does not decode: the form, level and width that are
/// expected to cost the fewest bytes.
struct plan {
    mode as = mode::cells;
    unsigned level = 0;
    std::size_t width = 0;
    bool theirs = false; ///< the asker lists its entries, as it has fewer

    plan(double differing, double own, double other, std::size_t most_sums) : width(most_sums) {
        double best = 3.4 * std::min(own, other);
        as = mode::lists;
        theirs = other < own;
        level =
            std::max(level_for(std::min(own, other) / 40), level_for(std::max(own, other) / 2048));
        if (most_sums == 0) {
            if (60 * differing > best) return;
            as = mode::digests;
            level = level_for(2 * differing);
            return;
        }
        const unsigned near = level_for(differing / 8);
        for (unsigned at = near == 0 ? 0 : near - 1; at <= near + 3; ++at) {
            for (std::size_t sums = 1; sums <= most_sums; ++sums) {
                // The estimate errs by a fifth, and groups that are too large cost more.
                const double bytes = (cost(0.83 * differing, at, sums, most_sums) +
                                      cost(differing, at, sums, most_sums) +
                                      cost(1.22 * differing, at, sums, most_sums)) /
                                     3;
                if (bytes >= best) continue;
                best = bytes;
                as = mode::cells;
                level = at;
                width = sums;
            }
        }
    }

private:
    static unsigned level_for(double groups) {
        return groups <= 1 ? 0
                           : static_cast<unsigned>(std::min(40.0, std::ceil(std::log2(groups))));
    }

    // The chance that a Poisson variable is above `most`.
    static double above(double mean, std::size_t most) {
        double term = std::exp(-mean), sum = term;
        for (std::size_t i = 1; i <= most; ++i) {
            term *= mean / static_cast<double>(i);
            sum += term;
        }
        return std::max(0.0, 1 - sum);
    }

    static double cell_bytes(std::size_t sums) { return 5 + 4 * static_cast<double>(sums); }

    // Cells, the halves of those that fail, the quarters of the halves that fail, and the answers.
    // A round trip more weighs a twentieth of the bytes.
    static double cost(double differing, unsigned at, std::size_t sums, std::size_t most_sums) {
        const double groups = std::ldexp(1.0, static_cast<int>(at));
        const double mean = differing / groups;
        const double failed = groups * above(mean, sums);
        const double halved = std::max(mean, 1.2 * static_cast<double>(sums)) / 2;
        const double again = 2 * failed * above(halved, most_sums);
        const double bytes = groups * (cell_bytes(sums) + 1.5) +
                             failed * (2 * cell_bytes(most_sums) + 4) +
                             again * (4 * cell_bytes(most_sums) + 4) + 2 * differing;
        return bytes * (1 + 0.05 * std::min(1.0, again));
    }
};

} // namespace joinery::merkle::detail
