// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/g_map.hpp>
#include <crdt/max_register.hpp>
#include <crdt/struct.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace joinery::stream {

/// How far one member's event time has come: a chain, ordered by incarnation first.
///
/// State      incarnation; the time reached in it, none yet, or idle, which is above every time.
/// Join       the greater.
struct member_time {
    static constexpr std::string_view schema_name = "member_time";

    std::uint64_t incarnation = 0;
    bool idle = false;
    std::optional<std::int64_t> time; ///< none while idle

    bool merge(const member_time& other) {
        if (!(*this < other)) return false;
        *this = other;
        return true;
    }
    bool leq(const member_time& other) const { return !(other < *this); }

    void write(wire::writer& w) const {
        w.varint(incarnation);
        w.u8(idle ? 2 : time.has_value() ? 1 : 0);
        if (time) w.svarint(*time);
    }
    void read(wire::reader& r) {
        incarnation = r.varint();
        const auto kind = r.u8();
        idle = kind == 2;
        time.reset();
        if (kind == 1) time = r.svarint();
        if (kind > 2) r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const member_time&, const member_time&) = default;
    friend bool operator<(const member_time& a, const member_time& b) {
        if (a.incarnation != b.incarnation) return a.incarnation < b.incarnation;
        if (a.idle != b.idle) return b.idle;
        return a.time < b.time;
    }
};

/// How far the event time of all members has come: the watermark of an aggregate.
///
/// State      member -> how far it has come; the greatest time ever held.
/// Join       member by member and maximum.
/// Value      read(members): the least time of those that are not idle, never below what was held.
/// Invariant  what was held never falls: a member that starts below it is told by regressed().
/// Cost       read O(members log n).
/// Source     Naiad's frontiers for a totally ordered time; Flink's idle sources.
struct frontier {
    using member_times = crdt::g_map<std::string, member_time>;

    BOOST_HANA_DEFINE_STRUCT(frontier, (member_times, members),
                             (crdt::max_register<std::int64_t>, held));
    static constexpr std::string_view schema_name = "frontier";

    /// A member promises no more events before `time`, and returns the delta. An older time
    /// changes nothing, and so does any while it is idle: it comes back as the next incarnation.
    frontier advance(const std::string& member, std::uint64_t incarnation, std::int64_t time) {
        return raise(member, {incarnation, false, time});
    }

    /// Nobody waits for the member in this incarnation any more.
    frontier idle(const std::string& member, std::uint64_t incarnation) {
        return raise(member, {incarnation, true, {}});
    }

    /// Holds what read(members) gives now, so that nobody reads less later. Returns the delta.
    frontier hold(std::span<const std::string> of) {
        frontier delta;
        if (const auto now = least(of)) delta.held = held.assign({}, *now);
        return delta;
    }

    /// No event before this time comes any more; nothing if a member has said nothing yet and
    /// nothing is held. With all members idle it stays where it is held.
    std::optional<std::int64_t> read(std::span<const std::string> of) const {
        return std::max(held.value(), least(of));
    }

    /// Whether a member is behind what was held; until it has caught up its events may be late.
    bool regressed(std::span<const std::string> of) const {
        const auto now = least(of);
        return held.value() && now && *now < *held.value();
    }

    friend bool operator==(const frontier&, const frontier&) = default;

private:
    frontier raise(const std::string& member, const member_time& to) {
        frontier delta;
        delta.members = members.update({}, member, [&](member_time& now, crdt::replica_id) {
            return now.merge(to) ? to : member_time{};
        });
        return delta;
    }

    std::optional<std::int64_t> least(std::span<const std::string> of) const {
        std::optional<std::int64_t> lowest;
        for (const std::string& member : of) {
            const member_time* at = members.find(member);
            if (at == nullptr || (!at->idle && !at->time)) return std::nullopt;
            if (!at->idle) lowest = std::min(lowest.value_or(*at->time), *at->time);
        }
        return lowest;
    }
};

} // namespace joinery::stream
