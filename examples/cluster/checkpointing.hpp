// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint_store.hpp"
#include "part_exchange.hpp"
#include "partition_run.hpp"

#include <gossip/engine.hpp>
#include <stream/transfer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

namespace gossip = joinery::gossip;

using engine = gossip::engine<shared_state>;

// The checkpoints of one worker: it submits its own, finds out by gossip which one of the whole
// cluster is complete, fetches and verifies the parts that it lacks, and stores the certificate
// once it holds them all.
class checkpointing {
public:
    // Takes up what the store holds. A damaged part is as good as none.
    checkpointing(checkpoint_store& store, part_exchange exchange)
        : store_(store), exchange_(std::move(exchange)) {
        auto found = store_.certificate();
        if (!found) return;
        for (const stream::submission& each : found->submissions) {
            auto bytes = store_.part(each.root);
            if (!bytes || !stream::verify(*found, each.member, *bytes).ok()) return;
            parts_.add_local(*bytes, found->epoch);
        }
        stored_ = std::move(found);
    }

    // The checkpoint of which this worker holds every part; null before the first.
    const stream::certificate* stored() const { return stored_ ? &*stored_ : nullptr; }
    std::uint64_t stored_epoch() const { return stored_ ? stored_->epoch : 0; }

    // What the stored checkpoint says of all partitions. Precondition: a checkpoint is stored.
    shared_state stored_state() const {
        shared_state state;
        for (const stream::submission& each : stored_->submissions) {
            wire::error why;
            const auto part = partition_run::accumulator::resume(bytes_of(each.member), why);
            if (!part) throw failure("the stored bytes of " + each.member + " do not decode");
            state.counted.advance(each.member, part->state());
            state.progress.update({}, each.member, [&](auto& most, auto self) {
                return most.assign(self, part->next());
            });
        }
        return state;
    }

    // The verified bytes of one partition. Precondition: a checkpoint is stored.
    byte_string bytes_of(const std::string& partition) const {
        const auto* said = stored_->find(partition);
        auto bytes = said == nullptr ? std::nullopt : parts_.serve(said->root);
        if (!bytes || !stream::verify(*stored_, partition, *bytes).ok()) {
            throw failure("the checkpoint has no right bytes of " + partition);
        }
        return std::move(*bytes);
    }

    // Cuts the epoch that ends here: the bytes are durable before anyone hears of them.
    stream::verdict submit(engine& node, partition_run& run, stream::submission& said) {
        const std::uint64_t epoch = *run.epoch_to_cut();
        auto bytes = run.cut();
        said.epoch = epoch;
        said.member = run.name();
        said.bytes = bytes.size();
        said.offsets[run.name()] = {run.end_of(epoch - 1), run.next()};
        said.records = run.next() - run.end_of(epoch - 1);
        said.root = merkle::chunks::of(bytes).root();
        store_.save_part(said.root, bytes);
        parts_.add_local(bytes, epoch);
        own_[epoch].insert(said.root);
        auto verdict = stream::verdict::stale;
        node.update(&shared_state::checkpoints, [&](stream::checkpoint& all, crdt::replica_id) {
            auto [what, delta] = all.submit(said);
            verdict = what;
            return delta;
        });
        return verdict;
    }

    void cut(bool off) { exchange_.cut(off); }
    void add_to(std::vector<pollfd>& watched) const { exchange_.add_to(watched); }

    // Serves and fetches parts, stores the newest complete checkpoint when it is all here, and
    // vouches for it in the name of the partitions that run here.
    void step(engine& node, gossip::time_point now,
              const std::map<std::size_t, partition_run>& runs) {
        const auto find = [this](const wire::digest& root) -> std::optional<byte_string> {
            return parts_.serve(root);
        };
        const auto arrived = [this](const wire::digest&, const byte_string& bytes) {
            const auto result = parts_.accept(bytes);
            fetched_ += result == stream::accept_result::accepted ? 1U : 0U;
            refused_ += result == stream::accept_result::wrong ? 1U : 0U;
        };
        exchange_.step(find, arrived);
        if (now < next_look_) return;
        next_look_ = now + look_interval;
        const auto latest = node.state().checkpoints.latest(stream::restore_policy::complete);
        if (!latest || latest->epoch <= stored_epoch()) return;
        const auto lacking = parts_.wants(*latest);
        if (lacking.empty()) {
            keep(*latest);
            for (const auto& [partition, run] : runs) acknowledge(node, *latest, run.name());
            return raise_floor(node);
        }
        for (const stream::want& each : lacking) fetch(node, *latest, each, now);
    }

    std::uint64_t parts_fetched() const { return fetched_; }
    std::uint64_t parts_refused() const { return refused_; }

private:
    static constexpr auto look_interval = std::chrono::milliseconds(20);
    static constexpr auto retry_interval = std::chrono::milliseconds(200);
    static constexpr std::uint64_t epochs_kept = 4;

    struct attempt {
        std::size_t count = 0;
        gossip::time_point next;
    };

    // Asks the worker that submitted the part, and on every retry the next one of the others.
    void fetch(engine& node, const stream::certificate& from, const stream::want& what,
               gossip::time_point now) {
        attempt& tried = attempts_[what.root];
        if (exchange_.busy() || exchange_.fetching(what.root) || now < tried.next) return;
        std::string submitter;
        for (const auto& each : from.submissions) {
            if (each.root == what.root) submitter = each.worker;
        }
        std::vector<std::string> addresses;
        for (const auto& peer : node.members()) {
            if (peer.name == submitter) {
                addresses.insert(addresses.begin(), std::string(peer.address));
            } else {
                addresses.emplace_back(peer.address);
            }
        }
        if (addresses.empty()) return;
        exchange_.request(what.root, addresses[tried.count++ % addresses.size()]);
        tried.next = now + retry_interval;
    }

    void keep(const stream::certificate& complete) {
        std::set<wire::digest> needed;
        for (const auto& each : complete.submissions) {
            store_.save_part(each.root, *parts_.serve(each.root));
            needed.insert(each.root);
        }
        store_.save_certificate(complete);
        stored_ = complete;
        attempts_.clear();
        own_.erase(own_.begin(), own_.upper_bound(complete.epoch));
        for (const auto& [epoch, roots] : own_) needed.insert(roots.begin(), roots.end());
        store_.keep_only(needed);
        parts_.forget_below(complete.epoch);
    }

    static void acknowledge(engine& node, const stream::certificate& kept,
                            const std::string& partition) {
        node.update(&shared_state::checkpoints, [&](stream::checkpoint& all, crdt::replica_id) {
            return all.acknowledge(kept.epoch, kept.plan_id, partition).second;
        });
    }

    // A majority has the newest stable checkpoint on disk: all but a few before it may go.
    static void raise_floor(engine& node) {
        stream::checkpoint all = node.state().checkpoints;
        const auto stable = all.latest();
        if (!stable || stable->epoch <= epochs_kept) return;
        shared_state raised;
        raised.checkpoints = all.raise_floor(*stable, stable->epoch - epochs_kept);
        node.merge_local(raised);
    }

    checkpoint_store& store_;
    part_exchange exchange_;
    stream::transfer parts_;
    std::optional<stream::certificate> stored_;
    std::map<std::uint64_t, std::set<wire::digest>> own_; // submitted, not yet in a certificate
    std::map<wire::digest, attempt> attempts_;
    gossip::time_point next_look_;
    std::uint64_t fetched_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace cluster
