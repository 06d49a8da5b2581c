// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <wire/detail/archive.hpp>
#include <wire/detail/endian.hpp>

namespace joinery::wire {

/// A cereal output archive of canonical bytes: `w(x)` takes any type cereal can serialize (include
/// <wire/codec.hpp>), names cost nothing; put(w, x) is the direct path for everything of ours.
/// State: the bytes written so far, or only their number for writer::counting().
/// Invariant: the same calls give the same bytes on every platform.
/// Cost: amortised O(bytes); a column of fixed-width integers is one block copy.
class writer : public cereal::OutputArchive<writer, cereal::AllowEmptyClassElision> {
public:
    explicit writer() : writer(false) {}
    /// Goes on behind these bytes, in their memory; take() gives it back.
    explicit writer(std::vector<std::byte> begun) : writer(false) {
        buffer_ = std::move(begun);
        size_ = buffer_.size();
    }
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer() = default;

    /// A writer that only measures: size() is right, bytes() and take() are not allowed.
    static writer counting() { return writer(true); }

    void u8(std::uint8_t value) {
        *grow(1) = std::byte{value};
        ++size_;
    }

    /// LEB128 in its shortest form, 1 to 10 bytes.
    void varint(std::uint64_t value) {
        std::byte* out = grow(max_varint);
        if (value < 0x80U) {
            *out = static_cast<std::byte>(value);
            ++size_;
            return;
        }
        size_ += store_varint(out, value);
    }

    /// Zigzag, then varint: small magnitudes are short.
    void svarint(std::int64_t value) {
        const auto bits = static_cast<std::uint64_t>(value);
        varint((bits << 1U) ^ (value < 0 ? ~std::uint64_t{0} : std::uint64_t{0}));
    }

    void fixed32(std::uint32_t value) {
        detail::store_le(grow(sizeof value), value);
        size_ += sizeof value;
    }

    void fixed64(std::uint64_t value) {
        detail::store_le(grow(sizeof value), value);
        size_ += sizeof value;
    }

    /// The bytes as they are, without their number. Precondition: not a part of bytes().
    void raw(std::span<const std::byte> bytes) {
        if (bytes.empty()) return;
        if (counting_) {
            size_ += bytes.size();
        } else if (bytes.size() <= slack) {
            std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
            size_ += bytes.size();
        } else {
            // insert() copies a block without first filling its place with zeros
            buffer_.resize(size_);
            buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
            size_ = buffer_.size();
        }
    }

    /// sizeof(I) bytes an element, least significant first, without their number.
    template <std::integral I>
    void array(std::span<const I> values) {
        static_assert(!std::same_as<I, bool>, "a bool has no fixed-width column");
        if constexpr (detail::little_endian || sizeof(I) == 1) {
            raw(std::as_bytes(values));
        } else {
            for (const I value : values) {
                detail::store_le(grow(sizeof(I)), value);
                size_ += sizeof(I);
            }
        }
    }

    /// Makes room for so many more bytes at once. Nothing has to: it only saves copies on the way.
    void reserve(std::size_t bytes) {
        if (!counting_) buffer_.reserve(size_ + bytes);
    }

    std::size_t size() const noexcept { return size_; }

    /// Valid until the next write. Precondition: not counting.
    std::span<const std::byte> bytes() const {
        assert(!counting_);
        return std::span<const std::byte>(buffer_).first(size_);
    }

    /// The bytes; the writer is then empty. Precondition: not counting.
    std::vector<std::byte> take() {
        assert(!counting_);
        buffer_.resize(std::exchange(size_, 0));
        return std::exchange(buffer_, {});
    }

    /// Forgets what was written and keeps the memory.
    void clear() noexcept { size_ = 0; }

    /// Opens a part that is preceded by its length; the result goes to end_sized().
    std::size_t begin_sized() {
        u8(0);
        return size_;
    }

    /// Closes the part: writes its length as a varint before it.
    void end_sized(std::size_t start) {
        const std::size_t length = size_ - start;
        std::array<std::byte, max_varint> prefix{};
        const std::size_t width = store_varint(prefix.data(), length);
        grow(width);
        if (!counting_) {
            // most parts are shorter than 128 bytes, so that one byte was reserved and none moves
            std::byte* part = buffer_.data() + start;
            if (width > 1) std::memmove(part + width - 1, part, length);
            std::memcpy(part - 1, prefix.data(), width);
        }
        size_ += width - 1;
    }

private:
    static constexpr std::size_t max_varint = 10;
    static constexpr std::size_t slack = 512;

    explicit writer(bool counting)
        : cereal::OutputArchive<writer, cereal::AllowEmptyClassElision>(this),
          counting_(counting) {}

    static std::size_t store_varint(std::byte* out, std::uint64_t value) {
        std::size_t n = 0;
        for (; value >= 0x80U; value >>= 7U) {
            out[n++] = static_cast<std::byte>((value & 0x7fU) | 0x80U);
        }
        out[n++] = static_cast<std::byte>(value);
        return n;
    }

    // Room for n <= slack bytes behind size_; a counting writer has one place for all of them.
    std::byte* grow(std::size_t n) {
        if (counting_) return scratch();
        if (buffer_.size() - size_ < n) {
            const std::size_t ahead = size_ < slack ? 48 + size_ : slack;
            buffer_.resize(size_ + n + ahead);
        }
        return buffer_.data() + size_;
    }

    std::byte* scratch() noexcept { return scratch_.data(); }

    std::vector<std::byte> buffer_;
    std::size_t size_ = 0;
    bool counting_;
    std::array<std::byte, 16> scratch_{};
};

} // namespace joinery::wire
