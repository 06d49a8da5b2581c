// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/event_block.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// The events of one origin in blocks by sequence.
template <class T>
struct event_run {
    // Not defaulted, as in event_block.
    event_run() {}
    explicit event_run(replica_id id) : origin(id) {}

    replica_id origin;
    small_list<event_block<T>> blocks;

    /// The first block with at least this index.
    std::size_t place(std::uint64_t index) const {
        if (blocks.empty() || blocks.back().index < index) return blocks.size();
        // Without gaps the place of a block follows from its index.
        const auto guess = index - std::min(index, blocks.front().index);
        if (guess < blocks.size() && blocks[guess].index == index) return guess;
        const auto at =
            std::lower_bound(blocks.begin(), blocks.end(), index,
                             [](const event_block<T>& b, std::uint64_t i) { return b.index < i; });
        return static_cast<std::size_t>(at - blocks.begin());
    }
    const event_block<T>* find(std::uint64_t index) const {
        const auto at = place(index);
        return at != blocks.size() && blocks[at].index == index ? &blocks[at] : nullptr;
    }
    event_block<T>& make(std::uint64_t index) {
        if (!blocks.empty() && blocks.back().index == index) return blocks.back();
        const auto at = place(index);
        if (at != blocks.size() && blocks[at].index == index) return blocks[at];
        const bool next = at != 0 && at == blocks.size() && blocks.back().alive == ~event_mask{0};
        // In place: moving even an empty block takes longer than all else.
        blocks.emplace_back(index);
        if (next)
            blocks.back().expect_more();
        else if (at + 1 != blocks.size())
            std::rotate(blocks.begin() + static_cast<std::ptrdiff_t>(at), blocks.end() - 1,
                        blocks.end());
        return blocks[at];
    }

    friend bool operator==(const event_run&, const event_run&) = default;
};

/// All live events: runs by origin, none empty.
template <class T>
class event_runs {
public:
    using run = event_run<T>;
    using block = event_block<T>;

    const small_list<run>& all() const { return runs_; }
    bool empty() const { return runs_.empty(); }

    std::size_t size() const {
        std::size_t sum = 0;
        for (const auto& r : runs_)
            for (const auto& b : r.blocks) sum += b.records.size();
        return sum;
    }

    const run* find(replica_id origin) const {
        const auto at = place(origin);
        return at != runs_.size() && runs_[at].origin == origin ? &runs_[at] : nullptr;
    }
    const block* find(replica_id origin, std::uint64_t index) const {
        const auto* r = find(origin);
        return r == nullptr ? nullptr : r->find(index);
    }
    event_mask alive(replica_id origin, std::uint64_t index) const {
        const auto* b = find(origin, index);
        return b == nullptr ? 0 : b->alive;
    }

    /// The last block of an origin if it is this one and the run is where it is guessed to be.
    block* last_block(replica_id origin, std::size_t guess, std::uint64_t index) {
        if (guess >= runs_.size() || runs_[guess].origin != origin) return nullptr;
        auto& blocks = runs_[guess].blocks;
        return blocks.back().index == index ? &blocks.back() : nullptr;
    }
    /// Calls put(block), which puts events into the block. If memory runs out, what was put so far
    /// stays, and no block is empty.
    template <class Put>
    auto put(replica_id origin, std::uint64_t index, Put put) {
        const auto at = place(origin);
        if (at == runs_.size() || runs_[at].origin != origin) {
            runs_.emplace_back(origin);
            std::rotate(runs_.begin() + static_cast<std::ptrdiff_t>(at), runs_.end() - 1,
                        runs_.end());
        }
        try {
            return put(runs_[at].make(index));
        } catch (...) {
            auto& blocks = runs_[at].blocks;
            if (const auto made = runs_[at].place(index);
                made != blocks.size() && blocks[made].index == index && blocks[made].alive == 0)
                blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(made));
            if (blocks.empty()) runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(at));
            throw;
        }
    }
    /// An empty block, to be filled. Precondition: there is none yet.
    block& make_only(replica_id origin, std::uint64_t index) {
        return runs_.emplace_back(origin).blocks.emplace_back(index);
    }
    /// Drops events of one block that are alive.
    void drop(replica_id origin, std::uint64_t index, event_mask gone) {
        const auto at = place(origin);
        auto& blocks = runs_[at].blocks;
        const auto where = runs_[at].place(index);
        blocks[where].erase(gone);
        if (blocks[where].alive == 0)
            blocks.erase(blocks.begin() + static_cast<std::ptrdiff_t>(where));
        if (blocks.empty()) runs_.erase(runs_.begin() + static_cast<std::ptrdiff_t>(at));
    }

    /// Calls f(origin, block, mask) for the live events that a context names: in O(what it finds),
    /// whole blocks of an interval at once. A block may come more than once, with other events.
    template <class F>
    void for_each_in(const causal_context& context, F f) const {
        for (const auto& i : context.intervals()) {
            const auto* r = find(i.replica);
            if (r == nullptr) continue;
            const auto last = block_of(i.last);
            for (auto at = r->place(block_of(i.first));
                 at != r->blocks.size() && r->blocks[at].index <= last; ++at)
                if (const auto mask = mask_in(i, r->blocks[at].index) & r->blocks[at].alive)
                    f(r->origin, r->blocks[at], mask);
        }
    }

    /// Makes empty blocks for those of `others` that `wanted(origin, block)` names and that are not
    /// here, if these may be many: one by one, each moves what is behind it. Events must follow, or
    /// sweep(), also if memory runs out.
    template <class Wanted>
    void make_all(const event_runs& others, Wanted wanted) {
        const auto before = runs_.size();
        if (others.runs_.size() > few)
            for (const auto& r : others.runs_) {
                const auto at = place(r.origin, before);
                if (at != before && runs_[at].origin == r.origin) continue;
                const auto named = [&](const block& b) { return wanted(r.origin, b); };
                if (std::any_of(r.blocks.begin(), r.blocks.end(), named))
                    runs_.emplace_back(r.origin);
            }
        merge_tail(runs_, before, [](const run& x, const run& y) { return x.origin < y.origin; });
        for (const auto& r : others.runs_) {
            if (r.blocks.size() <= few) continue;
            const auto at = place(r.origin);
            if (at != runs_.size() && runs_[at].origin == r.origin)
                make_all(runs_[at].blocks, r, wanted);
        }
    }
    /// Drops what make_all() made and nobody filled.
    void sweep() {
        for (auto& r : runs_) drop_empty(r.blocks, 0, r.blocks.size());
        drop_empty(runs_, 0, runs_.size());
    }

    /// Drops the live events that a context names and `kept` has not; true if there were any.
    bool drop(const causal_context& context, const event_runs& kept) {
        bool dropped = false;
        std::size_t first = runs_.size(), last = 0; // of the runs that are empty then
        const auto all = context.intervals();
        for (auto at = all.begin(); at != all.end();) {
            const auto id = at->replica;
            const auto end =
                std::find_if(at, all.end(), [&](const auto& i) { return i.replica != id; });
            if (const auto which = place(id); which != runs_.size() && runs_[which].origin == id) {
                dropped |= drop(runs_[which], {at, end}, kept.find(id));
                if (runs_[which].blocks.empty()) {
                    first = std::min(first, which);
                    last = which + 1;
                }
            }
            at = end;
        }
        drop_empty(runs_, first, last);
        return dropped;
    }

    /// The dots of all live events.
    causal_context dots() const {
        causal_context live;
        for (const auto& r : runs_)
            for (const auto& b : r.blocks)
                for_runs(r.origin, b.index, b.alive, [&](const auto& i) { live.add(i); });
        return live;
    }

    void write(wire::writer& w) const {
        w.varint(runs_.size());
        for (const auto& r : runs_) {
            w.fixed64(r.origin.value);
            w.varint(r.blocks.size());
            std::uint64_t floor = 0;
            for (const auto& b : r.blocks) {
                w.varint(b.index - floor);
                event_block_codec<T>::write(w, b);
                floor = b.index + 1;
            }
        }
    }

    /// Fails on events outside `context` and on any form but the canonical one.
    void read(wire::reader& r, const causal_context& context) {
        runs_.clear();
        const auto n = r.count(13, wire::detail::column_memory<run>);
        for (std::size_t i = 0; i < n && r.ok(); ++i) {
            run next;
            next.origin.read(r);
            if (i != 0 && next.origin <= runs_.back().origin) r.fail(wire::errc::non_canonical);
            read_blocks(r, context, next);
            if (!r.ok()) break;
            wire::detail::make_room(runs_, n);
            runs_.push_back(std::move(next));
        }
        if (!r.ok()) runs_.clear();
    }

    friend bool operator==(const event_runs&, const event_runs&) = default;

private:
    /// So few runs or blocks are put in their places one by one.
    static constexpr std::size_t few = 8;

    std::size_t place(replica_id origin) const { return place(origin, runs_.size()); }
    /// The same among the first so many.
    std::size_t place(replica_id origin, std::size_t most) const {
        const auto end = runs_.begin() + static_cast<std::ptrdiff_t>(most);
        const auto at = std::lower_bound(runs_.begin(), end, origin,
                                         [](const run& r, replica_id id) { return r.origin < id; });
        return static_cast<std::size_t>(at - runs_.begin());
    }

    static bool drop(run& r, std::span<const causal_context::interval> named, const run* kept) {
        bool dropped = false;
        std::size_t first = r.blocks.size(), last = 0; // of the blocks that are empty then
        for (const auto& i : named)
            for (auto at = r.place(block_of(i.first));
                 at != r.blocks.size() && r.blocks[at].index <= block_of(i.last); ++at) {
                auto& b = r.blocks[at];
                const auto* other = kept == nullptr ? nullptr : kept->find(b.index);
                const auto gone = b.alive & mask_in(i, b.index) &
                                  ~(other == nullptr ? event_mask{0} : other->alive);
                if (gone == 0) continue;
                b.erase(gone);
                dropped = true;
                if (b.alive != 0) continue;
                first = std::min(first, at);
                last = at + 1;
            }
        drop_empty(r.blocks, first, last);
        return dropped;
    }

    template <class Wanted>
    static void make_all(small_list<block>& blocks, const run& others, Wanted wanted) {
        const auto before = [](const block& x, const block& y) { return x.index < y.index; };
        const auto known = static_cast<std::ptrdiff_t>(blocks.size());
        std::ptrdiff_t next = 0;
        for (const auto& b : others.blocks) {
            next = std::lower_bound(blocks.begin() + next, blocks.begin() + known, b, before) -
                   blocks.begin();
            const bool here = next != known && !before(b, *(blocks.begin() + next));
            if (!here && wanted(others.origin, b)) blocks.emplace_back(b.index);
        }
        merge_tail(blocks, static_cast<std::size_t>(known), before);
    }

    static bool is_empty(const run& r) { return r.blocks.empty(); }
    static bool is_empty(const block& b) { return b.alive == 0; }
    /// Drops the empty ones from a place to another.
    template <class List>
    static void drop_empty(List& all, std::size_t first, std::size_t last) {
        if (first >= last) return;
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(first);
        const auto to = all.begin() + static_cast<std::ptrdiff_t>(last);
        all.erase(std::remove_if(from, to, [](const auto& each) { return is_empty(each); }), to);
    }
    /// Puts what was added behind in order where it belongs.
    template <class List, class Before>
    static void merge_tail(List& all, std::size_t added, Before before) {
        const auto middle = all.begin() + static_cast<std::ptrdiff_t>(added);
        if (middle != all.end())
            std::inplace_merge(std::lower_bound(all.begin(), middle, *middle, before), middle,
                               all.end(), before);
    }

    static void read_blocks(wire::reader& r, const causal_context& context, run& into) {
        const auto n = r.count(5, wire::detail::column_memory<block>);
        if (n == 0) r.fail(wire::errc::non_canonical);
        constexpr auto last = (max_count - 1) / 64;
        std::uint64_t floor = 0;
        for (std::size_t i = 0; i < n && r.ok(); ++i) {
            const auto skip = r.varint();
            if (floor > last || skip > last - floor) return r.fail(wire::errc::bad_value);
            block next;
            next.index = floor + skip;
            event_block_codec<T>::read(r, mask_in(context, into.origin, next.index), next);
            floor = next.index + 1;
            wire::detail::make_room(into.blocks, n);
            into.blocks.push_back(std::move(next));
        }
    }

    small_list<run> runs_;
};

} // namespace joinery::crdt::detail
