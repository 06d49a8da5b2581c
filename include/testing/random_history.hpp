// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <crdt/lattice.hpp>
#include <crdt/replica_id.hpp>
#include <gossip/random.hpp>

namespace joinery::testing {

using rng = gossip::random;

/// Specialise to enrol a type:
///     template <> struct random_step<cart> {
///         cart operator()(cart& state, crdt::replica_id self, rng& random) const;
///     };
/// One random mutator call on `state` by the replica `self`; returns the mutator's delta.
/// Draw from small domains now and then, so that replicas meet on the same keys.
template <class T>
struct random_step;

template <class T>
using mutator = std::function<T(T&, crdt::replica_id, rng&)>;

/// Three replicas of one small system, after a random history.
///
/// State      replicas, with the id each writes under and a snapshot it has passed through;
///            every delta minted; what replica 0 has absorbed since it last lost anything.
/// Invariant  `earlier[i]` <= `replicas[i]`; each of `absorbed` <= `replicas[0]`; no dot is
///            minted for two events unless `ids_reused` (then only the semilattice laws hold).
/// Source     deltas are lost, repeated, reordered and joined; replicas exchange whole states,
///            restart from nothing, from a snapshot or as they were, under a new id.
template <class T>
class random_history {
public:
    std::array<T, 3> replicas{};
    std::array<T, 3> earlier{};
    std::array<crdt::replica_id, 3> ids{};
    std::vector<T> deltas;
    std::vector<T> absorbed;
    bool ids_reused = false;

    random_history(mutator<T> step, rng& random) : step_(std::move(step)) {
        for (std::size_t i = 0; i < replicas.size(); ++i) take_new_id(i);
        ids_reused = random.chance(1, 8);
        for (auto steps = length(random); steps > 0; --steps) act(random);
    }

    /// One mutator call by replica `i` on `state`, which must be that replica's.
    T step(T& state, std::size_t i, rng& random) const { return step_(state, ids[i], random); }

private:
    // Most histories are short, so that a failure can be read; a few are long enough to leave
    // the inline and sparse shapes of a state behind.
    static std::uint64_t length(rng& random) {
        if (random.chance(1, 256)) return 200 + random.below(400);
        return random.chance(1, 4) ? random.below(5) : random.below(25);
    }

    void act(rng& random) {
        const auto at = static_cast<std::size_t>(random.below(replicas.size()));
        const auto what = random.below(100);
        if (what < 50) {
            deltas.push_back(step(replicas[at], at, random));
            note(at, deltas.back());
        } else if (what < 90) {
            if (deltas.empty()) return;
            T received = pick(random);
            if (random.chance(1, 4)) crdt::merge(received, pick(random));
            receive(at, received);
        } else if (what < 94) {
            const T other = replicas[static_cast<std::size_t>(random.below(replicas.size()))];
            receive(at, other);
        } else if (what < 97) {
            earlier[at] = replicas[at];
        } else {
            restart(at, random);
        }
    }

    const T& pick(rng& random) const {
        return deltas[static_cast<std::size_t>(random.below(deltas.size()))];
    }

    void receive(std::size_t at, const T& what) {
        crdt::merge(replicas[at], what);
        note(at, what);
    }

    void note(std::size_t at, const T& what) {
        if (at == 0 && absorbed.size() < 32) absorbed.push_back(what);
    }

    void restart(std::size_t at, rng& random) {
        const auto how = random.below(3);
        if (how == 0) replicas[at] = earlier[at];
        if (how == 1) replicas[at] = earlier[at] = T{};
        if (how != 2 && at == 0) absorbed.clear();
        if (!ids_reused) take_new_id(at);
    }

    void take_new_id(std::size_t at) {
        ids[at] = crdt::replica_id::of("replica-" + std::to_string(at), ++incarnations_[at]);
    }

    mutator<T> step_;
    std::array<std::uint64_t, 3> incarnations_{};
};

} // namespace joinery::testing
