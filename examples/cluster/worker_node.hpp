// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpointing.hpp"
#include "counting.hpp"
#include "ownership.hpp"
#include "sockets.hpp"
#include "stable_counts.hpp"
#include "window_output.hpp"
#include "worker_options.hpp"

#include <gossip/engine.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <poll.h>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

// One worker: counts its partitions, gossips, checkpoints, and obeys commands.
class worker_node {
public:
    explicit worker_node(const worker_options& options)
        : options_(options),
          store_(options.store),
          lease_(store_.lease()),
          incarnation_(next_incarnation()),
          sockets_(sockets::open(options.port)),
          engine_(configuration(), incarnation_),
          checkpoints_(store_, std::move(sockets_.parts)),
          ownership_(options.name, options.partitions, options.workers),
          counting_(options, tell) {
        // Before anything of this incarnation can be heard of.
        store_.save_lease({incarnation_, false, 0});
        if (checkpoints_.held().stable() != nullptr) begin_from_checkpoint();
        stream::plan plan;
        plan.generation = plan.from = 1;
        plan.acks = stream::ack_policy::majority;
        for (std::size_t i = 0; i < options.partitions; ++i) {
            plan.members.push_back(partition_name(i));
        }
        engine_.update(&shared_state::checkpoints,
                       [&](auto& all, auto) { return all.set_plan(plan); });
        tell("ready address=" + sockets_.datagrams.address() +
             " incarnation=" + std::to_string(incarnation_));
    }

    static void tell(const std::string& line) { std::cout << line << std::endl; }

    void cut(bool off) {
        sockets_.datagrams.cut(off);
        checkpoints_.cut(off);
        tell(off ? "is cut" : "is healed");
    }
    void release() { counting_.release(); }

    void tell_digest() const {
        const auto bytes = wire::encode(engine_.state());
        tell("state digest=" + hex(wire::content_digest(bytes)) +
             " bytes=" + std::to_string(bytes.size()));
    }

    // Hands what is gossiped and stored back: the next start is clean.
    void stop() {
        counting_.flush(engine_, steady_now());
        tell("stopped");
    }

    // Does what can be done now and sleeps until there is more, or a line to read.
    void step(int commands) {
        const auto now = steady_now();
        receive(now);
        if (now >= next_look_) look_at_members(now);
        if (counting_.waiting()) start_waiting(now);
        counting_.step(engine_, now, [this](partition_run& run) { submit(run); });
        checkpoints_.step(engine_, now, counting_.names());
        output_.step(checkpoints_.held(), tell);
        engine_.tick(now);
        send();
        while (engine_.poll_event()) {}
        if (now >= next_report_) report(now);
        sleep(commands);
    }

private:
    static constexpr auto look_interval = std::chrono::milliseconds(100);
    static constexpr auto checkpoint_patience = std::chrono::seconds(20);
    static constexpr auto longest_receive = std::chrono::milliseconds(30);
    static constexpr std::size_t max_datagram = 8192;

    static std::string pair_of(std::size_t partition, std::uint64_t count) {
        std::string text = std::to_string(partition);
        text += ':';
        text += std::to_string(count);
        return text;
    }

    std::uint64_t next_incarnation() const {
        std::random_device device;
        const std::uint64_t high = device();
        // No state but checkpoints outlives the process, so a clean lease does not help: the
        // engine would number its deltas from one again.
        auto unclean = lease_;
        if (unclean) unclean->clean = false;
        return crdt::next_incarnation(unclean, 0, (high << 32U) | device());
    }

    gossip::config configuration() const {
        gossip::config made;
        made.name = options_.name;
        made.address = sockets_.datagrams.address();
        made.incarnation = incarnation_;
        made.cluster = options_.cluster;
        const auto secret = std::as_bytes(std::span(options_.cluster));
        made.secret.assign(secret.begin(), secret.end());
        if (!options_.seed_address.empty()) made.seeds.push_back(options_.seed_address);
        made.interval = std::chrono::milliseconds(100);
        made.peer_timeout = std::chrono::seconds(2);
        made.max_datagram = max_datagram;
        made.relay_bytes = options_.relay_bytes;
        return made;
    }

    // The shared state begins with the stable checkpoint, which is nothing to tell the others;
    // what they have beyond it comes by repair.
    void begin_from_checkpoint() {
        engine before(configuration(), 0);
        before.merge_local(stable_state(checkpoints_.held()));
        engine_.restore(before.snapshot(), incarnation_);
    }

    void look_at_members(gossip::time_point now) {
        next_look_ = now + look_interval;
        const auto owned = ownership_.look(engine_.members(), now);
        if (owned && counting_.own(*owned)) start_by_ = now + checkpoint_patience;
    }

    // From the newest stable checkpoint, once it is here. Of a complete one some bytes may have
    // been lost with a disk, and a contradiction may take it back. If nobody knows of one or can
    // give it, whatever is stored here will do: it is only more to replay.
    void start_waiting(gossip::time_point now) {
        const auto stable = checkpoints_.held().newest_stable(engine_);
        const std::uint64_t known = stable ? stable->epoch : 0;
        const bool here = known != 0 && checkpoints_.held().stable_epoch() >= known;
        if (here || now >= start_by_ || (!stable && options_.fresh)) {
            counting_.start_waiting(checkpoints_.held(), known);
        }
    }

    void submit(partition_run& run) {
        stream::submission said;
        said.worker = options_.name;
        said.incarnation = incarnation_;
        const auto bytes = run.cut(said);
        const auto verdict = checkpoints_.submit(engine_, bytes, said);
        tell("submitted partition=" + run.name() + " epoch=" + std::to_string(said.epoch) +
             " incarnation=" + std::to_string(said.incarnation) +
             " verdict=" + std::to_string(static_cast<int>(verdict)));
    }

    void receive(gossip::time_point now) {
        const auto until = steady_now() + longest_receive;
        while (steady_now() < until) {
            const auto arrival = sockets_.datagrams.receive(buffer_);
            if (!arrival) return;
            engine_.receive(arrival->from, std::span(buffer_).first(arrival->size), now);
        }
    }
    void send() {
        while (const auto next = engine_.poll_outgoing(buffer_)) {
            sockets_.datagrams.send(std::string(next->to), std::span(buffer_).first(next->size));
        }
    }

    void report(gossip::time_point now) {
        next_report_ = now + options_.report;
        std::string counted;
        std::uint64_t submitted = options_.epochs;
        for (const auto& [partition, run] : counting_.runs()) {
            append_to_list(counted, pair_of(partition, value_of(run.counted().bytes)));
            submitted = std::min(submitted, run.last_cut());
        }
        const auto members = engine_.members();
        const auto alive = std::count_if(members.begin(), members.end(), [](const auto& each) {
            return each.status == gossip::member_status::alive;
        });
        const auto& done = engine_.statistics();
        const auto number = [](const char* key, std::uint64_t value) {
            return std::string(" ") + key + "=" + std::to_string(value);
        };
        tell("progress" + number("processed", counting_.processed()) +
             number("replayed", counting_.replayed()) + number("part", counting_.part_of_epoch()) +
             number("submitted", submitted) + number("stored", checkpoints_.held().stable_epoch()) +
             number("fetched", checkpoints_.parts_fetched()) +
             number("members", static_cast<std::uint64_t>(alive) + 1) +
             number("repaired", done.entries_repaired) + number("sessions", done.repair_sessions) +
             number("out", done.bytes_out) + number("in", done.bytes_in) +
             number("held", counting_.held() ? 1 : 0) +
             number("finished", counting_.finished() ? 1 : 0) + " root=" + hex(engine_.root()) +
             " context=" + hex(engine_.context_digest()) +
             (counted.empty() ? "" : " counted=" + counted));
    }

    void sleep(int commands) {
        std::vector<pollfd> watched{{commands, POLLIN, 0}, {sockets_.datagrams.fd(), POLLIN, 0}};
        checkpoints_.add_to(watched);
        const auto due = std::min(engine_.next_deadline(), next_report_) - steady_now();
        const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(due).count();
        const auto longest = counting_.finished() ? 20 : 5;
        ::poll(watched.data(), watched.size(),
               static_cast<int>(std::clamp<std::int64_t>(ms, 0, longest)));
    }

    worker_options options_;
    checkpoint_store store_;
    std::optional<crdt::lease> lease_;
    std::uint64_t incarnation_;
    sockets sockets_;
    engine engine_;
    checkpointing<shared_state> checkpoints_;
    ownership ownership_;
    counting counting_;
    window_output output_;
    gossip::time_point start_by_;
    gossip::time_point next_look_;
    gossip::time_point next_report_;
    std::array<std::byte, 65536> buffer_{};
};

} // namespace cluster
