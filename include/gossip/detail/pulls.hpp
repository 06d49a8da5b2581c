// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/relay.hpp>
#include <gossip/detail/reusing.hpp>
#include <gossip/peer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The items that were asked for and are not here yet, and those that must wait for the wall clock.
///
/// State      item -> whom it was asked from, until when, how often; refused item -> milliseconds.
/// Invariant  at most `max` of each; an item is asked for once per deadline; of one peer no more at
///            a time than its credit, which halves when it is late and grows by what comes.
/// Cost       O(log pulls) an item.
class pulls {
public:
    explicit pulls(std::size_t max) : max_(max) {}

    struct retry {
        using source_and_tries = std::pair<std::string, std::uint8_t>;
        std::map<source_and_tries, std::vector<item_range>> asked;
        std::size_t items = 0;
        std::size_t given_up = 0;
    };

    /// Leaves in `ranges` what of the adverts to ask `source` for now.
    void plan(const std::vector<item_range>& adverts, const relay& known, const std::string& source,
              time_point now, time_point deadline, std::vector<item_range>& ranges) {
        ranges.clear();
        const std::size_t window = window_of(source);
        std::size_t room = window - std::min(count_from(source), window);
        std::size_t looked = 0; // ranges may name an item again and again
        for (const item_range& each : adverts) {
            known.for_each_missing(each, [&](std::uint64_t sequence) {
                if (room == 0 || ++looked > 4 * max_) return false;
                const item_key key{each.origin, sequence};
                if (held_off_.contains(key)) return true;
                const auto at = waiting_.find(key);
                if (at != waiting_.end() && !may_switch(at->second, source, now)) return true;
                if (at == waiting_.end() && waiting_.size() >= max_) return false;
                start(key, source, now, deadline);
                append(ranges, key);
                --room;
                return true;
            });
        }
    }

    std::vector<item_range> plan(const std::vector<item_range>& adverts, const relay& known,
                                 const std::string& source, time_point now, time_point deadline) {
        std::vector<item_range> ranges;
        plan(adverts, known, source, now, deadline, ranges);
        return ranges;
    }

    /// The overdue items, asked once more from where they were asked; after some tries they are
    /// left to the next advert.
    /// @param by_chance  how many answers in a row may be lost without telling of the path
    retry overdue(time_point now, unsigned by_chance = 1) {
        retry made;
        std::set<std::string> late;
        for (auto at = waiting_.begin(); at != waiting_.end();) {
            pull& each = at->second;
            if (each.deadline > now) {
                ++at;
            } else if (++each.tries > max_tries) {
                ++made.given_up;
                late.insert(each.source);
                leave(each.source);
                at = waiting_.erase(at);
            } else {
                // Longer: what comes late is not lost, and asking again makes it later.
                const unsigned slower = each.tries > by_chance ? each.tries : each.tries / 2;
                each.deadline = now + each.patience * (1 << std::min(slower, 4U));
                if (each.tries > by_chance) late.insert(each.source);
                ++made.items;
                append(made.asked[{each.source, static_cast<std::uint8_t>(each.tries)}], at->first);
                ++at;
            }
        }
        for (const std::string& source : late) {
            std::size_t& window = windows_.try_emplace(source, max_from_one).first->second;
            window = std::max<std::size_t>(window / 2, 2);
        }
        if (windows_.size() > max_) windows_.clear();
        return made;
    }

    /// It has come. How long that took, if it was asked for once.
    std::optional<duration> done(const item_key& key, time_point now) {
        std::optional<duration> took;
        const auto at = waiting_.find(key);
        if (at == waiting_.end()) return took;
        if (at->second.tries == 0) took = now - (at->second.deadline - at->second.patience);
        if (const auto credit = windows_.find(at->second.source);
            credit != windows_.end() && ++credit->second >= max_from_one)
            windows_.erase(credit);
        leave(at->second.source);
        waiting_.erase(at);
        return took;
    }

    /// The source has the item no more. False if it was not asked for it.
    bool gone(const item_key& key, const std::string& source) {
        const auto at = waiting_.find(key);
        if (at == waiting_.end() || at->second.source != source) return false;
        leave(source);
        waiting_.erase(at);
        return true;
    }
    /// The source itself is gone; how many items it was asked for.
    std::size_t gone(const std::string& source) {
        const std::size_t before = waiting_.size();
        std::erase_if(waiting_, [&](const auto& each) { return each.second.source == source; });
        from_.erase(source);
        windows_.erase(source);
        return before - waiting_.size();
    }

    /// Refused until the wall has reached `needed_ms`.
    void hold_off(const item_key& key, std::uint64_t needed_ms) {
        done(key, {});
        if (held_off_.size() < max_) held_off_[key] = needed_ms;
    }
    void wall_reached(std::uint64_t ms) {
        std::erase_if(held_off_, [&](const auto& each) { return each.second <= ms; });
    }

    bool empty() const { return waiting_.empty(); }
    std::size_t size() const { return waiting_.size(); }
    bool holding_off() const { return !held_off_.empty(); }
    bool wants_more(const std::string& source) const {
        return count_from(source) < std::min(low_water, window_of(source));
    }

    time_point next_deadline() const {
        time_point next = time_point::max();
        for (const auto& [key, each] : waiting_) next = std::min(next, each.deadline);
        return next;
    }

private:
    static constexpr std::size_t max_from_one = 256;
    static constexpr std::size_t low_water = 64;
    static constexpr unsigned max_tries = 10;
    static constexpr unsigned patient_tries = 2; ///< before another source is asked

    struct pull {
        std::string source;
        time_point deadline;
        duration patience{0};
        unsigned tries = 0;
    };

    static bool may_switch(const pull& at, const std::string& source, time_point now) {
        return at.deadline <= now || (at.tries >= patient_tries && at.source != source);
    }

    void start(const item_key& key, const std::string& source, time_point now,
               time_point deadline) {
        pull& at = waiting_[key];
        if (!at.source.empty()) leave(at.source);
        at = {source, deadline, deadline - now, 0};
        ++from_[source];
    }
    void leave(const std::string& source) {
        const auto at = from_.find(source);
        if (at != from_.end() && --at->second == 0) from_.erase(at);
    }
    std::size_t window_of(const std::string& source) const {
        const auto at = windows_.find(source);
        return at == windows_.end() ? max_from_one : at->second;
    }
    std::size_t count_from(const std::string& source) const {
        const auto at = from_.find(source);
        return at == from_.end() ? 0 : at->second;
    }
    static void append(std::vector<item_range>& ranges, const item_key& key) {
        if (!ranges.empty() && ranges.back().origin == key.origin &&
            ranges.back().hi + 1 == key.sequence)
            ranges.back().hi = key.sequence;
        else
            ranges.push_back({key.origin, key.sequence, key.sequence});
    }

    std::size_t max_;
    reusing<std::map<item_key, pull>> waiting_;
    reusing<std::map<std::string, std::size_t>> from_;
    std::map<std::string, std::size_t> windows_; ///< credit of those that were late
    std::map<item_key, std::uint64_t> held_off_;
};

} // namespace joinery::gossip::detail
