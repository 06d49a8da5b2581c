// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/estimates.hpp>
#include <gossip/detail/holdings.hpp>
#include <gossip/detail/message.hpp>
#include <gossip/detail/outbox.hpp>
#include <gossip/detail/pulls.hpp>
#include <gossip/detail/relay.hpp>
#include <gossip/event.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The part of an engine that does not know the state: time, receiving, items.
///
/// State      what its members say; `now` is the time that it has lived through.
/// Invariant  every queue and table has a cap.
class node : public outbox {
public:
    node(config given, std::uint64_t seed, const wire::keyed_hasher& hasher)
        : outbox(std::move(given), seed),
          items(settings.relay_bytes, 4 * settings.max_peers),
          wanted(settings.max_pulls) {
        rename(settings.incarnation, hasher);
    }

    /// Becomes the given incarnation, which has made and received nothing.
    void rename(std::uint64_t incarnation, const wire::keyed_hasher& hasher) {
        outbox::rename(incarnation, hasher);
        items = relay(settings.relay_bytes, 4 * settings.max_peers);
        wanted = pulls(settings.max_pulls);
        have = {};
        next_sequence = 1;
        self_ahead_told_ = false;
    }

    // Time

    void advance(time_point told) {
        const time_point due = clock_.started() ? own_deadline() : time_point::max();
        clock_.advance(told, due, 5 * settings.interval);
        now = clock_.now();
        if (group) group->advance(told);
    }

    /// Something has happened that the others should hear of within the next intervals.
    void stir() {
        const auto size = static_cast<std::uint64_t>(live_count());
        hot_until = now + settings.interval * (8 + 2 * static_cast<int>(std::bit_width(size)));
    }
    bool hot() const { return now < hot_until; }

    /// Something is missing that no news will bring: digests find it sooner than pings do.
    void hurry() { eager_until_ = now + 8 * settings.interval; }
    /// Whether digests are to go out each interval.
    bool eager() const { return group ? now < eager_until_ || (hot() && lossy()) : hot(); }

    /// Zero if nobody has measured it.
    duration round_trip_of(const std::string& address) {
        const peer_record* record = find(address);
        if (record != nullptr && record->known.round_trip != duration::zero())
            return record->known.round_trip;
        const std::uint32_t id = group ? group->table.at_address(address) : nowhere;
        return id == nowhere ? duration::zero() : group->table.at(id).round_trip();
    }

    /// When an answer of the peer is late: at twice its own round trip, else at what is usual.
    time_point retry_deadline(const std::string& peer) {
        duration patience = 2 * round_trip_of(peer);
        if (patience == duration::zero()) patience = trips.patience();
        if (patience == duration::zero() && group) patience = group->trips.patience();
        if (patience == duration::zero()) patience = 2 * settings.interval;
        return now + std::clamp(patience, settings.interval / 16, 8 * settings.interval);
    }

    /// Whether so much is lost that what is said once does not reach all.
    bool lossy() const { return loss.considerable() || (group && group->loss.considerable()); }
    /// How many answers in a row may be missing without telling of the path.
    unsigned by_chance() const {
        return std::max(loss.by_chance(), group ? group->loss.by_chance() : 1);
    }

    /// A new interval's worth of payload may be sent.
    void refill() {
        const std::uint64_t late = late_pulls_ + (group ? group->counts.late_answers : 0);
        lanes_.refill(now, late, settings.interval, stats);
    }

    // Receiving

    /// Opens a datagram and notes its sender; null if nothing is left to handle. Of membership's
    /// messages only what they carry is left.
    peer_record* open(std::string_view from, bytes_view datagram, bytes_view& message,
                      bytes_view& attached, receipt& result) {
        ++stats.datagrams_in;
        stats.bytes_in += datagram.size();
        answering_.clear();
        if (datagram.size() > max_received) return refuse(result, receipt::status::oversized);
        sender& who = sender_;
        const auto opened = frame_.open(datagram, settings.limits, who, message);
        if (opened == receipt::status::old_secret) answer_old(from, datagram);
        if (opened != receipt::status::ok) return refuse(result, opened);
        if (who.address.empty()) who.address = from;
        const std::string& address = who.address;
        if (static_cast<kind>(message[0]) == kind::rekeyed) {
            if (!std::exchange(outdated_told_, true))
                tell({event_kind::secret_outdated, who.name, address, {}, 0, {}});
            return nullptr;
        }
        if (address == settings.address && who.name != settings.name)
            return refuse(result, receipt::status::own_message);
        if (!proven(address) && !unproven_.heard(address, datagram.size(), expects(address),
                                                 [&](const auto& each) { return expects(each); })) {
            ++stats.refused_peers;
            return nullptr;
        }
        peer_record* record = nullptr;
        if (group && is_membership(message[0]))
            record = take_membership(who, address, from, datagram, message, attached, result);
        else
            record = sender_of(who, address, result);
        if (record != nullptr) record->heard_at = now;
        if (record != nullptr && !proven(*record)) {
            answering_ = record->known.address;
            answer_room_ = datagram.size();
        }
        return record;
    }
    void answered() { answering_.clear(); }

    /// What membership wants to tell.
    void follow_group() {
        while (auto each = group->poll_event()) {
            follow(*each);
            tell(std::move(*each));
        }
    }

    // Items

    /// An item has come, from whomever.
    void arrived(const item_key& key, peer_record& from) {
        if (const auto took = wanted.done(key, now)) {
            loss.note(false);
            note_trip(from, *took);
        }
    }
    void note_trip(peer_record& from, duration trip) {
        duration& smooth = from.known.round_trip;
        smooth = smooth == duration::zero() ? trip : (7 * smooth + trip) / 8;
        trips.note(trip);
    }

    /// Notes what the peer has, besides what it has told of lately.
    void add_adverts(peer_record& peer, const std::vector<item_range>& ranges) {
        for (const item_range& each : ranges) {
            const auto touches = [&](const item_range& told) {
                return told.origin == each.origin && told.lo <= each.hi + 1 &&
                       each.lo <= told.hi + 1;
            };
            const auto at = std::find_if(peer.adverts.begin(), peer.adverts.end(), touches);
            if (at == peer.adverts.end()) {
                peer.adverts.push_back(each);
                continue;
            }
            at->lo = std::min(at->lo, each.lo);
            at->hi = std::max(at->hi, each.hi);
        }
        if (peer.adverts.size() > max_adverts) peer.adverts = ranges;
    }

    /// The peer holds this item no more, and so none of its origin that are older.
    void drop_adverts(peer_record& peer, const item_key& key) {
        std::erase_if(peer.adverts, [&](item_range& each) {
            if (each.origin != key.origin || each.lo > key.sequence) return false;
            if (each.hi <= key.sequence) return true;
            each.lo = key.sequence + 1;
            return false;
        });
    }

    /// Pulls what the peer has advertised and this engine never received.
    void pull_from(peer_record& peer) {
        for (const item_range& each : peer.adverts) note_own(each);
        const std::string& source = peer.known.address;
        wanted.plan(peer.adverts, items, source, now, retry_deadline(source), ranges_);
        send_pulls(source, ranges_);
    }

    /// Sends the items of the ranges, several to a datagram, but those that wait to be sent
    /// already. True if some of them had been sent before.
    bool send_items(const std::string& to, const std::vector<item_range>& ranges,
                    std::uint64_t& counter) {
        std::size_t datagrams = 0;
        items_message& message = items_;
        message.items.clear();
        marks_.clear();
        std::size_t used = 0;
        bool again = false;
        std::size_t looked = 0; // ranges may name an item again and again
        const auto flush = [&] {
            if (message.items.empty()) return;
            counter += message.items.size();
            send(to, message, traffic_class::bulk, marks_);
            message.items.clear();
            marks_.clear();
            used = 0;
            ++datagrams;
        };
        for (const item_range& range : ranges) {
            items.for_each(range, [&](const item& each) {
                if (++looked > max_looked) return false;
                const std::uint64_t mark = lanes::mark_of(to, each.key);
                if (lanes_.waits(mark)) return true;
                const std::size_t bytes = item::overhead + each.bytes.size();
                if (message_overhead + used + bytes > room()) flush();
                if (datagrams >= max_replies) return false;
                again = again || lanes_.was_sent(mark);
                marks_.push_back(mark);
                message.items.push_back(each);
                used += bytes;
                return true;
            });
        }
        if (datagrams < max_replies) flush();
        return again;
    }

    /// Sends what was asked for. What was sent and is asked for again and again tells of the path;
    /// what waits here does not: who is slow must not slow the others down, who would slow it down.
    void serve(const std::string& to, const pull_message& message) {
        const bool again = send_items(to, message.ranges, stats.items_relayed);
        if (again && message.tries > by_chance()) ++late_pulls_;
        have.note(to, message.ranges);
        send_gone(to, message.ranges);
    }

    /// Tells one that asked for items which of them are held no more, so that it does not wait.
    void send_gone(const std::string& to, const std::vector<item_range>& ranges) {
        items_message message;
        std::size_t left = std::min((room() - message_overhead) / item::overhead, max_gone);
        std::size_t looked = 0;
        for (const item_range& range : ranges) {
            if (left == 0 || looked > max_looked) break;
            const auto lacking = items.lacking(range, left);
            looked += std::min<std::uint64_t>(range.hi - range.lo, left - 1) + 1;
            for (const item_key& key : lacking) message.items.push_back({key, {}});
            left -= lacking.size();
        }
        if (!message.items.empty()) send(to, message, traffic_class::bulk);
    }

    /// The bytes of a delta that leave its item in one datagram.
    std::size_t item_room() const { return room() - message_overhead - item::overhead; }

    // Others' knowledge of a future of this very incarnation means that its past was lost: what
    // follows must not reuse those numbers.
    void note_own(const item_range& range) {
        if (range.origin != self || range.hi < next_sequence || range.hi > max_sequence) return;
        next_sequence = range.hi + 1;
        if (!std::exchange(self_ahead_told_, true))
            tell({event_kind::self_ahead, settings.name, settings.address, {}, range.hi, {}});
    }

    void retry_overdue() {
        auto again = wanted.overdue(now, by_chance());
        stats.pull_retries += again.items;
        stats.pulls_given_up += again.given_up;
        if (again.given_up > 0) hurry();
        for (auto& [to, ranges] : again.asked) {
            if (to.second == 1) loss.note(true);
            send_pulls(to.first, ranges, to.second);
        }
        std::size_t given_up = 0;
        for (const wire::digest& each : large.overdue(now, given_up)) {
            ++stats.blob_retries;
            fetch_more(each);
        }
        stats.blobs_given_up += given_up;
    }

    // Blobs

    void fetch_more(const wire::digest& digest) {
        // Each source may be the nearest; the deadline is that of a stranger until pieces come.
        auto next = large.next_question(digest, room() - piece_message::overhead,
                                        now + 2 * settings.interval, chance);
        if (next) send(next->to, want_message{digest, std::move(next->ranges)});
    }

    void give_pieces(const std::string& to, const want_message& want) {
        const bytes_view whole = large.find(want.digest);
        std::size_t sent = 0;
        for (const byte_range& each : want.ranges) {
            if (each.offset >= whole.size() || each.length == 0) continue;
            if (sent++ == max_replies) return;
            const std::size_t most = room() - piece_message::overhead;
            const auto length =
                std::min<std::uint64_t>({each.length, most, whole.size() - each.offset});
            ++stats.blob_pieces_sent;
            send(to, piece_message{want.digest, each.offset, whole.subspan(each.offset, length)},
                 traffic_class::bulk);
        }
    }

    time_point next_deadline() const {
        const time_point mine = clock_.outside(own_deadline());
        return group ? std::min(mine, group->next_deadline()) : mine;
    }

    relay items;
    pulls wanted;
    holdings have;
    loss_estimate loss; ///< of items asked for
    round_trips trips;  ///< of items and digests
    time_point now{};
    time_point next_interval = time_point::min();
    time_point hot_until = time_point::min();
    time_point next_news = time_point::max(); ///< when news is to be told
    std::uint64_t next_sequence = 1;

    static constexpr std::size_t max_replies = 64; ///< datagrams that answer one datagram

private:
    static constexpr std::size_t max_gone = 256;
    static constexpr std::size_t max_looked = 8192; ///< items, for one message
    static constexpr std::size_t max_adverts = 256;
    static constexpr std::size_t message_overhead = 1 + 3;
    static constexpr std::size_t max_received = 65'536;
    static constexpr std::uint64_t max_sequence = std::uint64_t{1} << 62U;

    time_point own_deadline() const {
        return std::min({next_interval, next_news, wanted.next_deadline(), large.next_deadline()});
    }

    peer_record* take_membership(const sender& who, const std::string& address,
                                 std::string_view from, bytes_view datagram, bytes_view message,
                                 bytes_view& attached, receipt& result) {
        const auto what = static_cast<kind>(message[0]);
        stats.bytes_in_by_kind[static_cast<std::size_t>(what)] += message.size();
        const std::size_t room = datagram.size() - std::min(datagram.size(), frame_.overhead());
        if (!group->handle(who, address, from, what, message.subspan(1), room, attached))
            return refuse(result, receipt::status::malformed);
        follow_group();
        return find_member(who);
    }

    void retire(const std::string& name, const std::string& address) {
        if (address.empty() || !dismiss(name, address)) return;
        stats.pulls_given_up += wanted.gone(address); // others are asked, or it, elsewhere
        have.forget(address);
    }

    peer_record* sender_of(const sender& who, const std::string& address, receipt& result) {
        if (is_self(who)) return refuse_self(who, address, result);
        if (group) {
            if (group->silent()) return nullptr;
            peer_record* record = find_member(who);
            return record == nullptr ? refuse(result, receipt::status::stale) : record;
        }
        const auto news = known.heard(address, who, now);
        peer_record* record = known.find(address);
        if (record == nullptr) {
            ++stats.refused_peers;
            return nullptr;
        }
        record->known.last_heard = clock_.told();
        if (news == peers::news::up) {
            have.forget(address);
            tell(event_kind::member_up, *record);
        }
        if (news == peers::news::clash) tell({event_kind::id_clash, who.name, address, {}, 0, {}});
        return record;
    }

    bool is_self(const sender& who) const {
        return who.incarnation == settings.incarnation && who.name == settings.name;
    }

    peer_record* refuse_self(const sender& who, const std::string& address, receipt& result) {
        const bool other = address != settings.address && !settings.address.empty() && !group;
        if (other && std::exchange(clash_told_, address) != address)
            tell({event_kind::id_clash, who.name, address, {}, 0, {}});
        return refuse(result, receipt::status::own_message);
    }

    // Keeps the records of those that are talked to in step with the members.
    void follow(const event& happened) {
        switch (happened.kind) {
            case event_kind::member_reborn:
            case event_kind::member_moved:
                retire(happened.name, former_address(happened));
                [[fallthrough]];
            case event_kind::member_up:
                have.forget(happened.address);
                welcome(happened.name);
                break;
            case event_kind::member_changed: welcome(happened.name); break;
            case event_kind::member_down:
            case event_kind::member_left: retire(happened.name, happened.address); break;
            default: break;
        }
    }

    // Whoever still has a former secret is told so, in the frame that it understands.
    void answer_old(std::string_view from, bytes_view datagram) {
        auto bytes = frame_.seal_as(datagram, {static_cast<std::byte>(kind::rekeyed)});
        if (bytes.size() <= datagram.size() && lanes_.size() < settings.max_outgoing)
            lanes_.add(std::string(from), std::move(bytes), true);
    }

    void send_pulls(const std::string& to, const std::vector<item_range>& ranges,
                    std::uint8_t tries = 0) {
        const std::size_t fit = (room() - message_overhead - 8) / item_range::max_bytes;
        for (std::size_t at = 0; at < ranges.size(); at += fit) {
            const auto first = ranges.begin() + static_cast<std::ptrdiff_t>(at);
            const auto count = static_cast<std::ptrdiff_t>(std::min(fit, ranges.size() - at));
            ++stats.pulls;
            const peer_record* from = find(to);
            const std::uint64_t nonce = from == nullptr ? 0 : from->its_nonce;
            pull_.nonce = nonce;
            pull_.tries = tries;
            pull_.ranges.assign(first, first + count);
            send(to, pull_);
        }
    }

    sender sender_; ///< of the latest datagram
    // What is being sent: the next uses its memory again.
    std::vector<item_range> ranges_;
    pull_message pull_;
    items_message items_;
    std::vector<std::uint64_t> marks_;
    std::uint64_t late_pulls_ = 0;
    time_point eager_until_ = time_point::min();
    witnessed_clock clock_;
    bool self_ahead_told_ = false;
    bool outdated_told_ = false;
    std::string clash_told_;
};

} // namespace joinery::gossip::detail
