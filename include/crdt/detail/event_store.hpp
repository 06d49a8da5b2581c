// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/event_runs.hpp>

#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

namespace joinery::crdt::detail {

/// The causal part of an event log: live events by (origin, sequence) under the context of all
/// sequences seen. A sequence in the context without an event was truncated and never comes back.
template <class T>
class event_store {
public:
    using block = event_block<T>;

    [[gnu::always_inline]] event_store() {}

    const event_runs<T>& runs() const { return runs_; }
    const causal_context& context() const { return context_; }

    /// Precondition: the context has not seen the dot.
    void put(const dot& d, bool removal, stamp_t stamp, T payload) {
        put(d, removal, stamp, std::move(payload), [&] { context_.add(d); });
    }
    /// The same for the dot that the context says is next.
    void put_next(const causal_context::next_dot& next, bool removal, stamp_t stamp, T payload) {
        const auto& d = next.minted;
        const auto bit = bit_of(d.counter);
        // Mostly each origin has one interval and events, and so is at one place in both.
        auto* const b = runs_.last_block(d.replica, next.behind - 1, block_of(d.counter));
        if (b == nullptr || !b->takes_behind(bit))
            return put(d, removal, stamp, std::move(payload), [&] { context_.add_next(next); });
        b->append(bit, removal, stamp, std::move(payload));
        context_.add_next(next); // asks for no memory: it is not the first of its origin
    }
    /// The same for a store that is as it was made.
    void put_first(const dot& d, bool removal, stamp_t stamp, T payload) {
        runs_.make_only(d.replica, block_of(d.counter))
            .append(bit_of(d.counter), removal, stamp, std::move(payload));
        context_.add_first(d);
    }
    void claim(const causal_context::interval& i) { context_.add(i); }

    bool merge(const event_store& other, report* found) {
        if (&other == this) return false;
        if (found != nullptr) tell_gaps(other, *found);
        bool changed = false;
        try {
            runs_.make_all(other.runs_, [&](replica_id origin, const block& theirs) {
                return (theirs.alive & ~mask_in(context_, origin, theirs.index)) != 0;
            });
            for (const auto& run : other.runs_.all())
                for (const auto& theirs : run.blocks) changed |= receive(run.origin, theirs, found);
            changed |= context_.merge(other.context_);
        } catch (...) { // memory ran out: what was put so far lies outside of the context
            runs_.sweep();
            for (const auto& run : other.runs_.all())
                for (const auto& theirs : run.blocks) {
                    const auto put = runs_.alive(run.origin, theirs.index) &
                                     ~mask_in(context_, run.origin, theirs.index);
                    if (put != 0) runs_.drop(run.origin, theirs.index, put);
                }
            throw;
        }
        return runs_.drop(other.context_, other.runs_) || changed; // asks for no memory
    }

    bool leq(const event_store& other) const {
        if (!context_.leq(other.context_)) return false;
        for (const auto& run : other.runs_.all())
            for (const auto& theirs : run.blocks) {
                const auto known = theirs.alive & mask_in(context_, run.origin, theirs.index);
                if (known == 0) continue;
                const auto* mine = runs_.find(run.origin, theirs.index);
                if (mine == nullptr || (known & ~mine->alive) != 0 ||
                    theirs.smaller(known, *mine) != 0)
                    return false;
            }
        return true;
    }

    event_store difference(const event_store& known) const {
        event_store delta = since(known.context_);
        causal_context cancelled;
        known.runs_.for_each_in(
            context_, [&](replica_id origin, const block& theirs, event_mask mask) {
                const auto* mine = runs_.find(origin, theirs.index);
                const auto both = mine == nullptr ? event_mask{0} : mask & mine->alive;
                const auto better = mine == nullptr ? event_mask{0} : theirs.smaller(both, *mine);
                for_runs(origin, theirs.index, (mask & ~both) | better,
                         [&](const auto& i) { cancelled.add(i); });
                if (better != 0) delta.take(origin, *mine, better);
            });
        delta.context_.merge(cancelled);
        return delta;
    }

    /// What a peer with this context lacks.
    event_store since(const causal_context& known) const {
        event_store delta;
        delta.context_ = context_.difference(known);
        delta.take(*this, delta.context_);
        return delta;
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        for (const auto& run : runs_.all())
            for (const auto& b : run.blocks) f(id_of(path, run.origin, b.index), b.version());
    }
    template <class F>
    void touched(const event_store& delta, entry_id path, F& f) const {
        for (const auto& [origin, index] : named(delta))
            if (const auto* b = runs_.find(origin, index))
                f(id_of(path, origin, index), b->version());
    }
    template <class F>
    void changes(const event_store& delta, entry_id path, F& f) const {
        for (const auto& [origin, index] : named(delta)) {
            block before;
            before.index = index;
            if (const auto* mine = runs_.find(origin, index)) before = *mine;
            block after = before;
            const auto* theirs = delta.runs_.find(origin, index);
            const auto claimed = mask_in(delta.context_, origin, index);
            if (theirs != nullptr)
                after.receive(*theirs, mask_in(context_, origin, index), [](unsigned) {});
            after.erase(after.alive & claimed & ~(theirs == nullptr ? 0 : theirs->alive));
            if (before != after) f(id_of(path, origin, index), before.version(), after.version());
        }
    }
    event_store cut(entry_id path, const id_set& ids, bool payloads) const {
        event_store part;
        for (const auto& run : runs_.all())
            for (const auto& b : run.blocks) {
                if (!ids.contains(id_of(path, run.origin, b.index))) continue;
                part.claim(run.origin, b.index, b.alive);
                if (payloads) part.take(run.origin, b, b.alive);
            }
        return part;
    }
    event_store answer(entry_id path, const id_set& ids, const event_store& asked) const {
        event_store part = cut(path, ids, true);
        const causal_context known = asked.context_.intersection(context_);
        causal_context alive;
        runs_.for_each_in(known, [&](replica_id origin, const block& b, event_mask mask) {
            for_runs(origin, b.index, mask, [&](const auto& i) { alive.add(i); });
        });
        part.context_.merge(known.difference(alive));
        return part;
    }
    event_store context_part() const {
        event_store part;
        part.context_ = context_;
        return part;
    }
    bool removes() const { return context_.size() != runs_.size(); }

    /// Parts of at most `room` bytes, unless one event is larger.
    template <class F>
    void split(std::size_t room, F& f) const {
        part_builder<event_store, F> parts(room, f);
        for (const auto& run : runs_.all())
            for (const auto& b : run.blocks) {
                bool follows = false;
                for_bits(b.alive, [&](unsigned bit) {
                    const auto bytes = column_bytes(b.at(bit).payload);
                    const bool same = follows && parts.fits(bytes + same_block_bytes);
                    parts.add(bytes + (same ? same_block_bytes : lone_bytes), [&](auto& part) {
                        part.put({run.origin, sequence_of(b.index, bit)}, b.removal(bit),
                                 b.at(bit).stamp, b.at(bit).payload);
                    });
                    follows = true;
                });
            }
        const auto truncated = context_.difference(runs_.dots());
        for (const auto& i : truncated.intervals())
            parts.add(lone_bytes, [&](event_store& part) { part.claim(i); });
        parts.flush();
    }

    stamp_t max_stamp() const {
        stamp_t greatest = 0;
        for (const auto& run : runs_.all())
            for (const auto& b : run.blocks)
                for (const auto& r : b.records) greatest = std::max(greatest, r.stamp);
        return greatest;
    }

    void write(wire::writer& w) const {
        context_.write(w);
        runs_.write(w);
    }
    void read(wire::reader& r) {
        context_.read(r);
        runs_.read(r, context_);
    }

    friend bool operator==(const event_store&, const event_store&) = default;

private:
    /// At most the bytes of an event beside its payload: in the block of the event before it (an
    /// interval, an offset, a stamp), or alone (also an origin twice, a bitmap of removals).
    static constexpr std::size_t same_block_bytes = 24;
    static constexpr std::size_t lone_bytes = 80;

    static entry_id id_of(entry_id path, replica_id origin, std::uint64_t index) {
        return path_of(path_of(path, origin), index);
    }

    void claim(replica_id origin, std::uint64_t index, event_mask mask) {
        for_runs(origin, index, mask, [&](const auto& i) { context_.add(i); });
    }

    template <class Claim>
    void put(const dot& d, bool removal, stamp_t stamp, T&& payload, Claim claim) {
        const auto index = block_of(d.counter);
        runs_.put(d.replica, index,
                  [&](block& b) { b.put(bit_of(d.counter), removal, stamp, std::move(payload)); });
        try {
            claim();
        } catch (...) { // memory ran out: as if nothing had been put
            runs_.drop(d.replica, index, event_mask{1} << bit_of(d.counter));
            throw;
        }
    }
    /// Puts the other's live events that a context names. Precondition: none is alive here.
    void take(const event_store& other, const causal_context& named) {
        other.runs_.for_each_in(named, [&](replica_id origin, const block& b, event_mask mask) {
            take(origin, b, mask);
        });
    }
    void take(replica_id origin, const block& from, event_mask mask) {
        runs_.put(origin, from.index, [&](block& b) { b.take(from, mask); });
    }

    bool receive(replica_id origin, const block& theirs, report* found) {
        const auto seen = mask_in(context_, origin, theirs.index);
        if ((theirs.alive & (~seen | runs_.alive(origin, theirs.index))) == 0) return false;
        return runs_.put(origin, theirs.index, [&](block& mine) {
            return mine.receive(theirs, seen, [&](unsigned bit) {
                if (found != nullptr)
                    found->double_spent.push_back({origin, sequence_of(theirs.index, bit)});
            });
        });
    }

    void tell_gaps(const event_store& other, report& found) const {
        const auto unseen = other.context_.difference(context_);
        causal_context arriving;
        other.runs_.for_each_in(unseen, [&](replica_id origin, const block& b, event_mask mask) {
            for_runs(origin, b.index, mask, [&](const auto& i) { arriving.add(i); });
        });
        const auto missing = unseen.difference(arriving);
        for (const auto& i : missing.intervals())
            found.history_gaps.push_back({i.replica, i.first, i.last});
    }

    /// The blocks that δ brings events for or takes events from.
    std::set<std::pair<replica_id, std::uint64_t>> named(const event_store& delta) const {
        std::set<std::pair<replica_id, std::uint64_t>> blocks;
        for (const auto& run : delta.runs_.all())
            for (const auto& b : run.blocks) blocks.emplace(run.origin, b.index);
        runs_.for_each_in(delta.context_, [&](replica_id origin, const block& b, event_mask) {
            blocks.emplace(origin, b.index);
        });
        return blocks;
    }

    event_runs<T> runs_;
    causal_context context_;
};

} // namespace joinery::crdt::detail
