// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/max_register.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

namespace joinery::stream {

/// The start of the tumbling window of `size` that an event time falls into, also before 0. That of
/// the first window, which is cut short, is the least number. Precondition: size > 0.
constexpr std::int64_t window_of(std::int64_t time, std::int64_t size) {
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
    const std::int64_t rest = time % size;
    const std::int64_t into = rest < 0 ? rest + size : rest;
    return time < least + into ? least : time - into;
}

/// Aggregates per window of event time, which expire.
///
/// State      window (its start, say) -> lattice; the floor; how far windows were emitted; replica
///            -> updates dropped because they were late.
/// Join       maximum of floor and emitted; then window by window what is not below the floor.
/// Value      find, entries, late().
/// Invariant  no window below the floor, none that is bottom. A window that was emitted and has not
///            expired is joined like any other, never replaced.
/// Cost       that of crdt::g_map; raising the floor O(windows).
/// Source     Windowed CRDTs (Holon, arXiv 2510.25757); rejected from its code: gossip that
///            replaces an emitted window, a snapshot without what was closed.
template <crdt::join_semilattice L>
class windowed {
    using map_type = crdt::g_map<std::int64_t, L>;
    using mark = crdt::max_register<std::int64_t>;

public:
    static constexpr std::string_view schema_name = "windowed";
    using schema_parameters = std::tuple<L>;
    static constexpr bool causal = map_type::causal;
    using fields_of = L; ///< its entries are those of its values and the marks
    static constexpr bool own_entries = true;

    /// Calls f(L&, self) -> delta on a window and returns the delta. An update of a window below
    /// the floor is dropped and counted as late. If f throws, nothing has changed.
    template <class F>
    windowed update(crdt::replica_id self, std::int64_t window, F f) {
        windowed delta;
        if (expired(window))
            delta.late_ = late_.increment(self);
        else
            delta.windows_ = windows_.update(self, window, f);
        return delta;
    }

    /// Calls f(window, value) for the windows below `until` that were not emitted yet, and notes
    /// that they are. Late updates of them still join: see find. Returns the delta.
    template <class F>
    windowed emit(std::int64_t until, F f) {
        windowed delta;
        for (const auto& [window, value] : windows_.entries())
            if (window < until && !is_emitted(window)) f(window, value);
        if (!emitted_.value() || *emitted_.value() < until)
            delta.emitted_ = emitted_.assign({}, until);
        return delta;
    }

    /// Expires the windows below `floor`, for good. Returns the delta.
    windowed expire(std::int64_t floor) {
        windowed delta;
        if (floor_.value() && floor <= *floor_.value()) return delta;
        map_type kept = above(windows_, floor); // the only part that can fail
        delta.floor_ = floor_.assign({}, floor);
        windows_ = std::move(kept);
        return delta;
    }

    bool expired(std::int64_t window) const { return is_below(window, floor_); }
    bool is_emitted(std::int64_t window) const { return is_below(window, emitted_); }
    const std::optional<std::int64_t>& floor() const { return floor_.value(); }
    const std::optional<std::int64_t>& emitted() const { return emitted_.value(); }
    crdt::uint128 late() const { return late_.value(); }

    /// The value of a window, null if it is bottom or has expired.
    const L* find(std::int64_t window) const { return windows_.find(window); }
    const auto& entries() const { return windows_.entries(); }
    std::size_t size() const { return windows_.size(); }

    /// f(window, value) under the same windows, without any marks.
    template <class F>
    windowed map_values(F f) const {
        windowed mapped;
        mapped.windows_ = windows_.map_values(f);
        return mapped;
    }

    bool merge(const windowed& other, crdt::report* found = nullptr) {
        if (&other == this) return false;
        mark raised = floor_;
        bool grew = raised.merge(other.floor_);
        if (grew) { // no window may stay below a floor, whatever fails
            windows_ = above(windows_, raised.value());
            floor_ = raised;
        }
        grew |= lowest_expired(other.windows_)
                    ? windows_.merge(above(other.windows_, floor()), found)
                    : windows_.merge(other.windows_, found);
        grew |= emitted_.merge(other.emitted_);
        grew |= late_.merge(other.late_);
        return grew;
    }
    bool leq(const windowed& other) const {
        return floor_.leq(other.floor_) && emitted_.leq(other.emitted_) &&
               crdt::leq(late_, other.late_) && above(windows_, other.floor()).leq(other.windows_);
    }
    windowed difference(const windowed& known) const {
        windowed delta;
        if (!floor_.leq(known.floor_)) delta.floor_ = floor_;
        if (!emitted_.leq(known.emitted_)) delta.emitted_ = emitted_;
        delta.late_ = crdt::difference(late_, known.late_);
        delta.windows_ = above(windows_, known.floor()).difference(known.windows_);
        return delta;
    }

    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        crdt::for_each_entry(floor_, f, wire::mix(path, floor_part));
        crdt::for_each_entry(emitted_, f, wire::mix(path, emitted_part));
        crdt::for_each_entry(late_, f, wire::mix(path, late_part));
        windows_.for_each_entry(wire::mix(path, window_part), f);
    }
    template <class F>
    void touched(const windowed& delta, crdt::entry_id path, F& f) const {
        crdt::touched(floor_, delta.floor_, f, wire::mix(path, floor_part));
        crdt::touched(emitted_, delta.emitted_, f, wire::mix(path, emitted_part));
        crdt::touched(late_, delta.late_, f, wire::mix(path, late_part));
        windows_.touched(delta.windows_, wire::mix(path, window_part), f);
    }
    template <class F>
    void changes(const windowed& delta, crdt::entry_id path, F& f) const {
        crdt::changes(floor_, delta.floor_, f, wire::mix(path, floor_part));
        crdt::changes(emitted_, delta.emitted_, f, wire::mix(path, emitted_part));
        crdt::changes(late_, delta.late_, f, wire::mix(path, late_part));
        mark after = floor_;
        after.merge(delta.floor_);
        const auto inner = wire::mix(path, window_part);
        crdt::detail::removal_visitor<F> gone{f};
        for (const auto& [window, value] : windows_.entries())
            if (is_below(window, after)) map_type::lift(window, value).for_each_entry(inner, gone);
        windows_.changes(above(delta.windows_, after.value()), inner, f);
    }
    windowed fragment(crdt::entry_id path, const crdt::id_set& ids) const {
        windowed part;
        part.floor_ = crdt::fragment(floor_, ids, wire::mix(path, floor_part));
        part.emitted_ = crdt::fragment(emitted_, ids, wire::mix(path, emitted_part));
        part.late_ = crdt::fragment(late_, ids, wire::mix(path, late_part));
        part.windows_ = above(windows_.fragment(wire::mix(path, window_part), ids), part.floor());
        return part;
    }
    windowed held(crdt::entry_id path, const crdt::id_set& ids) const {
        windowed part;
        part.windows_ = windows_.held(wire::mix(path, window_part), ids);
        return part;
    }
    windowed answer(crdt::entry_id path, const crdt::id_set& ids, const windowed& asked) const {
        windowed part = fragment(path, ids);
        part.windows_ = windows_.answer(wire::mix(path, window_part), ids, asked.windows_);
        return part;
    }
    windowed context_part() const {
        windowed part;
        part.windows_ = windows_.context_part();
        return part;
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        constexpr std::size_t overhead = 4; // of the four parts, when they are empty
        const std::size_t room = max_bytes > overhead ? max_bytes - overhead : 0;
        split_part(&windowed::floor_, room, f);
        split_part(&windowed::emitted_, room, f);
        split_part(&windowed::late_, room, f);
        split_part(&windowed::windows_, room, f);
    }
    crdt::stamp_t max_stamp() const { return windows_.max_stamp(); }
    /// A floor takes away what lies below it.
    bool removes() const { return floor().has_value() || windows_.removes(); }

    void write(wire::writer& w) const {
        floor_.write(w);
        emitted_.write(w);
        wire::put(w, late_);
        windows_.write(w);
    }
    void read(wire::reader& r) {
        floor_.read(r);
        emitted_.read(r);
        wire::get(r, late_);
        windows_.read(r);
        if (lowest_expired(windows_)) r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const windowed&, const windowed&) = default;

private:
    enum place : std::uint64_t { floor_part, emitted_part, late_part, window_part };

    static bool is_below(std::int64_t window, const mark& limit) {
        return limit.value() && window < *limit.value();
    }
    bool lowest_expired(const map_type& windows) const {
        return windows.size() != 0 && expired(windows.entries().begin()->first);
    }
    static map_type above(const map_type& windows, const std::optional<std::int64_t>& floor) {
        if (!floor) return windows;
        map_type kept;
        for (auto at = windows.entries().lower_bound(*floor); at != windows.entries().end(); ++at)
            kept.merge(map_type::lift(at->first, at->second));
        return kept;
    }
    template <class Part, class F>
    void split_part(Part windowed::*which, std::size_t room, F& f) const {
        crdt::split(this->*which, room, [&](Part piece) {
            windowed lifted;
            lifted.*which = std::move(piece);
            f(std::move(lifted));
        });
    }

    mark floor_;
    mark emitted_;
    crdt::g_counter late_;
    map_type windows_;
};

} // namespace joinery::stream
