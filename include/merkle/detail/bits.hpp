// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace joinery::merkle::detail {

constexpr std::uint64_t low_bits(unsigned bits) {
    return bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
}

/// Numbers of any width, least significant bit first; the last byte is filled with zeros.
class bit_writer {
public:
    /// Precondition: bits <= 64; higher bits of the value are ignored.
    void put(std::uint64_t value, unsigned bits) {
        value &= low_bits(bits);
        for (unsigned done = 0; done < bits;) {
            const auto at = static_cast<unsigned>(size_ % 8);
            if (at == 0) bytes_.push_back(std::byte{0});
            bytes_.back() |= static_cast<std::byte>(((value >> done) << at) & 0xffU);
            const unsigned step = std::min(8 - at, bits - done);
            done += step;
            size_ += step;
        }
    }

    /// The number of bits of value + 1, in ones and a zero, then its lower bits.
    void put_gamma(std::uint32_t value) {
        const std::uint64_t more = std::uint64_t{value} + 1;
        const auto width = static_cast<unsigned>(std::bit_width(more)) - 1;
        put(low_bits(width), width + 1);
        put(more, width);
    }

    /// A quotient in ones and a zero, then `width` lower bits.
    void put_rice(std::uint64_t value, unsigned width) {
        for (std::uint64_t ones = value >> width; ones > 0;) {
            const auto step = static_cast<unsigned>(std::min<std::uint64_t>(ones, 32));
            put(~std::uint64_t{0}, step);
            ones -= step;
        }
        put(0, 1);
        put(value, width);
    }

    void append(const bit_writer& other) {
        for (std::size_t at = 0; at < other.size_; at += 8) {
            put(std::to_integer<std::uint64_t>(other.bytes_[at / 8]),
                static_cast<unsigned>(std::min<std::size_t>(8, other.size_ - at)));
        }
    }

    std::size_t size() const { return size_; }
    std::span<const std::byte> bytes() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
    std::size_t size_ = 0;
};

/// Reads what bit_writer wrote. Sticky: after the first failure every number is 0.
class bit_reader {
public:
    explicit bit_reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::uint64_t get(unsigned bits) {
        if (bits > left()) return fail();
        std::uint64_t value = 0;
        for (unsigned done = 0; done < bits;) {
            const auto at = static_cast<unsigned>(at_ % 8);
            const unsigned step = std::min(8 - at, bits - done);
            const auto part = std::to_integer<std::uint64_t>(bytes_[at_ / 8]) >> at;
            value |= (part & low_bits(step)) << done;
            done += step;
            at_ += step;
        }
        return value;
    }

    std::uint32_t get_gamma() {
        unsigned width = 0;
        while (get(1) == 1) ++width;
        if (width > 31) return static_cast<std::uint32_t>(fail());
        return static_cast<std::uint32_t>((get(width) | (std::uint64_t{1} << width)) - 1);
    }

    std::uint64_t get_rice(unsigned width) {
        std::uint64_t ones = 0;
        while (get(1) == 1) ++ones;
        if (width < 64 && ones > (~std::uint64_t{0} >> width)) return fail();
        return (width < 64 ? ones << width : 0) | get(width);
    }

    /// Less than a byte is left, and it is zero.
    bool finished() { return ok_ && left() < 8 && get(static_cast<unsigned>(left())) == 0; }
    bool ok() const { return ok_; }
    void refuse() { ok_ = false; }
    std::size_t left() const { return ok_ ? bytes_.size() * 8 - at_ : 0; }

private:
    std::uint64_t fail() {
        ok_ = false;
        return 0;
    }

    std::span<const std::byte> bytes_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

} // namespace joinery::merkle::detail
