// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <wire/codec.hpp>
#include <wire/hash.hpp>

namespace joinery::merkle {

/// The Merkle tree of a byte sequence cut into chunks of equal size, the last one possibly shorter.
/// State:     the digest of every chunk and of every node above, the total length, the chunk size
/// Value:     root() identifies the bytes; proof(i) shows one chunk to a holder of the root alone
/// Invariant: leaves, inner nodes, the empty tree and the root are hashed in separate domains; the
///            root binds total length and chunk size; an odd node moves up unpaired, never doubled
/// Cost:      of() one pass over the bytes; proof() and reading O(chunks); verify() O(log chunks)
/// Source:    Merkle 1987; domain separation as in RFC 6962
class chunks {
public:
    static constexpr std::string_view schema_name = "chunks";
    static constexpr std::size_t default_chunk_size = 4096;

    chunks() : root_(seal(0, default_chunk_size, empty_node())) {}

    /// The tree over `bytes`. Precondition: chunk_size > 0.
    static chunks of(std::span<const std::byte> bytes,
                     std::size_t chunk_size = default_chunk_size) {
        assert(chunk_size > 0);
        chunks made;
        made.total_bytes_ = bytes.size();
        made.chunk_size_ = chunk_size;
        const std::size_t count = chunks_in(bytes.size(), chunk_size);
        made.leaves_.reserve(count);
        for (std::size_t i = 0; i < count; ++i) {
            made.leaves_.push_back(leaf_node(made.cut(bytes, i)));
        }
        made.raise_all();
        return made;
    }

    /// Puts other bytes of the same length in the place of chunk i. Precondition: i < size().
    void replace(std::size_t i, std::span<const std::byte> chunk) {
        assert(i < leaves_.size());
        assert(chunk.size() == length_of(total_bytes_, chunk_size_, i));
        leaves_[i] = leaf_node(chunk);
        for (std::size_t level = 0; level < above_.size(); ++level, i /= 2) {
            const std::vector<wire::digest>& below = level == 0 ? leaves_ : above_[level - 1];
            above_[level][i / 2] = parent(below, i / 2);
        }
        root_ = seal(total_bytes_, chunk_size_, top());
    }

    const wire::digest& root() const { return root_; }
    std::size_t size() const { return leaves_.size(); }
    std::uint64_t total_bytes() const { return total_bytes_; }
    std::uint64_t chunk_size() const { return chunk_size_; }

    /// The digest of chunk i. Precondition: i < size().
    const wire::digest& leaf(std::size_t i) const {
        assert(i < leaves_.size());
        return leaves_[i];
    }

    /// The siblings from chunk i up to the root, lowest first. Precondition: i < size().
    std::vector<wire::digest> proof(std::size_t i) const {
        assert(i < leaves_.size());
        std::vector<wire::digest> path;
        for (std::size_t level = 0; level < above_.size(); ++level, i /= 2) {
            const std::vector<wire::digest>& here = level == 0 ? leaves_ : above_[level - 1];
            if (const std::size_t sibling = i ^ std::size_t{1}; sibling < here.size()) {
                path.push_back(here[sibling]);
            }
        }
        return path;
    }

    /// Whether `chunk` is chunk i of the `total_bytes` bytes that `root` identifies. Any input is
    /// safe.
    static bool verify(const wire::digest& root, std::uint64_t total_bytes, std::uint64_t i,
                       std::span<const std::byte> chunk, std::span<const wire::digest> proof,
                       std::size_t chunk_size = default_chunk_size) {
        if (chunk_size == 0) return false;
        std::uint64_t width = chunks_in(total_bytes, chunk_size);
        if (i >= width || chunk.size() != length_of(total_bytes, chunk_size, i)) return false;
        wire::digest node = leaf_node(chunk);
        std::size_t used = 0;
        for (; width > 1; width = width / 2 + width % 2, i /= 2) {
            if ((i ^ 1U) >= width) continue;
            if (used == proof.size()) return false;
            const wire::digest& sibling = proof[used++];
            node = i % 2 == 0 ? inner_node(node, sibling) : inner_node(sibling, node);
        }
        return used == proof.size() && seal(total_bytes, chunk_size, node) == root;
    }

    /// The first chunk in which `bytes` differs from the bytes of this tree, a missing or surplus
    /// chunk included; nothing if they are the same bytes.
    std::optional<std::size_t> first_wrong(std::span<const std::byte> bytes) const {
        const auto step = static_cast<std::size_t>(chunk_size_);
        const std::size_t count = chunks_in(bytes.size(), step);
        for (std::size_t i = 0; i < std::min(count, leaves_.size()); ++i) {
            if (leaf_node(cut(bytes, i)) != leaves_[i]) return i;
        }
        if (count != leaves_.size()) return std::min(count, leaves_.size());
        return std::nullopt;
    }

    friend bool operator==(const chunks& a, const chunks& b) {
        return a.total_bytes_ == b.total_bytes_ && a.chunk_size_ == b.chunk_size_ &&
               a.leaves_ == b.leaves_;
    }

    void write(wire::writer& out) const {
        out.varint(total_bytes_);
        out.varint(chunk_size_);
        out.varint(leaves_.size());
        for (const wire::digest& leaf : leaves_) wire::put(out, leaf);
    }

    void read(wire::reader& in) {
        chunks made;
        made.total_bytes_ = in.varint();
        made.chunk_size_ = in.varint();
        const std::size_t count = in.count(16, sizeof(wire::digest));
        if (!in.ok()) return;
        if (made.chunk_size_ == 0 || !std::in_range<std::size_t>(made.chunk_size_) ||
            chunks_in(made.total_bytes_, made.chunk_size_) != count) {
            in.fail(wire::errc::bad_value);
            return;
        }
        made.leaves_.resize(count);
        for (wire::digest& leaf : made.leaves_) wire::get(in, leaf);
        if (!in.ok()) return;
        made.raise_all();
        *this = std::move(made);
    }

private:
    enum tag : std::uint8_t { leaf_tag = 0, inner_tag = 1, empty_tag = 2, root_tag = 3 };

    static constexpr std::uint64_t chunks_in(std::uint64_t total, std::uint64_t chunk_size) {
        return total / chunk_size + (total % chunk_size != 0 ? 1U : 0U);
    }

    static std::uint64_t length_of(std::uint64_t total, std::uint64_t chunk_size, std::uint64_t i) {
        return std::min(chunk_size, total - i * chunk_size);
    }

    std::span<const std::byte> cut(std::span<const std::byte> bytes, std::size_t i) const {
        const std::span<const std::byte> rest =
            bytes.subspan(i * static_cast<std::size_t>(chunk_size_));
        return rest.first(std::min(rest.size(), static_cast<std::size_t>(chunk_size_)));
    }

    /// Digest of a tag and four words; the tag keeps the domains apart.
    static wire::digest node(tag kind, std::uint64_t a, std::uint64_t b, std::uint64_t c,
                             std::uint64_t d) {
        std::array<std::byte, 33> bytes{};
        bytes[0] = static_cast<std::byte>(kind);
        const std::array<std::uint64_t, 4> words{a, b, c, d};
        for (std::size_t word = 0; word < words.size(); ++word) {
            for (std::size_t byte = 0; byte < 8; ++byte) {
                bytes[1 + 8 * word + byte] = static_cast<std::byte>(words[word] >> (8 * byte));
            }
        }
        return wire::content_digest(bytes);
    }

    // The plain digest of a chunk is no node: hashing it once more under a tag separates the
    // domains without copying the chunk.
    static wire::digest leaf_node(std::span<const std::byte> chunk) {
        const wire::digest plain = wire::content_digest(chunk);
        return node(leaf_tag, plain.hi, plain.lo, chunk.size(), 0);
    }
    static wire::digest inner_node(const wire::digest& left, const wire::digest& right) {
        return node(inner_tag, left.hi, left.lo, right.hi, right.lo);
    }
    static wire::digest empty_node() { return node(empty_tag, 0, 0, 0, 0); }
    static wire::digest seal(std::uint64_t total, std::uint64_t chunk_size,
                             const wire::digest& top) {
        return node(root_tag, total, chunk_size, top.hi, top.lo);
    }

    // Node i of the level above; an odd last node moves up as it is.
    static wire::digest parent(const std::vector<wire::digest>& below, std::size_t i) {
        return 2 * i + 1 < below.size() ? inner_node(below[2 * i], below[2 * i + 1]) : below[2 * i];
    }

    wire::digest top() const {
        if (leaves_.empty()) return empty_node();
        return above_.empty() ? leaves_.front() : above_.back().front();
    }

    void raise_all() {
        above_.clear();
        for (std::size_t width = leaves_.size(); width > 1;) {
            const std::vector<wire::digest>& below = above_.empty() ? leaves_ : above_.back();
            width = width / 2 + width % 2;
            std::vector<wire::digest> level(width);
            for (std::size_t i = 0; i < width; ++i) level[i] = parent(below, i);
            above_.push_back(std::move(level));
        }
        root_ = seal(total_bytes_, chunk_size_, top());
    }

    std::uint64_t total_bytes_ = 0;
    std::uint64_t chunk_size_ = default_chunk_size;
    std::vector<wire::digest> leaves_;
    std::vector<std::vector<wire::digest>> above_; // the levels above the leaves
    wire::digest root_;
};

} // namespace joinery::merkle
