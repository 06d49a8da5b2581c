// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/peer.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip {

/// A node that keys may be placed on.
struct place {
    std::string name;
    std::string zone;
    std::uint32_t weight = 1; ///< its share of the keys; 0: none
    bool healthy = true;      ///< suspected ones keep their keys and are asked last

    friend bool operator==(const place&, const place&) = default;
};

/// The live members as places of equal weight, and this one itself.
inline std::vector<place> places_of(std::span<const peer> members, const place& self) {
    std::vector<place> all{self};
    for (const peer& each : members)
        if (each.live())
            all.push_back({each.name, each.zone, 1, each.status == member_status::alive});
    return all;
}

/// Which of the places keep a key, the same on every machine that has the same places.
///
/// State      the places by name, the number of replicas.
/// Value      owners(key): the places of greatest score, in different zones as far as there are
/// any. Invariant  a place that comes or goes moves only keys that it gets or had, save that a
/// zone's
///            coming or going may move a replica between zones.
/// Cost       owners O(places * replicas); no state per key.
/// Source     rendezvous hashing, Thaler and Ravishankar 1998; weights as in Mosharaf et al. 2015.
class placement {
public:
    placement(std::vector<place> places, std::size_t replicas)
        : places_(std::move(places)), replicas_(replicas) {
        std::sort(places_.begin(), places_.end(),
                  [](const place& a, const place& b) { return a.name < b.name; });
        const auto same = [](const place& a, const place& b) { return a.name == b.name; };
        places_.erase(std::unique(places_.begin(), places_.end(), same), places_.end());
        std::erase_if(places_, [](const place& each) { return each.weight == 0; });
        for (const place& each : places_)
            seeds_.push_back(wire::content_hash64(std::as_bytes(std::span(each.name))));
    }

    const std::vector<place>& places() const { return places_; }

    /// The names of those that keep the key, the primary first; fewer if there are fewer places.
    std::vector<std::string> owners(std::string_view key) const {
        return names(choose(wire::content_hash64(std::as_bytes(std::span(key)))));
    }
    std::vector<std::string> owners(std::uint64_t key_hash) const {
        return names(choose(key_hash));
    }

    /// Whom a router asks for the key, in this order: its owners, those in `near` before the
    /// others behind the primary, healthy before suspected; then whoever would own it next.
    std::vector<std::string> preference(std::string_view key, const std::string& near = {},
                                        std::size_t beyond = 1) const {
        const auto hash = wire::content_hash64(std::as_bytes(std::span(key)));
        auto chosen = choose(hash);
        const auto farther = [&](std::size_t at) {
            return std::pair(!places_[at].healthy, places_[at].zone != near);
        };
        if (!chosen.empty()) {
            const bool primary_well = places_[chosen.front()].healthy;
            std::stable_sort(chosen.begin() + (primary_well ? 1 : 0), chosen.end(),
                             [&](std::size_t a, std::size_t b) { return farther(a) < farther(b); });
        }
        for (const std::size_t each : ranked(hash)) {
            if (beyond == 0) break;
            if (std::find(chosen.begin(), chosen.end(), each) != chosen.end()) continue;
            chosen.push_back(each);
            --beyond;
        }
        return names(chosen);
    }

private:
    // A weight w wins with chance w / sum: the least of -ln(u) / w, here in fixed point.
    std::uint64_t cost(std::size_t at, std::uint64_t key) const {
        return minus_log2(wire::mix(seeds_[at], key)) / places_[at].weight;
    }

    // -log2((x + 1) / 2^64) in units of 2^-52, from integers alone: equal on every machine. The
    // fraction's bits come one by one from repeated squaring.
    static std::uint64_t minus_log2(std::uint64_t x) {
        if (x == 0) return std::uint64_t{64} << 52U;
        const auto width = static_cast<unsigned>(std::bit_width(x));
        std::uint64_t mantissa = x << (64 - width) >> 32U; // in [2^31, 2^32)
        std::uint64_t log = std::uint64_t{width - 1} << 52U;
        for (unsigned bit = 51; bit >= 28; --bit) {
            mantissa = mantissa * mantissa >> 31U;
            if (mantissa >> 32U == 0) continue;
            mantissa >>= 1U;
            log += std::uint64_t{1} << bit;
        }
        return (std::uint64_t{64} << 52U) - log;
    }

    std::vector<std::size_t> ranked(std::uint64_t key) const {
        std::vector<std::pair<std::uint64_t, std::size_t>> all;
        for (std::size_t at = 0; at < places_.size(); ++at) all.emplace_back(cost(at, key), at);
        std::sort(all.begin(), all.end());
        std::vector<std::size_t> order;
        for (const auto& [score, at] : all) order.push_back(at);
        return order;
    }

    // The best of all; then the best of the zones that have none yet; then the best of the rest.
    std::vector<std::size_t> choose(std::uint64_t key) const {
        std::vector<std::size_t> chosen;
        if (replicas_ == 1 && !places_.empty()) {
            std::pair<std::uint64_t, std::size_t> best{~std::uint64_t{0}, 0};
            for (std::size_t at = 0; at < places_.size(); ++at)
                best = std::min(best, {cost(at, key), at});
            return {best.second};
        }
        const auto order = ranked(key);
        for (const bool new_zones : {true, false}) {
            for (const std::size_t each : order) {
                if (chosen.size() == replicas_) return chosen;
                const bool taken =
                    std::any_of(chosen.begin(), chosen.end(), [&](std::size_t other) {
                        return other == each ||
                               (new_zones && places_[other].zone == places_[each].zone);
                    });
                if (!taken) chosen.push_back(each);
            }
        }
        return chosen;
    }

    std::vector<std::string> names(const std::vector<std::size_t>& chosen) const {
        std::vector<std::string> all;
        for (const std::size_t each : chosen) all.push_back(places_[each].name);
        return all;
    }

    std::vector<place> places_;
    std::vector<std::uint64_t> seeds_;
    std::size_t replicas_;
};

/// A key's replica that has to go from one node to another when the view changes. `from` is a node
/// that has the key and stays, if there is one, else the one that loses it.
struct move {
    std::uint64_t key_hash = 0;
    std::string from; ///< empty: nobody has it
    std::string to;

    friend bool operator==(const move&, const move&) = default;
};

/// The moves of the keys between two views, by key and new owner.
inline std::vector<move> moves_between(const placement& before, const placement& after,
                                       std::span<const std::uint64_t> key_hashes) {
    std::vector<move> all;
    for (const std::uint64_t key : key_hashes) {
        const auto old = before.owners(key);
        const auto now = after.owners(key);
        const auto has = [](const std::vector<std::string>& in, const std::string& name) {
            return std::find(in.begin(), in.end(), name) != in.end();
        };
        std::string source = old.empty() ? std::string{} : old.front();
        for (const auto& each : old)
            if (has(now, each)) {
                source = each;
                break;
            }
        for (const auto& each : now)
            if (!has(old, each)) all.push_back({key, source, each});
    }
    return all;
}

/// When a router that has got no answer asks the next one of its preference list.
///
/// Value      attempt n goes to list[n mod size]; a whole round through the list doubles the wait.
struct retry_schedule {
    duration first = std::chrono::milliseconds(50);
    duration most = std::chrono::seconds(5);
    unsigned rounds = 4; ///< times that the list is gone through before giving up

    struct attempt {
        std::size_t whom = 0; ///< index into the preference list
        duration wait{0};     ///< before the next one, if there is no answer
    };

    /// The attempts for a list of this size, in order.
    std::vector<attempt> attempts(std::size_t size) const {
        std::vector<attempt> all;
        duration wait = first;
        for (unsigned round = 0; round < rounds; ++round) {
            for (std::size_t each = 0; each < size; ++each) all.push_back({each, wait});
            wait = std::min(2 * wait, most);
        }
        return all;
    }
};

} // namespace joinery::gossip
