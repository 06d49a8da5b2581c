// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/member_table.hpp>
#include <gossip/detail/ring.hpp>
#include <gossip/detail/rumors.hpp>
#include <gossip/detail/witnessed_clock.hpp>
#include <gossip/event.hpp>
#include <gossip/membership_config.hpp>
#include <gossip/random.hpp>
#include <gossip/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// One member's view of all: itself, the table, the news to tell, the events.
///
/// State      the table; own version; what waits to be sent and told.
/// Invariant  own version is newer than whatever was ever said of it wrongly.
class member_view {
public:
    member_view(membership_config given, std::uint64_t seed, std::size_t room)
        : settings(std::move(given)),
          chance(wire::mix(seed, wire::content_hash64(bytes_of(settings.name)))),
          table(settings.max_members, std::max<std::size_t>(settings.max_from_one, 1)),
          room_(room) {
        if (settings.name.empty() || settings.name.size() > max_text ||
            settings.address.size() > max_text || settings.zone.size() > max_text ||
            settings.metadata.size() > max_metadata)
            throw std::invalid_argument("gossip: name, address, zone or metadata too large");
        boot_ = wire::mix(wire::mix(seed, settings.incarnation), hash_of(settings.name));
        version_ = boot_ >> 3U;
        table.count(settings.name, version_, true);
    }

    /// Bytes that pings and acks carry for others, at most.
    static constexpr std::size_t max_attachment = 64;

    struct out {
        std::string to;
        std::vector<std::byte> bytes;
        bool probe = false;    ///< to carry something
        std::size_t least = 0; ///< bytes that it should have, if they fit

        /// Adds what the message carries for others, and the padding.
        void carry(bytes_view attachment, std::size_t room) {
            wire::writer w(std::move(bytes));
            put_bytes(w, attachment);
            bytes = w.take();
            if (bytes.size() < least) bytes.resize(std::min(least, std::max(room, bytes.size())));
        }
    };
    /// Swaps the first of what waits to be sent with `into`; false if nothing does.
    bool poll(out& into) {
        if (out_.empty()) return false;
        out_.pop(into);
        return true;
    }
    void tell(event happened) {
        if (events_.size() >= std::max<std::size_t>(settings.max_events, 1)) events_.pop_front();
        events_.push_back(std::move(happened));
    }
    std::optional<event> poll_event() {
        if (events_.empty()) return std::nullopt;
        event first = std::move(events_.front());
        events_.pop_front();
        return first;
    }

    time_point now() const { return clock.now(); }
    unsigned health() const { return health_; }
    std::uint64_t version() const { return version_; }
    bool displaced() const { return displaced_; }
    bool leaving() const { return leaving_; }
    bool silent() const { return displaced_ || leaving_; }
    std::size_t live_count() const { return table.live().size(); }

    std::vector<peer> members() const {
        std::vector<peer> all;
        all.reserve(table.size());
        table.for_each([&](std::uint32_t id) { all.push_back(table.known(id)); });
        std::sort(all.begin(), all.end(),
                  [](const peer& a, const peer& b) { return a.name < b.name; });
        return all;
    }

    /// Says something new of itself.
    void announce() {
        set_version(version_ + 1);
        news_.start(member_table::own);
        if (next_gossip_ > now() + settings.gossip_interval)
            next_gossip_ = now() + settings.gossip_interval;
    }

    membership_config settings;
    random chance;
    witnessed_clock clock;
    member_table table;
    membership_statistics counts;

protected:
    static std::uint64_t hash_of(const std::string& text) {
        return wire::content_hash64(bytes_of(text));
    }

    template <class Message>
    void send(std::string_view to, const Message& message) {
        post(to, false, 0, [&](wire::writer& w) { write_message(w, message); });
    }
    /// Sends what `write(writer&)` writes.
    template <class Write>
    void post(std::string_view to, bool probe, std::size_t least, Write&& write) {
        if (to.empty() || to == settings.address || out_.size() >= settings.max_outgoing) return;
        out& last = out_.next();
        last.to = to;
        last.probe = probe;
        last.least = least;
        rewrite(last.bytes, write);
        // A record of somebody whose datagrams are longer may not fit into one of this one's.
        if (last.bytes.size() + (probe ? 1 + max_attachment : 0) <= room_) out_.push();
    }
    void tell(event_kind kind, std::uint32_t id) {
        tell({kind, std::string(table.name(id)), std::string(table.address(id)), {}, 0, {}});
    }

    self_part self() const { return {version_, boot_, table.total()}; }
    member_record own_record() const {
        if (leaving_)
            return {settings.name, version_, member_status::left, 0, boot_, 0, {}, {}, {}};
        return {
            settings.name,    version_,      member_status::alive, 0, boot_, settings.incarnation,
            settings.address, settings.zone, settings.metadata};
    }

    void degrade(unsigned by) { health_ = std::min(health_ + by, max_health); }
    void recover() { health_ -= health_ > 0 ? 1U : 0U; }

    // Joining statements

    /// Takes a statement of `source` in and does what follows from it.
    void learn(const member_record& said, std::uint64_t source, bool first_hand = false) {
        if (said.name == settings.name) {
            hear_of_self(said);
            return;
        }
        std::uint32_t id = table.find(said.name);
        if (id != nowhere && newer(table.at(id).version, said.version)) ++counts.stale;
        const auto news = table.apply(id, said, source, now(), first_hand);
        if (const auto gone = table.take_evicted())
            tell({event_kind::member_down, gone->name, gone->address, {}, 0, {}});
        follow(news, id);
    }

    void follow(member_table::news news, std::uint32_t id) {
        using what = member_table::news;
        if (news == what::none || news == what::refused) {
            counts.refused_members += news == what::refused ? 1U : 0U;
            return;
        }
        if (!table.at(id).doubted) news_.start(id); // that it is gone concerns nobody else
        switch (news) {
            case what::up: tell(event_kind::member_up, id); break;
            case what::reborn: tell(event_kind::member_reborn, id); break;
            case what::moved: tell(event_kind::member_moved, id); break;
            case what::changed: tell(event_kind::member_changed, id); break;
            case what::denied:
                ++counts.denials;
                tell(event_kind::member_alive, id);
                break;
            case what::suspected:
                ++counts.suspicions;
                tell(event_kind::member_suspect, id);
                watch(id);
                // Some look for themselves: that confirms it soon, or tells the suspect of it.
                if (table.trouble_of(id).accusers.front() != hash_of(settings.name) &&
                    to_check_.size() < max_checks &&
                    chance.chance(confirmers, table.live().size() + 1))
                    to_check_.push_back(id);
                break;
            case what::confirmed: watch(id); break;
            case what::died:
                ++counts.deaths;
                tell(event_kind::member_down, id);
                break;
            case what::left: tell(event_kind::member_left, id); break;
            case what::updated:
            case what::none:
            case what::refused: break;
        }
    }

    // Somebody says something of this one. What is wrong is denied with a newer version; what a
    // former process of this name has said is overruled once; one that is alive is asked.
    void hear_of_self(const member_record& said) {
        if (newer(version_, said.version) || silent()) return;
        if (said.status == member_status::alive && said.boot == boot_) {
            const bool elsewhere = said.address != settings.address && !settings.address.empty() &&
                                   !said.address.empty();
            if (elsewhere) twin_ = said.address;
            if (!newer(said.version, version_)) return;
        }
        if (said.status == member_status::alive && said.boot != boot_ &&
            said.address != settings.address)
            twin_ = said.address;
        if (said.status == member_status::suspect || said.status == member_status::dead) degrade(1);
        ++counts.refutations;
        set_version(said.version);
        announce();
    }

    void set_version(std::uint64_t version) {
        table.count(settings.name, version_, false);
        version_ = version;
        table.count(settings.name, version_, true);
    }

    // Suspicion

    /// The suspicion of a member ends, the sooner the more confirm it.
    void watch(std::uint32_t id) {
        const trouble& of = table.trouble_of(id);
        const std::uint64_t size = table.live().size() + 1;
        const auto scale = std::max<std::uint64_t>(log10_milli(size), 1000);
        const duration least =
            settings.probe_interval / 1000 * static_cast<std::int64_t>(settings.suspicion * scale);
        const duration most = least * std::max(settings.suspicion_spread, 1U);
        // log(n + 1) / log(k + 1), a thousand times, for n of k others that confirm it
        static constexpr int part[3][3] = {{1000, 1000, 1000}, {0, 1000, 1000}, {0, 631, 1000}};
        const std::size_t others = std::min<std::size_t>(size > 2 ? size - 2 : 0, confirmations);
        const std::size_t confirmed = std::min<std::size_t>(of.accused - 1, confirmations);
        const int share = part[others][confirmed];
        const duration length = most - (most - least) / 1000 * share;
        // Who has denied before gets more time, and so does everybody from a node that is not well.
        const int patience = 1 + static_cast<int>(health_) / 2 + table.at(id).denials;
        table.set_deadline(id, of.since + length * patience);
    }

    void bury_overdue() {
        for (std::uint32_t id; (id = table.take_overdue(now())) != nowhere;) {
            member_record said = table.record(id, member_status::dead);
            said.accuser = hash_of(settings.name);
            learn(said, 0);
        }
    }

    // Choosing

    /// At most `most` live members that `fits`, at random.
    template <class Fits>
    std::vector<std::uint32_t> sample(std::size_t most, Fits&& fits) {
        std::vector<std::uint32_t> chosen;
        const auto live = table.live();
        if (live.empty()) return chosen;
        for (std::size_t tries = 0; tries < 3 * most + 5 && chosen.size() < most; ++tries) {
            const std::uint32_t id = live[chance.below(live.size())];
            if (fits(id) && std::find(chosen.begin(), chosen.end(), id) == chosen.end())
                chosen.push_back(id);
        }
        return chosen;
    }

    /// News that fit into `room` bytes, for a message to `to`.
    void add_news(std::vector<member_record>& records, std::size_t room, std::string_view to = {}) {
        if (news_.empty()) return;
        std::size_t used = 0;
        for (const member_record& each : records) used += each.bytes();
        std::vector<std::uint32_t> gone;
        news_.tell(rumors::limit(table.live().size()), [&](std::uint32_t id) {
            const bool of_self = id == member_table::own;
            if (!of_self && table.name(id) == to) return true;
            if (!of_self && table.name(id).empty()) { // forgotten meanwhile
                gone.push_back(id);
                return true;
            }
            member_record each = of_self ? own_record() : table.record(id);
            if (used + each.bytes() > room) return records.empty(); // too large for any message
            used += each.bytes();
            records.push_back(std::move(each));
            ++counts.rumors_told;
            return true;
        });
        for (const std::uint32_t id : gone) news_.stop(id);
    }

    static constexpr unsigned max_health = 8;
    static constexpr std::size_t confirmations = 2; ///< that make a suspicion as short as can be

    static constexpr std::size_t max_checks = 8;
    static constexpr std::uint64_t confirmers = 6;

    std::size_t room_; ///< of a message
    rumors news_;
    std::vector<std::uint32_t> to_check_; ///< suspects to probe before all others
    time_point next_gossip_{};
    std::string twin_; ///< an address that is said to be this one's and is not
    std::uint64_t boot_ = 0;
    std::uint64_t version_ = 0;
    unsigned health_ = 0;
    bool leaving_ = false;
    bool displaced_ = false;

private:
    ring<out> out_;
    std::deque<event> events_;
};

} // namespace joinery::gossip::detail
