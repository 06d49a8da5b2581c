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
/// State      the local items to push; the items to tell the neighbours of.
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

    /// Takes a local delta up. Those of one turn of the application travel as one.
    void disseminate(const State& delta) {
        changed();
        if (joined_++ == 0)
            unsent_ = delta;
        else
            crdt::merge(unsent_, delta);
        if (joined_ == max_joined) number();
    }

    /// Makes items of the local deltas that were taken up.
    void number() {
        if (std::exchange(joined_, 0) == 0) return;
        crdt::split(std::exchange(unsent_, State{}), net.item_room(),
                    [this](const State& part) { make_item(wire::encode_nested(part)); });
    }

    void tick(time_point now) {
        net.advance(now);
        if (net.group && net.group->deadline() <= net.group->now()) {
            net.group->tick();
            net.follow_group();
            say();
        }
        net.retry_overdue();
        number();
        if (net.now >= net.next_news) tell_news();
        if (net.now < net.next_interval) return;
        net.next_interval = net.now + net.settings.interval;
        net.refill();
        push_turns_ = max_push_turns;
        push();
        this->continue_sessions();
        for (const auto& to : targets()) send_digest(to, 0, 0);
    }

    std::optional<outgoing> poll(std::span<std::byte> buffer) {
        if (asked()) answer_questions();
        if (net.group) say();
        number();
        if (push_turns_ > 0 && !pushes_.empty()) {
            --push_turns_; // beyond, updates wait for the interval and travel together
            push();
        }
        if (net.now >= next_turn_) tell_news();
        return net.poll(buffer);
    }

    void receive(std::string_view from, bytes_view datagram, time_point now, receipt& result) {
        net.advance(now);
        bytes_view message;
        bytes_view attached;
        peer_record* peer = net.open(from, datagram, message, attached, result);
        if (peer != nullptr && !attached.empty())
            take_attached(*peer, static_cast<kind>(message.front()), attached, result);
        else if (peer != nullptr && !(net.group && net.is_membership(message.front())))
            dispatch(*peer, message, false, result);
        if (net.group) say();
        net.answered();
        net.stats.index_rebuilds = local.rebuilds();
    }

    void forget_items() {
        pushes_.clear();
        news_.clear();
        unsent_ = {};
        joined_ = 0;
    }

private:
    static constexpr std::size_t max_joined = 256;
    static constexpr std::size_t max_pushes = 1024;
    static constexpr unsigned max_push_turns = 16;
    static constexpr int turns = 2;              ///< of news an interval
    static constexpr std::size_t max_fresh = 32; ///< ranges told on one difference

    using base::answer_questions;
    using base::asked;
    using base::handle;
    using base::join;
    using base::quiet;
    using base::refuse_ahead;
    using base::send_context;
    using base::start_session;
    using typename base::outcome;

    void make_item(const std::vector<std::byte>& bytes) {
        if (bytes.size() > net.settings.max_blob) {
            net.too_large(bytes.size());
            return;
        }
        const std::uint64_t sequence = net.next_sequence++;
        net.stats.dropped_relay_items += net.items.add({net.self, sequence}, bytes);
        ++net.stats.items_made;
        auto& told = bytes.size() > net.settings.push_bytes ? news_ : pushes_;
        if (told.size() < max_pushes) note(told, {net.self, sequence});
        plan_news();
    }

    // Ranges that could have been one cost bytes alone, so that only the last are looked at.
    static void note(std::vector<item_range>& ranges, const item_key& key) {
        const std::size_t end = ranges.size() - std::min<std::size_t>(ranges.size(), 8);
        for (std::size_t at = ranges.size(); at > end; --at) {
            item_range& each = ranges[at - 1];
            if (each.origin != key.origin || each.hi + 1 != key.sequence) continue;
            each.hi = key.sequence;
            return;
        }
        ranges.push_back({key.origin, key.sequence, key.sequence});
    }

    // News

    void plan_news() {
        if (net.group && !news_.empty()) net.next_news = std::max(next_turn_, net.now);
    }

    /// Tells the neighbours what has come since the last turn. They tell theirs.
    void tell_news() {
        net.next_news = time_point::max();
        if (news_.empty()) return;
        next_turn_ = net.now + net.settings.interval / turns;
        if (net.group) // without it the digests do it
            for (const auto& to : net.successors()) advertise(to, news_);
        news_.clear();
    }

    void advertise(const std::string& to, const std::vector<item_range>& ranges) {
        net.have.lacking(to, ranges, lacking_);
        const auto& left = lacking_;
        const std::size_t fit = (net.room() - advert_message::overhead) / item_range::max_bytes;
        for (std::size_t at = 0; at < left.size(); at += fit) {
            const auto first = left.begin() + static_cast<std::ptrdiff_t>(at);
            const auto count = static_cast<std::ptrdiff_t>(std::min(fit, left.size() - at));
            told_.adverts.assign(first, first + count);
            net.send(to, told_, traffic_class::bulk);
        }
    }

    void handle(peer_record& peer, const advert_message& message, receipt&) {
        net.add_adverts(peer, message.adverts);
        net.have.note(peer.known.address, message.adverts);
        net.pull_from(peer);
    }

    // Whom to tell where this state stands. At rest membership's messages do, or without them now
    // and then a digest.
    std::vector<std::string> targets() {
        std::vector<std::string> chosen;
        const bool hot = net.eager();
        const bool due = hot || (!net.group && ++rest_ % net.settings.probe_intervals == 0);
        if (due) chosen = net.sample(hot ? net.settings.fanout : 1);
        if (net.group) return chosen;
        for (const peer& gone : net.known.silenced(net.settings, net.now))
            net.tell({event_kind::member_suspect, gone.name, gone.address, {}, 0, {}});
        const auto add = [&](std::vector<std::string> more) {
            for (auto& each : more)
                if (std::find(chosen.begin(), chosen.end(), each) == chosen.end())
                    chosen.push_back(std::move(each));
        };
        add(net.known.stalest(net.settings, net.now));
        add(net.known.absent(net.settings, net.now, net.chance));
        return chosen;
    }

    standing own_standing() const {
        return {static_cast<std::uint8_t>(quiet() ? standing::quiet : 0), local.schema(),
                local.root(), local.context_digest(), local.size()};
    }

    // Membership's messages; its questions and answers carry where this state stands.
    void say() {
        bool known = false;
        while (net.group->poll(said_)) {
            if (said_.probe && !std::exchange(known, true))
                rewrite(carried_, [&](wire::writer& w) { own_standing().write(w); });
            if (said_.probe) said_.carry(carried_, net.room());
            const bool ping = said_.bytes.front() == static_cast<std::byte>(kind::ping);
            if (!net.send_bytes(said_.to, said_.bytes, traffic_class::urgent) && ping)
                net.group->held_back(said_.to);
        }
    }

    void take_attached(peer_record& peer, kind carrier, bytes_view attached, receipt& result) {
        standing theirs;
        wire::reader r(attached);
        theirs.read(r);
        if (!r.ok()) {
            net.refuse(result, receipt::status::malformed);
            return;
        }
        // Whichever of the two lacks something that has just come is told of it.
        if (theirs.root != local.root() && net.hot())
            advertise(peer.known.address, net.items.fresh(max_fresh));
        compare_with(peer, theirs, carrier == kind::ack);
    }

    void send_digest(const std::string& to, std::uint8_t flags, std::uint64_t nonce) {
        digest_message message;
        peer_record* peer = net.find_or_meet(to);
        const bool reply = (flags & standing::reply) != 0;
        message.nonce = reply ? nonce : net.chance.next() | 1U;
        if (peer != nullptr && !reply) {
            peer->nonce = message.nonce;
            peer->asked_at = net.now;
        }
        message.stand = own_standing();
        message.stand.flags |= flags;
        const std::size_t room = std::max(net.answer_room(to), digest_message::fixed_bytes);
        const std::size_t most = (room - digest_message::fixed_bytes) / item_range::max_bytes;
        // Everything only to one that is known to lack something.
        const bool lacks = peer != nullptr && peer->repairing.next != time_point::min();
        if (lacks)
            message.adverts = net.items.adverts(most);
        else
            net.have.lacking(to, net.items.fresh(most), message.adverts);
        const bool bare = message.adverts.empty();
        net.send(to, message, bare ? traffic_class::urgent : traffic_class::bulk);
    }

    void handle(peer_record& peer, const digest_message& message, receipt&) {
        const bool reply = (message.stand.flags & standing::reply) != 0;
        if (reply) measure(peer, message.nonce);
        peer.adverts = message.adverts;
        net.have.note(peer.known.address, message.adverts);
        peer.its_nonce = message.nonce;
        net.pull_from(peer);
        if (!reply) send_digest(peer.known.address, standing::reply, message.nonce);
        compare_with(peer, message.stand, reply);
    }

    void compare_with(peer_record& peer, const standing& theirs, bool reply) {
        const wire::digest root = local.root();
        if (root != theirs.root || local.schema() != theirs.schema) {
            if (!reply) start_session(peer, theirs, root); // one side is enough
            return;
        }
        peer.repairing = {};
        const wire::digest context = local.context_digest();
        if (context == theirs.context)
            peer.contexts = {};
        else
            send_context(peer, root, context, theirs.context);
    }

    void measure(peer_record& peer, std::uint64_t nonce) {
        if (nonce == 0 || nonce != peer.nonce) return;
        peer.nonce = 0;
        net.prove(peer);
        net.note_trip(peer, std::max(net.now - peer.asked_at, duration(1)));
    }

    // Items

    void push() {
        if (pushes_.empty()) return;
        const auto targets = net.group ? net.successors() : net.sample(net.settings.fanout);
        for (const auto& to : targets) {
            net.have.lacking(to, pushes_, lacking_);
            net.send_items(to, lacking_, net.stats.pushes);
        }
        pushes_.clear();
    }

    void handle(peer_record& peer, const pull_message& message, receipt&) {
        if (message.nonce != 0 && message.nonce == peer.nonce) net.prove(peer);
        peer.pulled = net.now;
        net.serve(peer.known.address, message);
    }

    void handle(peer_record& peer, const items_message& message, receipt& result) {
        for (const item& each : message.items) {
            if (each.bytes.empty()) { // what the relay has dropped, others or repair will bring
                net.drop_adverts(peer, each.key);
                if (net.wanted.gone(each.key, peer.known.address)) {
                    ++net.stats.pulls_given_up;
                    net.hurry();
                }
                continue;
            }
            if (net.items.received(each.key)) {
                ++net.stats.items_duplicate;
                net.arrived(each.key, peer);
                continue;
            }
            net.note_own({each.key.origin, each.key.sequence, each.key.sequence});
            std::uint64_t needed_ms = 0;
            switch (join(peer, each.bytes, needed_ms, nullptr)) {
                case outcome::joined:
                    net.stats.dropped_relay_items += net.items.add(each.key, each.bytes);
                    ++net.stats.items_received;
                    net.arrived(each.key, peer);
                    if (news_.size() < max_pushes) note(news_, each.key);
                    break;
                case outcome::malformed:
                    // Pulled again it would be no better; if it was ours to have, repair brings it.
                    net.items.note(each.key);
                    net.wanted.done(each.key, net.now);
                    net.refuse(result, receipt::status::malformed);
                    break;
                case outcome::ahead:
                    net.wanted.hold_off(each.key, needed_ms);
                    refuse_ahead(peer, needed_ms, result);
                    break;
            }
        }
        note_holdings(peer, message);
        plan_news();
        if (net.wanted.wants_more(peer.known.address)) net.pull_from(peer);
    }

    void note_holdings(const peer_record& peer, const items_message& message) {
        lacking_.clear();
        for (const item& each : message.items)
            if (!each.bytes.empty()) note(lacking_, each.key);
        net.have.note(peer.known.address, lacking_);
        if (lacking_.capacity() > max_pushes) lacking_ = {};
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
        decode(peer, body, message, result);
    }
    template <class Message>
    void decode(peer_record& peer, bytes_view body, Message& message, receipt& result) {
        if (decode_body(body, net.settings.limits, message))
            handle(peer, message, result);
        else
            net.refuse(result, receipt::status::malformed);
        if (body.size() > net.settings.max_datagram) message = {};
    }

    void dispatch(peer_record& peer, bytes_view message, bool fetched, receipt& result) {
        const auto number = std::to_integer<std::uint8_t>(message.front());
        const bytes_view body = message.subspan(1);
        if (number < net.stats.bytes_in_by_kind.size())
            net.stats.bytes_in_by_kind[number] += fetched ? 0 : message.size();
        switch (static_cast<kind>(number)) {
            case kind::digest: return decode(peer, body, digest_, result);
            case kind::pull: return decode(peer, body, pull_, result);
            case kind::items: return decode(peer, body, items_, result);
            case kind::question: return decode<question_message>(peer, body, result);
            case kind::reply: return decode<reply_message>(peer, body, result);
            case kind::differences: return decode<differences_message>(peer, body, result);
            case kind::ask: return decode<ask_message>(peer, body, result);
            case kind::answer: return decode<answer_message>(peer, body, result);
            case kind::context: return decode<context_message>(peer, body, result);
            case kind::fields: return decode<fields_message>(peer, body, result);
            case kind::advert: return decode(peer, body, advert_, result);
            default: break;
        }
        if (fetched) { // a blob within a blob would have no bound
            net.refuse(result, receipt::status::malformed);
            return;
        }
        switch (static_cast<kind>(number)) {
            case kind::offer: return decode<offer_message>(peer, body, result);
            case kind::want: return decode<want_message>(peer, body, result);
            case kind::piece: return decode<piece_message>(peer, body, result);
            default: net.refuse(result, receipt::status::unsupported);
        }
    }

    State unsent_{};
    std::size_t joined_ = 0; ///< deltas in it
    std::vector<item_range> pushes_;
    std::vector<item_range> news_; ///< of items to be told
    time_point next_turn_ = time_point::min();
    unsigned push_turns_ = 0;
    unsigned rest_ = 0;
    // What is being said, told and taken in: the next of its kind uses its memory again.
    swim::out said_;
    std::vector<std::byte> carried_; ///< own_standing()
    std::vector<item_range> lacking_;
    advert_message told_;
    advert_message advert_;
    digest_message digest_;
    pull_message pull_;
    items_message items_;
};

} // namespace joinery::gossip::detail
