// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/chunks.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace joinery::stream {

/// Bytes of a fixed length whose Merkle root is kept up to date: for state that lives in place,
/// such as a table of counters, and of which little changes between two checkpoints.
///
/// State      the bytes; their tree as of the last root(); a flag for each chunk changed since.
/// Value      root() is that of merkle::chunks::of(bytes()).
/// Cost       edit O(chunks touched), a store each; root O(chunks changed × log chunks).
/// Source     copy-on-write page tracking, without the operating system.
class byte_image {
public:
    explicit byte_image(std::vector<std::byte> bytes)
        : bytes_(std::move(bytes)), tree_(merkle::chunks::of(bytes_)), changed_(tree_.size()) {}

    std::span<const std::byte> bytes() const { return bytes_; }

    /// Room to write to; counts as changed. Precondition: size > 0, and it ends within bytes().
    std::span<std::byte> edit(std::size_t offset, std::size_t size) {
        assert(size > 0 && offset + size <= bytes_.size());
        // On the path of every event: a store alone, no bit to read and write back.
        const std::size_t last = (offset + size - 1) / chunk_size;
        changed_[last] = 1;
        for (std::size_t i = offset / chunk_size; i != last; ++i) changed_[i] = 1;
        return std::span(bytes_).subspan(offset, size);
    }

    /// Hashes what has changed since the last call.
    const wire::digest& root() {
        for (std::size_t i = 0; i < changed_.size(); ++i) {
            if (changed_[i] == 0) continue;
            const auto rest = std::span<const std::byte>(bytes_).subspan(i * chunk_size);
            tree_.replace(i, rest.first(std::min(rest.size(), chunk_size)));
            changed_[i] = 0;
        }
        return tree_.root();
    }

    /// The tree as of the last root().
    const merkle::chunks& leaves() const { return tree_; }

private:
    static constexpr std::size_t chunk_size = merkle::chunks::default_chunk_size;

    std::vector<std::byte> bytes_;
    merkle::chunks tree_;
    std::vector<std::uint8_t> changed_;
};

} // namespace joinery::stream
