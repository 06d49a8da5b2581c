// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/peer_record.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace joinery::gossip::detail {

/// The members that are talked to, by address; of the others membership alone knows.
///
/// Invariant  at most `most`: of more the half that was not used for longest is dropped, and what
///            they were asked and told of late with them.
/// Cost       O(log most).
class talks {
public:
    peer_record* find(std::string_view address) {
        const auto at = all_.find(address);
        return at == all_.end() ? nullptr : &at->second;
    }
    void touch(peer_record& record) { record.used = ++uses_; }

    /// The record of a member; nothing that was said to an earlier incarnation counts.
    peer_record& meet(const peer& member) {
        if (!all_.contains(member.address) && all_.size() >= most) drop_idle();
        peer_record& record = all_[member.address];
        if (record.heard && record.known.id != member.id) record = {};
        record.known = member;
        record.heard = true;
        record.live = member.live();
        touch(record);
        return record;
    }
    void part(std::string_view address) {
        if (const auto at = all_.find(address); at != all_.end()) all_.erase(at);
    }
    /// Where else a member of this name is talked to; empty if it is not.
    std::string elsewhere(std::string_view name, std::string_view address) const {
        for (const auto& [where, each] : all_)
            if (each.known.name == name && where != address) return where;
        return {};
    }
    std::size_t size() const { return all_.size(); }

    static constexpr std::size_t most = 128;

private:
    void drop_idle() {
        std::vector<std::uint64_t> times;
        for (const auto& [address, each] : all_) times.push_back(each.used);
        const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
        std::nth_element(times.begin(), middle, times.end());
        std::erase_if(all_, [&](const auto& each) { return each.second.used < *middle; });
    }

    std::map<std::string, peer_record, std::less<>> all_;
    std::uint64_t uses_ = 0;
};

} // namespace joinery::gossip::detail
