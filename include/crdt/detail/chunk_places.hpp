// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/ordered_chunks.hpp>
#include <crdt/dot.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// Chunks of neighbouring counters: each has a number of its own while it has items, and a place
/// among those of its replica.
///
/// State      a pool, where a chunk's number is its index; per replica the chunks in order.
/// Invariant  no replica is without chunks; a freed chunk's number is used again.
/// Cost       make, find, remove O(log chunks), wherever between the others.
template <class Chunk>
class chunk_places {
public:
    /// Which counters -> which chunk of the pool.
    using run = ordered_chunks<std::uint64_t, std::uint32_t>;
    using run_map = ordered_chunks<replica_id, run>;

    chunk_places() = default;
    /// Chunks that are in order and have items.
    explicit chunk_places(std::vector<Chunk>&& chunks) : pool_(std::move(chunks)) {
        run* last = nullptr;
        for (std::size_t i = 0; i < pool_.size(); ++i) {
            const auto& c = pool_[i];
            if (i == 0 || c.replica != pool_[i - 1].replica) last = &runs_.append({c.replica, {}});
            last->append({c.number, static_cast<std::uint32_t>(i)});
        }
    }

    const run_map& runs() const { return runs_; }
    const Chunk& operator[](std::size_t id) const { return pool_[id]; }
    Chunk& operator[](std::size_t id) { return pool_[id]; }
    /// Precondition: it is one of these.
    std::uint32_t id_of(const Chunk& c) const {
        return static_cast<std::uint32_t>(&c - pool_.data());
    }

    const run* find(replica_id replica) const {
        const auto at = runs_.find(replica);
        return at == runs_.end() ? nullptr : &at->second;
    }
    const Chunk* find(replica_id replica, std::uint64_t number) const {
        const auto* r = find(replica);
        if (r == nullptr) return nullptr;
        // Where a replica adds to what it has added.
        if (r->back().first == number) return &pool_[r->back().second];
        const auto at = r->find(number);
        return at == r->end() ? nullptr : &pool_[at->second];
    }

    /// The chunk of these counters, which is made if there is none.
    std::uint32_t make(replica_id replica, std::uint64_t number) {
        const auto at = runs_.lower_bound(replica);
        if (at == runs_.end() || at->first != replica) {
            run made;
            made.append({number, fresh_id()});
            runs_.insert(at, {replica, std::move(made)});
        } else {
            auto& known = at->second;
            if (known.back().first == number) return known.back().second;
            const auto before = known.lower_bound(number);
            if (before != known.end() && before->first == number) return before->second;
            known.insert(before, {number, fresh_id()});
        }
        return occupy(replica, number);
    }
    /// Asks for no memory.
    void remove(std::uint32_t id) {
        const auto at = runs_.find(pool_[id].replica);
        at->second.erase(at->second.find(pool_[id].number));
        if (at->second.empty()) runs_.erase(at);
        pool_[id].clear();
        pool_[id].number = std::exchange(free_, id);
    }

private:
    static constexpr std::size_t max_chunks = std::size_t{1} << 25;
    static constexpr auto no_chunk = ~std::uint32_t{0};

    /// A free chunk, the first of those.
    std::uint32_t fresh_id() {
        if (free_ == no_chunk) {
            if (pool_.size() == max_chunks) throw std::length_error("too many chunks");
            pool_.emplace_back().number = no_chunk;
            free_ = static_cast<std::uint32_t>(pool_.size() - 1);
        }
        return free_;
    }
    std::uint32_t occupy(replica_id replica, std::uint64_t number) {
        const auto id = free_;
        free_ = static_cast<std::uint32_t>(pool_[id].number);
        pool_[id].replica = replica;
        pool_[id].number = number;
        return id;
    }

    run_map runs_;
    std::vector<Chunk> pool_;
    std::uint32_t free_ = no_chunk; ///< each free chunk has the number of the next
};

} // namespace joinery::crdt::detail
