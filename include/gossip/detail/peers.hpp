// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/config.hpp>
#include <gossip/detail/frame.hpp>
#include <gossip/detail/peer_record.hpp>
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

/// The addresses that are talked to without membership: the seeds and whoever has spoken.
///
/// Invariant  at most `max_peers` besides the seeds; seeds are never dropped, others only for room;
///            silent ones are tried ever more rarely, but for ever.
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
        const bool up = !record->live;
        if (!clashes(id, address)) ids_[id] = address;
        record->known.name = from.name;
        record->known.incarnation = from.incarnation;
        record->known.id = id;
        record->heard = true;
        record->heard_at = now;
        record->unanswered = 0;
        enliven(*record);
        return up ? news::up : news::none;
    }

    peer_record* find(const std::string& address) {
        const auto at = all_.find(address);
        return at == all_.end() ? nullptr : &at->second;
    }

    /// One that does not answer and whose time has come to be tried again; empty if there is none.
    std::vector<std::string> absent(const config& settings, time_point now, random& chance) {
        std::vector<peer_record*> others;
        for (auto& [address, each] : all_)
            if (!each.live && now >= each.next_try) others.push_back(&each);
        std::vector<std::string> chosen;
        const std::size_t most = live_.empty() ? std::max(settings.fanout, 1U) : 1;
        while (chosen.size() < most && !others.empty()) {
            std::swap(others[chance.below(others.size())], others.back());
            back_off(*others.back(), settings.interval, now);
            chosen.push_back(others.back()->known.address);
            others.pop_back();
        }
        return chosen;
    }

    /// The live one that was heard longest ago, if it is nearer to being taken for silent than to
    /// having been heard.
    std::vector<std::string> stalest(const config& settings, time_point now) {
        peer_record* oldest = nullptr;
        for (const std::string& address : live_) {
            peer_record& each = all_.at(address);
            if (now - each.heard_at > settings.peer_timeout / 4 && now >= each.next_try &&
                (oldest == nullptr || each.heard_at < oldest->heard_at))
                oldest = &each;
        }
        if (oldest == nullptr) return {};
        oldest->next_try = now + settings.interval;
        return {oldest->known.address};
    }

    /// At most `most` live addresses at random. The first may be anywhere, so that news crosses
    /// zones; of the others most are in this zone, if there are any.
    std::vector<std::string> sample(std::size_t most, random& chance, const std::string& zone) {
        std::vector<std::string> chosen;
        for (std::size_t left = live_.size(); left > 0 && chosen.size() < most; --left) {
            std::size_t at = chance.below(left);
            for (int again = 0; again < 4 && !chosen.empty() && !zone.empty(); ++again) {
                if (all_.at(live_[at]).known.zone == zone) break;
                at = chance.below(left);
            }
            chosen.push_back(live_[at]);
            swap_live(at, left - 1);
        }
        return chosen;
    }

    /// Those that have just become silent.
    std::vector<peer> silenced(const config& settings, time_point now) {
        std::vector<peer> gone;
        for (auto& [address, each] : all_) {
            if (!each.live || now - each.heard_at <= settings.peer_timeout) continue;
            lay_down(each);
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
    const std::vector<std::string>& live() const { return live_; }

private:
    static constexpr unsigned slowest_seed = 5; // 2^5 intervals between tries
    static constexpr unsigned slowest_other = 8;

    void enliven(peer_record& record) {
        record.known.status = member_status::alive;
        if (std::exchange(record.live, true)) return;
        record.live_at = live_.size();
        live_.push_back(record.known.address);
    }
    void lay_down(peer_record& record) {
        record.known.status = member_status::suspect;
        record.unanswered = 0;
        if (!std::exchange(record.live, false)) return;
        swap_live(record.live_at, live_.size() - 1);
        live_.pop_back();
    }
    void swap_live(std::size_t a, std::size_t b) {
        if (a == b) return;
        std::swap(live_[a], live_[b]);
        all_.at(live_[a]).live_at = a;
        all_.at(live_[b]).live_at = b;
    }

    bool clashes(crdt::replica_id id, const std::string& address) const {
        const auto at = ids_.find(id);
        if (at == ids_.end() || at->second == address) return false;
        const auto other = all_.find(at->second);
        return other != all_.end() && other->second.live && other->second.known.id == id;
    }

    void start_over(peer_record& record) {
        if (const auto at = ids_.find(record.known.id);
            at != ids_.end() && at->second == record.known.address)
            ids_.erase(at);
        lay_down(record);
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
            if (at->second.seed || at->second.live) continue;
            if (worst == all_.end() || at->second.heard_at < worst->second.heard_at) worst = at;
        }
        if (worst == all_.end()) return false;
        ids_.erase(worst->second.known.id);
        all_.erase(worst);
        return true;
    }

    static void back_off(peer_record& each, duration interval, time_point now) {
        const unsigned level = std::min(each.unanswered, each.seed ? slowest_seed : slowest_other);
        ++each.unanswered;
        each.next_try = now + interval * (std::int64_t{1} << level);
    }

    std::size_t max_;
    std::string self_;
    std::size_t seeds_ = 0;
    std::map<std::string, peer_record> all_;
    std::vector<std::string> live_;
    std::map<crdt::replica_id, std::string> ids_;
};

} // namespace joinery::gossip::detail
