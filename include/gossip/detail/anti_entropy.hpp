// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/joiner.hpp>
#include <gossip/detail/repair.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// Repairs: finds with a peer the entries that differ and asks for them; then the contexts.
///
/// State      the questions of peers that wait for an answer.
/// Invariant  an answer claims only dots that were asked for and the live dots that it carries; a
///            context is joined only under the live entries that it was taken under.
/// Cost       bounded per datagram received; an answer costs one walk through the state, shared by
///            all questions that wait.
/// Source     Merkle anti-entropy, DeCandia et al. 2007.
template <crdt::replicated State>
class anti_entropy : public joiner<State> {
    using base = joiner<State>;

public:
    using base::base;
    using base::local;
    using base::net;

protected:
    using base::changed;
    using base::holding;
    using base::join;
    using base::part_overhead;
    using base::quiet;
    using base::refuse_ahead;
    using typename base::outcome;

    /// Begins with what this side holds, if a difference is not just on its way.
    void start_session(peer_record& peer, const standing& theirs, const wire::digest& root) {
        pace& at = peer.repairing;
        if (holding(peer) || !at.due(net.now)) return;
        const bool rest = quiet() && (theirs.flags & standing::quiet) != 0;
        if (!rest) {
            if (at.next == time_point::min()) at.next = net.now;
            if (net.now < at.next + busy_intervals * net.settings.interval) return;
        }
        at.started(net.now, net.settings.interval, root, theirs.root);
        if (theirs.schema != local.schema())
            send_fields(peer);
        else
            compare_entries(peer, 0, std::max<std::uint64_t>(theirs.entries, local.index().size()),
                            rest ? quiet_budget : busy_budget);
    }

    /// The first message of a session about one field, or about all.
    void compare_entries(peer_record& peer, std::uint32_t field, std::uint64_t entries,
                         std::uint64_t budget) {
        const std::string& to = peer.known.address;
        const entries_view index = *entries_of(field);
        const std::uint64_t salt = net.chance.next();
        ++net.stats.repair_sessions;
        if (entries <= max_listed()) {
            ++net.stats.lists;
            net.send(to, list_message{field, salt, {list_of(index, {}, salt)}});
        } else {
            ++net.stats.summaries;
            auto first = summarise(index, {}, salt, budget);
            first.field = field;
            net.send(to, first);
        }
    }

    /// The entries of a field, or of all for 0; nothing if this state has no such field.
    std::optional<entries_view> entries_of(std::uint32_t field) const {
        return field == 0 ? local.index() : local.index(field);
    }

    std::uint64_t salted_context(std::uint32_t field, std::uint64_t salt) const {
        return merkle::truncated(wire::content_digest(wire::encode_nested(local.context_of(field))),
                                 salt);
    }

    // A peer of another version of the type: only the fields that both have can be compared.
    void send_fields(peer_record& peer) {
        fields_message message{net.chance.next(), {}};
        const std::size_t fit = (net.room() - fields_overhead) / field_bytes;
        for (const std::uint32_t id : local.fields()) {
            if (message.fields.size() == fit) break;
            message.fields.push_back({id, merkle::truncated(local.index(id)->root(), message.salt),
                                      salted_context(id, message.salt)});
        }
        net.send(peer.known.address, message);
    }

    void handle(peer_record& peer, const fields_message& message, receipt&) {
        if (holding(peer)) return;
        std::uint32_t previous = 0;
        for (const auto& theirs : message.fields) {
            const auto index = local.index(theirs.id);
            if (!index || theirs.id == previous) continue;
            previous = theirs.id;
            if (merkle::truncated(index->root(), message.salt) != theirs.root)
                compare_entries(peer, theirs.id, index->size(), busy_budget);
            else if (salted_context(theirs.id, message.salt) != theirs.context)
                send_context_pieces(peer, theirs.id, index->root(), local.context_of(theirs.id));
        }
    }

    /// Entries of a range that are listed rather than summed: every question costs a walk through
    /// the state, so that large datagrams ask for much at once.
    std::size_t max_listed() const { return std::clamp<std::size_t>(net.room() / 64, 16, 128); }

    void handle(peer_record& peer, const summary_message& message, receipt&) {
        const auto index = entries_of(message.field);
        if (holding(peer) || !index) return;
        comparison found = compare(*index, message, quiet_budget, max_listed());
        for (summary_message& each : found.summaries) {
            ++net.stats.summaries;
            each.field = message.field;
            net.send(peer.known.address, each);
        }
        list_message lists{message.field, message.salt, {}};
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
        const auto index = entries_of(message.field);
        if (holding(peer) || !index) return;
        const auto found = differing(*index, message);
        const std::size_t fit = (net.room() - list_overhead) / entry_version::bytes;
        std::vector<crdt::entry_id> ids;
        for (std::size_t at = 0; at < found.size(); at += fit) {
            list_reply_message reply{message.field, message.salt, {}};
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
        const auto index = entries_of(message.field);
        if (!holding(peer) && index) ask(peer, still_differing(*index, message));
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

    // Contexts

    void send_context(peer_record& peer, const wire::digest& root, const wire::digest& own,
                      const wire::digest& theirs) {
        if (!peer.contexts.due(net.now)) return;
        peer.contexts.started(net.now, net.settings.interval, own, theirs);
        send_context_pieces(peer, 0, root, crdt::context(local.state()));
    }

    void send_context_pieces(peer_record& peer, std::uint32_t field, const wire::digest& root,
                             const State& context) {
        std::vector<std::vector<std::byte>> pieces;
        crdt::split(context, net.room() - part_overhead - 20,
                    [&](const State& part) { pieces.push_back(wire::encode_nested(part)); });
        if (pieces.size() > max_context_pieces) { // another part each time
            const auto start = static_cast<std::ptrdiff_t>(net.chance.below(pieces.size()));
            std::rotate(pieces.begin(), pieces.begin() + start, pieces.end());
            pieces.resize(max_context_pieces);
        }
        for (const auto& piece : pieces) {
            ++net.stats.context_pieces_sent;
            net.send(peer.known.address, context_message{field, root, piece}, traffic_class::bulk);
        }
    }

    void handle(peer_record& peer, const context_message& message, receipt& result) {
        // Under other live entries the context would claim what this state has never seen.
        const auto index = entries_of(message.field);
        if (!index || index->root() != message.root) {
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
        crdt::report found;
        if (local.absorb(context, found)) changed();
        this->tell(found, peer.known.name, peer.known.address);
    }

    bool asked() const { return !questions_.empty(); }

private:
    static constexpr std::uint64_t quiet_budget = 1024; // messages of a session at rest
    static constexpr std::uint64_t busy_budget = 64;    // and while updates are on their way
    static constexpr int busy_intervals = 7;            // more between sessions then
    static constexpr std::size_t max_context_pieces = 256;
    static constexpr std::size_t max_questions = 256; // of one peer, waiting
    static constexpr std::size_t list_overhead = 1 + 4 + 8 + 3;
    static constexpr std::size_t fields_overhead = 1 + 8 + 3;
    static constexpr std::size_t field_bytes = fields_message::field_standing::bytes;

    /// What one peer wants to have, of several asks.
    struct questions {
        std::vector<crdt::entry_id> ids;
        std::size_t asks = 0;
    };

    std::map<std::string, questions> questions_;
};

} // namespace joinery::gossip::detail
