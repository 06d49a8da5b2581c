// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/message.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace joinery::gossip::detail {

/// What the peers of late are known to have, so that they are neither told of it nor pushed it.
///
/// State      address -> origin -> a run of sequence numbers without gaps, the latest.
/// Invariant  at most max_peers addresses, the one not heard of for longest goes first; at most
///            max_origins of each.
/// Cost       O(log peers + log origins) a range.
class holdings {
public:
    static constexpr std::size_t max_peers = 64;
    static constexpr std::size_t max_origins = 1024;

    std::size_t size() const { return all_.size(); }

    /// The peer has these.
    void note(const std::string& address, const std::vector<item_range>& ranges) {
        if (ranges.empty()) return;
        if (!all_.contains(address) && all_.size() >= max_peers) drop_oldest();
        peer_runs& at = all_[address];
        at.used = ++uses_;
        for (const item_range& each : ranges) note(at, each);
    }

    /// Leaves in `left` those of the ranges that the peer is not known to have.
    void lacking(const std::string& address, const std::vector<item_range>& ranges,
                 std::vector<item_range>& left) const {
        left.clear();
        const auto at = all_.find(address);
        if (at == all_.end()) left = ranges;
        if (at == all_.end()) return;
        for (const item_range& each : ranges) {
            const auto known = at->second.runs.find(each.origin);
            const bool some = known != at->second.runs.end() && known->second.lo <= each.lo &&
                              known->second.hi >= each.lo;
            if (!some)
                left.push_back(each);
            else if (known->second.hi < each.hi)
                left.push_back({each.origin, known->second.hi + 1, each.hi});
        }
    }

    std::vector<item_range> lacking(const std::string& address,
                                    const std::vector<item_range>& ranges) const {
        std::vector<item_range> left;
        lacking(address, ranges, left);
        return left;
    }

    /// It is another process now, or gone.
    void forget(const std::string& address) { all_.erase(address); }

private:
    struct run {
        std::uint64_t lo = 1;
        std::uint64_t hi = 0;
    };
    struct peer_runs {
        std::uint64_t used = 0;
        std::map<crdt::replica_id, run> runs;
    };

    static void note(peer_runs& at, const item_range& range) {
        if (at.runs.size() >= max_origins && !at.runs.contains(range.origin)) at.runs.clear();
        const auto [slot, fresh] = at.runs.try_emplace(range.origin, run{range.lo, range.hi});
        if (fresh) return;
        run& known = slot->second;
        if (range.hi <= known.hi) {
            if (range.lo < known.lo && range.hi + 1 >= known.lo) known.lo = range.lo;
        } else if (range.lo <= known.hi + 1) {
            known.hi = range.hi;
            if (range.lo < known.lo) known.lo = range.lo;
        } else {
            known = {range.lo, range.hi};
        }
    }

    void drop_oldest() {
        auto oldest = all_.begin();
        for (auto at = all_.begin(); at != all_.end(); ++at)
            if (at->second.used < oldest->second.used) oldest = at;
        all_.erase(oldest);
    }

    std::uint64_t uses_ = 0;
    std::map<std::string, peer_runs> all_;
};

} // namespace joinery::gossip::detail
