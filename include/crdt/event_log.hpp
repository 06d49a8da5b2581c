// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/event_order.hpp>
#include <crdt/detail/event_store.hpp>
#include <crdt/detail/replica_counts.hpp>
#include <crdt/detail/signed_int128.hpp>
#include <crdt/g_map.hpp>
#include <crdt/lww_register.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace joinery::crdt {

/// One event of a log. A removal record takes back one earlier activity; which, its payload says.
template <class T>
struct logged_event {
    dot id; ///< origin and sequence
    stamp_t stamp = 0;
    bool removal = false;
    const T& payload;
};

/// Log of stamped events that can be truncated, with named registers beside it.
///
/// State      (origin, sequence) -> stamp, payload, whether it is a removal record; the context of
///            all sequences seen; removal records minted per origin; name -> lww_register.
/// Join       an event lives on if both hold it, or one does and the other has not seen it;
///            truncated sequences stay in the context, so floors join by max; the rest by its own.
/// Value      the events by (stamp, origin, sequence). Counts follow from sequences: an origin with
///            sequence n and r removal records has had n - r activities, of which n - 2r are left.
/// Invariant  events lie in the context. Of two events under one sequence the greater bytes win,
///            and the dot is reported.
/// Cost       append O(1) amortised; merge of a delta O(|δ| log n); iteration O(n log origins).
/// Source     dotted causal stores, Almeida et al. 2018; Pony's TLog for truncation.
template <detail::payload T, element R = std::string>
class event_log {
public:
    static constexpr std::string_view schema_name = "event_log";
    using schema_parameters = std::tuple<T, R>;
    using event = logged_event<T>;
    using frontier = std::map<replica_id, std::uint64_t>;

    /// Appends an activity and returns the delta. Throws counter_exhausted.
    event_log append(replica_id self, stamp_t stamp, T payload) {
        return append(self, stamp, std::move(payload), false);
    }
    /// Appends a removal record, which takes one off net(). Throws counter_exhausted.
    event_log remove(replica_id self, stamp_t stamp, T payload) {
        return append(self, stamp, std::move(payload), true);
    }

    /// Drops the events held here up to the frontier's sequences; counts stay. What this replica
    /// has not seen it does not claim.
    event_log truncate(replica_id, const frontier& upto) {
        event_log delta;
        for (const auto& [origin, sequence] : upto) {
            causal_context wanted;
            if (sequence != 0) wanted.add({origin, 1, std::min(sequence, max_count)});
            events_.runs().for_each_in(wanted, [&](replica_id id, const auto& b, auto mask) {
                detail::for_runs(id, b.index, mask, [&](const auto& i) { delta.events_.claim(i); });
            });
        }
        merge(delta);
        return delta;
    }

    /// Writes the register `name` and returns the delta.
    event_log assign(replica_id self, stamp_t stamp, const std::string& name, R value) {
        event_log delta;
        delta.registers_ = registers_.update(self, name, [&](auto& r, replica_id id) {
            return r.assign(id, stamp, std::move(value));
        });
        return delta;
    }

    /// Calls f(event) for each event held, by (stamp, origin, sequence).
    template <class F>
    void for_each(F f) const {
        detail::event_order<T>(events_.runs())
            .for_each([&](replica_id origin, std::uint64_t n, bool removal, const auto& r) {
                f(event{{origin, n}, r.stamp, removal, r.payload});
            });
    }
    /// The event under a dot, if it is held.
    std::optional<event> find(const dot& d) const {
        if (d.counter == 0) return std::nullopt;
        const auto* b = events_.runs().find(d.replica, detail::block_of(d.counter));
        const auto bit = detail::bit_of(d.counter);
        if (b == nullptr || (b->alive >> bit & 1) == 0) return std::nullopt;
        return event{d, b->at(bit).stamp, b->removal(bit), b->at(bit).payload};
    }
    /// The winning value of a register, null if it was never written.
    const R* find(const std::string& name) const {
        const auto* r = registers_.find(name);
        return r == nullptr ? nullptr : r->value();
    }
    const g_map<std::string, lww_register<R>>& registers() const { return registers_; }

    /// Events held.
    std::size_t size() const { return events_.runs().size(); }
    bool empty() const { return events_.runs().empty(); }
    const causal_context& context() const { return events_.context(); }

    /// Activities ever appended, and those less the removal records: truncation changes neither.
    uint128 total() const {
        uint128 sum = 0;
        for_each_origin([&](std::uint64_t n, std::uint64_t removed) { sum += n - removed; });
        return sum;
    }
    uint128 removals() const {
        uint128 sum = 0;
        for_each_origin([&](std::uint64_t, std::uint64_t removed) { sum += removed; });
        return sum;
    }
    /// Below zero if more was taken back than done.
    int128 net() const { return static_cast<int128>(total()) - static_cast<int128>(removals()); }

    /// The last sequence of an origin, 0 if it has appended nothing.
    std::uint64_t last(replica_id origin) const { return context().last(origin); }
    /// All of an origin's events up to this sequence were truncated.
    std::uint64_t floor(replica_id origin) const {
        const auto reached = seen(origin);
        const auto* run = events_.runs().find(origin);
        if (run == nullptr) return reached;
        const auto& first = run->blocks.front();
        const auto bit = static_cast<unsigned>(std::countr_zero(first.alive));
        return std::min(reached, detail::sequence_of(first.index, bit) - 1);
    }
    /// Per origin the sequence up to which nothing is missing: a frontier to truncate at.
    frontier complete() const {
        frontier all;
        for (const auto& i : context().intervals())
            if (i.first == 1) all.emplace(i.replica, i.last);
        return all;
    }

    bool merge(const event_log& other, report* found = nullptr) {
        bool grew = events_.merge(other.events_, found);
        grew |= removals_.merge(other.removals_);
        grew |= registers_.merge(other.registers_, found);
        return grew;
    }
    bool leq(const event_log& other) const {
        return events_.leq(other.events_) && removals_.leq(other.removals_) &&
               registers_.leq(other.registers_);
    }
    event_log difference(const event_log& known) const {
        return {events_.difference(known.events_), removals_.difference(known.removals_),
                registers_.difference(known.registers_)};
    }
    /// What a peer with this context lacks of the events; counts and registers whole.
    event_log delta_since(const causal_context& known) const {
        return {events_.since(known), removals_, registers_};
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        events_.for_each_entry(part_id(path, 0), f);
        removals_.for_each_entry(part_id(path, 1), f);
        registers_.for_each_entry(part_id(path, 2), f);
    }
    template <class F>
    void touched(const event_log& delta, entry_id path, F& f) const {
        events_.touched(delta.events_, part_id(path, 0), f);
        removals_.touched(delta.removals_, part_id(path, 1), f);
        registers_.touched(delta.registers_, part_id(path, 2), f);
    }
    template <class F>
    void changes(const event_log& delta, entry_id path, F& f) const {
        events_.changes(delta.events_, part_id(path, 0), f);
        removals_.changes(delta.removals_, part_id(path, 1), f);
        registers_.changes(delta.registers_, part_id(path, 2), f);
    }
    event_log fragment(entry_id path, const id_set& ids) const {
        return {events_.cut(part_id(path, 0), ids, true), removals_.fragment(part_id(path, 1), ids),
                registers_.fragment(part_id(path, 2), ids)};
    }
    event_log held(entry_id path, const id_set& ids) const {
        return {events_.cut(part_id(path, 0), ids, false), {}, {}};
    }
    event_log answer(entry_id path, const id_set& ids, const event_log& asked) const {
        return {events_.answer(part_id(path, 0), ids, asked.events_),
                removals_.fragment(part_id(path, 1), ids),
                registers_.fragment(part_id(path, 2), ids)};
    }
    event_log context_part() const { return {events_.context_part(), {}, {}}; }
    bool removes() const { return events_.removes(); }

    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        // The parts that are bottom take two bytes or three.
        const auto room = detail::room_after(max_bytes, 3);
        auto lift_events = [&](detail::event_store<T> e) { f(event_log(std::move(e), {}, {})); };
        auto lift_counts = [&](detail::replica_counts c) { f(event_log({}, std::move(c), {})); };
        events_.split(room, lift_events);
        removals_.split(room, lift_counts);
        registers_.split(room, [&](auto r) { f(event_log({}, {}, std::move(r))); });
    }
    stamp_t max_stamp() const { return std::max(events_.max_stamp(), registers_.max_stamp()); }

    void write(wire::writer& w) const {
        events_.write(w);
        removals_.write(w);
        registers_.write(w);
    }
    void read(wire::reader& r) {
        events_.read(r);
        removals_.read(r);
        registers_.read(r);
        if (!r.ok()) *this = event_log{};
    }

    // Inlined always, as in event_store: an append is faster for what it knows of its new delta.
    [[gnu::always_inline]] event_log() {}
    friend bool operator==(const event_log&, const event_log&) = default;

private:
    event_log(detail::event_store<T> events, detail::replica_counts removals,
              g_map<std::string, lww_register<R>> registers)
        : events_(std::move(events)),
          removals_(std::move(removals)),
          registers_(std::move(registers)) {}

    static entry_id part_id(entry_id path, std::uint64_t part) { return wire::mix(path, part); }

    event_log append(replica_id self, stamp_t stamp, T payload, bool removal) {
        const auto next = context().upcoming(self);
        event_log delta;
        delta.events_.put_first(next.minted, removal, stamp, payload);
        if (removal) {
            const auto before = removals_.get(self);
            if (before == max_count) throw counter_exhausted();
            delta.removals_.raise(self, before + 1);
        }
        // The same as merging the delta, for a new sequence meets nothing.
        events_.put_next(next, removal, stamp, std::move(payload));
        if (removal) removals_.merge(delta.removals_);
        return delta;
    }

    /// The end of an origin's first interval, if that begins at 1.
    std::uint64_t seen(replica_id origin) const {
        const auto all = context().intervals();
        const auto at = std::lower_bound(
            all.begin(), all.end(), origin,
            [](const causal_context::interval& i, replica_id id) { return i.replica < id; });
        return at != all.end() && at->replica == origin && at->first == 1 ? at->last : 0;
    }

    /// Calls f(last sequence, removal records) for each origin. Records may be counted here before
    /// the events themselves arrive, never for more events than are known.
    template <class F>
    void for_each_origin(F f) const {
        const auto all = context().intervals();
        for (std::size_t i = 0; i < all.size(); ++i)
            if (i + 1 == all.size() || all[i + 1].replica != all[i].replica)
                f(all[i].last, std::min(all[i].last, removals_.get(all[i].replica)));
    }

    detail::event_store<T> events_;
    detail::replica_counts removals_;
    g_map<std::string, lww_register<R>> registers_;
};

} // namespace joinery::crdt
