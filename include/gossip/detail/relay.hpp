// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/intervals.hpp>
#include <gossip/detail/message.hpp>
#include <gossip/detail/reusing.hpp>
#include <gossip/detail/ring.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The deltas that this engine can hand on, raw, and the numbers of those it has received.
///
/// State      per origin: received sequences, held items; the items in order of arrival.
/// Invariant  held bytes stay below the cap: the oldest item goes first. What has been received
///            is remembered after its bytes are gone, so nothing is pulled twice; of numbers with
///            very many gaps the lowest gaps are taken for received, and left to repair.
/// Cost       add, find O(log items); adverts O(origins log origins).
class relay {
public:
    relay(std::size_t max_bytes, std::size_t max_origins)
        : max_bytes_(max_bytes), max_origins_(std::max<std::size_t>(max_origins, 2)) {}

    std::size_t bytes() const { return bytes_; }

    bool received(const item_key& key) const {
        const auto at = logs_.find(key.origin);
        return at != logs_.end() && at->second.received.contains(key.sequence);
    }

    /// Remembers the number alone: bytes that nobody should be given.
    void note(const item_key& key) { remember(key); }

    /// Remembers and holds the item; how many others had to go.
    std::size_t add(const item_key& key, bytes_view bytes) {
        log& at = remember(key);
        const auto [slot, fresh] = at.items.place(key.sequence);
        if (!fresh) return 0;
        slot->second.assign(bytes.begin(), bytes.end());
        at.held.insert(key.sequence);
        at.newest = ++arrivals_;
        at.told = 0;
        order_.next() = key;
        order_.push();
        bytes_ += bytes.size() + item_cost;
        std::size_t dropped = 0;
        for (; bytes_ > max_bytes_ && order_.size() > 1; ++dropped) drop_oldest();
        return dropped;
    }

    /// The item's bytes, null if it is not held.
    const std::vector<std::byte>* find(const item_key& key) const {
        const auto at = logs_.find(key.origin);
        if (at == logs_.end()) return nullptr;
        const auto found = at->second.items.find(key.sequence);
        return found == at->second.items.end() ? nullptr : &found->second;
    }

    /// Calls f(item) for the held items of a range until f returns false.
    template <class F>
    void for_each(const item_range& range, F&& f) const {
        const auto at = logs_.find(range.origin);
        if (at == logs_.end()) return;
        const auto& items = at->second.items;
        for (auto each = items.lower_bound(range.lo); each != items.end(); ++each)
            if (each->first > range.hi || !f(item{{range.origin, each->first}, each->second}))
                return;
    }

    /// Those of the range that are not held; the first `most` of the range are looked at.
    std::vector<item_key> lacking(const item_range& range, std::size_t most) const {
        std::vector<item_key> all;
        const std::uint64_t end = std::min<std::uint64_t>(range.hi - range.lo, most - 1);
        for (std::uint64_t offset = 0; offset <= end; ++offset) {
            const item_key key{range.origin, range.lo + offset};
            if (find(key) == nullptr) all.push_back(key);
        }
        return all;
    }

    /// Calls f(sequence) for those of the range that were never received until f returns false.
    template <class F>
    void for_each_missing(const item_range& range, F&& f) const {
        static const intervals nothing;
        const auto at = logs_.find(range.origin);
        const intervals& known = at == logs_.end() ? nothing : at->second.received;
        known.for_each_missing(range.lo, range.hi, f);
    }

    /// At most `most` ranges of origins whose newest item has not been told of often, latest first.
    std::vector<item_range> fresh(std::size_t most) {
        std::vector<std::pair<std::uint64_t, crdt::replica_id>> active;
        for (const auto& [origin, each] : logs_)
            if (each.told < max_told && !each.held.empty())
                active.emplace_back(each.newest, origin);
        std::sort(active.rbegin(), active.rend());
        std::vector<item_range> all;
        for (const auto& [newest, origin] : active) {
            if (all.size() >= most) break;
            tell(origin, most, all);
            ++logs_.at(origin).told;
        }
        return all;
    }

    /// At most `most` ranges of held items: half of them the latest, the others in turn.
    std::vector<item_range> adverts(std::size_t most) {
        std::vector<std::pair<std::uint64_t, crdt::replica_id>> active;
        for (const auto& [origin, each] : logs_)
            if (!each.held.empty()) active.emplace_back(each.newest, origin);
        std::sort(active.rbegin(), active.rend());
        std::vector<item_range> all;
        std::set<crdt::replica_id> told;
        for (const auto& [newest, origin] : active) {
            if (2 * all.size() >= most && active.size() > most) break;
            tell(origin, most, all);
            told.insert(origin);
        }
        if (told.size() == active.size()) return all;
        std::sort(active.begin(), active.end(),
                  [](const auto& a, const auto& b) { return a.second < b.second; });
        const auto start = std::partition_point(
            active.begin(), active.end(), [&](const auto& each) { return each.second <= turn_; });
        std::rotate(active.begin(), start, active.end());
        for (const auto& [newest, origin] : active) {
            if (all.size() >= most) break;
            if (told.contains(origin)) continue;
            tell(origin, most, all);
            turn_ = origin;
        }
        return all;
    }

private:
    static constexpr std::size_t item_cost = 64;  // of the maps' nodes, so that the cap is honest
    static constexpr std::size_t max_kept = 1024; // bytes of an item's memory, for the next
    static constexpr std::size_t max_gaps = 4096; // of one origin
    static constexpr std::size_t max_spans = 65'536; // of all; then each has few
    static constexpr std::size_t max_gaps_if_many = 16;
    static constexpr unsigned max_told = 10;     // repair finds whom none of these has reached
    static constexpr std::size_t max_ranges = 4; // one origin's gaps must not crowd out others

    struct log {
        intervals received;
        intervals held;
        reusing<std::map<std::uint64_t, std::vector<std::byte>>, 16> items;
        std::uint64_t newest = 0;
        unsigned told = 0; ///< since the newest came
    };

    log& remember(const item_key& key) {
        log& at = log_of(key.origin);
        spans_ -= at.received.size();
        at.received.insert(key.sequence);
        at.received.coarsen(spans_ < max_spans ? max_gaps : max_gaps_if_many);
        spans_ += at.received.size();
        return at;
    }

    log& log_of(crdt::replica_id origin) {
        const auto at = logs_.find(origin);
        if (at != logs_.end()) return at->second;
        if (logs_.size() >= max_origins_) forget_one();
        return logs_[origin];
    }

    // The origin that was silent longest loses its memory: at worst its items are pulled again.
    void forget_one() {
        auto oldest = logs_.begin();
        for (auto at = logs_.begin(); at != logs_.end(); ++at)
            if (at->second.newest < oldest->second.newest) oldest = at;
        for (std::size_t left = order_.size(); left > 0; --left) {
            const item_key key = order_.front();
            order_.pop();
            if (key.origin == oldest->first) continue;
            order_.next() = key;
            order_.push();
        }
        for (const auto& [sequence, bytes] : oldest->second.items)
            bytes_ -= bytes.size() + item_cost;
        spans_ -= oldest->second.received.size();
        logs_.erase(oldest);
    }

    void drop_oldest() {
        const item_key key = order_.front();
        order_.pop();
        log& at = logs_.at(key.origin);
        auto found = at.items.begin(); // most come in order
        if (found->first != key.sequence) found = at.items.find(key.sequence);
        bytes_ -= found->second.size() + item_cost;
        found->second.clear();
        if (found->second.capacity() > max_kept) found->second = {};
        at.items.erase(found);
        at.held.erase(key.sequence);
    }

    void tell(crdt::replica_id origin, std::size_t most, std::vector<item_range>& all) const {
        const auto& spans = logs_.at(origin).held.spans();
        std::size_t told = 0;
        for (auto at = spans.rbegin(); at != spans.rend(); ++at) {
            if (all.size() >= most || told++ == max_ranges) return;
            all.push_back({origin, at->first, at->second});
        }
    }

    std::size_t max_bytes_;
    std::size_t max_origins_;
    std::size_t bytes_ = 0;
    std::size_t spans_ = 0; ///< of the numbers received, of all origins
    std::uint64_t arrivals_ = 0;
    std::map<crdt::replica_id, log> logs_;
    ring<item_key> order_; ///< the oldest first
    crdt::replica_id turn_;
};

} // namespace joinery::gossip::detail
