// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/checkpoint_store.hpp"
#include "aggregates.hpp"
#include "partition_count.hpp"
#include "piece_exchange.hpp"

#include <merkle/chunks.hpp>
#include <stream/transfer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace broker {

// The checkpoints of one worker: submits its own, learns by gossip which one of all partitions is
// complete, fetches and verifies what it lacks of it, and stores the certificate when it has it
// all.
class checkpoints {
public:
    using clock = std::chrono::steady_clock;

    // Takes up what the store holds, verified. A damaged part is as good as none.
    checkpoints(cluster::checkpoint_store& store, piece_exchange exchange)
        : store_(store), exchange_(std::move(exchange)) {
        auto found = store_.certificate();
        if (!found) return;
        for (const stream::submission& each : found->submissions) {
            const auto bytes = store_.part(each.root);
            if (!bytes || !stream::verify(*found, each.member, *bytes).ok()) return;
            parts_.add_local(*bytes, found->epoch);
        }
        stored_ = std::move(found);
    }

    // The checkpoint of which this worker holds every part; null before the first.
    const stream::certificate* stored() const { return stored_ ? &*stored_ : nullptr; }
    std::uint64_t stored_epoch() const { return stored_ ? stored_->epoch : 0; }
    std::uint64_t pieces_fetched() const { return exchange_.accepted(); }

    // The verified bytes of one partition. Precondition: a checkpoint is stored.
    std::vector<std::byte> bytes_of(const std::string& partition) const {
        const auto* said = stored_->find(partition);
        auto bytes = said == nullptr ? std::nullopt : parts_.serve(said->root);
        if (!bytes || !stream::verify(*stored_, partition, *bytes).ok()) {
            throw failure("the checkpoint has no right bytes of " + partition);
        }
        return std::move(*bytes);
    }

    // Tells the others what is stored: whoever knew it may be gone.
    void announce_stored(engine& node) const {
        aggregates known;
        for (const stream::submission& each : stored_->submissions) {
            wire::error why;
            const auto part = partition_count::accumulator::resume(bytes_of(each.member), why);
            if (!part) throw failure("the stored bytes of " + each.member + " do not decode");
            known.counted.advance(each.member, part->state());
            submit(node, each);
        }
        node.merge_local(crdt::difference(known, node.state()));
    }

    // Cuts the epoch that ends here: the bytes are durable before anyone hears of them.
    stream::verdict cut(engine& node, partition_count& from, stream::submission& said) {
        const auto bytes = from.cut(said);
        said.root = parts_.add_local(bytes, said.epoch);
        store_.save_part(said.root, bytes);
        own_[said.epoch].insert(said.root);
        return submit(node, said);
    }

    // Serves and fetches pieces, stores the newest checkpoint that is `good` when it is all here,
    // and vouches for it in the name of the partitions that are counted here.
    void step(engine& node, clock::time_point now, const std::vector<std::string>& partitions,
              stream::restore_policy good) {
        exchange_.step(parts_);
        const auto latest = node.state().checkpoints.latest(good);
        if (!latest || latest->epoch <= stored_epoch()) return;
        auto lacking = parts_.missing_pieces(*latest);
        if (lacking.empty()) {
            keep(*latest);
            for (const std::string& each : partitions) acknowledge(node, *latest, each);
            return raise_floor(node);
        }
        const auto peers = node.members();
        if (now < next_question_ || peers.empty()) return;
        // Each time another peer: one of them has cut it, or has it by now.
        exchange_.ask(peers[questions_++ % peers.size()].name, std::move(lacking));
        next_question_ = now + question_interval;
    }

private:
    static constexpr auto question_interval = std::chrono::milliseconds(30);
    static constexpr std::uint64_t epochs_kept = 3;

    static stream::verdict submit(engine& node, const stream::submission& said) {
        auto verdict = stream::verdict::stale;
        node.update(&aggregates::checkpoints, [&](stream::checkpoint& all, crdt::replica_id) {
            auto [what, delta] = all.submit(said);
            verdict = what;
            return delta;
        });
        return verdict;
    }

    void keep(const stream::certificate& complete) {
        std::set<wire::digest> needed;
        for (const stream::submission& each : complete.submissions) {
            store_.save_part(each.root, *parts_.serve(each.root));
            needed.insert(each.root);
        }
        store_.save_certificate(complete);
        stored_ = complete;
        own_.erase(own_.begin(), own_.upper_bound(complete.epoch));
        for (const auto& [epoch, roots] : own_) needed.insert(roots.begin(), roots.end());
        store_.keep_only(needed);
        parts_.forget_below(complete.epoch);
    }

    static void acknowledge(engine& node, const stream::certificate& kept,
                            const std::string& partition) {
        node.update(&aggregates::checkpoints, [&](stream::checkpoint& all, crdt::replica_id) {
            return all.acknowledge(kept.epoch, kept.plan_id, partition).second;
        });
    }

    // A majority has the newest stable checkpoint on disk: all but a few before it may go.
    static void raise_floor(engine& node) {
        stream::checkpoint all = node.state().checkpoints;
        const auto stable = all.latest();
        if (!stable || stable->epoch <= epochs_kept) return;
        aggregates raised;
        raised.checkpoints = all.raise_floor(*stable, stable->epoch - epochs_kept);
        node.merge_local(raised);
    }

    cluster::checkpoint_store& store_;
    piece_exchange exchange_;
    stream::transfer parts_;
    std::optional<stream::certificate> stored_;
    std::map<std::uint64_t, std::set<wire::digest>> own_; // submitted, not yet in a certificate
    clock::time_point next_question_;
    std::size_t questions_ = 0;
};

} // namespace broker
