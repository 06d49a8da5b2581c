// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state.hpp"

#include <gossip/peer.hpp>
#include <gossip/placement.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

namespace gossip = joinery::gossip;

// The partitions of a worker, if these are all that there are.
inline std::set<std::size_t> placed_on(const std::string& worker,
                                       const std::vector<gossip::place>& workers,
                                       std::size_t partitions) {
    const gossip::placement placed(workers, 1);
    std::set<std::size_t> owned;
    for (std::size_t each = 0; each < partitions; ++each) {
        if (placed.owners(partition_name(each)).front() == worker) owned.insert(each);
    }
    return owned;
}

// Which partitions a worker is to count: those that placement gives it among the members that it
// sees. Two that see different members may both count a partition; they mint the same dots.
class ownership {
public:
    ownership(std::string worker, std::size_t partitions, std::size_t expected)
        : worker_(std::move(worker)), partitions_(partitions), expected_(expected) {}

    // Nothing before the expected members were seen (patience ends), and nothing while most
    // members are out of sight: who is cut off goes on with what it has.
    std::optional<std::set<std::size_t>> look(const std::vector<gossip::peer>& members,
                                              gossip::time_point now) {
        if (!look_until_) look_until_ = now + patience;
        const auto places = gossip::places_of(members, {worker_, {}, 1, true});
        complete_ = complete_ || places.size() >= expected_ || now >= *look_until_;
        if (!complete_ || 2 * places.size() <= members.size() + 1) return std::nullopt;
        return placed_on(worker_, places, partitions_);
    }

private:
    static constexpr auto patience = std::chrono::seconds(5);

    std::string worker_;
    std::size_t partitions_;
    std::size_t expected_;
    bool complete_ = false;
    std::optional<gossip::time_point> look_until_;
};

} // namespace cluster
