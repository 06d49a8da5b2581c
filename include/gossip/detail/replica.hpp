// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <merkle/index.hpp>
#include <wire/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// A state with the index of its entries.
///
/// State      the state; the index, unless it is stale; the context digest, unless it has changed.
/// Invariant  an index that is not stale is what for_each_entry would build, whatever threw.
/// Cost       a received delta O(|δ| log n); a local one too, unless it removes: then the index
///            is rebuilt, O(n log n), when it is next needed.
template <crdt::replicated State>
class replica {
public:
    explicit replica(const wire::keyed_hasher& hasher) : index_(hasher) {}

    const State& state() const { return state_; }

    void assign(State state) {
        state_ = std::move(state);
        stale_ = true;
        context_.reset();
    }

    struct merged {
        bool grew = false;
        std::uint64_t changed = 0; ///< entries, if the index was at hand
    };

    merged merge(const State& delta, crdt::report& found) {
        merged made;
        if (stale_) {
            made.grew = crdt::merge(state_, delta, found);
            if (made.grew) context_.reset();
            return made;
        }
        std::vector<change> changes;
        crdt::changes(state_, delta,
                      [&](crdt::entry_id id, const wire::digest& old, const wire::digest& now) {
                          changes.push_back({id, old, now});
                      });
        stale_ = true; // until the index has followed
        made.grew = crdt::merge(state_, delta, found);
        if (made.grew) {
            context_.reset();
            made.changed = changes.size();
            for (const auto& each : changes) follow(each);
        }
        stale_ = false;
        return made;
    }

    /// Learns the dots of a context. Precondition: it was taken under the live entries held here.
    bool absorb(const State& context) {
        const bool grew = crdt::absorb(state_, context); // the index is of live entries alone
        if (grew) context_.reset();
        return grew;
    }

    /// Calls f(state), which returns the delta that it has merged in itself. If `check`, a delta
    /// that is not what f did is refused: the state is as before, and false is returned.
    template <class F>
    bool update(F&& f, bool check, State& delta) {
        std::optional<State> before;
        if (check) before = state_;
        const bool fresh = !std::exchange(stale_, true);
        const auto context = std::exchange(context_, std::nullopt);
        try {
            delta = f(state_);
            if (check && crdt::join(*before, delta) != state_) {
                state_ = std::move(*before);
                stale_ = !fresh;
                context_ = context;
                return false;
            }
        } catch (...) {
            if (check) {
                state_ = std::move(*before);
                stale_ = !fresh;
                context_ = context;
            }
            throw;
        }
        if (!fresh || crdt::removes(delta)) return true;
        crdt::touched(state_, delta,
                      [&](crdt::entry_id id, const wire::digest& v) { index_.set(id, v); });
        stale_ = false;
        return true;
    }

    /// The index of the state as it is now.
    const merkle::index& index() const {
        if (stale_) {
            index_.clear();
            crdt::for_each_entry(
                state_, [&](crdt::entry_id id, const wire::digest& v) { index_.add(id, v); });
            stale_ = false;
            ++rebuilds_;
        }
        return index_;
    }

    wire::digest context_digest() const {
        if (!context_) context_ = wire::content_digest(wire::encode_nested(crdt::context(state_)));
        return *context_;
    }

    std::uint64_t rebuilds() const { return rebuilds_; }

private:
    struct change {
        crdt::entry_id id;
        wire::digest old, now;
    };

    // Elements may share an id, so versions are taken away and added, not overwritten.
    void follow(const change& each) {
        if (!each.old.zero()) index_.subtract(each.id, each.old);
        if (!each.now.zero()) index_.add(each.id, each.now);
    }

    State state_{};
    mutable merkle::index index_;
    mutable bool stale_ = false;
    mutable std::optional<wire::digest> context_;
    mutable std::uint64_t rebuilds_ = 0;
};

} // namespace joinery::gossip::detail
