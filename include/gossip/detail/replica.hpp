// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <gossip/detail/field_indexes.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// A state with the index of its entries.
///
/// State      the state; an index a field, unless stale; the context digest, unless it has changed.
/// Invariant  an index that is not stale is what for_each_entry would build, whatever threw.
/// Cost       a received delta O(|δ| log n); a local one too, unless it removes: then the index
///            is rebuilt, O(n log n), when it is next needed.
template <crdt::replicated State>
class replica {
public:
    explicit replica(const wire::keyed_hasher& hasher) : indexes_(hasher) {}

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
        changes_.clear();
        const auto note = [&](merkle::index& index, std::uint32_t, crdt::entry_id id,
                              const wire::digest& old, const wire::digest& now) {
            changes_.push_back({&index, id, old, now});
        };
        crdt::changes(std::as_const(state_), delta, indexes_.visitor(note));
        stale_ = true; // until the index has followed
        made.grew = crdt::merge(state_, delta, found);
        if (made.grew) {
            context_.reset();
            made.changed = changes_.size();
            for (const auto& each : changes_) follow(each);
        }
        stale_ = false;
        if (changes_.capacity() > max_kept) changes_ = {};
        return made;
    }

    /// Learns the dots of a context. Precondition: it was taken under the live entries held here.
    bool absorb(const State& context, crdt::report& found) {
        const bool grew =
            crdt::absorb(state_, context, &found); // the index is of live entries alone
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
        const auto set = [](merkle::index& index, std::uint32_t, crdt::entry_id id,
                            const wire::digest& version) { index.set(id, version); };
        crdt::touched(std::as_const(state_), std::as_const(delta), indexes_.visitor(set));
        stale_ = false;
        return true;
    }

    /// The digest and the number of the live entries, as they are now.
    wire::digest root() const { return up_to_date().root(); }
    std::size_t size() const { return up_to_date().size(); }
    /// The entries of one field, null if there is no such field. Valid until the state changes.
    const merkle::index* index(std::uint32_t field) const { return up_to_date().find(field); }

    /// Calls f(field, id) for each entry of a part that this state does not have, in O(|part|).
    template <class F>
    void for_each_absent(const State& part, F f) const {
        const auto look = [&](const merkle::index& index, std::uint32_t field, crdt::entry_id id,
                              const wire::digest&) {
            if (!index.find(id)) f(field, id);
        };
        crdt::for_each_entry(part, up_to_date().visitor(look));
    }

    static const std::vector<std::uint32_t>& fields() { return field_indexes<State>::fields(); }
    static std::uint64_t schema() { return field_indexes<State>::schema(); }

    wire::digest context_digest() const {
        if (!context_) context_ = wire::content_digest(wire::encode_nested(crdt::context(state_)));
        return *context_;
    }
    /// The contexts of one field alone.
    State context_of(std::uint32_t field) const {
        return field_indexes<State>::context_of(state_, field);
    }

    std::uint64_t rebuilds() const { return rebuilds_; }

private:
    static constexpr std::size_t max_kept = 256; // changes' memory, for the next merge

    struct change {
        merkle::index* index;
        crdt::entry_id id;
        wire::digest old, now;
    };

    // Elements may share an id, so versions are taken away and added, not overwritten.
    void follow(const change& each) {
        if (!each.old.zero()) each.index->subtract(each.id, each.old);
        if (!each.now.zero()) each.index->add(each.id, each.now);
    }

    const field_indexes<State>& up_to_date() const {
        if (!stale_) return indexes_;
        indexes_.clear();
        const auto add = [](merkle::index& index, std::uint32_t, crdt::entry_id id,
                            const wire::digest& version) { index.add(id, version); };
        crdt::for_each_entry(std::as_const(state_), indexes_.visitor(add));
        stale_ = false;
        ++rebuilds_;
        return indexes_;
    }

    State state_{};
    std::vector<change> changes_; ///< of the merge under way
    mutable field_indexes<State> indexes_;
    mutable bool stale_ = false;
    mutable std::optional<wire::digest> context_;
    mutable std::uint64_t rebuilds_ = 0;
};

} // namespace joinery::gossip::detail
