// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/causal_context.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace joinery::crdt::detail {

/// The number of one bits. std::popcount is a call where the processor may lack the instruction.
constexpr unsigned ones(std::uint64_t word) {
    word -= (word >> 1) & 0x5555555555555555U;
    word = (word & 0x3333333333333333U) + ((word >> 2) & 0x3333333333333333U);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0fU;
    return static_cast<unsigned>((word * 0x0101010101010101U) >> 56);
}

/// A set of the offsets 0 to 511 in a chunk of counters.
class chunk_bits {
public:
    static constexpr unsigned shift = 9;
    static constexpr unsigned size = 1U << shift;
    static constexpr unsigned word_count = size / 64;

    static std::uint64_t number_of(std::uint64_t counter) { return counter >> shift; }
    static unsigned offset_of(std::uint64_t counter) {
        return static_cast<unsigned>(counter % size);
    }

    const std::array<std::uint64_t, word_count>& words() const { return words_; }
    std::uint64_t& word(std::size_t i) { return words_[i]; }

    bool test(unsigned offset) const { return (words_[offset / 64] >> (offset % 64) & 1) != 0; }
    void set(unsigned offset) { words_[offset / 64] |= std::uint64_t{1} << (offset % 64); }
    void reset(unsigned offset) { words_[offset / 64] &= ~(std::uint64_t{1} << (offset % 64)); }
    void set(unsigned first, unsigned last) {
        for (unsigned w = first / 64; w <= last / 64; ++w) {
            const auto from = w == first / 64 ? first % 64 : 0;
            const auto to = w == last / 64 ? last % 64 : 63;
            words_[w] |= (~std::uint64_t{0} >> (63 - (to - from))) << from;
        }
    }

    bool none() const {
        std::uint64_t any = 0;
        for (const auto w : words_) any |= w;
        return any == 0;
    }
    /// No offset from this one on is in the set.
    bool none_from(unsigned offset) const {
        std::uint64_t any = words_[offset / 64] >> (offset % 64);
        for (auto w = offset / 64 + 1; w < word_count; ++w) any |= words_[w];
        return any == 0;
    }
    unsigned count() const {
        unsigned sum = 0;
        for (const auto w : words_) sum += ones(w);
        return sum;
    }
    /// How many offsets below this one are in the set.
    unsigned below(unsigned offset) const {
        unsigned sum = 0;
        for (unsigned w = 0; w < offset / 64; ++w) sum += ones(words_[w]);
        return sum + ones(words_[offset / 64] & ((std::uint64_t{1} << (offset % 64)) - 1));
    }

    /// Calls f(offset) upwards.
    template <class F>
    void for_each(F f) const {
        for (unsigned w = 0; w < word_count; ++w)
            for (auto bits = words_[w]; bits != 0; bits &= bits - 1)
                f(w * 64 + static_cast<unsigned>(std::countr_zero(bits)));
    }

    friend chunk_bits operator&(chunk_bits a, const chunk_bits& b) {
        for (unsigned w = 0; w < word_count; ++w) a.words_[w] &= b.words_[w];
        return a;
    }
    friend chunk_bits operator|(chunk_bits a, const chunk_bits& b) {
        for (unsigned w = 0; w < word_count; ++w) a.words_[w] |= b.words_[w];
        return a;
    }
    friend chunk_bits operator-(chunk_bits a, const chunk_bits& b) {
        for (unsigned w = 0; w < word_count; ++w) a.words_[w] &= ~b.words_[w];
        return a;
    }
    friend bool operator==(const chunk_bits& a, const chunk_bits& b) {
        std::uint64_t different = 0;
        for (unsigned w = 0; w < word_count; ++w) different |= a.words_[w] ^ b.words_[w];
        return different == 0;
    }

private:
    std::array<std::uint64_t, word_count> words_{};
};

/// The offsets of one chunk that lie in the intervals of its replica from `at` on.
inline chunk_bits bits_in(std::uint64_t number, const causal_context::interval* at,
                          const causal_context::interval* end) {
    chunk_bits bits;
    const auto first = number << chunk_bits::shift, last = first + (chunk_bits::size - 1);
    for (; at != end && at->first <= last; ++at)
        if (at->last >= first)
            bits.set(static_cast<unsigned>(std::max(at->first, first) - first),
                     static_cast<unsigned>(std::min(at->last, last) - first));
    return bits;
}

/// The offsets of one chunk that a context has seen.
inline chunk_bits bits_in(replica_id replica, std::uint64_t number, const causal_context& seen) {
    const auto all = seen.intervals();
    const auto* const end = all.data() + all.size();
    const auto* at = std::lower_bound(all.data(), end, dot{replica, number << chunk_bits::shift},
                                      [](const causal_context::interval& i, const dot& d) {
                                          return i.replica != d.replica ? i.replica < d.replica
                                                                        : i.last < d.counter;
                                      });
    const auto* last = at;
    while (last != end && last->replica == replica &&
           last->first <= (number << chunk_bits::shift) + (chunk_bits::size - 1))
        ++last;
    return bits_in(number, at, last);
}

} // namespace joinery::crdt::detail
