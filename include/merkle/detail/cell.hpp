// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/field.hpp>
#include <merkle/digest.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace joinery::merkle::detail {

/// What an index keeps of an entry: where it lies and 64 bits of its version.
struct record {
    std::uint64_t position = 0;
    std::uint64_t version = 0;
    friend bool operator==(const record&, const record&) = default;
};

/// A record as the sums see it.
struct element {
    static constexpr unsigned skipped_bits = 4; ///< of a position, before those in a short id
    static constexpr unsigned hash_bits = 18;   ///< of a short id, behind those of the position
    static constexpr unsigned place_end = skipped_bits + 32 - hash_bits;
    static constexpr std::uint32_t hash_mask = (1U << hash_bits) - 1;

    digest leaf;
    std::uint32_t short_id = 0;

    element() = default;
    element(const wire::keyed_hasher& hasher, const record& of)
        : leaf(leaf_digest(hasher, of.position, of.version)) {
        // Part of the short id is the place, so that a decoded one is found without a scan.
        short_id = place_of(of.position) | static_cast<std::uint32_t>(leaf.lo & hash_mask);
        if (short_id == 0) short_id = 1; // zero adds nothing to a power sum
    }

    static constexpr std::uint32_t place_of(std::uint64_t position) {
        return static_cast<std::uint32_t>(position >> (64 - place_end)) << hash_bits;
    }
};

/// The check word of a short id: sums of these agree by accident once in 2^32.
constexpr std::uint32_t check_of(std::uint32_t short_id) {
    return static_cast<std::uint32_t>(wire::mix(short_id + 0x6368656b00000000U) >> 32U);
}

/// The linear digest of a set of elements; that of a union is the sum, of nothing all zeros.
template <unsigned Width>
struct cell {
    digest sum;
    std::uint32_t count = 0;
    std::uint32_t check = 0;
    std::array<std::uint32_t, Width> powers{};

    cell& operator+=(const cell& other) {
        sum += other.sum;
        count += other.count;
        check += other.check;
        for (std::size_t i = 0; i < Width; ++i) powers[i] ^= other.powers[i];
        return *this;
    }
    cell& operator-=(const cell& other) {
        sum -= other.sum;
        count -= other.count;
        check -= other.check;
        for (std::size_t i = 0; i < Width; ++i) powers[i] ^= other.powers[i];
        return *this;
    }
    friend bool operator==(const cell&, const cell&) = default;
};

/// Adds the elements of records to a cell, in batches for the field's sake.
template <unsigned Width, class Each>
void add_records(cell<Width>& to, const wire::keyed_hasher& hasher, std::span<const record> records,
                 Each&& each) {
    std::array<std::uint32_t, 64> ids{};
    std::size_t used = 0;
    const auto flush = [&] {
        if constexpr (Width > 0)
            active_field().add_powers(ids.data(), used, to.powers.data(), Width);
        used = 0;
    };
    for (const record& held : records) {
        const element one(hasher, held);
        each(one);
        to.sum += one.leaf;
        if constexpr (Width > 0) {
            to.check += check_of(one.short_id);
            ids[used++] = one.short_id;
            if (used == ids.size()) flush();
        }
    }
    flush();
    to.count += static_cast<std::uint32_t>(records.size());
}

template <unsigned Width>
void add_records(cell<Width>& to, const wire::keyed_hasher& hasher,
                 std::span<const record> records) {
    add_records(to, hasher, records, [](const element&) {});
}

/// 64 tug-of-war counters, the ones of each bit of the elements: what they differ by between two
/// sets tells about the size of the difference, to some 18 %.
///
/// State      counters modulo 2^16, four to a word.
/// Source     Alon, Matias, Szegedy 1996.
class estimator {
public:
    static constexpr unsigned counters = 64;

    void add(const element& one) {
        const std::uint64_t bits = one.leaf.hi;
        for (unsigned i = 0; i < words_.size(); ++i) {
            const std::uint64_t lanes = spread((bits >> (4 * i)) & 15U);
            words_[i] = ((words_[i] & low) + lanes) ^ (words_[i] & ~low);
        }
    }
    void subtract(const element& one) {
        const std::uint64_t bits = one.leaf.hi;
        for (unsigned i = 0; i < words_.size(); ++i) {
            const std::uint64_t lanes = spread((bits >> (4 * i)) & 15U);
            words_[i] = ((words_[i] | ~low) - lanes) ^ (~words_[i] & ~low);
        }
    }
    std::uint16_t ones(unsigned counter) const {
        return static_cast<std::uint16_t>(words_[counter / 4] >> (16 * (counter % 4)));
    }
    friend bool operator==(const estimator&, const estimator&) = default;

private:
    static constexpr std::uint64_t low = 0x7fff7fff7fff7fffU;

    static constexpr std::uint64_t spread(std::uint64_t bits) {
        return (bits | (bits << 15U) | (bits << 30U) | (bits << 45U)) & 0x0001000100010001U;
    }

    std::array<std::uint64_t, counters / 4> words_{};
};

} // namespace joinery::merkle::detail
