// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoints.hpp"
#include "membership.hpp"
#include "partition_count.hpp"
#include "partition_reader.hpp"
#include "worker_options.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace broker {

// One worker: reads its partitions from the broker, counts them, gossips over the broker, and
// checkpoints.
class worker_node {
public:
    using clock = std::chrono::steady_clock;

    explicit worker_node(const worker_options& options)
        : options_(options),
          name_(worker_name(options.number)),
          store_(options.store),
          incarnation_(next_incarnation(store_)),
          broker_(options.url),
          gossip_(broker_.subscribe(gossip_subject(options.number))),
          engine_(gossip_settings(options, incarnation_, max_datagram), incarnation_),
          checkpoints_(store_, piece_exchange(broker_, name_)) {
        // Before anything of this incarnation can be heard of.
        store_.save_lease({incarnation_, false, 0});
        stream::plan plan;
        plan.generation = plan.from = 1;
        plan.acks = stream::ack_policy::majority;
        for (std::size_t i = 0; i < options.partitions; ++i) {
            plan.members.push_back(partition_name(i));
        }
        engine_.update(&aggregates::checkpoints,
                       [&](auto& all, auto) { return all.set_plan(plan); });
        if (checkpoints_.held().stable() != nullptr) checkpoints_.announce_stored(engine_);
        start_by_ = clock::now() + patience;
        tell("ready incarnation=" + std::to_string(incarnation_));
    }

    static void tell(const std::string& line) { std::cout << line << std::endl; }

    void tell_digest() const {
        tell("state digest=" + cluster::hex(wire::content_digest(wire::encode(engine_.state()))));
    }

    // What the workers have counted, as far as it is known here.
    const stream::partitioned<counts>& counted() const { return engine_.state().counted; }

    // Does what can be done now.
    void step() {
        const auto now = clock::now();
        receive(now);
        if (!counting_ && may_start(now)) start_counting();
        for (auto& [partition, run] : runs_) count(run, now);
        if (now >= next_batch_) flush(now);
        checkpoints_.step(engine_, now, names_);
        engine_.tick(engine_time(now));
        while (const auto out = engine_.poll_outgoing(buffer_)) {
            broker_.publish(std::string(out->to), std::span(buffer_).first(out->size));
        }
        while (engine_.poll_event()) {}
        if (now >= next_report_) report(now);
    }

private:
    // How long a worker that knows no checkpoint waits for word of one.
    static constexpr auto patience = std::chrono::seconds(2);
    static constexpr auto batch_interval = std::chrono::milliseconds(50);
    static constexpr auto report_interval = std::chrono::milliseconds(20);
    static constexpr int messages_at_once = 16;
    static constexpr std::size_t max_datagram = 65536;

    struct partition_run {
        partition_count counted;
        partition_reader reader;
    };

    // From the checkpoint of its own store, if there is one. A worker that lost it waits for the
    // newest stable one, and starts from nothing only if none is known or nobody can give it.
    bool may_start(clock::time_point now) const {
        const auto stable = engine_.state().checkpoints.latest();
        const bool here = stable && checkpoints_.held().stable_epoch() >= stable->epoch;
        if (here || (!stable && checkpoints_.held().stable() != nullptr)) return true;
        return now >= start_by_ + (stable ? 10 * patience : clock::duration::zero());
    }

    // From the checkpoint, if there is one, and from its offsets.
    void start_counting() {
        counting_ = true;
        const auto* stored = checkpoints_.held().stable();
        for (const auto partition :
             partitions_of(options_.number, options_.workers, options_.partitions)) {
            partition_count counted(partition);
            if (stored != nullptr) {
                counted.resume(*stored->find(counted.name()),
                               checkpoints_.held().bytes_of(counted.name()));
            }
            tell("resumed partition=" + std::to_string(partition) + " epoch=" +
                 std::to_string(counted.last_cut()) + " offset=" + std::to_string(counted.next()) +
                 " pieces=" + std::to_string(checkpoints_.pieces_fetched()));
            names_.push_back(counted.name());
            partition_reader reader(broker_, partition, counted.next());
            runs_.emplace(partition, partition_run{std::move(counted), std::move(reader)});
        }
    }

    void count(partition_run& on, clock::time_point now) {
        for (int i = 0; i < messages_at_once; ++i) {
            const auto each = on.reader.next(now);
            if (!each) return;
            batch_.counted.advance(on.counted.name(), on.counted.take(*each));
            if (kind_of(each->subject()) == input_kind::cut) cut(on.counted);
        }
    }

    void cut(partition_count& counted) {
        stream::submission said;
        said.worker = name_;
        said.incarnation = incarnation_;
        const auto verdict = checkpoints_.cut(engine_, counted, said);
        tell("submitted partition=" + said.member + " epoch=" + std::to_string(said.epoch) +
             " contradicted=" + (verdict == stream::verdict::conflict ? "1" : "0"));
    }

    // Gossips the deltas since the last time as one.
    void flush(clock::time_point now) {
        next_batch_ = now + batch_interval;
        const aggregates fresh = crdt::difference(batch_, engine_.state());
        batch_ = {};
        if (!(fresh == aggregates{})) engine_.merge_local(fresh);
    }

    void receive(clock::time_point now) {
        for (int i = 0; i < 256; ++i) {
            const auto each = gossip_.next();
            if (!each) return;
            engine_.receive({}, each->bytes(), engine_time(now));
        }
    }

    void report(clock::time_point now) {
        next_report_ = now + report_interval;
        std::string next;
        std::uint64_t open = 0;
        std::uint64_t cut = counting_ ? options_.epochs : 0;
        for (const auto& [partition, on] : runs_) {
            cluster::append_to_list(next, std::to_string(partition));
            next += ':';
            next += std::to_string(on.counted.next());
            open += on.counted.open();
            cut = std::min(cut, on.counted.last_cut());
        }
        const auto stable = engine_.state().checkpoints.latest();
        const auto number = [](const char* key, std::uint64_t value) {
            return std::string(" ") + key + "=" + std::to_string(value);
        };
        tell("progress" + number("open", open) + number("cut", cut) +
             number("stored", checkpoints_.held().stable_epoch()) +
             number("stable", stable ? stable->epoch : 0) + " root=" +
             cluster::hex(engine_.root()) + " context=" + cluster::hex(engine_.context_digest()) +
             (next.empty() ? "" : " next=" + next));
    }

    worker_options options_;
    std::string name_;
    cluster::checkpoint_store store_;
    std::uint64_t incarnation_;
    nats_client broker_;
    subscription gossip_;
    engine engine_;
    checkpoints checkpoints_;
    bool counting_ = false;
    std::map<std::size_t, partition_run> runs_;
    std::vector<std::string> names_;
    aggregates batch_;
    clock::time_point start_by_;
    clock::time_point next_batch_;
    clock::time_point next_report_;
    std::array<std::byte, max_datagram> buffer_{};
};

} // namespace broker
