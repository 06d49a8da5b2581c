// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include <wire/detail/archive.hpp>
#include <wire/detail/endian.hpp>
#include <wire/error.hpp>
#include <wire/limits.hpp>

namespace joinery::wire {

/// A cereal input archive over untrusted bytes that it does not own; it refuses what writer would
/// not have written.
/// State: a position, what is left of the limits, the first failure.
/// Invariant: sticky: it never throws, and after the first failure every read yields zero or empty
/// and nothing is left. Every count is checked before anything is allocated for it.
/// Cost: O(bytes read), no allocation.
class reader : public cereal::InputArchive<reader, cereal::AllowEmptyClassElision> {
public:
    explicit reader(std::span<const std::byte> bytes, const limits& allowed = {},
                    unknown_fields unknown = unknown_fields::refuse)
        : cereal::InputArchive<reader, cereal::AllowEmptyClassElision>(this),
          begin_(bytes.data()),
          current_(begin_),
          end_(begin_ + bytes.size()),
          items_(allowed.max_items),
          memory_(memory_for(bytes.size(), allowed.max_memory)),
          max_depth_(allowed.max_depth),
          unknown_(unknown) {
        if (bytes.size() > allowed.max_bytes) fail(errc::too_large);
    }
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;
    ~reader() = default;

    std::uint8_t u8() {
        if (current_ == end_) return fail(errc::truncated), std::uint8_t{0};
        return std::to_integer<std::uint8_t>(*current_++);
    }

    /// LEB128; a longer form than needed or more than 64 bits is errc::overlong.
    std::uint64_t varint() {
        if (current_ != end_ && std::to_integer<unsigned>(*current_) < 0x80U) {
            return std::to_integer<std::uint64_t>(*current_++);
        }
        return long_varint();
    }

    /// A zigzag varint.
    std::int64_t svarint() {
        const std::uint64_t bits = varint();
        return static_cast<std::int64_t>((bits >> 1U) ^ (~(bits & 1U) + 1U));
    }

    std::uint32_t fixed32() { return fixed<std::uint32_t>(); }
    std::uint64_t fixed64() { return fixed<std::uint64_t>(); }

    /// The next n bytes, a view into the message; empty if fewer are left.
    std::span<const std::byte> raw(std::size_t n) {
        if (n > left()) return fail(errc::truncated), std::span<const std::byte>{};
        const std::byte* from = current_;
        current_ += n;
        return {from, n};
    }

    /// Fills `out` from sizeof(I) bytes an element; with zeros on failure.
    template <std::integral I>
    void array(std::span<I> out) {
        static_assert(!std::same_as<I, bool>, "a bool has no fixed-width column");
        const auto in = raw(out.size_bytes());
        if (in.size() != out.size_bytes()) {
            std::fill(out.begin(), out.end(), I{0});
        } else if constexpr (detail::little_endian || sizeof(I) == 1) {
            if (!in.empty()) std::memcpy(out.data(), in.data(), in.size());
        } else {
            for (std::size_t i = 0; i < out.size(); ++i) {
                out[i] = detail::load_le<I>(in.data() + i * sizeof(I));
            }
        }
    }

    /// The number of elements that follow, charged to the items of the message; 0 on failure.
    /// Fails if the bytes left cannot hold that many elements of min_bytes_each, or the memory left
    /// that many of memory_each. What they own elsewhere charges itself.
    std::size_t count(std::size_t min_bytes_each = 1, std::size_t memory_each = node_memory) {
        const std::uint64_t n = varint();
        if (n > items_) return fail(errc::too_many), std::size_t{0};
        if (n > left() / std::max<std::size_t>(min_bytes_each, 1)) {
            return fail(errc::truncated), std::size_t{0};
        }
        items_ -= static_cast<std::size_t>(n);
        if (!take_memory(static_cast<std::size_t>(n), memory_each)) return 0;
        return static_cast<std::size_t>(n);
    }

    /// What a node of a tree is taken for, its value apart.
    static constexpr std::size_t node_memory = 128;

    /// Charges n elements of `each` bytes to the memory of the message; false if that fails.
    bool take_memory(std::size_t n, std::size_t each = 1) {
        if (each != 0 && n > memory_ / each) return fail(errc::too_large), false;
        memory_ -= n * each;
        return true;
    }

    /// The length in bytes of what follows (a string, a field); not charged as items.
    std::size_t length() {
        const std::uint64_t n = varint();
        if (n > left()) return fail(errc::truncated), std::size_t{0};
        return static_cast<std::size_t>(n);
    }

    bool ok() const noexcept { return error_.code == errc::none; }

    /// Records the first failure with its offset; later ones change nothing.
    void fail(errc code) noexcept {
        if (!ok() || code == errc::none) return;
        error_ = {code, offset()};
        end_ = current_;
    }

    wire::error error() const noexcept { return error_; }
    std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - current_); }
    std::size_t offset() const noexcept { return static_cast<std::size_t>(current_ - begin_); }

    /// One level deeper; false if that fails. leave() ends a level that was entered.
    bool enter() noexcept {
        if (depth_ == max_depth_) fail(errc::too_deep);
        if (!ok()) return false;
        ++depth_;
        return true;
    }

    void leave() noexcept {
        if (depth_ > 0) --depth_;
    }

    unknown_fields on_unknown() const noexcept { return unknown_; }
    std::size_t skipped_fields() const noexcept { return skipped_; }
    void note_skipped() noexcept { ++skipped_; }

    /// Hides all but the next n bytes; the result goes to widen(). Precondition: n <= left().
    const std::byte* narrow(std::size_t n) noexcept {
        const std::byte* outer = end_;
        if (ok()) end_ = current_ + n;
        return outer;
    }

    /// Ends narrow(): the inner part must have been read to its end.
    void widen(const std::byte* outer) noexcept {
        if (left() != 0) fail(errc::trailing_bytes);
        if (ok()) end_ = outer;
    }

private:
    template <std::integral I>
    I fixed() {
        const auto in = raw(sizeof(I));
        return in.size() == sizeof(I) ? detail::load_le<I>(in.data()) : I{0};
    }

    static std::size_t memory_for(std::size_t bytes, std::size_t more) {
        constexpr auto most = ~std::size_t{0};
        const auto free = bytes > (most - 65536) / 4 ? most : 4 * bytes + 65536;
        return more > most - free ? most : free + more;
    }

    std::uint64_t long_varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            if (current_ == end_) return fail(errc::truncated), std::uint64_t{0};
            const auto byte = std::to_integer<std::uint64_t>(*current_);
            const bool last = byte < 0x80U;
            const bool padded = last && byte == 0 && shift > 0;
            if (padded || (shift == 63 && byte > 1)) break;
            ++current_;
            value |= (byte & 0x7fU) << shift;
            if (last) return value;
        }
        fail(errc::overlong);
        return 0;
    }

    const std::byte* begin_;
    const std::byte* current_;
    const std::byte* end_;
    std::size_t items_;
    std::size_t memory_;
    std::size_t max_depth_;
    std::size_t depth_ = 0;
    std::size_t skipped_ = 0;
    unknown_fields unknown_;
    wire::error error_{};
};

} // namespace joinery::wire
