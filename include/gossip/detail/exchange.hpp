// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/node.hpp>
#include <gossip/detail/repair.hpp>
#include <gossip/detail/replica.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// What engines say to each other about one state: dissemination and repair.
///
/// State      the node, the replica, the local items to push, the wall time told last.
/// Invariant  everything received is joined whole or leaves the state as it was; an answer claims
///            only dots that were asked for and the live dots that it carries.
/// Source     pull dissemination: Karp et al. 2000; repair: Merkle anti-entropy, DeCandia 2007.
template <crdt::replicated State>
class exchange {
public:
    exchange(config settings, std::uint64_t seed, const wire::keyed_hasher& hasher)
        : net(std::move(settings), seed, hasher), local(hasher) {}

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
        if (!questions_.empty()) answer_questions();
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

    void observe_wall(std::uint64_t ms) {
        wall_ms_ = std::max(wall_ms_, ms);
        net.wanted.wall_reached(latest_ms());
    }

    void forget_items() { pushes_.clear(); }
    void changed() { last_change_ = net.now; }

    node net;
    replica<State> local;

private:
    static constexpr std::size_t max_pushes = 1024;
    static constexpr unsigned max_push_turns = 16;
    static constexpr std::uint64_t quiet_budget = 1024; // messages of a session at rest
    static constexpr std::uint64_t busy_budget = 64;    // and while updates are on their way
    static constexpr int busy_intervals = 7;            // more between sessions then
    static constexpr int clock_patience = 64;           // intervals without repair after a refusal
    static constexpr std::size_t max_context_pieces = 256;
    static constexpr std::size_t part_overhead = 1 + 3;

    static constexpr std::size_t max_questions = 256; // of one peer, waiting

    /// What one peer wants to have, of several asks.
    struct questions {
        std::vector<crdt::entry_id> ids;
        std::size_t asks = 0;
    };

    enum class outcome : std::uint8_t { joined, malformed, ahead };

    // Digests ---------------------------------------------------------------------------------

    // Nothing under way explains a difference; pulls that bring nothing do not.
    bool quiet() const {
        const duration still = net.now - last_change_;
        return still >= net.settings.interval * (net.wanted.empty() ? 1 : 4) &&
               !net.large.fetching();
    }

    void send_digest(const std::string& to, std::uint8_t flags, std::uint64_t nonce) {
        digest_message message;
        message.flags = static_cast<std::uint8_t>(flags | (quiet() ? digest_message::quiet : 0));
        message.nonce = nonce;
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
        if (root != message.root) {
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

    // Items -----------------------------------------------------------------------------------

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

    /// Decodes and joins a delta. `repaired`, if given, counts the entries that it changed.
    outcome join(const peer_record& peer, bytes_view bytes, std::uint64_t& needed_ms,
                 std::uint64_t* repaired) {
        wire::reader r(bytes, net.settings.limits, wire::unknown_fields::skip);
        State delta{};
        wire::get(r, delta);
        if (!r.ok() || r.left() != 0) return outcome::malformed;
        net.stats.skipped_fields += r.skipped_fields();
        needed_ms = crdt::max_stamp(delta) >> 16U;
        if (wall_ms_ == 0 || needed_ms <= latest_ms()) {
            join(peer, delta, repaired);
            return outcome::joined;
        }
        // What is wrong with one entry of a repair must not keep the others away.
        if (repaired != nullptr)
            crdt::split(delta, 0, [&](const State& part) {
                if ((crdt::max_stamp(part) >> 16U) <= latest_ms()) join(peer, part, repaired);
            });
        return outcome::ahead;
    }

    void join(const peer_record& peer, const State& delta, std::uint64_t* repaired) {
        crdt::report found;
        const auto merged = local.merge(delta, found);
        ++(merged.grew ? net.stats.merges_grew : net.stats.merges_redundant);
        if (!found.empty())
            net.tell(event_kind::conflict, peer,
                     found.double_spent.size() + found.conflicting_stamps.size());
        if (!merged.grew) return;
        changed();
        if (repaired != nullptr) *repaired += merged.changed;
        if (net.settings.report_merges)
            net.tell({event_kind::merged, peer.known.name, peer.known.address,
                      wire::encode_nested(delta), 0});
    }

    // Time ------------------------------------------------------------------------------------

    std::uint64_t latest_ms() const {
        const std::uint64_t ahead = net.settings.max_ahead_ms;
        return wall_ms_ > ~ahead ? ~std::uint64_t{0} : wall_ms_ + ahead;
    }

    void refuse_ahead(peer_record& peer, std::uint64_t needed_ms, receipt& result) {
        net.refuse(result, receipt::status::clock_too_far_ahead);
        net.tell(event_kind::clock_too_far_ahead, peer, needed_ms);
        peer.held_ms = needed_ms;
        peer.held_until = net.now + clock_patience * net.settings.interval;
    }

    // While the wall must catch up a repair would fetch the same refused entries again and again.
    bool holding(const peer_record& peer) const {
        return net.now < peer.held_until && peer.held_ms > latest_ms();
    }

    // Repair ----------------------------------------------------------------------------------

    void start_session(peer_record& peer, const digest_message& message, const wire::digest& root) {
        const std::string& to = peer.known.address;
        pace& at = peer.repairing;
        if (holding(peer) || !at.due(net.now)) return;
        const bool rest = quiet() && (message.flags & digest_message::quiet) != 0;
        if (!rest) { // what differs is probably on its way
            if (at.next == time_point::min()) at.next = net.now;
            if (net.now < at.next + busy_intervals * net.settings.interval) return;
        }
        at.started(net.now, net.settings.interval, root, message.root);
        ++net.stats.repair_sessions;
        const std::uint64_t salt = net.chance.next();
        const std::uint64_t entries =
            std::max<std::uint64_t>(message.entries, local.index().size());
        if (entries <= max_listed()) {
            ++net.stats.lists;
            net.send(to, list_message{salt, {list_of(local.index(), {}, salt)}});
        } else {
            ++net.stats.summaries;
            net.send(to, summarise(local.index(), {}, salt, rest ? quiet_budget : busy_budget));
        }
    }

    /// Entries of a range that are listed rather than summed: every question costs a walk through
    /// the state, so that large datagrams ask for much at once.
    std::size_t max_listed() const { return std::clamp<std::size_t>(net.room() / 64, 16, 128); }

    void handle(peer_record& peer, const summary_message& message, receipt&) {
        if (holding(peer)) return;
        const comparison found = compare(local.index(), message, quiet_budget, max_listed());
        for (const summary_message& each : found.summaries) {
            ++net.stats.summaries;
            net.send(peer.known.address, each);
        }
        list_message lists{message.salt, {}};
        std::size_t used = 0;
        const auto flush = [&] {
            if (lists.ranges.empty()) return;
            ++net.stats.lists;
            net.send(peer.known.address, lists);
            lists.ranges.clear();
            used = 0;
        };
        for (const listed_range& each : found.lists) {
            if (used + each.bytes() + list_overhead > net.room()) flush();
            lists.ranges.push_back(each);
            used += each.bytes();
        }
        flush();
    }

    void handle(peer_record& peer, const list_message& message, receipt&) {
        if (holding(peer)) return;
        const auto found = differing(local.index(), message);
        const std::size_t fit = (net.room() - list_overhead) / entry_version::bytes;
        std::vector<crdt::entry_id> ids;
        for (std::size_t at = 0; at < found.size(); at += fit) {
            list_reply_message reply{message.salt, {}};
            for (std::size_t i = at; i < std::min(at + fit, found.size()); ++i) {
                reply.entries.push_back(found[i]);
                ids.push_back(found[i].id);
            }
            ++net.stats.lists;
            net.send(peer.known.address, reply);
        }
        ask(peer, ids);
    }

    void handle(peer_record& peer, const list_reply_message& message, receipt&) {
        if (!holding(peer)) ask(peer, still_differing(local.index(), message));
    }

    /// Asks for the entries, telling which dots are held under them.
    void ask(peer_record& peer, const std::vector<crdt::entry_id>& ids) {
        if (ids.empty()) return;
        const crdt::id_set wanted(ids);
        const auto held = wire::encode_nested(crdt::held(local.state(), wanted));
        const std::vector<crdt::entry_id> sorted(wanted.ids().begin(), wanted.ids().end());
        auto message = encode_message(ask_message{sorted, held});
        if (message.size() > net.room() && sorted.size() > 1) {
            const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
            ask(peer, {sorted.begin(), middle});
            ask(peer, {middle, sorted.end()});
            return;
        }
        ++net.stats.asks;
        net.send_bytes(peer.known.address, std::move(message), traffic_class::urgent);
    }

    void handle(peer_record& peer, const ask_message& message, receipt& result) {
        State asked{};
        wire::reader r(message.held, net.settings.limits, wire::unknown_fields::skip);
        wire::get(r, asked);
        if (!r.ok() || r.left() != 0) {
            net.refuse(result, receipt::status::malformed);
            return;
        }
        if (asked == State{}) {
            // Cutting a fragment walks the whole state, so what waits is answered in one walk.
            questions& waiting = questions_[peer.known.address];
            if (waiting.asks == max_questions) return;
            ++waiting.asks;
            waiting.ids.insert(waiting.ids.end(), message.ids.begin(), message.ids.end());
            return;
        }
        send_answer(peer.known.address,
                    crdt::answer(local.state(), crdt::id_set(message.ids), asked), 1);
    }

    /// Answers the questions of peers that hold nothing under the ids: fragments are enough.
    void answer_questions() {
        const auto waiting = std::exchange(questions_, {});
        std::vector<crdt::entry_id> all;
        for (const auto& [to, asked] : waiting)
            all.insert(all.end(), asked.ids.begin(), asked.ids.end());
        const State found = crdt::fragment(local.state(), crdt::id_set(std::move(all)));
        for (const auto& [to, asked] : waiting) {
            if (waiting.size() == 1)
                send_answer(to, found, asked.asks);
            else
                send_answer(to, crdt::fragment(found, crdt::id_set(asked.ids)), asked.asks);
        }
    }

    void send_answer(const std::string& to, const State& answer, std::size_t asks) {
        std::size_t sent = 0;
        crdt::split(answer, net.room() - part_overhead, [&](const State& part) {
            if (sent++ >= asks * node::max_replies) return; // the next session finds the rest
            ++net.stats.answers;
            const auto bytes = wire::encode_nested(part);
            net.send(to, answer_message{bytes}, traffic_class::bulk);
        });
    }

    void handle(peer_record& peer, const answer_message& message, receipt& result) {
        std::uint64_t needed_ms = 0;
        switch (join(peer, message.part, needed_ms, &net.stats.entries_repaired)) {
            case outcome::joined: break;
            case outcome::malformed: net.refuse(result, receipt::status::malformed); break;
            case outcome::ahead: refuse_ahead(peer, needed_ms, result); break;
        }
    }

    // Contexts --------------------------------------------------------------------------------

    void send_context(peer_record& peer, const wire::digest& root, const wire::digest& own,
                      const wire::digest& theirs) {
        if (!peer.contexts.due(net.now)) return;
        peer.contexts.started(net.now, net.settings.interval, own, theirs);
        std::vector<std::vector<std::byte>> pieces;
        crdt::split(crdt::context(local.state()), net.room() - part_overhead - 16,
                    [&](const State& part) { pieces.push_back(wire::encode_nested(part)); });
        if (pieces.size() > max_context_pieces) { // another part each time
            const auto start = static_cast<std::ptrdiff_t>(net.chance.below(pieces.size()));
            std::rotate(pieces.begin(), pieces.begin() + start, pieces.end());
            pieces.resize(max_context_pieces);
        }
        for (const auto& piece : pieces) {
            ++net.stats.context_pieces_sent;
            net.send(peer.known.address, context_message{root, piece}, traffic_class::bulk);
        }
    }

    void handle(peer_record&, const context_message& message, receipt& result) {
        // Under other live entries the context would claim what this state has never seen.
        if (local.index().root() != message.root) {
            ++net.stats.context_pieces_refused;
            return;
        }
        wire::reader r(message.part, net.settings.limits, wire::unknown_fields::skip);
        State context{};
        wire::get(r, context);
        if (!r.ok() || r.left() != 0) {
            net.refuse(result, receipt::status::malformed);
            return;
        }
        ++net.stats.context_pieces_joined;
        if (local.absorb(context)) changed();
    }

    // Blobs -----------------------------------------------------------------------------------

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

    // Dispatch --------------------------------------------------------------------------------

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

    static constexpr std::size_t list_overhead = 1 + 8 + 3;

    std::map<std::string, questions> questions_;
    std::vector<item_range> pushes_;
    unsigned push_turns_ = 0;
    std::uint64_t wall_ms_ = 0;
    time_point last_change_ = time_point{} - std::chrono::hours(1);
};

} // namespace joinery::gossip::detail
