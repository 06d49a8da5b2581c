// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <string>

namespace joinery::gossip::detail {

/// What may still be said to addresses that spoke first and have not proven yet that they are
/// there: twice what came from them, answers apart. A datagram with a forged sender then draws no
/// more than three times its bytes, however long this engine tries to reach who never spoke.
///
/// State      address -> bytes left.
/// Invariant  at most `most` addresses.
/// Cost       O(log addresses).
class allowances {
public:
    explicit allowances(std::size_t most) : most_(most) {}

    bool empty() const { return left_.empty(); }
    bool holds(const std::string& address) const { return left_.contains(address); }

    /// Notes bytes from an address that is not proven; `met` if it was known before it spoke. False
    /// if there is no room for one more: nothing must be said to it. is_known(address) tells which
    /// of those here are still talked to.
    template <class IsKnown>
    bool heard(const std::string& address, std::size_t bytes, bool met, IsKnown is_known) {
        auto at = left_.find(address);
        if (at == left_.end()) {
            if (met) return true;
            if (left_.size() >= most_)
                std::erase_if(left_, [&](const auto& each) { return !is_known(each.first); });
            if (left_.size() >= most_) return false;
            at = left_.emplace(address, 0).first;
        }
        at->second += 2 * bytes;
        return true;
    }
    /// Takes the bytes of a datagram off; false if less than `rest` would be left.
    bool spend(const std::string& address, std::size_t bytes, std::size_t rest) {
        const auto at = left_.find(address);
        if (at == left_.end()) return true;
        if (at->second < bytes + rest) return false;
        at->second -= bytes;
        return true;
    }
    void forget(const std::string& address) { left_.erase(address); }

private:
    std::size_t most_;
    std::map<std::string, std::size_t> left_;
};

} // namespace joinery::gossip::detail
