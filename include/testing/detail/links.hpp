// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace joinery::testing::detail {

/// Which node's datagrams can reach which other node.
/// State      one-way cuts and, while a partition lasts, the group of each node.
/// Invariant  without cuts and groups every link is open.
/// Cost       O(log cuts + log nodes) a question.
class links {
public:
    void cut(std::size_t from, std::size_t to) { cuts_.emplace(from, to); }
    void mend(std::size_t from, std::size_t to) { cuts_.erase({from, to}); }

    /// Nodes that no group names form one further group.
    void partition(const std::vector<std::vector<std::size_t>>& groups) {
        groups_.clear();
        for (std::size_t group = 0; group < groups.size(); ++group) {
            for (const std::size_t node : groups[group]) {
                groups_[node] = group + 1;
            }
        }
    }

    void heal() {
        cuts_.clear();
        groups_.clear();
    }

    bool open(std::size_t from, std::size_t to) const {
        return !cuts_.contains({from, to}) && group(from) == group(to);
    }

private:
    std::size_t group(std::size_t node) const {
        const auto at = groups_.find(node);
        return at == groups_.end() ? 0 : at->second;
    }

    std::set<std::pair<std::size_t, std::size_t>> cuts_;
    std::map<std::size_t, std::size_t> groups_;
};

} // namespace joinery::testing::detail
