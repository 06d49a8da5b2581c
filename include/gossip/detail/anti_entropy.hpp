// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/repair.hpp>
#include <merkle/reconciler.hpp>
#include <merkle/responder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// Finds with a peer the entries that differ, field by field, in sessions of merkle::reconciler.
///
/// State      the sessions begun here, at most max_sessions; the responder of those begun
///            elsewhere has none.
/// Invariant  a session is of one field and of one incarnation of the peer; one that does not get
///            on is given up. Each side tells the other what it alone holds, and is asked for it.
/// Cost       bounded per datagram received: what answers it is at most max_replies datagrams and
///            the ids of the entries found.
/// Source     Merkle anti-entropy, DeCandia et al. 2007; sketches as in merkle::reconciler.
template <crdt::replicated State>
class anti_entropy : public repair<State> {
    using base = repair<State>;

public:
    using base::base;
    using base::local;
    using base::net;

protected:
    using base::handle;
    using base::holding;
    using base::lane_room;
    using base::quiet;
    using base::send_context_pieces;
    using base::send_differences;
    using base::spare;

    /// Begins, if a difference is not just on its way.
    void start_session(peer_record& peer, const standing& theirs, const wire::digest& root) {
        pace& at = peer.repairing;
        // To whoever has not proven itself only membership may answer: there is no room for more.
        if (holding(peer) || !net.proven(peer) || !at.due(net.now)) return;
        if (is_compared(peer) || compares(peer)) return;
        const bool rest = quiet() && (theirs.flags & standing::quiet) != 0;
        if (!rest) {
            if (at.next == time_point::min()) at.next = net.now;
            if (net.now < at.next + busy_intervals * net.settings.interval) return;
        }
        at.started(net.now, net.settings.interval, root, theirs.root);
        if (rest) net.hurry();
        if (theirs.schema == local.schema() && local.fields().size() == 1)
            begin(peer, local.fields().front(), rest);
        else
            send_fields(peer);
    }

    // Several fields, or those of another version of the type: the peer begins with what differs.
    void send_fields(peer_record& peer) {
        const std::size_t fit = (net.room() - fields_overhead) / field_bytes;
        fields_message message{net.chance.next(), {}};
        for (const std::uint32_t id : local.fields()) {
            message.fields.push_back({id, merkle::truncated(local.index(id)->root(), message.salt),
                                      salted_context(id, message.salt)});
            if (message.fields.size() < fit && id != local.fields().back()) continue;
            net.send(peer.known.address, message);
            message.fields.clear();
        }
    }

    void handle(peer_record& peer, const fields_message& message, receipt&) {
        if (holding(peer) || !net.proven(peer) || is_compared(peer)) return;
        std::set<std::uint32_t> met;
        for (const auto& theirs : message.fields) {
            const merkle::index* index = local.index(theirs.id);
            if (index == nullptr || !met.insert(theirs.id).second) continue;
            if (merkle::truncated(index->root(), message.salt) != theirs.root)
                begin(peer, theirs.id, quiet());
            else if (salted_context(theirs.id, message.salt) != theirs.context)
                send_context_pieces(peer, theirs.id, index->root(), local.context_of(theirs.id));
        }
    }

    std::uint64_t salted_context(std::uint32_t field, std::uint64_t salt) const {
        return merkle::truncated(wire::content_digest(wire::encode_nested(local.context_of(field))),
                                 salt);
    }

    void handle(peer_record& peer, const question_message& message, receipt& result) {
        const merkle::index* index = local.index(message.field);
        if (holding(peer) || index == nullptr || lane_room() == 0 || !spare(peer)) return;
        if (!gives_way(peer, message.field)) return;
        const bool member = net.proven(peer);
        if (member) peer.questioned = net.now;
        if (secret_ == 0) secret_ = net.chance.next() | 1U;
        const merkle::responder answering(secret_, allowed());
        const auto made = answering.receive(
            *index, message.frame, wire::content_hash64(bytes_of(peer.known.address)),
            member ? merkle::responder::trust::member : merkle::responder::trust::stranger);
        if (!made.accepted && made.frames.empty()) {
            net.refuse(result, receipt::status::malformed);
            return;
        }
        for (const auto& frame : made.frames) {
            ++net.stats.session_frames;
            net.send(peer.known.address, reply_message{message.field, frame}, traffic_class::bulk);
        }
        std::vector<crdt::entry_id> found;
        for (const auto& each : made.found) found.push_back(each.id);
        send_differences(peer.known.address, message.field, found);
    }

    void handle(peer_record& peer, const reply_message& message, receipt&) {
        const auto at = sessions_.find({peer.known.address, message.field});
        if (at == sessions_.end() || at->second.with != peer.known.id || holding(peer)) return;
        session& each = at->second;
        const auto made = each.asking.receive(*local.index(message.field), message.frame);
        if (made.accepted) each.vain = 0;
        for (const auto& found : made.found) each.untold.push_back(found.id);
        if (spare(peer)) go_on(at->first, each, peer);
        if (each.over()) end(at);
    }

    /// To be called once an interval: repeats what was lost, gives up what does not get on.
    void continue_sessions() {
        this->begin_interval();
        for (auto at = sessions_.begin(); at != sessions_.end();) {
            auto& [key, each] = *at;
            const peer_record* peer = net.find(key.first);
            const bool gone =
                peer == nullptr || !peer->live || peer->known.id != each.with || holding(*peer);
            if (!gone && each.vain < max_vain && spare(*peer)) {
                if (net.now >= each.retry_at) {
                    ++each.vain;
                    each.asking.retry(*local.index(key.second));
                }
                go_on(key, each, *peer);
            }
            at = gone || each.vain >= max_vain || each.over() ? end(at) : std::next(at);
        }
    }

private:
    using reconciler = merkle::reconciler<merkle::index>;

    static constexpr int busy_intervals = 7;             // more between sessions in busy times
    static constexpr std::size_t busy_frames = 64;       // of a session then
    static constexpr std::size_t max_sessions = 64;      // at once
    static constexpr std::size_t max_bytes = 16U << 20U; // of a session
    static constexpr unsigned max_rounds = 1024;         // of a session
    static constexpr unsigned max_vain = 6;              // retries without any answer
    static constexpr std::size_t max_found = 4096;       // entries of one frame
    static constexpr std::size_t fields_overhead = 1 + 8 + 3;
    static constexpr std::size_t field_bytes = fields_message::field_standing::bytes;

    using session_key = std::pair<std::string, std::uint32_t>; // address, field
    struct session {
        crdt::replica_id with;
        reconciler asking;
        time_point retry_at;
        unsigned vain = 0;                  // retries since the last answer
        std::vector<crdt::entry_id> untold; // found, and still to be told to the peer

        bool over() const {
            return asking.status() != reconciler::state::running && untold.empty();
        }
    };
    using sessions = std::map<session_key, session>;

    /// No datagram is answered by more than max_replies of them.
    merkle::options allowed() const {
        merkle::options made;
        made.frame_limit = net.room() - question_message::overhead;
        made.credit = made.max_credit = (node::max_replies - 8) * made.frame_limit;
        made.max_rounds = max_rounds;
        made.max_found = max_found;
        made.max_bytes = max_bytes;
        return made;
    }

    // Its own session with this side finds what one of this side's would find.
    bool is_compared(const peer_record& peer) const {
        return peer.questioned != time_point::min() &&
               net.now < peer.questioned + net.settings.interval;
    }

    // A session of this side with it runs.
    bool compares(const peer_record& peer) const {
        const auto at = sessions_.lower_bound({peer.known.address, 0});
        return at != sessions_.end() && at->first.first == peer.known.address &&
               at->second.with == peer.known.id;
    }

    void begin(peer_record& peer, std::uint32_t field, bool rest) {
        session_key key{peer.known.address, field};
        const auto old = sessions_.find(key);
        if (old != sessions_.end() && old->second.with != peer.known.id) end(old);
        if (sessions_.contains(key) || sessions_.size() >= max_sessions) return;
        merkle::options limits = allowed();
        if (rest)
            limits.max_found = local.size(); // they wait here until there is room to tell them
        else
            limits.max_bytes = busy_frames * limits.frame_limit;
        session fresh{peer.known.id, reconciler(net.chance.next(), limits), {}, 0, {}};
        fresh.asking.start(*local.index(field));
        ++net.stats.repair_sessions;
        const auto made = sessions_.emplace(std::move(key), std::move(fresh)).first;
        go_on(made->first, made->second, peer);
    }

    // What was found first, then the next questions. More than may be sent in an interval waits.
    void go_on(const session_key& key, session& each, const peer_record& peer) {
        const std::size_t most = this->pulling(peer) ? 1 : ~std::size_t{0};
        send_differences(key.first, key.second, each.untold, std::min(lane_room(), most));
        while (each.untold.empty() && lane_room() > 0) {
            const auto frame = each.asking.poll(*local.index(key.second));
            if (!frame) return;
            ++net.stats.session_frames;
            net.send(key.first, question_message{key.second, *frame}, traffic_class::bulk);
            const duration patience = net.retry_deadline(key.first) - net.now;
            each.retry_at = net.now + patience * (std::int64_t{1} << std::min(each.vain, 3U));
        }
    }

    // If both sides have begun, one session is enough: that of the greater id.
    bool gives_way(const peer_record& peer, std::uint32_t field) {
        const auto at = sessions_.find({peer.known.address, field});
        if (at == sessions_.end() || at->second.with != peer.known.id) return true;
        if (peer.known.id < net.self) return false;
        ++net.stats.sessions_yielded;
        sessions_.erase(at);
        return true;
    }

    typename sessions::iterator end(typename sessions::iterator at) {
        net.stats.sessions_given_up += at->second.asking.status() != reconciler::state::done;
        return sessions_.erase(at);
    }

    sessions sessions_;
    std::uint64_t secret_ = 0; // of the responder
};

} // namespace joinery::gossip::detail
