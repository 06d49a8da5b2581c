// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint_store.hpp"
#include "failure.hpp"

#include <gossip/engine.hpp>
#include <stream/checkpoint.hpp>
#include <stream/transfer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

namespace gossip = joinery::gossip;

// The checkpoints of which a worker has every part on disk: the newest that is stable, which is the
// one to go on from, and complete ones after it, which the worker has vouched for so that they may
// become stable. `State` is what is gossiped; it has a field `checkpoints`.
template <class State>
class held_checkpoints {
public:
    using engine = gossip::engine<State>;

    // Takes up what the store holds, verified. A damaged part is as good as none.
    explicit held_checkpoints(checkpoint_store& store) : store_(store) {
        held_certificates found = store_.certificates();
        if (found.stable && take_up(*found.stable)) held_.stable = std::move(found.stable);
        for (stream::certificate& each : found.complete) {
            if (take_up(each)) held_.complete.push_back(std::move(each));
        }
    }

    // The checkpoint to go on from; null before the first.
    const stream::certificate* stable() const { return held_.stable ? &*held_.stable : nullptr; }
    std::uint64_t stable_epoch() const { return held_.stable ? held_.stable->epoch : 0; }
    stream::transfer& parts() { return parts_; }

    // The verified bytes of one partition. Precondition: there is a stable checkpoint.
    std::vector<std::byte> bytes_of(const std::string& partition) const {
        const auto* said = held_.stable->find(partition);
        auto bytes = said == nullptr ? std::nullopt : parts_.serve(said->root);
        if (!bytes || !stream::verify(*held_.stable, partition, *bytes).ok()) {
            throw failure("the checkpoint has no right bytes of " + partition);
        }
        return std::move(*bytes);
    }

    // Submits a part that was cut here; its bytes are durable before anyone hears of them.
    stream::verdict submit(engine& node, const std::vector<std::byte>& bytes,
                           stream::submission& said) {
        said.bytes = bytes.size();
        said.root = parts_.add_local(bytes, said.epoch);
        store_.save_part(said.root, bytes);
        own_[said.epoch].insert(said.root);
        return tell(node, said);
    }
    static stream::verdict tell(engine& node, const stream::submission& said) {
        auto verdict = stream::verdict::stale;
        node.update(&State::checkpoints, [&](stream::checkpoint& all, crdt::replica_id) {
            auto [what, delta] = all.submit(said);
            verdict = what;
            return delta;
        });
        return verdict;
    }

    // Takes a peer's word for a stable checkpoint: gossip brings it with all the rest, which may be
    // long in coming to one that has just started.
    void hear(stream::certificate told) {
        if (!told_ || told_->epoch < told.epoch) told_ = std::move(told);
    }
    // The newest stable checkpoint that is known of, here or not.
    std::optional<stream::certificate> newest_stable(const engine& node) const {
        auto newest = node.state().checkpoints.latest();
        if (told_ && (!newest || newest->epoch < told_->epoch)) newest = told_;
        return newest;
    }

    // Keeps what has become stable or complete and is all here, and vouches for it in the name of
    // `partitions`. Result: the checkpoints of which parts are to be fetched.
    std::vector<stream::certificate> look(engine& node,
                                          const std::vector<std::string>& partitions) {
        std::vector<stream::certificate> lacking;
        const auto stable = newest_stable(node);
        if (stable && stable->epoch > stable_epoch()) {
            if (parts_.complete(*stable)) {
                keep_stable(*stable);
                raise_floor(node);
            } else {
                lacking.push_back(*stable);
            }
        }
        if (const auto next = next_complete(node.state().checkpoints)) {
            if (parts_.complete(*next)) {
                keep_complete(*next);
            } else if (lacking.empty() || lacking.front().epoch != next->epoch) {
                lacking.push_back(*next);
            }
        }
        for (const std::string& each : partitions) acknowledge(node, each);
        return lacking;
    }

private:
    static constexpr std::uint64_t epochs_kept = 4;
    static constexpr std::uint64_t epochs_awaited = 2;

    bool take_up(const stream::certificate& of) {
        for (const stream::submission& each : of.submissions) {
            const auto bytes = store_.part(each.root);
            if (!bytes || !stream::verify(of, each.member, *bytes).ok()) return false;
            parts_.add_local(*bytes, of.epoch);
        }
        return true;
    }

    std::uint64_t newest_epoch() const {
        return held_.complete.empty() ? stable_epoch() : held_.complete.back().epoch;
    }

    // The newest, but one of which parts are on the way is waited for a while: where epochs are
    // short, no checkpoint would ever be all here otherwise.
    std::optional<stream::certificate> next_complete(const stream::checkpoint& all) {
        const auto newest = all.latest(stream::restore_policy::complete);
        if (!newest || newest->epoch <= newest_epoch()) return std::nullopt;
        const bool patient =
            awaited_ > newest_epoch() && newest->epoch <= awaited_ + epochs_awaited;
        if (!patient) awaited_ = newest->epoch;
        return all.latest_until(awaited_, stream::restore_policy::complete);
    }

    void save_parts(const stream::certificate& of) {
        for (const stream::submission& each : of.submissions) {
            store_.save_part(each.root, *parts_.serve(each.root));
        }
    }
    void keep_complete(const stream::certificate& found) {
        save_parts(found);
        held_.complete.push_back(found);
        store_.save_certificates(held_);
    }
    // Whatever is older has served its time.
    void keep_stable(const stream::certificate& found) {
        save_parts(found);
        held_.stable = found;
        std::erase_if(held_.complete, [&](const auto& each) { return each.epoch <= found.epoch; });
        store_.save_certificates(held_);
        own_.erase(own_.begin(), own_.upper_bound(found.epoch));
        std::set<wire::digest> needed;
        for (const auto& [epoch, roots] : own_) needed.insert(roots.begin(), roots.end());
        for (const auto& each : found.submissions) needed.insert(each.root);
        for (const auto& later : held_.complete) {
            for (const auto& each : later.submissions) needed.insert(each.root);
        }
        store_.keep_only(needed);
        parts_.forget_below(found.epoch);
    }

    // Also for a partition that came here after the checkpoint did.
    void acknowledge(engine& node, const std::string& partition) {
        std::uint64_t& done = acknowledged_[partition];
        for (const stream::certificate& each : held_.complete) {
            if (each.epoch <= done) continue;
            auto verdict = stream::verdict::stale;
            node.update(&State::checkpoints, [&](stream::checkpoint& all, crdt::replica_id) {
                auto [what, delta] = all.acknowledge(each.epoch, each.plan_id, partition);
                verdict = what;
                return delta;
            });
            // Otherwise this worker has been restarted and does not know of the epoch yet.
            if (verdict == stream::verdict::accepted || verdict == stream::verdict::duplicate)
                done = each.epoch;
        }
    }

    // A majority has the newest stable checkpoint on disk: all but a few before it may go.
    static void raise_floor(engine& node) {
        stream::checkpoint all = node.state().checkpoints;
        const auto stable = all.latest();
        if (!stable || stable->epoch <= epochs_kept) return;
        State raised;
        raised.checkpoints = all.raise_floor(*stable, stable->epoch - epochs_kept);
        node.merge_local(raised);
    }

    checkpoint_store& store_;
    stream::transfer parts_;
    held_certificates held_;
    std::optional<stream::certificate> told_;
    std::uint64_t awaited_ = 0;
    std::map<std::uint64_t, std::set<wire::digest>> own_; // submitted, not yet in a stable one
    std::map<std::string, std::uint64_t> acknowledged_;   // newest epoch, by partition
};

} // namespace cluster
