// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/config.hpp>
#include <gossip/detail/frame.hpp>
#include <gossip/peer.hpp>
#include <gossip/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// How often something may start with a peer: at least an interval apart, doubling while it does
/// not help. Losses make some attempts vain, so that one alone does not count.
struct pace {
    static constexpr unsigned vain_per_level = 4;
    time_point next = time_point::min();
    unsigned vain = 0;
    wire::digest own; ///< what was compared when it last started
    wire::digest theirs;

    bool due(time_point now) const { return now >= next; }
    void started(time_point now, duration interval, const wire::digest& mine,
                 const wire::digest& other) {
        const bool progress = own != mine || theirs != other;
        vain = progress ? 0 : std::min(vain + 1, 3 * vain_per_level);
        own = mine;
        theirs = other;
        next = now + interval * (1 << (vain / vain_per_level));
    }
};

/// All that an engine keeps of one address.
struct peer_record {
    peer known;
    bool seed = false;
    bool heard = false;
    bool clash_told = false;
    unsigned unanswered = 0; ///< tries since it was last heard
    time_point next_try = time_point::min();
    pace repairing;
    pace contexts;
    std::uint64_t held_ms = 0; ///< no repair before the wall is there, or before held_until
    time_point held_until = time_point::min();
    std::vector<item_range> adverts; ///< its latest

    bool live() const { return heard && known.status == member_status::alive; }
};

/// The addresses that are known, by address.
///
/// Invariant  at most `max_peers` besides the seeds; seeds are never dropped, others only for room
///            or when they never spoke; silent ones are tried ever more rarely, but for ever.
/// Cost       O(log peers) a datagram, O(peers) an interval.
class peers {
public:
    explicit peers(const config& settings) : max_(settings.max_peers), self_(settings.address) {
        for (const auto& seed : settings.seeds)
            if (seed != self_ && seed.size() <= max_text) {
                all_[seed].known.address = seed;
                all_[seed].seed = true;
                ++seeds_;
            }
    }

    enum class news : std::uint8_t { none, up, clash, refused };

    /// Notes that the sender spoke from `address`.
    news heard(const std::string& address, const sender& from, time_point now) {
        const auto id = crdt::replica_id::of(from.name, from.incarnation);
        peer_record* record = find_or_add(address);
        if (record == nullptr) return news::refused;
        if (clashes(id, address) && !std::exchange(record->clash_told, true)) return news::clash;
        const bool reborn = record->heard && record->known.id != id;
        if (reborn) start_over(*record);
        const bool up = !record->live() || reborn;
        if (!clashes(id, address)) ids_[id] = address;
        record->known.name = from.name;
        record->known.incarnation = from.incarnation;
        record->known.id = id;
        record->known.status = member_status::alive;
        record->known.last_heard = now;
        record->heard = true;
        record->unanswered = 0;
        return up ? news::up : news::none;
    }

    /// Notes an address that somebody else has mentioned.
    void mentioned(const std::string& address) {
        if (!address.empty()) find_or_add(address);
    }

    peer_record* find(const std::string& address) {
        const auto at = all_.find(address);
        return at == all_.end() ? nullptr : &at->second;
    }

    /// Whom to tell something now: `fanout` live ones at random, and one of those that do not
    /// answer when its time has come (all seeds whose time has come while nobody is live).
    std::vector<std::string> targets(const config& settings, time_point now, random& chance) {
        std::vector<peer_record*> live;
        std::vector<peer_record*> others;
        for (auto& [address, each] : all_) {
            if (each.live())
                live.push_back(&each);
            else if (now >= each.next_try)
                others.push_back(&each);
        }
        std::vector<peer_record*> chosen;
        const std::size_t alive = live.size();
        take(live, settings.fanout, chance, chosen);
        take_stale(live, settings, now, alive, chosen);
        take(others, alive == 0 ? std::max(settings.fanout, 1U) : 1, chance, chosen);
        std::vector<std::string> addresses;
        for (peer_record* each : chosen) {
            if (!each->live()) back_off(*each, settings.interval, now);
            addresses.push_back(each->known.address);
        }
        drop_hopeless();
        return addresses;
    }

    /// Some live addresses at random.
    std::vector<std::string> sample(std::size_t most, random& chance,
                                    const std::string& except = {}) {
        std::vector<peer_record*> live;
        for (auto& [address, each] : all_)
            if (each.live() && address != except) live.push_back(&each);
        std::vector<peer_record*> chosen;
        take(live, most, chance, chosen);
        std::vector<std::string> addresses;
        for (const peer_record* each : chosen) addresses.push_back(each->known.address);
        return addresses;
    }

    /// Those that have just become silent.
    std::vector<peer> silenced(const config& settings, time_point now) {
        const duration timeout = silence(settings, live_count());
        std::vector<peer> gone;
        for (auto& [address, each] : all_) {
            if (!each.live() || now - each.known.last_heard <= timeout) continue;
            each.known.status = member_status::silent;
            each.unanswered = 0;
            each.next_try = now;
            gone.push_back(each.known);
        }
        return gone;
    }

    std::vector<peer> members() const {
        std::vector<peer> all;
        for (const auto& [address, each] : all_)
            if (each.heard) all.push_back(each.known);
        return all;
    }
    std::size_t live_count() const {
        return static_cast<std::size_t>(std::count_if(
            all_.begin(), all_.end(), [](const auto& each) { return each.second.live(); }));
    }

private:
    static constexpr unsigned slowest_seed = 5; // 2^5 intervals between tries
    static constexpr unsigned slowest_other = 8;
    static constexpr unsigned hopeless = 12; // tries of an address that never spoke

    // In a large cluster two peers meet rarely; a healthy one is heard several times within this.
    static duration silence(const config& settings, std::size_t live) {
        const auto meetings = 8 + 6 * live / std::max(settings.fanout, 1U);
        return std::max(settings.peer_timeout,
                        settings.interval * static_cast<std::int64_t>(meetings));
    }

    bool clashes(crdt::replica_id id, const std::string& address) const {
        const auto at = ids_.find(id);
        if (at == ids_.end() || at->second == address) return false;
        const auto other = all_.find(at->second);
        return other != all_.end() && other->second.live() && other->second.known.id == id;
    }

    void start_over(peer_record& record) {
        if (const auto at = ids_.find(record.known.id);
            at != ids_.end() && at->second == record.known.address)
            ids_.erase(at);
        peer_record fresh;
        fresh.known.address = record.known.address;
        fresh.seed = record.seed;
        record = std::move(fresh);
    }

    peer_record* find_or_add(const std::string& address) {
        if (const auto at = all_.find(address); at != all_.end()) return &at->second;
        if (address.empty() || address == self_ || address.size() > max_text) return nullptr;
        if (all_.size() >= max_ + seeds_ && !drop_one()) return nullptr;
        peer_record& record = all_[address];
        record.known.address = address;
        return &record;
    }

    bool drop_one() {
        auto worst = all_.end();
        for (auto at = all_.begin(); at != all_.end(); ++at) {
            if (at->second.seed || at->second.live()) continue;
            if (worst == all_.end() || at->second.known.last_heard < worst->second.known.last_heard)
                worst = at;
        }
        if (worst == all_.end()) return false;
        ids_.erase(worst->second.known.id);
        all_.erase(worst);
        return true;
    }

    void drop_hopeless() {
        std::erase_if(all_, [](const auto& each) {
            return !each.second.seed && !each.second.heard && each.second.unanswered > hopeless;
        });
    }

    static void back_off(peer_record& each, duration interval, time_point now) {
        const unsigned level = std::min(each.unanswered, each.seed ? slowest_seed : slowest_other);
        ++each.unanswered;
        each.next_try = now + interval * (std::int64_t{1} << level);
    }

    static void take(std::vector<peer_record*>& from, std::size_t most, random& chance,
                     std::vector<peer_record*>& chosen) {
        for (std::size_t taken = 0; taken < most && !from.empty(); ++taken) {
            std::swap(from[chance.below(from.size())], from.back());
            chosen.push_back(from.back());
            from.pop_back();
        }
    }

    // The one that is nearest to being taken for silent is asked before it is.
    static void take_stale(const std::vector<peer_record*>& live, const config& settings,
                           time_point now, std::size_t alive, std::vector<peer_record*>& chosen) {
        const auto due = [&](const peer_record* each) {
            return now - each->known.last_heard > silence(settings, alive) / 2 &&
                   now >= each->next_try;
        };
        peer_record* stalest = nullptr;
        for (peer_record* each : live)
            if (due(each) &&
                (stalest == nullptr || each->known.last_heard < stalest->known.last_heard))
                stalest = each;
        if (stalest == nullptr) return;
        stalest->next_try = now + 4 * settings.interval;
        chosen.push_back(stalest);
    }

    std::size_t max_;
    std::string self_;
    std::size_t seeds_ = 0;
    std::map<std::string, peer_record> all_;
    std::map<crdt::replica_id, std::string> ids_;
};

} // namespace joinery::gossip::detail
