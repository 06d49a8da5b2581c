// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/member_record.hpp>
#include <gossip/random.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

inline constexpr std::uint32_t nowhere = ~std::uint32_t{0};
inline constexpr std::size_t max_accusers = 3;

/// What is known of one member.
struct member {
    peer known;
    std::uint64_t version = 0;
    std::uint64_t boot = 0;
    std::uint64_t source = 0; ///< who alone has told of it; 0: itself, or several
    time_point since;         ///< when its status changed, or the suspicion began
    time_point deadline;      ///< when the suspicion becomes death
    std::vector<std::uint64_t> accusers;
    bool complete = false; ///< zone and metadata are known
    bool doubted = false;  ///< dead, but nobody else is told: it may never have been
    unsigned misses = 0;   ///< vain pings while unverified
    unsigned denials = 0;  ///< suspicions denied lately
    time_point denied;
    std::uint32_t live_at = nowhere;
    std::uint32_t unverified_at = nowhere;

    member_record record(member_status as) const {
        member_record made{known.name, version, as, 0, 0, 0, {}, {}, {}};
        if (as == member_status::alive) {
            made.boot = boot;
            made.incarnation = known.incarnation;
            made.address = known.address;
            made.zone = known.zone;
            made.metadata = known.metadata;
        } else if (!accusers.empty()) {
            made.accuser = accusers.back();
        }
        return made;
    }
    member_record record() const { return record(known.status); }
};

/// The members and the rule by which statements on them are joined.
///
/// State      members by name; the live and the unverified ones; the sums of the live and the left.
/// Join       the newer version; of equal ones left, dead, suspect, alive in this order.
/// Invariant  at most max_members; of one source at most max_from_one that nobody else has told of;
///            a verified member is never dropped for an unverified one.
/// Cost       O(log members) a statement.
class member_table {
public:
    enum class news : std::uint8_t {
        none,
        up,
        reborn,
        moved,
        denied,
        updated,
        suspected,
        confirmed,
        died,
        left,
        refused
    };

    member_table(std::size_t max_members, std::size_t max_from_one)
        : max_members_(max_members), max_from_one_(max_from_one) {}

    std::uint32_t find(const std::string& name) const {
        const auto at = by_name_.find(name);
        return at == by_name_.end() ? nowhere : at->second;
    }
    member& at(std::uint32_t id) { return slots_[id]; }
    const member& at(std::uint32_t id) const { return slots_[id]; }

    std::size_t size() const { return by_name_.size(); }
    const std::map<std::string, std::uint32_t>& by_name() const { return by_name_; }
    const std::vector<std::uint32_t>& live() const { return live_; }
    const std::vector<std::uint32_t>& unverified() const { return unverified_; }
    const bucket_sums& sums() const { return sums_; }

    std::uint64_t total() const {
        if (total_) return *total_;
        total_ = 0;
        for (const std::uint64_t each : sums_) *total_ = wire::mix(*total_, each);
        return *total_;
    }

    /// Counts a member that is not in the table, this one itself, in or out of the sums.
    void count(const std::string& name, std::uint64_t version, bool in) {
        const std::uint64_t part = wire::mix(wire::content_hash64(bytes_of(name)), version);
        sums_[bucket_of(name)] += in ? part : ~part + 1;
        total_.reset(); // until it is asked for: each ping does, few change it
    }

    /// Joins a statement. `source` is who made it, `first_hand` if that is the member itself.
    news apply(const member_record& said, std::uint64_t source, time_point now,
               bool first_hand = false) {
        std::uint32_t id = find(said.name);
        if (id == nowhere) {
            if (said.status != member_status::alive) return news::none;
            id = admit(said.name, source, first_hand);
            if (id == nowhere) return news::refused;
            enliven(slots_[id], said, now);
            place(id);
            return news::up;
        }
        member& m = slots_[id];
        if (m.source != source) attest(m);
        switch (said.status) {
            case member_status::alive: return apply_alive(id, said, now);
            case member_status::suspect: return apply_suspect(id, said, now);
            case member_status::dead:
            case member_status::left: return apply_end(id, said, now);
        }
        return news::none;
    }

    /// The live member that the last statement has taken the place of, if any; told once.
    std::optional<peer> take_evicted() { return std::exchange(evicted_, std::nullopt); }

    /// The member has returned a number that only its address was told.
    void verify(std::uint32_t id) {
        member& m = slots_[id];
        attest(m);
        m.misses = 0;
        if (std::exchange(m.known.verified, true)) return;
        remove_from(unverified_, m.unverified_at, &member::unverified_at);
    }

    void erase(std::uint32_t id) {
        member& m = slots_[id];
        attest(m);
        count_left(m, false);
        if (m.known.live()) {
            count(m.known.name, m.version, false);
            remove_from(live_, m.live_at, &member::live_at);
        }
        if (!m.known.verified) remove_from(unverified_, m.unverified_at, &member::unverified_at);
        by_name_.erase(m.known.name);
        m = member{};
        free_.push_back(id);
    }

    /// Drops those that are dead or have left since before `then`.
    void forget(time_point then) {
        std::vector<std::uint32_t> old;
        for (const auto& [name, id] : by_name_)
            if (!slots_[id].known.live() && slots_[id].since < then) old.push_back(id);
        for (const std::uint32_t id : old) erase(id);
    }

private:
    news apply_alive(std::uint32_t id, const member_record& said, time_point now) {
        member& m = slots_[id];
        if (said.version == m.version && said.boot == m.boot && !m.complete) {
            m.known.zone = said.zone;
            m.known.metadata = said.metadata;
            m.complete = true;
            return news::updated;
        }
        if (!newer(said.version, m.version)) return news::none;
        const member_status was = m.known.status;
        const bool reborn = said.boot != m.boot;
        const bool moved = said.address != m.known.address;
        count_left(m, false);
        if (m.known.live())
            count(m.known.name, m.version, false);
        else
            m.since = now;
        if ((was == member_status::suspect || was == member_status::dead) && !reborn) {
            // Who was given up wrongly shall not come and go.
            m.denials =
                was == member_status::dead ? max_denials : std::min(m.denials + 1, max_denials);
            m.denied = now;
            m.misses = 0;
        }
        enliven(m, said, now);
        place(id);
        if (moved) doubt(id);
        if (reborn) m.denials = 0;
        if (was == member_status::dead || was == member_status::left) return news::up;
        if (reborn) return news::reborn;
        if (moved) return news::moved;
        return was == member_status::suspect ? news::denied : news::updated;
    }

    news apply_suspect(std::uint32_t id, const member_record& said, time_point now) {
        member& m = slots_[id];
        if (newer(m.version, said.version)) return news::none;
        const bool fresh = newer(said.version, m.version);
        const member_status was = m.known.status;
        if (!fresh && !m.known.live()) return news::none;
        if (!fresh && was == member_status::suspect) {
            const auto known = std::find(m.accusers.begin(), m.accusers.end(), said.accuser);
            if (known != m.accusers.end() || m.accusers.size() == max_accusers) return news::none;
            m.accusers.push_back(said.accuser);
            return news::confirmed;
        }
        count_left(m, false);
        raise(m, said.version);
        if (!m.known.live()) count(m.known.name, m.version, true);
        m.known.status = member_status::suspect;
        m.accusers = {said.accuser};
        m.since = now;
        place(id);
        return news::suspected;
    }

    news apply_end(std::uint32_t id, const member_record& said, time_point now) {
        member& m = slots_[id];
        if (newer(m.version, said.version)) return news::none;
        const bool fresh = newer(said.version, m.version);
        const member_status was = m.known.status;
        if (!fresh && (was == member_status::left || was == said.status)) return news::none;
        count_left(m, false);
        raise(m, said.version);
        m.doubted = false;
        if (was == said.status) {
            count_left(m, true);
            return news::none;
        }
        if (m.known.live()) {
            count(m.known.name, m.version, false);
            remove_from(live_, m.live_at, &member::live_at);
        }
        m.known.status = said.status;
        m.accusers = {said.accuser};
        m.since = now;
        count_left(m, true);
        return said.status == member_status::dead ? news::died : news::left;
    }

    // That somebody has left is in the sums too, so that all come to know it.
    void count_left(const member& m, bool in) {
        if (m.known.status == member_status::left) count(m.known.name, ~m.version, in);
    }

    void raise(member& m, std::uint64_t version) {
        if (m.known.live()) count(m.known.name, m.version, false);
        m.version = version;
        if (m.known.live()) count(m.known.name, m.version, true);
    }

    void enliven(member& m, const member_record& said, time_point now) {
        if (m.known.status == member_status::suspect) m.since = now;
        m.known.address = said.address;
        m.known.zone = said.zone;
        m.known.metadata = said.metadata;
        m.known.incarnation = said.incarnation;
        m.known.id = crdt::replica_id::of(said.name, said.incarnation);
        m.known.status = member_status::alive;
        m.version = said.version;
        m.boot = said.boot;
        m.complete = true;
        m.doubted = false;
        m.accusers.clear();
        count(m.known.name, m.version, true);
    }

    // Nobody has answered from its new address yet.
    void doubt(std::uint32_t id) {
        member& m = slots_[id];
        m.misses = 0;
        if (!std::exchange(m.known.verified, false)) return;
        m.unverified_at = static_cast<std::uint32_t>(unverified_.size());
        unverified_.push_back(id);
    }

    // Into the list of the live, unless it is there.
    void place(std::uint32_t id) {
        member& m = slots_[id];
        if (m.live_at != nowhere) return;
        m.live_at = static_cast<std::uint32_t>(live_.size());
        live_.push_back(id);
    }

    void remove_from(std::vector<std::uint32_t>& list, std::uint32_t at,
                     std::uint32_t member::*position) {
        slots_[list[at]].*position = nowhere;
        if (at + 1 != list.size()) {
            list[at] = list.back();
            slots_[list[at]].*position = at;
        }
        list.pop_back();
    }

    void attest(member& m) {
        if (m.source == 0) return;
        const auto at = from_.find(std::exchange(m.source, 0));
        if (at != from_.end() && --at->second == 0) from_.erase(at);
    }

    std::uint32_t admit(const std::string& name, std::uint64_t source, bool first_hand) {
        const auto told = from_.find(source);
        if (told != from_.end() && told->second >= max_from_one_) return nowhere;
        if (by_name_.size() >= max_members_ && !make_room(first_hand)) return nowhere;
        std::uint32_t id = static_cast<std::uint32_t>(slots_.size());
        if (free_.empty()) {
            slots_.emplace_back();
        } else {
            id = free_.back();
            free_.pop_back();
        }
        by_name_.emplace(name, id);
        member& m = slots_[id];
        m.known.name = name;
        m.source = source;
        ++from_[source];
        m.unverified_at = static_cast<std::uint32_t>(unverified_.size());
        unverified_.push_back(id);
        return id;
    }

    // The oldest tombstone goes; who speaks for itself may take the place of one only told of.
    bool make_room(bool first_hand) {
        std::uint32_t worst = nowhere;
        for (const auto& [name, id] : by_name_) {
            if (slots_[id].known.live()) continue;
            if (worst == nowhere || slots_[id].since < slots_[worst].since) worst = id;
        }
        if (worst == nowhere && first_hand) {
            for (const std::uint32_t id : unverified_)
                if (slots_[id].source != 0) worst = id;
        }
        if (worst == nowhere) return false;
        if (slots_[worst].known.live()) evicted_ = slots_[worst].known;
        erase(worst);
        return true;
    }

    static constexpr unsigned max_denials = 6;

    std::size_t max_members_;
    std::size_t max_from_one_;
    std::vector<member> slots_;
    std::vector<std::uint32_t> free_;
    std::map<std::string, std::uint32_t> by_name_;
    std::vector<std::uint32_t> live_;
    std::vector<std::uint32_t> unverified_;
    std::map<std::uint64_t, std::size_t> from_;
    bucket_sums sums_{};
    mutable std::optional<std::uint64_t> total_;
    std::optional<peer> evicted_;
};

} // namespace joinery::gossip::detail
