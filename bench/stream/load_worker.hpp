// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../examples/cluster/arguments.hpp"
#include "../../examples/cluster/checkpointing.hpp"
#include "../../examples/cluster/sockets.hpp"
#include "load_source.hpp"
#include "load_state.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace joinery::bench {

/// One process under load: its sources count, it gossips what they counted and takes part in the
/// checkpoints, and it tells how long that took.
class load_worker {
public:
    using engine = gossip::engine<load_state>;

    load_worker(const load_settings& load, std::size_t number, const std::string& store,
                const std::string& label, const std::string& seed)
        : load_(load),
          name_("process" + std::to_string(number)),
          store_(store),
          sockets_(cluster::sockets::open(0)),
          engine_(settings(label, seed), 1),
          checkpoints_(store_, std::move(sockets_.parts)) {
        own_.push_back(number);
        stream::plan plan;
        plan.generation = plan.from = 1;
        plan.acks = stream::ack_policy::majority;
        for (std::size_t i = 0; i < load.processes; ++i) plan.members.push_back(load_partition(i));
        engine_.update(&load_state::checkpoints,
                       [&](auto& all, auto) { return all.set_plan(plan); });
        tell("ready address=" + sockets_.datagrams.address());
    }

    /// Obeys a line; false for the last one.
    bool obey(const std::string& line) {
        if (line == "stop") return false;
        if (line == "report") report();
        if (line.starts_with("begin ")) begin(std::stoll(line.substr(6)));
        if (line.starts_with("take ")) {
            waiting_.push_back(std::stoul(line.substr(5)));
            give_up_ = cluster::steady_now() + patience;
        }
        return true;
    }

    void step() {
        const auto now = cluster::steady_now();
        while (const auto arrival = sockets_.datagrams.receive(buffer_)) {
            engine_.receive(arrival->from, std::span(buffer_).first(arrival->size), now);
        }
        for (auto& [partition, source] : sources_) absorb(partition, source->take());
        if (now >= next_batch_) flush(now);
        std::vector<std::string> names;
        for (const std::size_t each : own_) names.push_back(load_partition(each));
        checkpoints_.step(engine_, now, names);
        note_epochs();
        if (!waiting_.empty()) take_over(now);
        engine_.tick(now);
        while (const auto out = engine_.poll_outgoing(buffer_)) {
            sockets_.datagrams.send(std::string(out->to), std::span(buffer_).first(out->size));
        }
        while (engine_.poll_event()) {}
        std::vector<pollfd> watched{{STDIN_FILENO, POLLIN, 0},
                                    {sockets_.datagrams.fd(), POLLIN, 0}};
        checkpoints_.add_to(watched);
        ::poll(watched.data(), watched.size(), 2);
    }

private:
    static constexpr auto batch_interval = std::chrono::milliseconds(100);
    static constexpr auto patience = std::chrono::seconds(5);

    static void tell(const std::string& line) { std::cout << line << std::endl; }

    gossip::config settings(const std::string& label, const std::string& seed) const {
        gossip::config made;
        made.name = name_;
        made.address = sockets_.datagrams.address();
        made.incarnation = 1; // a process that dies here does not come back
        made.cluster = label;
        if (!seed.empty()) made.seeds.push_back(seed);
        made.interval = std::chrono::milliseconds(50);
        made.max_datagram = 8192;
        return made;
    }

    void begin(std::int64_t at) {
        begin_ = load_source::clock::time_point(std::chrono::nanoseconds(at));
        start(own_.front(), load_accumulator(load_partition(own_.front())));
    }
    void start(std::size_t partition, load_accumulator from) {
        sources_[partition] =
            std::make_unique<load_source>(load_, partition, std::move(from), *begin_);
    }

    void absorb(std::size_t partition, load_source::output got) {
        const std::string name = load_partition(partition);
        batch_.counted.advance(name, got.delta);
        for (const auto& [epoch, bytes] : got.cuts) {
            stream::submission said;
            said.epoch = epoch;
            said.member = name;
            said.offsets[name] = {(epoch - 1) * load_.updates_per_epoch,
                                  epoch * load_.updates_per_epoch};
            said.records = load_.updates_per_epoch;
            said.worker = name_;
            said.incarnation = 1;
            checkpoints_.submit(engine_, bytes, said);
        }
    }
    void flush(gossip::time_point now) {
        next_batch_ = now + batch_interval;
        const load_state fresh = crdt::difference(batch_, engine_.state());
        batch_ = {};
        if (!(fresh == load_state{})) engine_.merge_local(fresh);
    }

    /// Since when it was due, which is the same moment in all processes.
    double ms_since_end_of(std::uint64_t epoch) const {
        const auto due = *begin_ + std::chrono::seconds(epoch);
        return std::chrono::duration<double, std::milli>(load_source::clock::now() - due).count();
    }
    void note_epochs() {
        if (!begin_) return;
        const auto& all = engine_.state().checkpoints;
        const auto reached = [&](std::uint64_t epoch, stream::status least) {
            return all.floor() > epoch || all.status_of(epoch) >= least;
        };
        for (; reached(complete_ + 1, stream::status::complete); ++complete_)
            tell("complete epoch=" + std::to_string(complete_ + 1) +
                 " ms=" + std::to_string(ms_since_end_of(complete_ + 1)));
        for (; reached(stable_ + 1, stream::status::stable); ++stable_)
            tell("stable epoch=" + std::to_string(stable_ + 1) +
                 " ms=" + std::to_string(ms_since_end_of(stable_ + 1)));
    }

    /// A dead process may have been told of a quorum that nobody here knows of. Whatever it was,
    /// somebody here holds it, so: when all that is complete has become stable.
    void take_over(gossip::time_point now) {
        const auto complete = engine_.state().checkpoints.latest(stream::restore_policy::complete);
        const auto& held = checkpoints_.held();
        const bool settled = complete && held.stable_epoch() >= complete->epoch;
        if ((!settled && now < give_up_) || held.stable() == nullptr) return;
        for (const std::size_t each : std::exchange(waiting_, {})) {
            const std::string name = load_partition(each);
            wire::error why;
            auto from = load_accumulator::resume(held.bytes_of(name), why);
            if (!from) throw cluster::failure("the checkpoint of " + name + " does not decode");
            batch_.counted.advance(name, from->state());
            tell("taken partition=" + std::to_string(each) +
                 " offset=" + std::to_string(from->next()));
            own_.push_back(each);
            start(each, std::move(*from));
        }
    }

    void report() const {
        std::string line = "report";
        histogram all;
        for (const auto& [partition, source] : sources_) all = source->latencies();
        for (std::size_t i = 0; i < all.counts().size(); ++i) {
            if (all.counts()[i] != 0)
                line += " " + std::to_string(i) + ":" + std::to_string(all.counts()[i]);
        }
        tell(line);
    }

    load_settings load_;
    std::string name_;
    cluster::checkpoint_store store_;
    cluster::sockets sockets_;
    engine engine_;
    cluster::checkpointing<load_state> checkpoints_;
    std::optional<load_source::clock::time_point> begin_;
    std::vector<std::size_t> own_;
    std::vector<std::size_t> waiting_;
    gossip::time_point give_up_;
    std::map<std::size_t, std::unique_ptr<load_source>> sources_;
    load_state batch_;
    gossip::time_point next_batch_;
    std::uint64_t complete_ = 0;
    std::uint64_t stable_ = 0;
    std::array<std::byte, 65536> buffer_{};
};

/// The process: --load-worker NUMBER STORE LABEL UPDATES_PER_EPOCH EPOCHS [SEED_ADDRESS].
inline int run_load_worker(int argc, char** argv) {
    try {
        if (argc < 7) throw cluster::failure("not enough arguments");
        load_settings load;
        load.updates_per_epoch = std::stoull(argv[5]);
        load.epochs = std::stoull(argv[6]);
        const auto worker = std::make_unique<load_worker>(load, std::stoul(argv[2]), argv[3],
                                                          argv[4], argc > 7 ? argv[7] : "");
        ::fcntl(STDIN_FILENO, F_SETFL, ::fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
        std::string line;
        for (;;) {
            worker->step();
            char each = 0;
            ssize_t got = 0;
            while ((got = ::read(STDIN_FILENO, &each, 1)) == 1) {
                if (each != '\n')
                    line.push_back(each);
                else if (!worker->obey(std::exchange(line, {})))
                    return 0;
            }
            if (got == 0) return 0; // whoever gave the commands is gone
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load worker: %s\n", error.what());
        return 2;
    }
}

} // namespace joinery::bench
