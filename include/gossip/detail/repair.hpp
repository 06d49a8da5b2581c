// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/field_indexes.hpp>
#include <gossip/detail/message.hpp>
#include <merkle/digest.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

// The comparisons of a repair session, without state of their own. A session is a tree of
// summaries that ends in lists; each message carries how many more may come of it, so that a
// session is bounded whatever differs and however often it is answered.
namespace joinery::gossip::detail {

inline constexpr std::uint64_t branch_budget = 24; // messages that follow one branch to its lists
inline constexpr std::size_t max_differing = 1024;

inline summary_message summarise(const entries_view& index, const merkle::index::range& range,
                                 std::uint64_t salt, std::uint64_t budget) {
    summary_message made{0, salt, budget, range, {}};
    for (unsigned nibble = 0; nibble < 16; ++nibble) {
        const auto child = range.child(nibble);
        const std::size_t count = index.count(child);
        made.children[nibble] = {count == 0 ? 0 : merkle::truncated(index.sum(child), salt), count};
    }
    return made;
}

struct comparison {
    std::vector<summary_message> summaries;
    std::vector<listed_range> lists;
};

inline listed_range list_of(const entries_view& index, const merkle::index::range& range,
                            std::uint64_t salt) {
    listed_range made{range, {}};
    index.for_each_while(range, [&](std::uint64_t id, const wire::digest& version) {
        made.entries.push_back({id, merkle::truncated(version, salt)});
        return true;
    });
    return made;
}

/// What to say to a peer's sums: lists of the small children that differ, sums of the others as
/// far as the budget goes. Which children come first turns with the salt.
inline comparison compare(const entries_view& index, const summary_message& theirs,
                          std::uint64_t max_budget, std::size_t max_listed) {
    comparison made;
    std::vector<merkle::index::range> large;
    std::uint64_t budget = std::min(theirs.budget, max_budget);
    for (unsigned turn = 0; turn < 16; ++turn) {
        const auto nibble = static_cast<unsigned>((turn + theirs.salt) % 16);
        const auto child = theirs.range.child(nibble);
        const auto& other = theirs.children[nibble];
        const std::size_t count = index.count(child);
        const std::uint64_t sum = count == 0 ? 0 : merkle::truncated(index.sum(child), theirs.salt);
        if (count == other.count && sum == other.sum) continue;
        if (child.depth == 16 || std::max<std::uint64_t>(count, other.count) <= max_listed) {
            if (budget == 0) continue;
            --budget;
            made.lists.push_back(list_of(index, child, theirs.salt));
        } else {
            large.push_back(child);
        }
    }
    // Few branches to their leaves, not all of them half way: a branch needs a list per child.
    const std::uint64_t chosen = std::min<std::uint64_t>(
        large.size(), std::max<std::uint64_t>(budget / branch_budget, budget > 0 ? 1 : 0));
    for (std::uint64_t each = 0; each < chosen; ++each)
        made.summaries.push_back(
            summarise(index, large[each], theirs.salt, (budget - chosen) / chosen));
    return made;
}

/// The ids of the ranges under which the two sides differ, with this side's versions.
inline std::vector<entry_version> differing(const entries_view& index, const list_message& theirs) {
    std::vector<entry_version> all;
    for (const listed_range& listed : theirs.ranges) {
        std::map<std::uint64_t, std::uint64_t> other;
        for (const entry_version& each : listed.entries)
            if (listed.range.contains(each.id)) other.emplace(each.id, each.version);
        index.for_each_while(listed.range, [&](std::uint64_t id, const wire::digest& version) {
            const std::uint64_t own = merkle::truncated(version, theirs.salt);
            const auto at = other.find(id);
            if (at == other.end() || at->second != own) all.push_back({id, own});
            if (at != other.end()) other.erase(at);
            return all.size() < max_differing;
        });
        for (const auto& [id, version] : other)
            if (all.size() < max_differing && !index.find(id)) all.push_back({id, 0});
    }
    return all;
}

/// Those ids of a reply whose versions still differ from this side's.
inline std::vector<crdt::entry_id> still_differing(const entries_view& index,
                                                   const list_reply_message& theirs) {
    std::vector<crdt::entry_id> ids;
    for (const entry_version& each : theirs.entries) {
        const auto own = index.find(each.id);
        if ((own ? merkle::truncated(*own, theirs.salt) : 0) != each.version)
            ids.push_back(each.id);
    }
    return ids;
}

} // namespace joinery::gossip::detail
