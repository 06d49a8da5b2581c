// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/peers.hpp>
#include <gossip/detail/reporter.hpp>
#include <gossip/detail/rings.hpp>
#include <gossip/detail/swim.hpp>
#include <gossip/detail/talks.hpp>
#include <gossip/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// Whom an engine talks to: the members, or the addresses of a fixed list.
///
/// State      membership and the records of those talked to of late; or the list.
/// Invariant  of several members at one address the one is talked to that membership says is there.
/// Cost       O(log members); with membership nothing for members that are not talked to.
class contacts : public reporter {
public:
    contacts(config given, std::uint64_t seed)
        : reporter(std::move(given)),
          chance(wire::mix(seed, identity(settings).value)),
          known(settings),
          seed_(seed) {}

    /// The record of whoever is at an address and is talked to.
    peer_record* find(const std::string& address) {
        return group ? talks_.find(address) : known.find(address);
    }
    /// The same, of a live member also if it was not talked to so far.
    peer_record* find_or_meet(const std::string& address) {
        if (peer_record* record = find(address); record != nullptr || !group) return record;
        const std::uint32_t id = group->table.at_address(address);
        if (id == nowhere || !group->table.at(id).live()) return nullptr;
        return &talks_.meet(group->table.known(id));
    }

    /// The record of a member, if it is what it says and nobody else is known to be where it is.
    peer_record* find_member(const sender& who) {
        auto& table = group->table;
        const std::uint32_t id = table.find(who.name);
        if (id == nowhere || table.texts(id).incarnation != who.incarnation) return nullptr;
        const member& m = table.at(id);
        if (table.at_address(table.address(id)) != id) {
            if (!m.verified || !m.live()) return nullptr;
            table.own_address(id);
            add_to_rings(id);
        }
        peer_record* record = talks_.find(table.address(id));
        const bool same = record != nullptr && record->known.name == who.name &&
                          record->known.incarnation == who.incarnation;
        if (!same) return &talks_.meet(table.known(id));
        record->live = m.live();
        talks_.touch(*record);
        return record;
    }

    /// Whether this engine knew of the address before it spoke.
    bool expects(const std::string& address) {
        if (find(address) != nullptr) return true;
        if (!group) return false;
        const auto& seeds = settings.seeds;
        return group->table.at_address(address) != nowhere ||
               std::find(seeds.begin(), seeds.end(), address) != seeds.end();
    }
    /// Whether this address has returned a number that only it was told.
    bool proven(const std::string& address) {
        if (!group) {
            const peer_record* record = known.find(address);
            return record != nullptr && record->known.verified;
        }
        const std::uint32_t id = group->table.at_address(address);
        return id != nowhere && group->table.at(id).verified;
    }
    bool proven(const peer_record& record) { return proven(record.known.address); }

    std::size_t live_count() const { return group ? group->live_count() : known.live().size(); }
    std::vector<peer> members() const { return group ? group->members() : known.members(); }

    /// At most `most` live addresses at random. The first may be anywhere, so that news crosses
    /// zones; of the others most are in this zone, if there are any.
    std::vector<std::string> sample(std::size_t most) {
        if (!group) return known.sample(most, chance, settings.zone);
        const auto& table = group->table;
        const auto live = table.live();
        std::vector<std::string> chosen;
        most = std::min(most, live.size());
        for (std::size_t tries = 16 * most; tries > 0 && chosen.size() < most; --tries) {
            std::uint32_t id = live[chance.below(live.size())];
            for (int again = 0; again < 4 && !chosen.empty() && !settings.zone.empty(); ++again) {
                if (table.texts(id).zone == settings.zone) break;
                id = live[chance.below(live.size())];
            }
            const std::string_view address = table.address(id);
            if (table.at_address(address) == id &&
                std::find(chosen.begin(), chosen.end(), address) == chosen.end())
                chosen.emplace_back(address);
        }
        return chosen;
    }

    /// Whom to tell news first; the same from call to call while the members are the same.
    std::vector<std::string> successors() {
        if (std::exchange(rings_stale_, false))
            for (const std::uint32_t id : group->table.live()) add_to_rings(id);
        return rings_.all();
    }

    crdt::replica_id self;
    random chance;
    peers known;               ///< of a fixed list
    std::optional<swim> group; ///< none with a fixed list

protected:
    static crdt::replica_id identity(const config& of) {
        return crdt::replica_id::of(of.name, of.incarnation);
    }

    /// Another incarnation knows nobody; `room` is what fits into its datagrams.
    void begin_membership(std::size_t room) {
        if (!settings.membership) return;
        group.emplace(membership_of(settings), seed_, room);
        talks_ = {};
        rings_ = rings(settings.fanout, settings.name, settings.zone);
        rings_stale_ = false;
    }

    /// A member is there, or somewhere else, or says something else.
    void welcome(const std::string& name) {
        const std::uint32_t id = group->table.find(name);
        if (id == nowhere) return;
        const std::string address(group->table.address(id));
        if (group->table.at_address(address) != id) return;
        add_to_rings(id);
        if (talks_.find(address) != nullptr) talks_.meet(group->table.known(id));
    }
    /// A member is there no more. False if another has taken its place.
    bool dismiss(const std::string& name, const std::string& address) {
        const std::uint32_t owner = group->table.at_address(address);
        if (owner != nowhere && group->table.name(owner) != name) return false;
        rings_stale_ = rings_.remove(address) || rings_stale_;
        talks_.part(address);
        return true;
    }
    std::string former_address(const event& moved) const {
        return talks_.elsewhere(moved.name, moved.address);
    }

private:
    void add_to_rings(std::uint32_t id) {
        const member_texts of = group->table.texts(id);
        if (group->table.at_address(of.address) != id) return;
        rings_stale_ = rings_.remove_other(of.name, of.address, of.zone) || rings_stale_;
        rings_.add(of.name, of.address, of.zone);
    }

    talks talks_;
    rings rings_{0, {}, {}};
    bool rings_stale_ = false;
    std::uint64_t seed_ = 0;
};

} // namespace joinery::gossip::detail
