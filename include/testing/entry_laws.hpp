// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <testing/lattice_laws.hpp>
#include <testing/random_history.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

namespace joinery::testing {

/// What replication relies on: entries, fragments, the repair exchange.
///
/// live(s) is the map entry id -> version of for_each_entry; I is any set of entry ids.
template <crdt::replicated T>
struct entry_laws {
    using history = random_history<T>;
    using live_map = std::map<crdt::entry_id, wire::digest>;

    /// live(s) names each id once, and depends on the state alone.
    static bool entries_of_the_value(const history& h, rng&) {
        const auto& [a, b, c] = h.replicas;
        std::size_t calls = 0;
        crdt::for_each_entry(a, [&](crdt::entry_id, const wire::digest&) { ++calls; });
        return calls == live(a).size() && live(T{}).empty() &&
               live(crdt::join(a, b)) == live(crdt::join(b, a)) &&
               live(wire::decode<T>(wire::encode(c))) == live(c);
    }

    /// live(a) == live(b) exactly when the live parts are equal.
    static bool entries_tell_states_apart(const history& h, rng&) {
        const auto& [a, b, c] = h.replicas;
        return (live(a) == live(b)) == (everything(a) == everything(b)) &&
               (live(a) == live(c)) == (everything(a) == everything(c)) &&
               (live(a) == live(h.earlier[0])) == (everything(a) == everything(h.earlier[0]));
    }

    /// An index that follows changes(s, δ) through a merge stays equal to live(s), and
    /// touched(s, δ) after a δ that takes nothing away gives all that it changed.
    static bool index_follows(const history& h, rng& random) {
        for (std::size_t i = 0; i < h.replicas.size(); ++i) {
            T after = h.replicas[i];
            const T d = h.step(after, i, random);
            if (!keeps_index(h.replicas[i], d)) return false;
        }
        return keeps_index(h.replicas[0], h.replicas[1]) &&
               keeps_index(h.replicas[1], lattice_laws<T>::any_delta(h, random)) &&
               keeps_index(h.replicas[2], lattice_laws<T>::any_delta(h, random));
    }

    /// The parts join to the whole; a part above the limit holds one thing and splits no more.
    static bool split(const history& h, rng& random) {
        const T& a = h.replicas[0];
        const T whole = random.chance(1, 2) ? a : crdt::difference(a, h.replicas[1]);
        const std::uint64_t range = random.chance(1, 2) ? 64 : 400;
        const auto most = static_cast<std::size_t>(1 + random.below(range));
        T joined;
        bool lawful = true;
        crdt::split(whole, most, [&](const T& part) {
            lawful = lawful && part != T{} && crdt::leq(part, whole) && within(part, most);
            crdt::merge(joined, part);
        });
        return lawful && joined == whole;
    }

    /// Each irreducible part of difference(a, known) tells `known` something.
    static bool difference_is_minimal(const history& h, rng&) {
        const auto& [a, known, c] = h.replicas;
        bool needed = true;
        crdt::split(crdt::difference(a, known), 1,
                    [&](const T& part) { needed = needed && !crdt::leq(part, known); });
        return needed;
    }

    /// fragment(s, all) that absorbs context(s) is s; fragment(s, I) ≤ s shows live(s) within I.
    static bool fragments_make_the_state(const history& h, rng& random) {
        const T& s = h.replicas[0];
        T rebuilt = everything(s);
        const bool grew = crdt::absorb(rebuilt, crdt::context(s));
        if (rebuilt != s || grew != (everything(s) != s)) return false;
        if (!live(crdt::context(s)).empty()) return false;
        const auto [some, others] = two_halves(s, random);
        const T one = crdt::fragment(s, some), two = crdt::fragment(s, others);
        return crdt::leq(one, s) && live(one) == within(live(s), some) &&
               crdt::join(one, two) == everything(s) && crdt::fragment(s, crdt::id_set{}) == T{};
    }

    /// A fragment claims exactly its live dots: it says nothing of any other entry.
    static bool fragments_claim_their_dots(const history& h, rng& random) {
        const auto& [a, b, c] = h.replicas;
        const auto some = some_ids(a, b, random);
        const T cut = crdt::fragment(a, some);
        if (crdt::context(cut) != crdt::held(a, some)) return false;
        return h.ids_reused || without(live(crdt::join(b, cut)), some) == without(live(b), some);
    }

    /// held(s, I) speaks of no entry outside I, has no payload, and says no more than s knows.
    static bool questions_claim_their_dots(const history& h, rng& random) {
        const T& s = h.replicas[0];
        const auto some = some_ids(s, h.replicas[1], random);
        const T question = crdt::held(s, some);
        return live(question).empty() && crdt::leq(question, crdt::context(s)) &&
               without(live(crdt::join(s, question)), some) == without(live(s), some);
    }

    /// a ⊔ answer(b, I, held(a, I)) equals a ⊔ b within I and a outside I.
    static bool answers_repair(const history& h, rng& random) {
        if (h.ids_reused) return true;
        const auto& [a, b, c] = h.replicas;
        const auto some = some_ids(a, b, random);
        const T repaired = crdt::join(a, crdt::answer(b, some, crdt::held(a, some)));
        const T both = crdt::join(a, b);
        return crdt::leq(repaired, both) &&
               within(live(repaired), some) == within(live(both), some) &&
               without(live(repaired), some) == without(live(a), some);
    }

    /// Questions and answers both ways, then contexts under equal roots, make two states equal;
    /// absorbing a context, in parts, adds and removes nothing.
    static bool repair_ends_equal(const history& h, rng& random) {
        if (h.ids_reused) return true;
        auto [a, b, c] = h.replicas;
        const T both = crdt::join(a, b);
        const auto all = ids_of(a, b);
        const T to_a = crdt::answer(b, all, crdt::held(a, all));
        const T to_b = crdt::answer(a, all, crdt::held(b, all));
        crdt::merge(a, to_a);
        crdt::merge(b, to_b);
        if (live(a) != live(b)) return false;
        const auto before = live(a);
        const T context_a = crdt::context(a), context_b = crdt::context(b);
        const auto most = static_cast<std::size_t>(1 + random.below(300));
        crdt::split(context_b, most, [&](const T& part) { crdt::absorb(a, part); });
        crdt::split(context_a, most, [&](const T& part) { crdt::absorb(b, part); });
        return a == both && b == both && live(a) == before;
    }

    /// removes(δ) exactly when δ claims dots beyond its payloads.
    static bool removals_told(const history& h, rng& random) {
        for (const T* d : {&h.replicas[0], &lattice_laws<T>::any_delta(h, random)})
            if (crdt::removes(*d) != (everything(*d) != *d)) return false;
        return true;
    }

    /// max_stamp(a ⊔ b) <= max(max_stamp(a), max_stamp(b)); ⊥ has none.
    static bool stamps_are_not_invented(const history& h, rng&) {
        const auto& [a, b, c] = h.replicas;
        return crdt::max_stamp(T{}) == 0 && crdt::max_stamp(crdt::join(a, b)) <=
                                                std::max(crdt::max_stamp(a), crdt::max_stamp(b));
    }

    static live_map live(const T& s) {
        live_map result;
        crdt::for_each_entry(s, [&](crdt::entry_id id, const wire::digest& version) {
            result.emplace(id, version);
        });
        return result;
    }

private:
    static crdt::id_set ids_of(const T& a, const T& b) {
        std::vector<crdt::entry_id> ids;
        for (const T* s : {&a, &b})
            for (const auto& [id, version] : live(*s)) ids.push_back(id);
        return crdt::id_set(std::move(ids));
    }

    static crdt::id_set some_ids(const T& a, const T& b, rng& random) {
        return two_halves(crdt::join(a, everything(b)), random).first;
    }

    static std::pair<crdt::id_set, crdt::id_set> two_halves(const T& s, rng& random) {
        std::vector<crdt::entry_id> one, two;
        for (const auto& [id, version] : live(s)) (random.chance(1, 2) ? one : two).push_back(id);
        return {crdt::id_set(std::move(one)), crdt::id_set(std::move(two))};
    }

    static T everything(const T& s) { return crdt::fragment(s, ids_of(s, s)); }

    static live_map within(live_map m, const crdt::id_set& ids) {
        std::erase_if(m, [&](const auto& entry) { return !ids.contains(entry.first); });
        return m;
    }

    static live_map without(live_map m, const crdt::id_set& ids) {
        std::erase_if(m, [&](const auto& entry) { return ids.contains(entry.first); });
        return m;
    }

    static bool within(const T& part, std::size_t most) {
        if (wire::encoded_size(part) <= most) return true;
        std::size_t parts = 0;
        bool same = true;
        crdt::split(part, most, [&](const T& again) {
            ++parts;
            same = same && again == part;
        });
        return parts == 1 && same && live(part).size() <= 1;
    }

    static bool keeps_index(T s, const T& d) {
        live_map index = live(s), touched_only = index;
        bool exact = true;
        crdt::changes(s, d,
                      [&](crdt::entry_id id, const wire::digest& old, const wire::digest& now) {
                          const auto found = index.find(id);
                          exact = exact && old != now &&
                                  old == (found == index.end() ? wire::digest{} : found->second);
                          if (found != index.end()) index.erase(found);
                          if (!now.zero()) index.emplace(id, now);
                      });
        crdt::report found;
        crdt::merge(s, d, found);
        crdt::touched(s, d, [&](crdt::entry_id id, const wire::digest& version) {
            touched_only.insert_or_assign(id, version);
        });
        const bool told = crdt::removes(d) || !found.double_spent.empty();
        return exact && index == live(s) && (told || touched_only == live(s));
    }
};

} // namespace joinery::testing
