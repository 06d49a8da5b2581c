// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <crdt/entries.hpp>
#include <crdt/replica_id.hpp>
#include <testing/random_history.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include "tag_model.hpp"

namespace joinery::testing {

/// The rules of a repair, and two ways to break them.
enum class rule { kept, fragments_ship_the_context, contexts_join_under_any_root };

/// Three replicas of S that repair each other entry by entry while they are written to.
///
/// Messages are bytes; each is lost, repeated or late. A probe carries a replica's entries and
/// context digest; it is met by a question for at most two differing entries or, under equal
/// entries, by pieces of a context. Beside each message travels what it means in the tag model.
template <class S, class Ops>
class exchange {
public:
    static constexpr unsigned elements = 6;

    std::uint64_t context_joined = 0;
    std::uint64_t context_refused = 0;
    std::uint64_t written_while_asked = 0;

    exchange(std::uint64_t seed, rule how) : random_(seed), how_(how) {
        for (std::size_t i = 0; i < nodes_.size(); ++i) restart(i);
        for (unsigned e = 0; e < elements; ++e) {
            S one{};
            Ops::add(one, crdt::replica_id{1}, e);
            crdt::for_each_entry(
                one, [&](crdt::entry_id id, const wire::digest&) { element_of_[id] = e; });
        }
    }

    void run(int steps) {
        for (; steps > 0; --steps) {
            const auto what = random_.below(100);
            if (what < 35)
                write(any());
            else if (what < 50)
                probe(any(), any());
            else if (what < 51)
                restart(any());
            else if (!bag_.empty())
                deliver_one(random_.chance(1, 8), random_.chance(1, 8));
        }
    }

    /// Probes until all are equal, without further writes or loss; false if it does not end.
    bool settle() {
        for (std::size_t round = 0; round < 200; ++round) {
            while (!bag_.empty()) deliver_one(false, false);
            if (equal()) return true;
            for (std::size_t i = 0; i < nodes_.size(); ++i)
                probe(i, (i + 1 + round % 2) % nodes_.size());
        }
        return false;
    }

    bool equal() const {
        const auto bytes = wire::encode(nodes_[0].state);
        const auto context = context_digest(nodes_[0].state);
        for (const node& n : nodes_)
            if (wire::encode(n.state) != bytes || context_digest(n.state) != context) return false;
        return true;
    }

    std::uint64_t lost() const { return differing(true); }
    std::uint64_t resurrected() const { return differing(false); }

private:
    enum class kind { delta, probe, question, answer, context };

    struct node {
        S state{};
        crdt::replica_id id;
        tag_model::knowledge known;
        std::uint64_t incarnation = 0;
        std::uint64_t writes = 0;
        std::uint64_t writes_when_asking = 0;
    };

    struct message {
        kind what;
        std::size_t from, to;
        std::vector<std::byte> bytes;
        tag_model::knowledge meaning;
    };

    using version_map = std::map<crdt::entry_id, std::pair<std::uint64_t, std::uint64_t>>;
    using digest_pair = std::pair<std::uint64_t, std::uint64_t>;
    using probe_body = std::pair<version_map, digest_pair>;
    using question_body = std::pair<std::vector<crdt::entry_id>, S>;
    using context_body = std::pair<digest_pair, S>;

    std::size_t any() { return static_cast<std::size_t>(random_.below(nodes_.size())); }

    void restart(std::size_t at) {
        node& n = nodes_[at];
        n.id = crdt::replica_id::of("node-" + std::to_string(at), ++n.incarnation);
    }

    void write(std::size_t at) {
        node& n = nodes_[at];
        const auto element = static_cast<unsigned>(random_.below(elements));
        const bool adds = random_.chance(3, 5);
        ++n.writes;
        const S delta =
            adds ? Ops::add(n.state, n.id, element) : Ops::remove(n.state, n.id, element);
        const auto meaning = adds ? n.known.add({at, ++serial_}, element) : n.known.remove(element);
        for (std::size_t to = 0; to < nodes_.size(); ++to)
            if (to != at && random_.chance(1, 4))
                bag_.push_back({kind::delta, at, to, wire::encode_nested(delta), meaning});
    }

    void probe(std::size_t from, std::size_t to) {
        if (from == to) return;
        const S& s = nodes_[from].state;
        bag_.push_back({kind::probe,
                        from,
                        to,
                        wire::encode_nested(probe_body{versions(s), context_digest(s)}),
                        {}});
    }

    void deliver_one(bool lose, bool repeat) {
        const auto at = static_cast<std::size_t>(random_.below(bag_.size()));
        const message m = bag_[at];
        if (!repeat) bag_.erase(bag_.begin() + static_cast<std::ptrdiff_t>(at));
        if (!lose) receive(m);
    }

    void receive(const message& m) {
        node& here = nodes_[m.to];
        switch (m.what) {
            case kind::probe: return meet(m);
            case kind::question: return answer(m);
            case kind::answer:
                if (here.writes != here.writes_when_asking) ++written_while_asked;
                [[fallthrough]];
            case kind::delta:
                crdt::merge(here.state, read<S>(m.bytes));
                here.known.merge(m.meaning);
                return;
            case kind::context: return absorb(m);
        }
    }

    void meet(const message& m) {
        node& here = nodes_[m.to];
        const auto [theirs, their_context] = read<probe_body>(m.bytes);
        const auto mine = versions(here.state);
        std::set<crdt::entry_id> differing;
        for (const auto& [id, version] : theirs)
            if (!mine.contains(id) || mine.at(id) != version) differing.insert(id);
        for (const auto& [id, version] : mine)
            if (!theirs.contains(id)) differing.insert(id);
        if (differing.empty() || how_ == rule::contexts_join_under_any_root) {
            if (their_context != context_digest(here.state)) send_context(m.to, m.from);
            if (differing.empty()) return;
        }
        while (differing.size() > 2)
            differing.erase(std::next(
                differing.begin(), static_cast<std::ptrdiff_t>(random_.below(differing.size()))));
        const std::vector<crdt::entry_id> ids(differing.begin(), differing.end());
        here.writes_when_asking = here.writes;
        bag_.push_back(
            {kind::question,
             m.to,
             m.from,
             wire::encode_nested(question_body{ids, crdt::held(here.state, crdt::id_set(ids))}),
             {}});
    }

    void answer(const message& m) {
        const node& here = nodes_[m.to];
        const auto [ids, asked] = read<question_body>(m.bytes);
        S cut = crdt::answer(here.state, crdt::id_set(ids), asked);
        if (how_ == rule::fragments_ship_the_context) {
            cut = crdt::fragment(here.state, crdt::id_set(ids));
            crdt::absorb(cut, crdt::context(here.state));
        }
        std::set<unsigned> about;
        for (const auto id : ids) about.insert(element_of_.at(id));
        bag_.push_back(
            {kind::answer, m.to, m.from, wire::encode_nested(cut), here.known.about(about)});
    }

    void send_context(std::size_t from, std::size_t to) {
        const node& here = nodes_[from];
        const auto most = static_cast<std::size_t>(20 + random_.below(200));
        crdt::split(crdt::context(here.state), most, [&](const S& part) {
            bag_.push_back({kind::context, from, to,
                            wire::encode_nested(context_body{root(here.state), part}), here.known});
        });
    }

    void absorb(const message& m) {
        node& here = nodes_[m.to];
        const auto [their_root, part] = read<context_body>(m.bytes);
        if (their_root != root(here.state) && how_ != rule::contexts_join_under_any_root) {
            ++context_refused;
            return;
        }
        ++context_joined;
        crdt::absorb(here.state, part);
        here.known.merge(m.meaning);
    }

    std::uint64_t differing(bool expected) const {
        tag_model::knowledge all;
        for (const node& n : nodes_) all.merge(n.known);
        std::uint64_t wrong = 0;
        for (const node& n : nodes_)
            for (unsigned e = 0; e < elements; ++e)
                if (all.contains(e) == expected && Ops::contains(n.state, e) != expected) ++wrong;
        return wrong;
    }

    template <class Body>
    static Body read(const std::vector<std::byte>& bytes) {
        Body body{};
        // What a replica sent decodes; anything else shows as a difference in the end.
        if (!wire::decode_nested(std::span<const std::byte>(bytes), body, wire::limits{},
                                 wire::unknown_fields::refuse))
            return Body{};
        return body;
    }

    static version_map versions(const S& s) {
        version_map all;
        crdt::for_each_entry(s, [&](crdt::entry_id id, const wire::digest& v) {
            all[id] = {v.hi, v.lo};
        });
        return all;
    }

    static digest_pair root(const S& s) {
        const auto d = wire::content_digest(wire::encode_nested(versions(s)));
        return {d.hi, d.lo};
    }

    static digest_pair context_digest(const S& s) {
        const auto d = wire::content_digest(wire::encode_nested(crdt::context(s)));
        return {d.hi, d.lo};
    }

    rng random_;
    rule how_;
    std::array<node, 3> nodes_{};
    std::vector<message> bag_;
    std::map<crdt::entry_id, unsigned> element_of_;
    std::uint64_t serial_ = 0;
};

} // namespace joinery::testing
