// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

namespace joinery::crdt::detail {

/// The memory of an element_index: groups of 8 slots in three columns of one block.
///
/// State      a word with a byte for each slot, zero as made; of the slots a word, which fill a
///            cache line, and a smaller one, neither of which is set as made.
/// Cost       a block; a group is 104 bytes.
class index_rows {
public:
    static constexpr std::size_t width = 8;

    index_rows() = default;
    explicit index_rows(std::size_t groups) : size_(groups) {
        block_ = ::operator new(bytes(), alignment);
        lines_ = static_cast<line*>(block_);
        lower_ = static_cast<half_line*>(static_cast<void*>(lines_ + groups));
        marks_ = static_cast<std::uint64_t*>(static_cast<void*>(lower_ + groups));
        std::memset(marks_, 0, groups * sizeof *marks_);
    }
    index_rows(const index_rows& other) {
        if (other.size_ == 0) return;
        *this = index_rows(other.size_);
        std::memcpy(block_, other.block_, bytes());
    }
    index_rows(index_rows&& other) noexcept { swap(other); }
    index_rows& operator=(index_rows other) noexcept {
        swap(other);
        return *this;
    }
    ~index_rows() {
        if (block_ != nullptr) ::operator delete(block_, alignment);
    }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }

    std::uint64_t& marks(std::size_t group) { return marks_[group]; }
    std::uint64_t marks(std::size_t group) const { return marks_[group]; }
    std::uint64_t& word(std::size_t slot) { return lines_[slot / width][slot % width]; }
    std::uint64_t word(std::size_t slot) const { return lines_[slot / width][slot % width]; }
    std::uint32_t& lower(std::size_t slot) { return lower_[slot / width][slot % width]; }
    std::uint32_t lower(std::size_t slot) const { return lower_[slot / width][slot % width]; }

    void prefetch_marks(std::size_t group) const { prefetch(marks_ + group); }
    void prefetch_words(std::size_t group) const { prefetch(lines_ + group); }
    void prefetch_lower(std::size_t group) const { prefetch(lower_ + group); }

private:
    using line = std::array<std::uint64_t, width>;
    using half_line = std::array<std::uint32_t, width>;
    static constexpr std::align_val_t alignment{sizeof(line)};

    std::size_t bytes() const {
        return size_ * (sizeof(line) + sizeof(half_line) + sizeof(std::uint64_t));
    }
    void swap(index_rows& other) noexcept {
        std::swap(size_, other.size_);
        std::swap(block_, other.block_);
        std::swap(lines_, other.lines_);
        std::swap(lower_, other.lower_);
        std::swap(marks_, other.marks_);
    }
    static void prefetch(const void* place) {
#if defined(__GNUC__)
        __builtin_prefetch(place);
        // g++ leaves out calls of functions that do nothing but this.
        asm volatile("");
#else
        static_cast<void>(place);
#endif
    }

    std::size_t size_ = 0;
    void* block_ = nullptr;
    line* lines_ = nullptr;
    half_line* lower_ = nullptr;
    std::uint64_t* marks_ = nullptr;
};

} // namespace joinery::crdt::detail
