// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/anti_entropy.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// What engines say to each other about one state: dissemination, blobs, and repair below.
///
/// State      the local items to push.
/// Invariant  an item is joined and relayed once; what is lost on the way is left to repair.
/// Source     pull dissemination: Karp et al. 2000.
template <crdt::replicated State>
class exchange : public anti_entropy<State> {
    using base = anti_entropy<State>;

public:
    using base::base;
    using base::changed;
    using base::local;
    using base::net;

    /// Makes items of a local delta.
    void disseminate(const State& delta) {
        changed();
        crdt::split(delta, net.item_room(), [this](const State& part) {
            const auto bytes = wire::encode_nested(part);
            if (bytes.size() > net.settings.max_blob) {
                net.too_large(bytes.size());
                return;
            }
            const std::uint64_t sequence = net.next_sequence++;
            net.stats.dropped_relay_items += net.items.add({net.self, sequence}, bytes);
            ++net.stats.items_made;
            if (bytes.size() > net.settings.push_bytes) return;
            if (!pushes_.empty() && pushes_.back().hi + 1 == sequence)
                pushes_.back().hi = sequence;
            else if (pushes_.size() < max_pushes)
                pushes_.push_back({net.self, sequence, sequence});
        });
    }

    void tick(time_point now) {
        net.advance(now);
        net.retry_overdue();
        if (net.now < net.next_interval) return;
        net.next_interval = net.now + net.settings.interval;
        for (const peer& gone : net.known.silenced(net.settings, net.now))
            net.tell({event_kind::member_silent, gone.name, gone.address, {}, 0});
        push_turns_ = max_push_turns;
        push();
        const auto stamp = static_cast<std::uint64_t>(net.now.time_since_epoch().count());
        for (const auto& to : net.known.targets(net.settings, net.now, net.chance))
            send_digest(to, 0, stamp);
    }

    std::optional<outgoing> poll(std::span<std::byte> buffer) {
        if (asked()) answer_questions();
        if (push_turns_ > 0 && !pushes_.empty()) {
            --push_turns_; // beyond, updates wait for the interval and travel together
            push();
        }
        return net.poll(buffer);
    }

    void receive(std::string_view from, bytes_view datagram, time_point now, receipt& result) {
        net.advance(now);
        bytes_view message;
        peer_record* peer = net.open(from, datagram, message, result);
        if (peer != nullptr) dispatch(*peer, message, false, result);
        net.stats.index_rebuilds = local.rebuilds();
    }

    void forget_items() { pushes_.clear(); }

private:
    static constexpr std::size_t max_pushes = 1024;
    static constexpr unsigned max_push_turns = 16;

    using base::answer_questions;
    using base::asked;
    using base::handle;
    using base::join;
    using base::quiet;
    using base::refuse_ahead;
    using base::send_context;
    using base::start_session;
    using typename base::outcome;

    void send_digest(const std::string& to, std::uint8_t flags, std::uint64_t nonce) {
        digest_message message;
        message.flags = static_cast<std::uint8_t>(flags | (quiet() ? digest_message::quiet : 0));
        message.nonce = nonce;
        message.schema = local.schema();
        message.root = local.index().root();
        message.context = local.context_digest();
        message.entries = local.index().size();
        std::size_t left = net.room() - digest_message::fixed_bytes;
        const std::size_t for_peers = left / 4;
        std::size_t used = 0;
        for (auto& address : net.known.sample(3, net.chance, to)) {
            if (used + address.size() + 2 > for_peers) continue;
            used += address.size() + 2;
            message.peers.push_back(std::move(address));
        }
        left -= used;
        message.adverts = net.items.adverts(left / item_range::max_bytes);
        net.send(to, message);
    }

    void handle(peer_record& peer, const digest_message& message, receipt&) {
        const bool reply = (message.flags & digest_message::reply) != 0;
        if (reply) measure(peer, message.nonce);
        for (const auto& address : message.peers) net.known.mentioned(address);
        peer.adverts = message.adverts;
        net.pull_from(peer);
        if (!reply) send_digest(peer.known.address, digest_message::reply, message.nonce);
        const wire::digest root = local.index().root();
        if (root != message.root || local.schema() != message.schema) {
            if (!reply) start_session(peer, message, root); // one side is enough
            return;
        }
        peer.repairing = {};
        const wire::digest context = local.context_digest();
        if (context == message.context)
            peer.contexts = {};
        else
            send_context(peer, root, context, message.context);
    }

    void measure(peer_record& peer, std::uint64_t nonce) {
        const auto sent = time_point(duration(static_cast<std::int64_t>(nonce)));
        if (sent > net.now || net.now - std::chrono::seconds(10) > sent) return;
        const duration trip = std::max(net.now - sent, duration(1));
        duration& smooth = peer.known.round_trip;
        smooth = smooth == duration::zero() ? trip : (7 * smooth + trip) / 8;
    }

    // Items

    void push() {
        if (pushes_.empty()) return;
        for (const auto& to : net.known.sample(net.settings.fanout, net.chance))
            net.send_items(to, pushes_, net.stats.pushes);
        pushes_.clear();
    }

    void handle(peer_record& peer, const pull_message& message, receipt&) {
        net.send_items(peer.known.address, message.ranges, net.stats.items_relayed);
    }

    void handle(peer_record& peer, const items_message& message, receipt& result) {
        for (const item& each : message.items) {
            if (net.items.received(each.key)) {
                ++net.stats.items_duplicate;
                net.wanted.done(each.key);
                continue;
            }
            net.note_own({each.key.origin, each.key.sequence, each.key.sequence});
            std::uint64_t needed_ms = 0;
            switch (join(peer, each.bytes, needed_ms, nullptr)) {
                case outcome::joined:
                    net.stats.dropped_relay_items += net.items.add(each.key, each.bytes);
                    ++net.stats.items_received;
                    net.wanted.done(each.key);
                    break;
                case outcome::malformed:
                    // Pulled again it would be no better; if it was ours to have, repair brings it.
                    net.items.note(each.key);
                    net.wanted.done(each.key);
                    net.refuse(result, receipt::status::malformed);
                    break;
                case outcome::ahead:
                    net.wanted.hold_off(each.key, needed_ms);
                    refuse_ahead(peer, needed_ms, result);
                    break;
            }
        }
        if (net.wanted.wants_more(peer.known.address)) net.pull_from(peer);
    }

    // Blobs

    void handle(peer_record& peer, const offer_message& message, receipt& result) {
        if (!net.large.acceptable(message.length)) {
            net.refuse(result, receipt::status::oversized);
        } else if (net.large.accept(message, peer.known.address)) {
            ++net.stats.blobs_received;
            net.fetch_more(message.digest);
        }
    }

    void handle(peer_record& peer, const want_message& message, receipt&) {
        net.give_pieces(peer.known.address, message);
    }

    void handle(peer_record& peer, const piece_message& message, receipt& result) {
        std::vector<std::byte> whole;
        switch (net.large.take(message, whole)) {
            case blobs::progress::useless: break;
            case blobs::progress::more: net.fetch_more(message.digest); break;
            case blobs::progress::wrong: ++net.stats.blobs_failed; break;
            case blobs::progress::complete:
                ++net.stats.blobs_verified;
                dispatch(peer, whole, true, result);
                break;
        }
    }

    // Dispatch

    template <class Message>
    void decode(peer_record& peer, bytes_view body, receipt& result) {
        Message message;
        if (decode_body(body, net.settings.limits, message))
            handle(peer, message, result);
        else
            net.refuse(result, receipt::status::malformed);
    }

    void dispatch(peer_record& peer, bytes_view message, bool fetched, receipt& result) {
        const auto number = std::to_integer<std::uint8_t>(message.front());
        const bytes_view body = message.subspan(1);
        if (number < net.stats.bytes_in_by_kind.size())
            net.stats.bytes_in_by_kind[number] += fetched ? 0 : message.size();
        switch (static_cast<kind>(number)) {
            case kind::digest: return decode<digest_message>(peer, body, result);
            case kind::pull: return decode<pull_message>(peer, body, result);
            case kind::items: return decode<items_message>(peer, body, result);
            case kind::summary: return decode<summary_message>(peer, body, result);
            case kind::list: return decode<list_message>(peer, body, result);
            case kind::list_reply: return decode<list_reply_message>(peer, body, result);
            case kind::ask: return decode<ask_message>(peer, body, result);
            case kind::answer: return decode<answer_message>(peer, body, result);
            case kind::context: return decode<context_message>(peer, body, result);
            case kind::fields: return decode<fields_message>(peer, body, result);
            case kind::offer:
            case kind::want:
            case kind::piece: break;
        }
        if (fetched) { // a blob within a blob would have no bound
            net.refuse(result, receipt::status::malformed);
            return;
        }
        switch (static_cast<kind>(number)) {
            case kind::offer: return decode<offer_message>(peer, body, result);
            case kind::want: return decode<want_message>(peer, body, result);
            case kind::piece: return decode<piece_message>(peer, body, result);
            default: net.refuse(result, receipt::status::malformed);
        }
    }

    std::vector<item_range> pushes_;
    unsigned push_turns_ = 0;
};

} // namespace joinery::gossip::detail
