// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/groups.hpp>
#include <gossip/detail/member_record.hpp>
#include <gossip/detail/member_store.hpp>
#include <gossip/detail/text_index.hpp>
#include <gossip/random.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

inline constexpr std::size_t max_accusers = 3;

/// What is known besides of a member that is not alive.
struct trouble {
    time_point since;    ///< when its status changed, or the suspicion began
    time_point deadline; ///< when the suspicion becomes death; max: it does not
    std::array<std::uint64_t, max_accusers> accusers{};
    std::size_t accused = 1;
};

/// The members and the rule by which statements on them are joined.
///
/// State      members by name and by address; the live in groups; what troubles the others; the
///            sums of the live and the left.
/// Join       the newer version; of equal ones left, dead, suspect, alive in this order.
/// Invariant  at most max_members; of one source at most max_from_one that nobody else has told of;
///            a verified member is never dropped for an unverified one. Of several at one address
///            it is that of the one that has proven to be there, else of the latest.
/// Cost       O(log members) a statement; about 75 bytes a member and its texts, 8 more for an
///            address that is not its name.
class member_table {
public:
    enum class news : std::uint8_t {
        none,
        up,
        reborn,
        moved,
        denied,
        updated, ///< a newer version that says the same
        changed, ///< another zone or metadata
        suspected,
        confirmed,
        died,
        left,
        refused
    };

    /// The number of this member itself, of which the table holds nothing.
    static constexpr std::uint32_t own = 0;

    member_table(std::size_t max_members, std::size_t max_from_one)
        : max_members_(max_members), max_from_one_(max_from_one) {
        store_.add();
    }

    std::uint32_t find(std::string_view name) const { return by_name_.find(name, names()); }
    /// Who is talked to at an address.
    std::uint32_t at_address(std::string_view at) const {
        const std::uint32_t told = by_address_.find(at, addresses());
        const std::uint32_t named = told == nowhere ? find(at) : nowhere;
        return named != nowhere && address(named) == at ? named : told;
    }

    member& at(std::uint32_t id) { return store_.at(id); }
    const member& at(std::uint32_t id) const { return store_.at(id); }
    /// Views; they end with the next statement that is joined.
    std::string_view name(std::uint32_t id) const { return store_.name(id); }
    std::string_view address(std::uint32_t id) const { return store_.address(id); }
    member_texts texts(std::uint32_t id) const { return store_.texts(id); }
    std::size_t accusers(std::uint32_t id) const {
        const auto found = troubles_.find(id);
        return found == troubles_.end() ? 0 : found->second.accused;
    }

    peer known(std::uint32_t id) const {
        const member& m = at(id);
        const member_texts of = texts(id);
        peer made;
        made.name = of.name;
        made.address = of.address;
        made.zone = of.zone;
        made.metadata.assign(of.metadata.begin(), of.metadata.end());
        made.incarnation = of.incarnation;
        made.id = crdt::replica_id::of(made.name, of.incarnation);
        made.status = m.status;
        made.verified = m.verified;
        made.last_heard = m.last_heard;
        made.round_trip = m.round_trip();
        return made;
    }
    /// What is said of it to others.
    member_record record(std::uint32_t id) const { return record(id, at(id).status); }
    member_record record(std::uint32_t id, member_status as) const {
        const member& m = at(id);
        const member_texts of = texts(id);
        member_record made;
        made.name = of.name;
        made.version = m.version;
        made.status = as;
        if (as == member_status::alive) {
            made.boot = m.boot;
            made.incarnation = of.incarnation;
            made.address = of.address;
            made.zone = of.zone;
            made.metadata.assign(of.metadata.begin(), of.metadata.end());
        } else if (const auto found = troubles_.find(id); found != troubles_.end()) {
            made.accuser = found->second.accusers[found->second.accused - 1];
        }
        return made;
    }

    std::size_t size() const { return by_name_.size(); }
    groups::view live() const { return live_.all(); }
    groups::view unverified() const { return live_.of(unproven); }
    const bucket_sums& sums() const { return sums_; }
    /// Those of a bucket, in an order of its own, that come after a name.
    std::span<const text_index::entry> bucket(std::size_t which, std::string_view after) const {
        return by_name_.after(which, after, names());
    }
    /// Calls f(id) for all, in an order that follows from their names.
    template <class F>
    void for_each(F&& f) const {
        for (std::size_t each = 0; each < buckets; ++each)
            for (const auto& entry : by_name_.bucket(each)) f(entry.number);
    }
    /// Calls f(id) for those that are dead.
    template <class F>
    void for_each_dead(F&& f) const {
        for (const auto& [id, each] : troubles_)
            if (at(id).status == member_status::dead) f(id);
    }

    std::uint64_t total() const {
        if (total_) return *total_;
        total_ = 0;
        for (const std::uint64_t each : sums_) *total_ = wire::mix(*total_, each);
        return *total_;
    }

    /// Counts a member that is not in the table, this one itself, in or out of the sums.
    void count(std::string_view name, std::uint64_t version, bool in) {
        const std::uint64_t hash = text_index::hash_of(name);
        const std::uint64_t part = wire::mix(hash, version);
        sums_[hash % buckets] += in ? part : ~part + 1;
        total_.reset(); // until it is asked for: each ping does, few change it
    }

    /// Joins a statement. `source` is who made it, `first_hand` if that is the member itself.
    news apply(const member_record& said, std::uint64_t source, time_point now,
               bool first_hand = false) {
        std::uint32_t id = find(said.name);
        return apply(id, said, source, now, first_hand);
    }
    /// The same on a member that was looked up; `id` is then where it is.
    news apply(std::uint32_t& id, const member_record& said, std::uint64_t source, time_point now,
               bool first_hand = false) {
        if (id == nowhere) {
            if (said.status != member_status::alive) return news::none;
            id = admit(said.name, short_of(source), first_hand);
            if (id == nowhere) return news::refused;
            enliven(id, said);
            return news::up;
        }
        if (at(id).source != short_of(source)) attest(id);
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
        attest(id);
        at(id).misses = 0;
        at(id).verified = true;
        if (!at(id).live()) return;
        if (live_.group_of(id) == unproven) live_.put(id, waiting);
        own_address(id);
    }
    /// It has proven that it is at another address than it said.
    void move(std::uint32_t id, std::string_view address) {
        member_texts to = texts(id);
        to.address = address;
        leave_address(id);
        store_.set(id, to);
        take_address(id);
        at(id).complete = false;
    }
    /// It alone is talked to at its address from now on.
    void own_address(std::uint32_t id) {
        if (at_address(address(id)) == id || address(id).empty()) return;
        const std::uint32_t told = by_address_.find(address(id), addresses());
        if (told != nowhere) by_address_.erase(told, addresses());
        if (name(id) != address(id)) by_address_.insert(id, addresses());
    }

    /// One of the verified that was not drawn yet in this turn, at random; a turn has all of them.
    std::uint32_t draw(random& chance) {
        const auto left = live_.of(waiting);
        if (left.empty()) return nowhere;
        const std::uint32_t id = left[chance.below(left.size())];
        live_.put(id, drawn);
        return id;
    }
    void begin_turn() { live_.pass_on(drawn); }

    /// What it denied more than a minute ago counts no more. Times may be before their origin.
    void excuse(std::uint32_t id, time_point now) {
        if (seconds(now) - at(id).denied_s > 60U) at(id).denials = 0;
    }

    /// A suspect is dead at the given time, unless it denies.
    const trouble& trouble_of(std::uint32_t id) const { return troubles_.at(id); }
    void set_deadline(std::uint32_t id, time_point deadline) {
        trouble& of = troubles_.at(id);
        deadlines_.erase({of.deadline, id});
        of.deadline = deadline;
        deadlines_.emplace(deadline, id);
    }
    time_point next_deadline() const {
        return deadlines_.empty() ? time_point::max() : deadlines_.begin()->first;
    }
    /// A suspect whose time is over; told once.
    std::uint32_t take_overdue(time_point now) {
        if (next_deadline() > now || deadlines_.empty()) return nowhere;
        const std::uint32_t id = deadlines_.begin()->second;
        deadlines_.erase(deadlines_.begin());
        return id;
    }

    void erase(std::uint32_t id) {
        attest(id);
        count(id, false);
        live_.remove(id);
        calm(id);
        leave_address(id);
        by_name_.erase(id, names());
        store_.remove(id);
    }

    /// Drops those that are dead or have left since before `then`.
    void forget(time_point then) {
        std::vector<std::uint32_t> old;
        for (const auto& [id, of] : troubles_)
            if (!at(id).live() && of.since < then) old.push_back(id);
        for (const std::uint32_t id : old) erase(id);
    }

private:
    news apply_alive(std::uint32_t id, const member_record& said, time_point now) {
        member& m = at(id);
        if (said.version == m.version && said.boot == m.boot && !m.complete) {
            member_texts to = texts(id);
            const bool same = to.zone == said.zone && equal(to.metadata, said.metadata);
            to.zone = said.zone;
            to.metadata = said.metadata;
            store_.set(id, to);
            m.complete = true;
            return same ? news::updated : news::changed;
        }
        if (!newer(said.version, m.version)) return news::none;
        const member_status was = m.status;
        const bool reborn = said.boot != m.boot;
        const bool moved = said.address != address(id);
        const member_texts old = texts(id);
        const bool same = old.zone == said.zone && equal(old.metadata, said.metadata);
        if ((was == member_status::suspect || was == member_status::dead) && !reborn) {
            // Who was given up wrongly shall not come and go.
            const unsigned row = was == member_status::dead ? max_denials : m.denials + 1U;
            m.denials = std::min(row, max_denials) & 7U;
            m.denied_s = seconds(now);
            m.misses = 0;
        }
        if (reborn) m.denials = 0;
        if (moved) doubt(id);
        enliven(id, said);
        if (was == member_status::dead || was == member_status::left) return news::up;
        if (reborn) return news::reborn;
        if (moved) return news::moved;
        if (was == member_status::suspect) return news::denied;
        return same ? news::updated : news::changed;
    }

    news apply_suspect(std::uint32_t id, const member_record& said, time_point now) {
        member& m = at(id);
        if (newer(m.version, said.version)) return news::none;
        const bool fresh = newer(said.version, m.version);
        if (!fresh && !m.live()) return news::none;
        if (!fresh && m.status == member_status::suspect) {
            trouble& of = troubles_.at(id);
            const auto end = of.accusers.begin() + static_cast<std::ptrdiff_t>(of.accused);
            const bool known = std::find(of.accusers.begin(), end, said.accuser) != end;
            if (known || of.accused == max_accusers) return news::none;
            of.accusers[of.accused++] = said.accuser;
            return news::confirmed;
        }
        list(id);
        change(id, said, now);
        return news::suspected;
    }

    news apply_end(std::uint32_t id, const member_record& said, time_point now) {
        member& m = at(id);
        if (newer(m.version, said.version)) return news::none;
        const bool fresh = newer(said.version, m.version);
        const member_status was = m.status;
        if (!fresh && (was == member_status::left || was == said.status)) return news::none;
        m.doubted = false;
        if (was == said.status) {
            count(id, false);
            m.version = said.version;
            count(id, true);
            return news::none;
        }
        change(id, said, now);
        live_.remove(id);
        return said.status == member_status::dead ? news::died : news::left;
    }

    // That somebody has left is in the sums too, so that all come to know it.
    void count(std::uint32_t id, bool in) {
        const member& m = at(id);
        if (m.live()) count(name(id), m.version, in);
        if (m.status == member_status::left) count(name(id), ~m.version, in);
    }

    // To a status other than alive.
    void change(std::uint32_t id, const member_record& said, time_point now) {
        trouble& of = troubles_[id]; // whatever needs memory comes before the sums change
        deadlines_.erase({of.deadline, id});
        of = {now, time_point::max(), {said.accuser}, 1};
        count(id, false);
        at(id).version = said.version;
        at(id).status = said.status;
        count(id, true);
    }
    void calm(std::uint32_t id) {
        const auto found = troubles_.find(id);
        if (found == troubles_.end()) return;
        deadlines_.erase({found->second.deadline, id});
        troubles_.erase(found);
    }

    void enliven(std::uint32_t id, const member_record& said) {
        if (address(id) != said.address) leave_address(id);
        store_.set(id, {said.name, said.address, said.zone, said.incarnation, said.metadata});
        list(id);
        count(id, false);
        calm(id);
        member& m = at(id);
        m.status = member_status::alive;
        m.version = said.version;
        m.boot = said.boot;
        m.complete = true;
        m.doubted = false;
        count(id, true);
        take_address(id);
    }

    // Nobody has answered from its new address yet.
    void doubt(std::uint32_t id) {
        at(id).misses = 0;
        at(id).verified = false;
        live_.remove(id);
    }

    // Into the list of the live, unless it is there: to be drawn in this turn.
    void list(std::uint32_t id) {
        if (!live_.contains(id)) live_.put(id, at(id).verified ? waiting : unproven);
    }

    void take_address(std::uint32_t id) {
        const std::uint32_t owner = at_address(address(id));
        const bool taken = owner != nowhere && at(owner).live() && at(owner).verified;
        if (!taken) own_address(id);
    }
    void leave_address(std::uint32_t id) {
        if (by_address_.find(address(id), addresses()) == id) by_address_.erase(id, addresses());
    }

    void attest(std::uint32_t id) {
        if (at(id).source == 0) return;
        const auto told = from_.find(std::exchange(at(id).source, 0));
        if (told != from_.end() && --told->second == 0) from_.erase(told);
    }

    std::uint32_t admit(std::string_view name, std::uint32_t source, bool first_hand) {
        const auto told = from_.find(source);
        if (told != from_.end() && told->second >= max_from_one_) return nowhere;
        if (size() >= max_members_ && !make_room(first_hand)) return nowhere;
        std::size_t& known = from_[source];
        const std::uint32_t id = store_.add();
        store_.set(id, {name, {}, {}, 0, {}});
        by_name_.insert(id, names());
        at(id).source = source;
        at(id).status = member_status::dead; // so that it counts nowhere yet
        ++known;
        return id;
    }

    // The oldest tombstone goes; who speaks for itself may take the place of one only told of.
    bool make_room(bool first_hand) {
        std::uint32_t worst = nowhere;
        for (const auto& [id, of] : troubles_) {
            if (at(id).live()) continue;
            if (worst == nowhere || of.since < troubles_.at(worst).since) worst = id;
        }
        if (worst == nowhere && first_hand) {
            const auto some = unverified();
            for (std::size_t each = some.size(); each-- > 0 && worst == nowhere;)
                if (at(some[each]).source != 0) worst = some[each];
        }
        if (worst == nowhere) return false;
        if (at(worst).live()) evicted_ = known(worst);
        erase(worst);
        return true;
    }

    using text_of = std::string_view (member_store::*)(std::uint32_t) const;
    template <text_of Text>
    struct texts_by {
        const member_store& in;
        std::string_view operator()(std::uint32_t id) const { return (in.*Text)(id); }
    };
    texts_by<&member_store::name> names() const { return {store_}; }
    texts_by<&member_store::address> addresses() const { return {store_}; }
    static bool equal(bytes_view a, bytes_view b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }
    // 0 stays 0, and nothing else becomes it.
    static std::uint32_t short_of(std::uint64_t source) {
        const auto low = static_cast<std::uint32_t>(source);
        return source == 0 ? 0 : std::max(low, std::uint32_t{1});
    }
    static std::uint32_t seconds(time_point at) {
        const auto since = std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch());
        return static_cast<std::uint32_t>(since.count());
    }

    static constexpr unsigned max_denials = 6;
    // Groups of the live: drawn in this turn, to be drawn, not verified.
    static constexpr std::size_t drawn = 0, waiting = 1, unproven = 2;

    std::size_t max_members_;
    std::size_t max_from_one_;
    member_store store_;
    text_index by_name_;
    text_index by_address_; ///< without those whose name it is
    groups live_;
    std::map<std::uint32_t, trouble> troubles_;
    std::set<std::pair<time_point, std::uint32_t>> deadlines_; ///< of the suspects
    std::map<std::uint32_t, std::size_t> from_;
    bucket_sums sums_{};
    mutable std::optional<std::uint64_t> total_;
    std::optional<peer> evicted_;
};

} // namespace joinery::gossip::detail
