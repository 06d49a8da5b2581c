// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/joiner.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// Repairs entries that are known to differ: asks for them and answers; and the contexts.
///
/// State      the questions of peers that wait for an answer; what was asked for lately.
/// Invariant  an answer claims only dots that were asked for and the live dots that it carries; a
///            context is joined only under the live entries that it was taken under.
/// Cost       bounded per datagram received; an answer costs one walk through the state, shared by
///            all questions that wait.
template <crdt::replicated State>
class repair : public joiner<State> {
    using base = joiner<State>;

public:
    using base::base;
    using base::local;
    using base::net;

protected:
    using base::changed;
    using base::join;
    using base::part_overhead;
    using base::refuse_ahead;
    using typename base::outcome;

    /// Asks for entries of a field, telling which dots are held under them. Of what is absent here
    /// there is nothing to tell.
    void ask(peer_record& peer, const merkle::index& index,
             const std::vector<crdt::entry_id>& ids) {
        std::vector<crdt::entry_id> held, absent;
        for (const crdt::entry_id id : ids) {
            if (index.find(id))
                held.push_back(id);
            else if (is_news(id))
                absent.push_back(id);
        }
        const std::size_t fit = (net.room() - ask_overhead) / sizeof(crdt::entry_id);
        for (std::size_t at = 0; at < absent.size(); at += fit) {
            const auto first = absent.begin() + static_cast<std::ptrdiff_t>(at);
            const std::size_t count = std::min(fit, absent.size() - at);
            const crdt::id_set wanted({first, first + static_cast<std::ptrdiff_t>(count)});
            send_ask(peer, encode_message(ask_of(wanted, wire::encode_nested(State{}))));
        }
        if (!held.empty()) ask_for_held(peer, held);
    }

    void ask_for_held(peer_record& peer, const std::vector<crdt::entry_id>& ids) {
        const crdt::id_set wanted(ids);
        auto message =
            encode_message(ask_of(wanted, wire::encode_nested(crdt::held(local.state(), wanted))));
        const auto sorted = wanted.ids();
        if (message.size() > net.room() && sorted.size() > 1) {
            const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
            ask_for_held(peer, {sorted.begin(), middle});
            ask_for_held(peer, {middle, sorted.end()});
            return;
        }
        send_ask(peer, std::move(message));
    }

    void handle(peer_record& peer, const ask_message& message, receipt& result) {
        if (!net.proven(peer)) { // what waits for the next turn would escape the limit of answers
            ++net.stats.dropped_unproven;
            return;
        }
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
            if (waiting.asks == max_questions || message.ids.size() > max_waiting - waiting_ids_)
                return; // the next session finds what is left
            ++waiting.asks;
            waiting_ids_ += message.ids.size();
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
        all.reserve(std::exchange(waiting_ids_, 0));
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

    /// What was removed here comes without effect; the peer is to ask what became of it.
    void handle(peer_record& peer, const answer_message& message, receipt& result) {
        std::uint64_t needed_ms = 0;
        State part{};
        const auto before = net.stats.entries_repaired;
        const outcome made = join(peer, message.part, needed_ms, &net.stats.entries_repaired, part);
        if (net.stats.entries_repaired != before) net.hurry();
        switch (made) {
            case outcome::joined: tell_absent(peer, part); break;
            case outcome::malformed: net.refuse(result, receipt::status::malformed); break;
            case outcome::ahead: refuse_ahead(peer, needed_ms, result); break;
        }
    }

    /// Tells a peer of entries of a field, as they stand here, in at most so many datagrams; these
    /// are then taken from the ids.
    void send_differences(const std::string& to, std::uint32_t field,
                          std::vector<crdt::entry_id>& ids, std::size_t most = ~std::size_t{0}) {
        const merkle::index& index = *local.index(field);
        const std::size_t fit = (net.room() - differences_message::overhead) / entry_version::bytes;
        for (; !ids.empty() && most > 0; --most) {
            differences_message message{field, net.chance.next(), {}};
            for (; !ids.empty() && message.entries.size() < fit; ids.pop_back())
                message.entries.push_back({ids.back(), salted(index, ids.back(), message.salt)});
            ++net.stats.differences;
            net.send(to, message, traffic_class::bulk);
        }
    }

    /// How many more datagrams may wait to be sent: no more than answer one, so that what updates
    /// bring does not wait behind a repair.
    std::size_t lane_room() const {
        return node::max_replies - std::min(node::max_replies, net.waiting());
    }

    void handle(peer_record& peer, const differences_message& message, receipt&) {
        const merkle::index* index = local.index(message.field);
        if (this->holding(peer) || index == nullptr) return;
        std::vector<crdt::entry_id> ids;
        for (const entry_version& each : message.entries)
            if (salted(*index, each.id, message.salt) != each.version) ids.push_back(each.id);
        ask(peer, *index, ids);
    }

    // Contexts

    void send_context(peer_record& peer, const wire::digest& root, const wire::digest& own,
                      const wire::digest& theirs) {
        if (!peer.contexts.due(net.now) || !net.proven(peer)) return;
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
        if (root_of(message.field) != message.root) {
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

    /// The root of a field, or of all for 0; nothing if this state has no such field.
    std::optional<wire::digest> root_of(std::uint32_t field) const {
        if (field == 0) return local.root();
        const merkle::index* index = local.index(field);
        if (index == nullptr) return std::nullopt;
        return index->root();
    }

    bool asked() const { return !questions_.empty(); }

    /// Pulls under way, of this side or of the peer from here, are likely to bring most of what is
    /// missing.
    bool pulling(const peer_record& peer) const {
        return !net.wanted.empty() ||
               (peer.pulled != time_point::min() && net.now < peer.pulled + net.settings.interval);
    }
    /// Whether to go on with repair: meanwhile little is done beside them.
    bool spare(const peer_record& peer) {
        if (!pulling(peer)) return true;
        if (busy_left_ == 0) return false;
        --busy_left_;
        return true;
    }
    void begin_interval() {
        busy_left_ = busy_messages;
        asked_before_ = std::exchange(asked_, {});
    }

private:
    static constexpr std::size_t busy_messages = 4; // an interval
    static constexpr std::size_t max_asked = std::size_t{1} << 16U;
    static constexpr std::size_t max_context_pieces = 256;
    static constexpr std::size_t max_questions = 256;                 // of one peer, waiting
    static constexpr std::size_t max_waiting = std::size_t{1} << 20U; // ids, of all peers
    static constexpr std::size_t ask_overhead = 1 + 3 + 1 + 3;        // of one that holds nothing

    // Several peers may tell of one entry: for an interval or two, one of them is asked.
    bool is_news(crdt::entry_id id) {
        if (asked_before_.contains(id)) return false;
        return asked_.size() >= max_asked || asked_.insert(id).second;
    }

    static ask_message ask_of(const crdt::id_set& wanted, bytes_view held) {
        return {{wanted.ids().begin(), wanted.ids().end()}, held};
    }
    void send_ask(const peer_record& peer, std::vector<std::byte> message) {
        if (!spare(peer)) return;
        ++net.stats.asks;
        net.send_bytes(peer.known.address, message, traffic_class::bulk);
    }

    static std::uint32_t salted(const merkle::index& index, crdt::entry_id id, std::uint64_t salt) {
        const auto own = index.find(id);
        if (!own) return 0;
        return std::max(static_cast<std::uint32_t>(merkle::truncated(*own, salt)), 1U);
    }

    void tell_absent(peer_record& peer, const State& part) {
        std::map<std::uint32_t, std::vector<crdt::entry_id>> absent;
        local.for_each_absent(
            part, [&](std::uint32_t field, crdt::entry_id id) { absent[field].push_back(id); });
        for (auto& [field, ids] : absent) send_differences(peer.known.address, field, ids);
    }

    /// What one peer wants to have, of several asks.
    struct questions {
        std::vector<crdt::entry_id> ids;
        std::size_t asks = 0;
    };

    std::map<std::string, questions> questions_;
    std::size_t waiting_ids_ = 0;
    std::size_t busy_left_ = busy_messages;
    std::set<crdt::entry_id> asked_, asked_before_;
};

} // namespace joinery::gossip::detail
