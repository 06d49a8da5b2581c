// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <crdt/lattice.hpp>
#include <crdt/replica_id.hpp>
#include <testing/visibility.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

namespace joinery::testing {

/// One operation of a type: how a replica does it, and what it means to the model.
template <class T, class Model>
struct exhaustive_operation {
    std::string name;
    std::function<T(T&, crdt::replica_id)> apply;
    typename Model::operation meaning;
};

/// How many commands a sequence has: what the environment's JOINERY_DEPTH says, or `otherwise`.
inline std::size_t exhaustive_depth(std::size_t otherwise = 5) {
    if (const char* text = std::getenv("JOINERY_DEPTH"); text != nullptr && *text != '\0')
        return std::min<std::size_t>(std::strtoull(text, nullptr, 10), max_own_events);
    return otherwise;
}

/// What a search found.
struct exhaustive_result {
    std::uint64_t worlds = 0;   ///< different ones that were checked
    std::uint64_t refused = 0;  ///< operations that the type and the model refused
    std::uint64_t repeated = 0; ///< worlds that had been met before
    std::string failure;        ///< the commands of the first failure and what it was

    bool holds() const { return failure.empty() && worlds != 0; }
};

/// Every sequence of commands over three replicas, up to a length, compared with a model at each
/// step. Commands are the operations given, at each replica; a merge of one replica's state into
/// another; the delivery of any delta to any replica, also again. A delta that a sequence does not
/// deliver is lost there.
///
/// State      three states, what each has seen, the deltas so far: a world.
/// Value      after each command the replica shows what Model::value says of the operations it has
///            seen; the delta is what the operation did; merge tells growth; and if all three meet,
///            in any world, they show what the model says and have equal bytes.
/// Invariant  only a world that was met before with as many commands left is not entered again, so
///            commands that change nothing, or that can change places, cost little. Worlds are told
///            apart by a 128-bit digest of the bytes of states and deltas, and of what was seen.
/// Cost       depth-first over copied values, memory for a digest a world.
template <class T, class Model>
class exhaustive {
public:
    using operation = exhaustive_operation<T, Model>;
    using value_type = decltype(Model::value(
        std::declval<const visibility<typename Model::operation>&>(), event_set{}));
    using reader = std::function<value_type(const T&)>;

    exhaustive(std::vector<operation> operations, reader read)
        : operations_(std::move(operations)), read_(std::move(read)) {}

    /// A failure is one of the shortest there are.
    exhaustive_result run(std::size_t depth = exhaustive_depth()) {
        for (std::size_t i = 0; i < replicas; ++i) ids_[i] = crdt::replica_id{i + 1};
        for (std::size_t most = 0; most <= depth; ++most) {
            result_ = {};
            met_.clear();
            met_together_.clear();
            world start;
            for (std::size_t i = 0; i < replicas; ++i) start.note(i);
            if (check_value(start, 0) && enter(start, most)) descend(start, most);
            if (failed()) break;
        }
        return result_;
    }

private:
    static constexpr std::size_t replicas = 3;

    struct delta {
        event_id id = 0;
        T value{};
        event_set tells = 0;
        wire::digest digest; ///< of its bytes, its meaning and what was seen
    };

    struct world {
        std::array<T, replicas> states{};
        std::array<event_set, replicas> seen{};
        std::array<wire::digest, replicas> digests{};
        std::array<std::size_t, replicas> own{};
        std::vector<delta> deltas;

        void note(std::size_t changed) {
            digests[changed] = wire::content_digest(wire::encode_nested(states[changed]));
        }
    };

    enum class kind { operate, merge, deliver };

    struct command {
        kind what;
        std::size_t to;   ///< the replica that it changes
        std::size_t from; ///< the operation, the replica merged, or the delta delivered
    };

    bool failed() const { return !result_.failure.empty(); }

    void descend(world& now, std::size_t left) {
        if (left == 0) return;
        for (std::size_t to = 0; to < replicas; ++to) {
            for (std::size_t i = 0; i < operations_.size(); ++i)
                step(now, {kind::operate, to, i}, left);
            for (std::size_t from = 0; from < replicas; ++from)
                if (from != to) step(now, {kind::merge, to, from}, left);
            for (std::size_t i = 0; i < now.deltas.size(); ++i)
                step(now, {kind::deliver, to, i}, left);
        }
    }

    /// One command and all that can follow it; `now` is then as it was.
    void step(world& now, const command& next, std::size_t left) {
        if (failed()) return;
        const bool delivers = next.what == kind::deliver;
        path_.emplace_back(next, delivers ? now.deltas[next.from].id : event_id{0});
        const auto at = next.to;
        const T before = now.states[at];
        const auto seen = now.seen[at];
        const auto digest = now.digests[at];
        const auto deltas = now.deltas.size();
        try {
            const bool done = next.what == kind::operate ? operate(now, next, before)
                                                         : receive(now, next, before);
            if (done) now.note(at);
            if (done && enter(now, left - 1)) descend(now, left - 1);
        } catch (const std::exception& why) {
            fail(std::string("threw: ") + why.what());
        }
        now.states[at] = before;
        now.seen[at] = seen;
        now.digests[at] = digest;
        if (now.deltas.size() != deltas) {
            all_.drop(now.deltas.back().id);
            now.deltas.pop_back();
            --now.own[at];
        }
        path_.pop_back();
    }

    /// Does an operation; false if it was refused, or if it ends a failed search.
    bool operate(world& w, const command& next, const T& before) {
        const auto self = next.to;
        const operation& chosen = operations_[next.from];
        bool expected = true;
        if constexpr (requires { &Model::allowed; })
            expected = Model::allowed(all_, w.seen[self], self, chosen.meaning);
        T made{};
        bool done = true;
        try {
            made = chosen.apply(w.states[self], ids_[self]);
        } catch (const std::exception&) {
            done = false;
        }
        if (done != expected) return fail(done ? "should be refused" : "was refused");
        if (!done) {
            ++result_.refused;
            return w.states[self] == before ? false : fail("a refusal changed the state");
        }
        if (crdt::join(before, made) != w.states[self])
            return fail("the delta is not what the operation did");
        record(w, self, chosen, next.from, std::move(made));
        return check_value(w, self);
    }

    void record(world& w, std::size_t self, const operation& chosen, std::size_t index, T made) {
        const event_id id = self * max_own_events + w.own[self]++;
        event_set takes = 0;
        if constexpr (requires { Model::takes(all_, chosen.meaning, w.seen[self]); })
            takes = Model::takes(all_, chosen.meaning, w.seen[self]);
        all_.add(id, chosen.meaning, w.seen[self], takes);
        wire::writer text;
        text.varint(id);
        text.varint(index);
        text.fixed64(w.seen[self]);
        wire::put(text, made);
        // A bottom delta tells nobody of anything.
        const event_set tells = made == T{} ? 0 : just(id);
        w.deltas.push_back({id, std::move(made), tells, wire::content_digest(text.bytes())});
        w.seen[self] |= just(id);
    }

    bool receive(world& w, const command& next, const T& before) {
        const bool merges = next.what == kind::merge;
        const T& what = merges ? w.states[next.from] : w.deltas[next.from].value;
        const bool grew = crdt::merge(w.states[next.to], what);
        w.seen[next.to] |= merges ? w.seen[next.from] : w.deltas[next.from].tells;
        if (grew != (w.states[next.to] != before)) return fail("merge tells growth wrongly");
        return check_value(w, next.to);
    }

    bool check_value(const world& w, std::size_t at) {
        if (read_(w.states[at]) == Model::value(all_, w.seen[at])) return true;
        return fail("does not show what the model says");
    }

    /// False for a world that was met before with as many commands left.
    bool enter(const world& w, std::size_t left) {
        wire::writer text;
        for (std::size_t i = 0; i < replicas; ++i) {
            w.digests[i].write(text);
            text.fixed64(w.seen[i]);
        }
        const auto together = wire::content_digest(text.bytes());
        wire::digest deltas;
        for (const auto& d : w.deltas) deltas += d.digest;
        deltas.write(text);
        const auto [at, fresh] = met_.emplace(wire::content_digest(text.bytes()), left);
        if (fresh) {
            ++result_.worlds;
            return !met_together_.insert(together).second || check_meeting(w);
        }
        ++result_.repeated;
        if (at->second >= left) return false;
        at->second = left;
        return true;
    }

    bool check_meeting(const world& w) {
        auto states = w.states;
        event_set seen = 0;
        for (const auto& one : w.seen) seen |= one;
        for (std::size_t to = 0; to < replicas; ++to)
            for (std::size_t from = 0; from < replicas; ++from)
                if (from != to) crdt::merge(states[to], states[from]);
        const auto bytes = wire::encode_nested(states[0]);
        for (const auto& state : states)
            if (state != states[0] || wire::encode_nested(state) != bytes)
                return fail("replicas that meet are not equal");
        if (read_(states[0]) != Model::value(all_, seen))
            return fail("replicas that meet do not show what the model says");
        return true;
    }

    static std::string letter(std::size_t replica) {
        return std::string(1, static_cast<char>('A' + replica));
    }

    std::string name(const command& c, event_id event) const {
        if (c.what == kind::operate) return letter(c.to) + ": " + operations_[c.from].name;
        if (c.what == kind::merge) return letter(c.to) + " merges " + letter(c.from);
        return letter(c.to) + " gets delta " + std::to_string(event % max_own_events + 1) + " of " +
               letter(replica_of(event));
    }

    bool fail(const std::string& why) {
        if (failed()) return false;
        for (const auto& [done, event] : path_) result_.failure += name(done, event) + "; ";
        result_.failure += why;
        return false;
    }

    std::vector<operation> operations_;
    reader read_;
    std::array<crdt::replica_id, replicas> ids_{};
    visibility<typename Model::operation> all_;
    std::map<wire::digest, std::size_t> met_;        ///< with the most commands left so far
    std::set<wire::digest> met_together_;            ///< the same without the deltas
    std::vector<std::pair<command, event_id>> path_; ///< and the event that is delivered
    exhaustive_result result_;
};

} // namespace joinery::testing
