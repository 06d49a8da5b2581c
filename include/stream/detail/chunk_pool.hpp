// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/chunks.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinery::stream::detail {

/// The leaf digest of a chunk. Precondition: it is not empty.
inline wire::digest leaf_of(std::span<const std::byte> chunk) {
    return merkle::chunks::of(chunk, chunk.size()).leaf(0);
}

/// Byte sequences by their Merkle root, in chunks that equal sequences share.
///
/// State      root -> leaves and how many of their chunks are lacking; leaf -> chunk, if it is
/// here,
///            how many leaves name it, and which roots wait for it.
/// Invariant  a chunk has the digest it is kept under; none is kept that no root names.
/// Cost       add O(chunks log n); fill O(log n + roots waiting).
class chunk_pool {
public:
    struct tree {
        merkle::chunks leaves;
        std::uint64_t epoch = 0;
        std::size_t lacking = 0; ///< different chunks
    };

    const std::map<wire::digest, tree>& trees() const { return trees_; }
    tree* find(const wire::digest& root) {
        const auto at = trees_.find(root);
        return at == trees_.end() ? nullptr : &at->second;
    }
    const tree* find(const wire::digest& root) const {
        const auto at = trees_.find(root);
        return at == trees_.end() ? nullptr : &at->second;
    }
    bool holds(const wire::digest& root) const {
        const tree* at = find(root);
        return at != nullptr && at->lacking == 0;
    }

    /// Bytes of the chunks that are here.
    std::size_t bytes() const { return bytes_; }
    /// How many bytes of `leaves` are not here.
    std::size_t bytes_lacking(const merkle::chunks& leaves) const {
        std::map<wire::digest, std::size_t> lacking;
        for (std::size_t i = 0; i < leaves.size(); ++i)
            if (!chunk(leaves.leaf(i))) lacking[leaves.leaf(i)] = length_of(leaves, i);
        std::size_t sum = 0;
        for (const auto& each : lacking) sum += each.second;
        return sum;
    }

    /// Takes the leaves of a root that has none here. Their chunks are lacking unless others have
    /// them.
    void add(merkle::chunks leaves, std::uint64_t epoch) {
        const wire::digest root = leaves.root();
        tree& made = trees_[root];
        made.epoch = epoch;
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            part& each = parts_[leaves.leaf(i)];
            ++each.uses;
            if (each.here) continue;
            const bool listed = !each.waiting.empty() && each.waiting.back() == root;
            if (!listed) each.waiting.push_back(root), ++made.lacking;
        }
        made.leaves = std::move(leaves);
    }

    /// Takes a chunk that is lacking; false if it is not.
    bool fill(const wire::digest& leaf, std::span<const std::byte> chunk) {
        const auto at = parts_.find(leaf);
        if (at == parts_.end() || at->second.here) return false;
        part& filled = at->second;
        filled.bytes.assign(chunk.begin(), chunk.end());
        filled.here = true;
        bytes_ += chunk.size();
        for (const wire::digest& root : filled.waiting) --trees_.at(root).lacking;
        filled.waiting.clear();
        return true;
    }

    bool lacks(const wire::digest& leaf) const {
        const auto at = parts_.find(leaf);
        return at != parts_.end() && !at->second.here;
    }
    std::optional<std::span<const std::byte>> chunk(const wire::digest& leaf) const {
        const auto at = parts_.find(leaf);
        if (at == parts_.end() || !at->second.here) return std::nullopt;
        return std::span<const std::byte>(at->second.bytes);
    }

    void drop(const wire::digest& root) {
        const auto at = trees_.find(root);
        if (at == trees_.end()) return;
        const merkle::chunks& leaves = at->second.leaves;
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            const auto each = parts_.find(leaves.leaf(i));
            std::erase(each->second.waiting, root);
            if (--each->second.uses > 0) continue;
            bytes_ -= each->second.bytes.size();
            parts_.erase(each);
        }
        trees_.erase(at);
    }

    static std::size_t length_of(const merkle::chunks& leaves, std::size_t i) {
        const auto begin = i * leaves.chunk_size();
        return static_cast<std::size_t>(
            std::min(leaves.chunk_size(), leaves.total_bytes() - begin));
    }

private:
    struct part {
        std::vector<std::byte> bytes;
        std::size_t uses = 0;
        bool here = false;
        std::vector<wire::digest> waiting;
    };

    std::size_t bytes_ = 0;
    std::map<wire::digest, tree> trees_;
    std::map<wire::digest, part> parts_;
};

} // namespace joinery::stream::detail
