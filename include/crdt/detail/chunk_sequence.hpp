// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// Entries of an ordered_chunks that come in order, such as off the wire: where each is put it
/// stays, in the map, too. No tree is made for what does not become a map.
///
/// State      the only entry, or chunks, all but the last of them full.
/// Cost       next() O(1); a block for each chunk, for the entries announced at most.
template <class Slot, std::size_t ChunkRoom>
class chunk_sequence {
public:
    using chunk = std::vector<Slot>;
    using value_type = std::remove_reference_t<decltype(*std::declval<Slot&>())>;

    explicit chunk_sequence(std::size_t announced) : left_(announced) {}

    /// The next entry, empty, to be filled. Precondition: it was announced.
    value_type& next() {
        if (left_ == 1 && chunks_.empty()) return *lone_.emplace(Slot{value_type{}});
        if (chunks_.empty() || chunks_.back().size() == ChunkRoom)
            chunks_.emplace_back().reserve(std::min(left_, ChunkRoom));
        --left_;
        auto& here = chunks_.back();
        if constexpr (std::is_default_constructible_v<Slot>)
            return *here.emplace_back();
        else
            return *here.emplace_back(value_type{});
    }

    /// The entry that next() has given last does not come, after all. Precondition: there is one.
    void drop() {
        if (lone_) return lone_.reset();
        chunks_.back().pop_back();
        if (chunks_.back().empty()) chunks_.pop_back();
    }

    std::optional<Slot>& lone() { return lone_; }
    std::vector<chunk>& chunks() { return chunks_; }

private:
    std::size_t left_;
    std::optional<Slot> lone_;
    std::vector<chunk> chunks_;
};

} // namespace joinery::crdt::detail
