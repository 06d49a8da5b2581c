// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/text.hpp>
#include <gossip/peer.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace joinery::gossip::detail {

/// Whom a member tells news first: who comes after it in several circles of all members, each in an
/// order that hashes of the names give. Members that know the same members have the same circles,
/// so each is told as often as there are circles, and news reaches all.
///
/// State      own place; the nearest member behind it in each circle.
/// Invariant  all but the first circle are of the own zone, if it has other members.
/// Cost       add O(circles); after the loss of a neighbour one walk through all members.
/// Source     expander of K circles: Suresh et al. 2018 (Rapid).
class rings {
public:
    rings(std::size_t circles, std::string_view name, std::string_view zone)
        : own_(hash_of(name)), zone_(zone), next_(circles) {}

    void add(const peer& member) { add(member.name, member.address, member.zone); }
    void add(std::string_view name, std::string_view address, std::string_view zone) {
        const std::uint64_t hash = hash_of(name);
        const bool near = is_near(zone);
        for (std::size_t each = 0; each < next_.size(); ++each) {
            const std::uint64_t distance = place(hash, each) - place(own_, each);
            neighbour& known = next_[each];
            if (better(distance, near, known, each > 0))
                known = {std::string(address), hash, distance, near};
        }
    }
    /// Whether it was a neighbour: then all live members are to be added anew.
    bool remove(std::string_view address) {
        return lose([&](const neighbour& each) { return each.address == address; });
    }
    /// The same of one that was a neighbour under another address, name or zone.
    bool remove_other(std::string_view name, std::string_view address, std::string_view zone) {
        const std::uint64_t hash = hash_of(name);
        const bool near = is_near(zone);
        return lose([&](const neighbour& each) {
            return each.hash == hash ? each.address != address || each.near != near
                                     : each.address == address;
        });
    }

    /// The neighbours, each once.
    std::vector<std::string> all() const {
        std::vector<std::string> made;
        for (const neighbour& each : next_)
            if (!each.address.empty() &&
                std::find(made.begin(), made.end(), each.address) == made.end())
                made.push_back(each.address);
        return made;
    }

private:
    struct neighbour {
        std::string address;
        std::uint64_t hash = 0; ///< of its name
        std::uint64_t distance = ~std::uint64_t{0};
        bool near = false;
    };

    static std::uint64_t place(std::uint64_t hash, std::size_t circle) {
        return wire::mix(hash, circle + 1);
    }
    static bool better(std::uint64_t distance, bool near, const neighbour& other, bool by_zone) {
        if (other.address.empty()) return true;
        if (by_zone && near != other.near) return near;
        return distance < other.distance;
    }
    static std::uint64_t hash_of(std::string_view name) {
        return wire::content_hash64(bytes_of(name));
    }
    bool is_near(std::string_view zone) const { return zone_.empty() || zone == zone_; }

    template <class Lost>
    bool lose(Lost is_lost) {
        const bool lost = std::any_of(next_.begin(), next_.end(), [&](const neighbour& each) {
            return !each.address.empty() && is_lost(each);
        });
        if (lost) next_.assign(next_.size(), {});
        return lost;
    }

    std::uint64_t own_;
    std::string zone_;
    std::vector<neighbour> next_;
};

} // namespace joinery::gossip::detail
