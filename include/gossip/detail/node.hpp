// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/config.hpp>
#include <gossip/detail/blobs.hpp>
#include <gossip/detail/frame.hpp>
#include <gossip/detail/message.hpp>
#include <gossip/detail/peers.hpp>
#include <gossip/detail/pulls.hpp>
#include <gossip/detail/relay.hpp>
#include <gossip/event.hpp>
#include <gossip/random.hpp>
#include <gossip/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The part of an engine that does not know the state: time, peers, items, blobs, queues.
///
/// State      what its members say; `now` is the latest time it was told.
/// Invariant  every queue and table has a cap; no datagram is above the configured size.
class node {
public:
    node(config given, std::uint64_t seed, const wire::keyed_hasher& hasher)
        : settings(std::move(given)),
          chance(wire::mix(seed, identity(settings).value)),
          known(settings),
          items(settings.relay_bytes, 4 * settings.max_peers),
          wanted(settings.max_pulls),
          large(settings.max_blob + blob_overhead, settings.relay_bytes) {
        if (settings.name.size() > max_text || settings.address.size() > max_text)
            throw std::invalid_argument("gossip: name or address above 255 bytes");
        rename(settings.incarnation, hasher);
        if (settings.max_datagram < frame_.overhead() + least_room)
            throw std::invalid_argument("gossip: max_datagram is too small");
        if (settings.interval <= duration::zero())
            throw std::invalid_argument("gossip: interval must be positive");
    }

    /// Becomes the given incarnation, which has made and received nothing.
    void rename(std::uint64_t incarnation, const wire::keyed_hasher& hasher) {
        settings.incarnation = incarnation;
        self = identity(settings);
        frame_ = frame(settings.cluster, hasher, {settings.name, incarnation, settings.address});
        items = relay(settings.relay_bytes, 4 * settings.max_peers);
        wanted = pulls(settings.max_pulls);
        next_sequence = 1;
        self_ahead_told_ = false;
    }

    // Time

    /// Time never goes back here, and stays where sums with it cannot overflow.
    void advance(time_point to) {
        constexpr auto far = time_point(duration(std::int64_t{1} << 61U));
        to = std::clamp(to, -far.time_since_epoch() + time_point{}, far);
        now = started ? std::max(now, to) : to;
        started = true;
    }

    time_point retry_deadline(const std::string& peer) {
        const peer_record* at = known.find(peer);
        const duration measured = at == nullptr ? duration::zero() : at->known.round_trip;
        const duration patience =
            measured == duration::zero() ? 2 * settings.interval : 2 * measured;
        return now + std::clamp(patience, settings.interval / 16, 8 * settings.interval);
    }

    // Sending

    /// The bytes of a message that fit into one datagram.
    std::size_t room() const { return settings.max_datagram - frame_.overhead(); }

    template <class Message>
    void send(const std::string& to, const Message& message,
              traffic_class cls = traffic_class::urgent) {
        send_bytes(to, encode_message(message), cls);
    }

    void send_bytes(const std::string& to, std::vector<std::byte> message, traffic_class cls) {
        if (message.size() > room()) {
            if (!large.acceptable(message.size())) {
                too_large(message.size());
                return;
            }
            ++stats.blobs_offered;
            message = encode_message(large.serve(std::move(message)));
        }
        auto& lane = cls == traffic_class::urgent ? urgent_ : bulk_;
        if (urgent_.size() + bulk_.size() >= settings.max_outgoing) {
            ++stats.dropped_outgoing;
            return;
        }
        stats.bytes_out_by_kind[std::to_integer<std::size_t>(message[0])] += message.size();
        lane.emplace_back(to, frame_.seal(message));
    }

    std::optional<outgoing> poll(std::span<std::byte> buffer) {
        while (!urgent_.empty() || !bulk_.empty()) {
            const auto cls = urgent_.empty() ? traffic_class::bulk : traffic_class::urgent;
            auto& lane = urgent_.empty() ? bulk_ : urgent_;
            auto [to, datagram] = std::move(lane.front());
            lane.pop_front();
            if (datagram.size() > buffer.size()) {
                ++stats.dropped_outgoing;
                continue;
            }
            std::memcpy(buffer.data(), datagram.data(), datagram.size());
            ++stats.datagrams_out;
            stats.bytes_out += datagram.size();
            return outgoing{std::move(to), datagram.size(), cls};
        }
        return std::nullopt;
    }

    // Events

    void tell(event happened) {
        if (events_.size() >= std::max<std::size_t>(settings.max_events, 1)) {
            events_.pop_front();
            ++stats.dropped_events;
        }
        events_.push_back(std::move(happened));
    }
    void tell(event_kind kind, const peer_record& about, std::uint64_t amount = 0) {
        tell({kind, about.known.name, about.known.address, {}, amount});
    }
    void too_large(std::size_t bytes) {
        ++stats.items_too_large;
        tell({event_kind::item_too_large, settings.name, settings.address, {}, bytes});
    }
    std::optional<event> poll_event() {
        if (events_.empty()) return std::nullopt;
        event first = std::move(events_.front());
        events_.pop_front();
        return first;
    }

    // Receiving

    /// Opens a datagram and notes its sender, null if there is nothing to handle.
    peer_record* open(std::string_view from, bytes_view datagram, bytes_view& message,
                      receipt& result) {
        ++stats.datagrams_in;
        stats.bytes_in += datagram.size();
        if (datagram.size() > max_received) return refuse(result, receipt::status::oversized);
        sender who;
        const auto opened = frame_.open(datagram, settings.limits, who, message);
        if (opened != receipt::status::ok) return refuse(result, opened);
        const std::string address = who.address.empty() ? std::string(from) : who.address;
        if (crdt::replica_id::of(who.name, who.incarnation) == self)
            return refuse_self(who, address, result);
        if (address == settings.address) return refuse(result, receipt::status::own_message);
        const auto news = known.heard(address, who, now);
        peer_record* record = known.find(address);
        if (record == nullptr) {
            ++stats.refused_peers;
            return nullptr;
        }
        if (news == peers::news::up) tell(event_kind::member_up, *record);
        if (news == peers::news::clash) tell({event_kind::id_clash, who.name, address, {}, 0});
        return record;
    }

    peer_record* refuse(receipt& result, enum receipt::status why) {
        result.status = why;
        stats.refused_foreign += why == receipt::status::foreign_cluster ? 1U : 0U;
        stats.refused_malformed += why == receipt::status::malformed ? 1U : 0U;
        stats.refused_oversized += why == receipt::status::oversized ? 1U : 0U;
        stats.refused_own += why == receipt::status::own_message ? 1U : 0U;
        stats.refused_clock += why == receipt::status::clock_too_far_ahead ? 1U : 0U;
        return nullptr;
    }

    // Items

    /// Pulls what the peer has advertised and this engine never received.
    void pull_from(peer_record& peer) {
        for (const item_range& each : peer.adverts) note_own(each);
        const std::string& source = peer.known.address;
        auto ranges = wanted.plan(peer.adverts, items, source, now, retry_deadline(source));
        send_pulls(source, ranges);
    }

    /// Sends the items of the ranges, several to a datagram.
    void send_items(const std::string& to, const std::vector<item_range>& ranges,
                    std::uint64_t& counter) {
        std::size_t datagrams = 0;
        items_message message;
        std::size_t used = 0;
        const auto flush = [&] {
            if (message.items.empty()) return;
            counter += message.items.size();
            send(to, message, traffic_class::bulk);
            message.items.clear();
            used = 0;
            ++datagrams;
        };
        for (const item_range& range : ranges) {
            items.for_each(range, [&](const item& each) {
                const std::size_t bytes = item::overhead + each.bytes.size();
                if (message_overhead + used + bytes > room()) flush();
                if (datagrams >= max_replies) return false;
                message.items.push_back(each);
                used += bytes;
                return true;
            });
        }
        if (datagrams < max_replies) flush();
    }

    /// The bytes of a delta that leave its item in one datagram.
    std::size_t item_room() const { return room() - message_overhead - item::overhead; }

    // Others' knowledge of a future of this very incarnation means that its past was lost: what
    // follows must not reuse those numbers.
    void note_own(const item_range& range) {
        if (range.origin != self || range.hi < next_sequence || range.hi > max_sequence) return;
        next_sequence = range.hi + 1;
        if (!std::exchange(self_ahead_told_, true))
            tell({event_kind::self_ahead, settings.name, settings.address, {}, range.hi});
    }

    void retry_overdue() {
        auto again = wanted.overdue(now, now + 2 * settings.interval);
        stats.pull_retries += again.items;
        stats.pulls_given_up += again.given_up;
        for (auto& [source, ranges] : again.by_source) send_pulls(source, ranges);
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
        if (!started) return time_point::min();
        return std::min({next_interval, wanted.next_deadline(), large.next_deadline()});
    }

    config settings;
    crdt::replica_id self;
    random chance;
    gossip::statistics stats;
    peers known;
    relay items;
    pulls wanted;
    blobs large;
    time_point now{};
    time_point next_interval = time_point::min();
    bool started = false;
    std::uint64_t next_sequence = 1;

    static constexpr std::size_t max_replies = 64; ///< datagrams that answer one datagram

private:
    static constexpr std::size_t least_room = 192;
    static constexpr std::size_t message_overhead = 1 + 3;
    static constexpr std::size_t blob_overhead = 1024;
    static constexpr std::size_t max_received = 65'536;
    static constexpr std::uint64_t max_sequence = std::uint64_t{1} << 62U;

    static crdt::replica_id identity(const config& of) {
        return crdt::replica_id::of(of.name, of.incarnation);
    }

    peer_record* refuse_self(const sender& who, const std::string& address, receipt& result) {
        const bool other = address != settings.address && !settings.address.empty();
        if (other && std::exchange(clash_told_, address) != address)
            tell({event_kind::id_clash, who.name, address, {}, 0});
        return refuse(result, receipt::status::own_message);
    }

    void send_pulls(const std::string& to, const std::vector<item_range>& ranges) {
        const std::size_t fit = (room() - message_overhead) / item_range::max_bytes;
        for (std::size_t at = 0; at < ranges.size(); at += fit) {
            const auto first = ranges.begin() + static_cast<std::ptrdiff_t>(at);
            const auto count = static_cast<std::ptrdiff_t>(std::min(fit, ranges.size() - at));
            ++stats.pulls;
            send(to, pull_message{{first, first + count}});
        }
    }

    frame frame_;
    std::deque<std::pair<std::string, std::vector<std::byte>>> urgent_;
    std::deque<std::pair<std::string, std::vector<std::byte>>> bulk_;
    std::deque<event> events_;
    bool self_ahead_told_ = false;
    std::string clash_told_;
};

} // namespace joinery::gossip::detail
