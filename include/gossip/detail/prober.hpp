// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/estimates.hpp>
#include <gossip/detail/member_view.hpp>
#include <gossip/detail/reusing.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// Finds out who does not answer.
///
/// State      open questions by nonce; the probe under way.
/// Invariant  an answer counts only for a question that is open; at most max_questions are.
/// Cost       one ping a period, and `helpers` more when it is not answered in time.
/// Source     SWIM, Das et al. 2002; Lifeguard, Dadgar et al. 2017.
class prober : public member_view {
public:
    prober(membership_config given, std::uint64_t seed, std::size_t room)
        : member_view(std::move(given), seed, room) {
        if (own_record().bytes() > probe_room())
            throw std::invalid_argument("gossip: what a member says of itself is too large");
    }

    /// Is at this address with these data from now on, and messages have so many bytes at most.
    /// False, and nothing is changed, if a ping that says so would have more.
    bool present(std::string address, std::vector<std::byte> metadata, std::size_t room) {
        member_record said = own_record();
        said.address = std::move(address);
        said.metadata = std::move(metadata);
        if (said.bytes() + probe_message::fixed_bytes + max_attachment > room) return false;
        settings.address = std::move(said.address);
        settings.metadata = std::move(said.metadata);
        room_ = room;
        announce();
        return true;
    }

    loss_estimate loss;
    round_trips trips;

protected:
    enum class purpose : std::uint8_t { probe, verify, seek, relay, twin, challenge };
    struct question {
        purpose why = purpose::probe;
        std::uint64_t nonce = 0;
        std::string name; ///< empty: whoever is there
        std::string address;
        time_point sent;
        time_point deadline;
        std::string requester; ///< relay: who wants to know, and under which nonce
        std::uint64_t its_nonce = 0;
        bool nacked = false;
    };

    /// Valid until the next one is opened.
    question& open_question(purpose why, std::string_view name, std::string_view address,
                            duration patience) {
        if (questions_.size() >= max_questions) {
            deadlines_.erase({questions_.begin()->second.deadline, questions_.begin()->first});
            questions_.erase(questions_.begin());
        }
        std::uint64_t nonce = chance.next();
        if (nonce == 0) nonce = 1;
        question& asked = questions_[nonce];
        asked.why = why;
        asked.nonce = nonce;
        asked.name = name;
        asked.address = address;
        asked.sent = now();
        asked.deadline = now() + patience;
        deadlines_.insert({asked.deadline, nonce});
        return asked;
    }
    question* find_question(std::uint64_t nonce) {
        const auto at = questions_.find(nonce);
        return at == questions_.end() ? nullptr : &at->second;
    }
    /// Closes a question and moves it to `into`; false if it is not open.
    bool close(std::uint64_t nonce, question& into) {
        const auto at = questions_.find(nonce);
        if (at == questions_.end()) return false;
        deadlines_.erase({at->second.deadline, nonce});
        std::swap(into, at->second);
        questions_.erase(at);
        return true;
    }
    void close(std::uint64_t nonce) {
        question closed;
        close(nonce, closed);
    }

    /// Pings an address; what is believed of the member goes along, so that it can deny it.
    std::uint64_t ping(std::string_view address, std::string_view name, purpose why,
                       duration patience, std::uint8_t flags = 0) {
        const std::uint64_t nonce = open_question(why, name, address, patience).nonce;
        send_ping(nonce, address, name, flags);
        return nonce;
    }

    void send_ping(std::uint64_t nonce, std::string_view address, std::string_view name,
                   std::uint8_t flags) {
        probe_message message;
        message.flags = flags;
        message.nonce = nonce;
        message.self = self();
        const std::uint32_t id = table.find(name);
        const bool known =
            id != nowhere && table.at(id).verified && (flags & probe_message::speak_up) == 0;
        if (id != nowhere) {
            const member& m = table.at(id);
            if (m.status != member_status::alive) add(message.records, table.record(id));
            if (!m.complete) message.flags |= probe_message::tell_me;
        }
        if (!known) add(message.records, own_record());
        add_news(message.records, probe_room(), name);
        send_probe(address, kind::ping, message, known ? least_bytes : stranger_bytes);
    }

    // What does not fit is said another time.
    void add(std::vector<member_record>& to, member_record said) const {
        std::size_t used = said.bytes();
        for (const member_record& each : to) used += each.bytes();
        if (used <= probe_room()) to.push_back(std::move(said));
    }
    std::size_t probe_room() const { return room_ - probe_message::fixed_bytes - max_attachment; }

    // Whoever answers a stranger says no more than it was asked; so it is asked at some length.
    void send_probe(std::string_view to, kind as, const probe_message& message,
                    std::size_t least = 0, bool attach = true) {
        post(to, attach, least, [&](wire::writer& w) {
            w.u8(static_cast<std::uint8_t>(as));
            message.write(w);
            if (!attach) put_bytes(w, {});
        });
    }

    duration patience_for(const member& m) const {
        const duration measured = 2 * m.round_trip();
        return std::max(settings.probe_timeout, measured) * (1 + static_cast<int>(health_));
    }

    // One probe after another

    struct probe {
        std::uint32_t id = nowhere;
        std::string name;
        std::uint64_t nonce = 0;
        time_point ask_others;
        time_point deadline;
        bool asked = false;
        unsigned helpers = 0;
        unsigned nacks = 0;
    };

    void step_probe() {
        if (probe_.id != nowhere && !probe_.asked && now() >= probe_.ask_others) ask_helpers();
        if (probe_.id != nowhere && now() >= probe_.deadline) fail_probe();
        const bool check = probe_.id == nowhere && !to_check_.empty();
        if (now() < next_probe_ && !check) return;
        next_probe_ = now() + settings.probe_interval * (1 + static_cast<int>(health_));
        if (probe_.id == nowhere) start_probe();
        verify_some();
    }

    void start_probe() {
        std::uint32_t id = std::exchange(again_, nowhere);
        if (id == nowhere && !to_check_.empty()) {
            id = to_check_.back();
            to_check_.pop_back();
        }
        if (id == nowhere || !table.at(id).live()) {
            vain_ = 0;
            id = next_in_order();
        }
        if (id == nowhere) return;
        ++counts.probes;
        const duration patience = patience_for(table.at(id));
        probe_ = {};
        probe_.id = id;
        probe_.name = table.name(id);
        probe_.ask_others = now() + patience;
        probe_.deadline = now() + patience + patience + patience / 2;
        probe_.nonce = ping(table.address(id), probe_.name, purpose::probe,
                            3 * patience + settings.probe_interval);
    }

    // Everybody once in a turn, in an order that is drawn anew for each turn.
    std::uint32_t next_in_order() {
        for (int turn = 0; turn < 2; ++turn) {
            for (std::uint32_t id; (id = table.draw(chance)) != nowhere;)
                if (table.at(id).live() && table.accusers(id) <= confirmations) return id;
            table.begin_turn();
        }
        return nowhere;
    }

    void ask_helpers() {
        probe_.asked = true;
        if (++late_row_ > loss.by_chance()) ++counts.late_answers;
        loss.note(true);
        if (table.name(probe_.id) != probe_.name) return;
        const auto chosen = sample(settings.helpers, [&](std::uint32_t id) {
            const member& m = table.at(id);
            return m.verified && m.status == member_status::alive && id != probe_.id;
        });
        const ping_for_message message{
            probe_.nonce, probe_.name, std::string(table.address(probe_.id)), {}};
        for (const std::uint32_t id : chosen) {
            ++counts.indirect_probes;
            ++probe_.helpers;
            send(table.address(id), message);
        }
    }

    void fail_probe() {
        const std::uint32_t id = probe_.id;
        close(probe_.nonce);
        ++counts.probes_failed;
        // Helpers that say that they tried are heard: the fault is not here.
        if (probe_.nacks == 0)
            degrade(1);
        else
            next_probe_ = now(); // where one is dead there may be more
        const bool same = table.name(id) == probe_.name;
        probe_ = {};
        const member& m = table.at(id);
        if (!same || !m.live()) return;
        table.excuse(id, now());
        // Who has denied before is asked again before it is accused once more.
        if (m.status == member_status::alive && vain_ < m.denials) {
            ++vain_;
            again_ = id;
            return;
        }
        vain_ = 0;
        accuse(id);
    }

    void accuse(std::uint32_t id) {
        member_record said = table.record(id, member_status::suspect);
        said.accuser = hash_of(settings.name);
        learn(said, 0);
    }

    void probe_answered(std::uint64_t nonce, bool itself) {
        if (probe_.id == nowhere || probe_.nonce != nonce) return;
        if (probe_.asked) {
            if (itself) ++counts.late_answers; // what comes late was not lost: the path is slow
        } else {
            late_row_ = 0;
            loss.note(false);
        }
        probe_ = {};
        vain_ = 0;
        recover();
    }

    // Members that only others have told of are asked too, until they prove that they exist.
    void verify_some() {
        const std::size_t most = std::min<std::size_t>(table.unverified().size(), 3);
        for (std::size_t each = 0; each < most; ++each) {
            const std::uint32_t id = table.unverified()[chance.below(table.unverified().size())];
            verify(id);
        }
    }
    void verify(std::uint32_t id) {
        ping(table.address(id), table.name(id), purpose::verify, 4 * patience_for(table.at(id)));
    }

    void drop_overdue() {
        while (!deadlines_.empty() && deadlines_.begin()->first <= now()) {
            const std::uint64_t nonce = deadlines_.begin()->second;
            const question asked = std::move(questions_.at(nonce));
            deadlines_.erase(deadlines_.begin());
            questions_.erase(nonce);
            if (asked.why == purpose::relay && !asked.nacked) {
                ++counts.nacks;
                send(asked.requester, nack_message{asked.its_nonce});
            }
            // Who hears nobody at all blames itself.
            if (asked.why == purpose::verify) give_up(asked.name, heard_ > asked.sent);
        }
    }
    void give_up(const std::string& name, bool others_answer) {
        std::uint32_t id = table.find(name);
        if (id == nowhere || table.at(id).verified) return;
        member& m = table.at(id);
        if (!others_answer && m.status == member_status::alive) accuse(id);
        if (!others_answer) return;
        // What was not asked was not left unanswered; but for ever nobody waits.
        const bool asked = !m.held_back;
        m.held_back = false;
        if (!asked && !chance.chance(1, 16)) return;
        // Who came back from that is given more time.
        if (m.misses + 1U < max_misses * (1U + m.denials)) {
            ++m.misses;
            return;
        }
        // Nobody else hears of it: it may never have been.
        if (!m.live()) return;
        table.apply(id, table.record(id, member_status::dead), m.source, now());
        m.doubted = true;
        tell(event_kind::member_down, id);
        news_.stop(id);
    }

    time_point probe_deadline() const {
        time_point next = next_probe_;
        if (probe_.id == nowhere && !to_check_.empty()) next = now();
        if (probe_.id != nowhere)
            next = std::min({next, probe_.deadline, probe_.asked ? next : probe_.ask_others});
        if (!deadlines_.empty()) next = std::min(next, deadlines_.begin()->first);
        return std::min(next, table.next_deadline());
    }

    static constexpr std::size_t max_questions = 4096;
    static constexpr std::size_t stranger_bytes = 192;
    static constexpr std::size_t least_bytes = 80; ///< so that a bare answer is shorter
    static constexpr unsigned max_misses = 4;

    probe probe_;
    time_point next_probe_{};
    time_point heard_{}; ///< the latest answer to a question of this one

private:
    reusing<std::map<std::uint64_t, question>> questions_;
    reusing<std::set<std::pair<time_point, std::uint64_t>>> deadlines_;
    std::uint32_t again_ = nowhere;
    unsigned vain_ = 0;
    unsigned late_row_ = 0;
};

} // namespace joinery::gossip::detail
