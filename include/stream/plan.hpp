// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::stream {

/// Whose acknowledgements make a complete epoch of a plan stable.
enum class ack_policy : std::uint8_t {
    nobody,   ///< nothing does: read with restore_policy::complete
    majority, ///< more than half of the members
    all
};

/// Which members a checkpoint consists of, from one epoch on, and which key groups each one owns.
///
/// State      generation; the members' names, ascending; the first epoch the plan is meant for;
///            key group -> index of its owner; the acknowledgements that make an epoch stable.
/// Invariant  an epoch belongs to the plan of the highest generation that begins at or before it.
///            Without owners each member is its own group: the member is then a partition, and
///            one that moves to another worker needs no new plan.
/// Source     Bytewax #181: participants that are not pinned let a resumed cluster skip data.
struct plan {
    static constexpr std::string_view schema_name = "plan";

    std::uint64_t generation = 0;
    std::vector<std::string> members;
    std::uint64_t from = 0;
    std::vector<std::uint32_t> owners;
    ack_policy acks = ack_policy::all;

    /// Names the plan by its content. Precondition: normalize() has been called.
    wire::digest id() const {
        wire::writer w;
        write(w);
        return wire::content_digest(w.bytes());
    }

    std::size_t key_groups() const { return owners.size(); }

    /// Precondition: members ascend strictly.
    bool has(std::string_view member) const { return index_of(member) < members.size(); }

    /// The place of a member, members.size() if it is none. Precondition: members ascend strictly.
    std::size_t index_of(std::string_view member) const {
        const auto at = std::lower_bound(members.begin(), members.end(), member);
        if (at == members.end() || *at != member) return members.size();
        return static_cast<std::size_t>(at - members.begin());
    }

    /// The key groups of a member, ascending.
    std::vector<std::uint32_t> groups_of(std::string_view member) const {
        std::vector<std::uint32_t> owned;
        const std::size_t self = index_of(member);
        for (std::uint32_t group = 0; group < owners.size(); ++group)
            if (owners[group] == self) owned.push_back(group);
        return owned;
    }

    /// How many acknowledgements make an epoch stable; more than there can be for nobody.
    std::size_t quorum() const {
        if (acks == ack_policy::nobody) return members.size() + 1;
        return acks == ack_policy::all ? members.size() : members.size() / 2 + 1;
    }

    /// Members, and an owner for every key group.
    bool valid() const {
        return !members.empty() &&
               std::all_of(owners.begin(), owners.end(),
                           [&](std::uint32_t owner) { return owner < members.size(); });
    }

    /// Sorts the members and drops repeated ones; owners go on to name the same members.
    void normalize() {
        const auto before = members;
        std::sort(members.begin(), members.end());
        members.erase(std::unique(members.begin(), members.end()), members.end());
        for (std::uint32_t& owner : owners)
            if (owner < before.size()) owner = static_cast<std::uint32_t>(index_of(before[owner]));
    }

    /// Spreads `groups` key groups evenly, in contiguous ranges. Precondition: there are members.
    plan& spread(std::uint32_t groups) {
        normalize();
        owners.clear();
        for (std::uint64_t group = 0; group < groups; ++group)
            owners.push_back(static_cast<std::uint32_t>(group * members.size() / groups));
        return *this;
    }

    /// The next generation with other members, from an epoch on: key groups are even again, and no
    /// more of them move than that needs. Precondition: this plan is valid; there are members.
    plan successor(std::vector<std::string> new_members, std::uint64_t first_epoch) const {
        plan next{generation + 1, std::move(new_members), first_epoch, {}, acks};
        next.normalize();
        if (!owners.empty()) next.owners = kept_and_moved(next);
        return next;
    }

    void write(wire::writer& w) const {
        w.varint(generation);
        w.varint(from);
        wire::put(w, members);
        w.varint(owners.size());
        for (const std::uint32_t owner : owners) w.varint(owner);
        w.u8(static_cast<std::uint8_t>(acks));
    }
    void read(wire::reader& r) {
        generation = r.varint();
        from = r.varint();
        wire::get(r, members);
        const auto falls = [](const auto& a, const auto& b) { return a >= b; };
        if (std::adjacent_find(members.begin(), members.end(), falls) != members.end())
            r.fail(wire::errc::non_canonical);
        owners.clear();
        for (auto n = r.count(1, 3 * sizeof(std::uint32_t)); n > 0 && r.ok(); --n) {
            const auto owner = r.varint();
            if (owner >= members.size()) return r.fail(wire::errc::bad_value);
            owners.push_back(static_cast<std::uint32_t>(owner));
        }
        const auto policy = r.u8();
        if (policy > static_cast<std::uint8_t>(ack_policy::all) || members.empty())
            return r.fail(wire::errc::bad_value);
        acks = static_cast<ack_policy>(policy);
    }

    friend bool operator==(const plan&, const plan&) = default;
    friend std::strong_ordering operator<=>(const plan&, const plan&) = default;

private:
    std::vector<std::uint32_t> kept_and_moved(const plan& next) const {
        const std::size_t count = next.members.size();
        std::vector<std::size_t> held(count, 0), room(count, owners.size() / count);
        std::vector<std::size_t> now(owners.size()); // count stands for nobody
        for (std::size_t group = 0; group < owners.size(); ++group) {
            now[group] = next.index_of(members[owners[group]]);
            if (now[group] < count) ++held[now[group]];
        }
        // Who holds most keeps one of those that do not divide.
        std::vector<std::size_t> order(count);
        for (std::size_t i = 0; i < count; ++i) order[i] = i;
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return held[a] > held[b]; });
        for (std::size_t i = 0; i < owners.size() % count; ++i) ++room[order[i]];
        std::vector<std::uint32_t> result(owners.size());
        std::vector<std::size_t> homeless;
        for (std::size_t group = 0; group < owners.size(); ++group) {
            if (now[group] < count && room[now[group]] > 0) {
                --room[now[group]];
                result[group] = static_cast<std::uint32_t>(now[group]);
            } else {
                homeless.push_back(group);
            }
        }
        std::size_t to = 0;
        for (const std::size_t group : homeless) {
            while (room[to] == 0) ++to;
            --room[to];
            result[group] = static_cast<std::uint32_t>(to);
        }
        return result;
    }
};

} // namespace joinery::stream
