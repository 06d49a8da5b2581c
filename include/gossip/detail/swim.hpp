// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/frame.hpp>
#include <gossip/detail/prober.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// Membership without its frame: what members say to each other, and when.
///
/// State      as its bases; when to look for seeds and the dead; a synchronisation under way.
/// Invariant  before an address has returned a number, it is told no more than it has said.
/// Cost       idle: a ping and an ack a period, of a size that no cluster's size changes.
/// Source     SWIM, Lifeguard; tables are compared by sums of 32 parts (Demers et al. 1987).
class swim : public prober {
public:
    using prober::prober;

    /// Time goes on to `told`; tick does what is due.
    void advance(time_point told) {
        if (clock.advance(told, deadline(), settings.probe_interval)) {
            ++counts.stalls;
            degrade(2);
        }
    }

    void tick() {
        if (silent() && !leaving_) return;
        drop_overdue();
        if (!leaving_) {
            step_probe();
            bury_overdue();
            if (now() >= next_seek_) seek();
            if (!twin_.empty() && now() >= next_twin_) ask_twin();
        }
        if (now() >= next_gossip_) gossip();
    }

    time_point deadline() const {
        if (displaced_) return time_point::max();
        time_point next = news_.empty() ? time_point::max() : next_gossip_;
        if (leaving_) return next;
        if (!twin_.empty()) next = std::min(next, next_twin_);
        return std::min({next, probe_deadline(), next_seek_});
    }
    time_point next_deadline() const { return clock.outside(deadline()); }

    /// Takes a message of `who` at `address` in, that came from `from`; `room` is how long an
    /// answer to a stranger may be. False if it is malformed.
    bool handle(const sender& who, const std::string& address, std::string_view from, kind what,
                bytes_view body, std::size_t room, bytes_view& attached) {
        if (silent() && !(displaced_ && who.name == settings.name)) return true;
        const std::uint64_t source = wire::content_hash64(bytes_of(from));
        switch (what) {
            case kind::ping:
            case kind::ack: return handle_probe(who, address, source, what, body, room, attached);
            case kind::ping_for:
                return with<ping_for_message>(who, body,
                                              [&](const auto& m) { handle(address, m); });
            case kind::nack:
                return with<nack_message>(who, body, [&](const auto& m) {
                    if (probe_.id != nowhere && probe_.nonce == m.nonce) ++probe_.nacks;
                });
            case kind::rumors:
                return with<rumors_message>(who, body, [&](const auto& m) {
                    for (const member_record& each : m.records) learn(each, source);
                });
            case kind::sync:
                return with<sync_message>(who, body, [&](const auto& m) { handle(who.name, m); });
            case kind::page:
                return with<page_message>(who, body,
                                          [&](const auto& m) { handle(who.name, source, m); });
            default: return false;
        }
    }

    void leave() {
        if (std::exchange(leaving_, true)) return;
        set_version(version_ + 1);
        table.count(settings.name, version_, false);
        news_.start(member_table::own);
        for (int again = 0; again < 2; ++again) gossip();
    }

    /// Whether the stranger that join_requested told of may come in.
    void admit(const std::string& name, bool yes) {
        if (judged_.size() >= settings.max_members) judged_.erase(judged_.begin());
        judged_[name] = yes;
    }

    /// Pings a member that has not proven yet that it is where it says.
    void challenge(std::uint32_t id) {
        if (table.at(id).verified || now() < next_challenge_) return;
        next_challenge_ = now() + settings.probe_timeout / 16;
        verify(id);
    }

    /// What was to be sent there was more than may be said to an address that has not proven
    /// itself.
    void held_back(const std::string& address) {
        const std::uint32_t id = table.at_address(address);
        if (id != nowhere && !table.at(id).verified) table.at(id).held_back = true;
    }

private:
    // From a member alone; from one that is verified if it is to be answered.
    template <class Message, class F>
    bool with(const sender& who, bytes_view body, F&& f) {
        constexpr bool answered = Message::of == kind::sync || Message::of == kind::ping_for;
        Message message;
        bytes_view rest;
        if (!decode_front(body, message, rest)) return false;
        const std::uint32_t id = table.find(who.name);
        const bool known = id != nowhere && (table.at(id).verified || !answered);
        if (known && table.texts(id).incarnation == who.incarnation)
            f(message);
        else
            ++counts.strangers;
        return true;
    }

    // Ping and ack

    bool handle_probe(const sender& who, const std::string& address, std::uint64_t source,
                      kind what, bytes_view body, std::size_t room, bytes_view& attached) {
        probe_message message;
        bytes_view rest;
        if (!decode_front(body, message, rest)) return false;
        wire::reader r(rest);
        attached = get_bytes(r);
        if (!r.ok()) return false;
        if (who.name == settings.name) {
            meet_twin(address, what, message);
            return true;
        }
        if (what == kind::ack) {
            if (!close(message.nonce, answered_)) {
                ++counts.replays;
                return true;
            }
            heard_ = now();
        }
        if (!may_come_in(who, address, message)) return true;
        introduce(who, address, source, message.self);
        for (const member_record& each : message.records) learn(each, source);
        if (what == kind::ack) take_answer(who, address, message, answered_);
        const std::uint32_t id = table.find(who.name);
        if (id == nowhere) return true;
        table.at(id).last_heard = clock.told();
        if (what == kind::ping) answer(id, address, message, room);
        if (message.self.table != table.total() && table.at(id).verified) synchronise(id);
        return true;
    }

    bool may_come_in(const sender& who, const std::string& address, const probe_message& message) {
        if (!settings.confirm_joins || table.find(who.name) != nowhere) return true;
        if (const auto at = judged_.find(who.name); at != judged_.end()) return at->second;
        if (table.live().empty() || asked_.contains(who.name)) return table.live().empty();
        if (asked_.size() >= settings.max_members) asked_.clear();
        asked_.insert(who.name);
        event wish{event_kind::join_requested, who.name, address, {}, 0, {}};
        for (const member_record& each : message.records) wish.names.push_back(each.name);
        tell(std::move(wish));
        return false;
    }

    // What the sender's frame and its first words say of it.
    void introduce(const sender& who, const std::string& address, std::uint64_t source,
                   const self_part& self) {
        const std::uint32_t id = table.find(who.name);
        if (id == nowhere || newer(self.version, table.at(id).version)) {
            member_record said{who.name, self.version, member_status::alive,
                               0,        self.boot,    who.incarnation,
                               address,  {},           {}};
            if (id != nowhere) {
                const member_texts known = table.texts(id);
                said.zone = known.zone;
                said.metadata.assign(known.metadata.begin(), known.metadata.end());
            }
            learn(said, source, true);
            const std::uint32_t at = table.find(who.name);
            if (at != nowhere) table.at(at).complete = false;
        }
    }

    void answer(std::uint32_t id, const std::string& address, const probe_message& asked,
                std::size_t room) {
        const member& m = table.at(id);
        const bool stranger = !m.verified || table.address(id) != address;
        probe_message reply;
        reply.nonce = asked.nonce;
        reply.self = self();
        std::size_t left = probe_room();
        const bool attach = !stranger || room >= probe_message::fixed_bytes + max_attachment;
        if (stranger) {
            const std::size_t bare = probe_message::fixed_bytes + (attach ? max_attachment : 1);
            if (room < bare) return;
            left = std::min(left, room - bare);
            reply.challenge =
                open_question(purpose::challenge, table.name(id), address, settings.probe_interval)
                    .nonce;
        }
        const auto add = [&](member_record said) {
            if (said.bytes() > left) {
                reply.flags |= probe_message::speak_up;
                return;
            }
            left -= said.bytes();
            reply.records.push_back(std::move(said));
        };
        // Who is said to be dead, or has forgotten what it once was, learns that here.
        if (asked.self.version != m.version || asked.self.boot != m.boot ||
            m.status != member_status::alive)
            add(table.record(id));
        if ((asked.flags & probe_message::tell_me) != 0) add(own_record());
        if (!m.complete) reply.flags |= probe_message::tell_me;
        if (!stranger) add_news(reply.records, probe_room(), table.name(id));
        send_probe(address, kind::ack, reply, 0, attach);
    }

    void take_answer(const sender& who, const std::string& address, const probe_message& message,
                     const question& asked) {
        if (asked.why == purpose::relay) {
            probe_message reply;
            reply.nonce = asked.its_nonce;
            reply.self = self();
            const std::uint32_t id = table.find(who.name);
            if (id != nowhere && !table.at(id).doubted) // as below: a doubt is told to nobody
                reply.records.push_back(table.record(id));
            send_probe(asked.requester, kind::ack, reply);
        }
        probe_answered(message.nonce, who.name == asked.name);
        const std::uint32_t id = table.find(who.name);
        const bool itself = asked.name.empty() || asked.name == who.name;
        if (id == nowhere || !itself || asked.address != address) return;
        member& m = table.at(id);
        if (table.address(id) != address && m.boot == message.self.boot) { // it answers from there
            table.move(id, address);
            tell(event_kind::member_moved, id);
        }
        table.verify(id);
        const duration trip = std::max(now() - asked.sent, duration(1));
        if (asked.why != purpose::challenge) {
            trips.note(trip);
            m.note_trip(trip);
        }
        if ((message.flags & probe_message::speak_up) != 0 && asked.why != purpose::seek)
            ping(address, who.name, purpose::seek, settings.probe_interval,
                 probe_message::speak_up);
        if (message.challenge != 0 || (message.flags & probe_message::tell_me) != 0) {
            probe_message reply;
            reply.nonce = message.challenge;
            reply.self = self();
            if ((message.flags & probe_message::tell_me) != 0)
                reply.records.push_back(own_record());
            if (message.challenge != 0)
                send_probe(address, kind::ack, reply);
            else
                send(address, rumors_message{std::move(reply.records)});
        }
    }

    void handle(const std::string& requester, const ping_for_message& message) {
        if (message.name == settings.name) return;
        question& asked =
            open_question(purpose::relay, message.name, message.address, settings.probe_timeout);
        asked.requester = requester;
        asked.its_nonce = message.nonce;
        const std::uint32_t id = table.find(message.name);
        if (id != nowhere && table.at(id).verified && table.address(id) == message.address)
            return send_ping(asked.nonce, message.address, message.name, 0);
        probe_message bare; // whoever asks could name any address: that is told little
        bare.nonce = asked.nonce;
        bare.self = self();
        if (id != nowhere && table.at(id).status != member_status::alive)
            bare.records.push_back(table.record(id)); // so that it can deny it
        send_probe(message.address, kind::ping, bare, least_bytes);
    }

    // Two of one name

    void ask_twin() {
        next_twin_ = now() + settings.probe_interval;
        ping(std::exchange(twin_, {}), settings.name, purpose::twin, settings.probe_interval);
    }

    // The one with the greater number of its boot, or address, stays; the other is silent.
    void meet_twin(const std::string& address, kind what, const probe_message& message) {
        const bool own =
            message.self.boot == boot_ && (address == settings.address || settings.address.empty());
        if (own) return;
        if (what == kind::ping) {
            probe_message reply;
            reply.nonce = message.nonce;
            reply.self = self();
            send_probe(address, kind::ack, reply);
            if (!clash_told_) twin_ = address;
            return;
        }
        const question* open = find_question(message.nonce);
        if (open == nullptr || open->why != purpose::twin) return;
        close(message.nonce);
        const bool wins =
            std::pair(boot_, settings.address) > std::pair(message.self.boot, address);
        if (!std::exchange(clash_told_, true))
            tell({wins ? event_kind::id_clash : event_kind::displaced,
                  settings.name,
                  address,
                  {},
                  0,
                  {}});
        if (!wins) {
            displaced_ = true;
        } else if (newer(message.self.version, version_)) {
            set_version(message.self.version);
            announce();
        }
    }

    // News, seeds, the dead

    void gossip() {
        next_gossip_ = now() + settings.gossip_interval;
        if (news_.empty()) return;
        const auto to = sample(settings.gossip_fanout, [](std::uint32_t) { return true; });
        for (const std::uint32_t id : to) {
            rumors_message message;
            add_news(message.records, room_ - 4, table.name(id));
            if (message.records.empty()) break;
            send(table.address(id), message);
        }
        if (to.empty()) news_ = {}; // whoever comes gets it all from the table
    }

    // Looks for members where there may be some: at the seeds and at the dead. Each of these is
    // looked for about three times an interval by all together.
    void seek() {
        table.forget(now() - settings.forget_after);
        std::vector<std::pair<std::string, std::string>> there; // address, name
        for (const auto& seed : settings.seeds) {
            const std::uint32_t id = table.at_address(seed);
            const bool live = id != nowhere && table.at(id).live();
            if (!live && seed != settings.address) there.emplace_back(seed, "");
        }
        table.for_each_dead(
            [&](std::uint32_t id) { there.emplace_back(table.address(id), table.name(id)); });
        const bool alone = table.live().empty();
        lonely_ = alone ? std::min(lonely_ + 1, 5U) : 0;
        duration wait = settings.retry_interval;
        if (alone) wait = std::min(wait, settings.probe_interval / 2 * (1U << (lonely_ - 1)));
        next_seek_ = now() + wait;
        for (std::size_t each = 0; each < (alone ? 3U : 1U) && !there.empty(); ++each) {
            if (!alone && !chance.chance(3 * there.size(), table.live().size() + 1)) return;
            std::swap(there[chance.below(there.size())], there.back());
            ping(there.back().first, there.back().second, purpose::seek, settings.probe_interval,
                 probe_message::joining);
            there.pop_back();
        }
    }

    // Tables

    void synchronise(std::uint32_t with) {
        if (now() < next_sync_) return;
        ++counts.syncs;
        pages_left_ = max_pages;
        sync_with_ = table.name(with);
        vain_syncs_ = sync_total_ == table.total() ? std::min(vain_syncs_ + 1, 5U) : 0;
        sync_total_ = table.total();
        next_sync_ = now() + settings.probe_interval * (1U << vain_syncs_);
        send(table.address(with), sync_message{0, {}, table.sums()});
    }

    void handle(const std::string& name, const sync_message& message) {
        const std::uint32_t asker = table.find(name);
        page_message page{buckets, {}, {}};
        std::size_t left = room_ - std::min<std::size_t>(room_, 8);
        std::size_t longest = message.after.size(); // of the names that the page may end with
        const auto own = table.sums();
        const auto add = [&](member_record said) {
            const std::size_t end = std::max(longest, said.name.size());
            if (said.bytes() + end > left) return page.records.empty(); // too large for any page
            longest = end;
            left -= said.bytes();
            page.records.push_back(std::move(said));
            return true;
        };
        if (message.from == 0 && message.after.empty()) add(own_record());
        for (std::uint8_t b = message.from; b < buckets; ++b) {
            if (static_cast<std::uint32_t>(own[b]) == message.sums[b]) continue;
            page.after = b == message.from ? message.after : std::string{};
            if (add_bucket(b, page.after, add)) continue;
            page.next = b;
            break;
        }
        ++counts.pages;
        send(table.address(asker), page);
    }

    template <class Add>
    bool add_bucket(std::uint8_t bucket, std::string& after, Add&& add) {
        for (const auto& [hash, id] : table.bucket(bucket, after)) {
            const member& m = table.at(id);
            if (m.live() && !add(table.record(id, member_status::alive))) return false;
            const bool tell_state = m.status != member_status::alive && !m.doubted;
            if (tell_state && !add(table.record(id))) return false;
            after = table.name(id);
        }
        return true;
    }

    void handle(const std::string& name, std::uint64_t source, const page_message& message) {
        if (name != sync_with_ || pages_left_ == 0) return;
        --pages_left_;
        const std::uint64_t before = table.total();
        for (const member_record& each : message.records) learn(each, source);
        if (message.next >= buckets) {
            pages_left_ = 0;
            if (table.total() != before) vain_syncs_ = 0;
            return;
        }
        const std::uint32_t id = table.find(name);
        sync_message next{message.next, message.after, table.sums()};
        // What has just been learnt of the part under way must not end it.
        next.sums[message.next % buckets] = ~next.sums[message.next % buckets];
        if (id != nowhere) send(table.address(id), next);
    }

    static constexpr unsigned max_pages = 512;

    time_point next_seek_{};
    time_point next_sync_{};
    time_point next_twin_{};
    time_point next_challenge_{};
    unsigned lonely_ = 0;
    unsigned pages_left_ = 0;
    unsigned vain_syncs_ = 0;
    std::uint64_t sync_total_ = 0;
    std::string sync_with_;
    question answered_; ///< the latest
    std::map<std::string, bool> judged_;
    std::set<std::string> asked_;
    bool clash_told_ = false;
};

} // namespace joinery::gossip::detail
