// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"
#include "child_process.hpp"
#include "demo_options.hpp"
#include "ownership.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <poll.h>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

// What the launcher knows of one worker, all of it from the lines that the worker wrote.
struct worker_view {
    std::string name;
    std::unique_ptr<child_process> process; // null while it is dead
    std::string address;
    std::uint64_t incarnation = 0;
    std::uint64_t restarts = 0;
    std::map<std::size_t, std::uint64_t> records;  // by partition that it counts
    std::optional<std::uint64_t> first_submission; // its incarnation, since it started
    bool needs_checkpoint = false;                 // there was a stable one when it was started
    std::string digest;
    bool stopped = false;

    bool ready = false;
    std::map<std::size_t, std::uint64_t> counted; // bytes by partition
    std::uint64_t processed = 0, replayed = 0, part = 0, submitted = 0, stored = 0, members = 0;
    std::uint64_t repaired = 0, sessions = 0, out = 0, in = 0;
    bool held = false;
    bool finished = false;
    std::string root, context;
};

// A window as workers told it.
struct window_view {
    std::uint64_t words = 0;
    std::uint64_t lines = 0;

    friend bool operator==(const window_view&, const window_view&) = default;
};

struct cluster_settings {
    std::string worker_program;
    std::string directory; // of the stores
    std::string label;
    std::size_t nodes = 0;
    std::size_t partitions = 0;
    std::uint64_t epochs = 0;
    std::uint64_t rate = 0; // bytes per second of all
    std::uint64_t hold = 0; // of a thousand records of a partition
    std::uint64_t relay_bytes = 0;
    std::uint64_t report_ms = 0;
    std::uint16_t port = 0;
    std::vector<std::string> inputs;
};

// The worker processes: starts, kills and commands them, and listens to them.
class demo_cluster {
public:
    explicit demo_cluster(cluster_settings settings) : settings_(std::move(settings)) {
        for (std::size_t i = 0; i < settings_.nodes; ++i) add();
    }
    // One more worker, not started yet. Result: its number.
    std::size_t add() {
        const std::size_t number = workers_.size();
        workers_.emplace_back();
        workers_.back().name = "worker" + std::to_string(number);
        return number;
    }

    std::size_t size() const { return workers_.size(); }
    const worker_view& at(std::size_t i) const { return workers_[i]; }
    const cluster_settings& settings() const { return settings_; }
    std::string store_of(std::size_t i) const {
        return settings_.directory + "/" + workers_[i].name;
    }

    // Whether worker `i` counts what placement gives it among those that run.
    bool settled(std::size_t i) const {
        if (!workers_[i].ready) return false;
        std::vector<gossip::place> running;
        for (const worker_view& each : workers_) {
            if (each.process) running.push_back({each.name, {}, 1, true});
        }
        return keys_of(workers_[i].records) ==
               placed_on(workers_[i].name, running, settings_.partitions);
    }
    // Whether others count all of these.
    bool taken_over(std::set<std::size_t> partitions) const {
        for (const worker_view& each : workers_) {
            if (!each.process) continue;
            for (const auto& [partition, records] : each.records) partitions.erase(partition);
        }
        return partitions.empty();
    }
    static std::set<std::size_t> keys_of(const std::map<std::size_t, std::uint64_t>& counts) {
        std::set<std::size_t> keys;
        for (const auto& each : counts) keys.insert(each.first);
        return keys;
    }

    // A worker that comes back gets the port that it had.
    void start(std::size_t i) {
        worker_view& worker = workers_[i];
        const std::uint64_t rate =
            std::max<std::uint64_t>(settings_.rate / settings_.partitions, 1);
        std::vector<std::string> command{settings_.worker_program,
                                         "--name",
                                         worker.name,
                                         "--store",
                                         store_of(i),
                                         "--cluster",
                                         settings_.label,
                                         "--partitions",
                                         std::to_string(settings_.partitions),
                                         "--epochs",
                                         std::to_string(settings_.epochs),
                                         "--workers",
                                         std::to_string(size()),
                                         "--rate",
                                         std::to_string(rate),
                                         "--hold",
                                         std::to_string(settings_.hold),
                                         "--relay-bytes",
                                         std::to_string(settings_.relay_bytes),
                                         "--report-ms",
                                         std::to_string(settings_.report_ms),
                                         "--port",
                                         port_of(i)};
        if (!begun_) command.emplace_back("--fresh");
        const std::string seed = a_live_address();
        if (!seed.empty()) command.insert(command.end(), {"--seed-address", seed});
        command.insert(command.end(), settings_.inputs.begin(), settings_.inputs.end());
        worker.ready = worker.finished = false;
        worker.records.clear();
        worker.first_submission.reset();
        worker.needs_checkpoint = std::any_of(workers_.begin(), workers_.end(),
                                              [](const auto& each) { return each.stored != 0; });
        worker.process = std::make_unique<child_process>(command);
    }
    void kill(std::size_t i) {
        worker_view& worker = workers_[i];
        worker.process->kill();
        worker.process->wait();
        listen_to(worker); // what it still managed to say
        worker.process.reset();
        base_processed_ += worker.processed;
        base_replayed_ += worker.replayed;
        worker.processed = worker.replayed = 0;
        ++worker.restarts;
    }
    void command(std::size_t i, const std::string& line) {
        if (workers_[i].process) workers_[i].process->write_line(line);
    }
    void command_all(const std::string& line) {
        for (std::size_t i = 0; i < size(); ++i) command(i, line);
    }
    // All partitions are begun: from now on they go on.
    void note_begun() { begun_ = true; }

    // Waits a little for news of the workers and takes it in. Throws failure if one has died.
    void listen() {
        std::vector<pollfd> watched;
        for (const worker_view& each : workers_) {
            if (each.process) watched.push_back({each.process->output_fd(), POLLIN, 0});
        }
        ::poll(watched.data(), watched.size(), 20);
        for (worker_view& each : workers_) {
            if (!each.process) continue;
            listen_to(each);
            const auto status = each.process->status();
            if (status) listen_to(each); // what it said between the last look and its end
            if (status && !(each.stopped && *status == 0)) {
                throw failure(each.name + " ended with status " + std::to_string(*status));
            }
        }
    }

    bool all(bool (*holds)(const worker_view&)) const {
        return std::all_of(workers_.begin(), workers_.end(), holds);
    }

    // Bytes counted of the whole input, every partition once, whoever counted it furthest.
    std::uint64_t counted() const {
        std::map<std::size_t, std::uint64_t> furthest;
        for (const worker_view& each : workers_) {
            for (const auto& [partition, bytes] : each.counted) {
                furthest[partition] = std::max(furthest[partition], bytes);
            }
        }
        return sum(furthest);
    }
    static std::uint64_t sum(const std::map<std::size_t, std::uint64_t>& by_partition) {
        std::uint64_t total = 0;
        for (const auto& each : by_partition) total += each.second;
        return total;
    }
    std::uint64_t total(std::uint64_t worker_view::*count) const {
        std::uint64_t sum_of = 0;
        for (const worker_view& each : workers_) sum_of += each.*count;
        return sum_of;
    }
    std::uint64_t processed() const { return base_processed_ + total(&worker_view::processed); }
    std::uint64_t replayed() const { return base_replayed_ + total(&worker_view::replayed); }
    std::uint64_t resumptions() const { return resumptions_; }
    std::uint64_t begun_too_early() const { return begun_too_early_; }
    const std::map<std::uint64_t, window_view>& windows() const { return windows_; }
    std::uint64_t windows_contradicted() const { return windows_contradicted_; }
    bool roots_agree() const {
        return std::all_of(workers_.begin(), workers_.end(), [&](const worker_view& each) {
            return each.root == workers_[0].root && each.context == workers_[0].context;
        });
    }
    bool digests_agree() const {
        return std::all_of(workers_.begin(), workers_.end(), [&](const worker_view& each) {
            return !each.digest.empty() && each.digest == workers_[0].digest;
        });
    }
    void forget_digests() {
        for (worker_view& each : workers_) each.digest.clear();
    }

private:
    std::string port_of(std::size_t i) const {
        const std::string& address = workers_[i].address;
        if (!address.empty()) return address.substr(address.rfind(':') + 1);
        return std::to_string(settings_.port == 0 ? 0 : settings_.port + i);
    }
    std::string a_live_address() const {
        for (const worker_view& each : workers_) {
            if (each.process && each.ready) return each.address;
        }
        return {};
    }

    void listen_to(worker_view& worker) {
        while (const auto line = worker.process->read_line()) take_in(worker, *line);
    }

    static std::map<std::size_t, std::uint64_t> by_partition(const std::string& text) {
        std::map<std::size_t, std::uint64_t> read;
        for (const std::string& each : split_at(text, ',')) {
            const std::size_t colon = each.find(':');
            if (colon == std::string::npos) throw failure("not a list by partition: " + text);
            read[parse_number("a partition", each.substr(0, colon))] =
                parse_number("a count", each.substr(colon + 1));
        }
        return read;
    }

    void take_in(worker_view& worker, const std::string& line) {
        const auto number = [&](const char* key) { return parse_number(key, field_of(line, key)); };
        if (line.starts_with("progress ")) {
            worker.counted = by_partition(field_of(line, "counted"));
            worker.processed = number("processed");
            worker.replayed = number("replayed");
            worker.part = number("part");
            worker.submitted = number("submitted");
            worker.stored = number("stored");
            worker.members = number("members");
            worker.repaired = number("repaired");
            worker.sessions = number("sessions");
            worker.out = number("out");
            worker.in = number("in");
            worker.held = number("held") == 1;
            worker.finished = number("finished") == 1;
            worker.root = field_of(line, "root");
            worker.context = field_of(line, "context");
        } else if (line.starts_with("ready ")) {
            worker.ready = true;
            worker.address = field_of(line, "address");
            worker.incarnation = number("incarnation");
        } else if (line.starts_with("resumed ")) {
            worker.records[number("partition")] = number("records");
            worker.held = worker.finished = false;
            resumptions_ += begun_ ? 1U : 0U;
            const bool too_early = number("epoch") < number("known") ||
                                   (number("epoch") == 0 && worker.needs_checkpoint);
            begun_too_early_ += too_early ? 1U : 0U;
        } else if (line.starts_with("dropped ")) {
            worker.records.erase(number("partition"));
        } else if (line.starts_with("window ")) {
            const window_view told{number("words"), number("lines")};
            const auto at = windows_.emplace(number("start"), told).first;
            windows_contradicted_ += at->second == told ? 0U : 1U;
        } else if (line.starts_with("submitted ")) {
            if (!worker.first_submission) worker.first_submission = number("incarnation");
        } else if (line.starts_with("state ")) {
            worker.digest = field_of(line, "digest");
        } else if (line.starts_with("unreadable ")) {
            std::printf("          %s: %s\n", worker.name.c_str(), line.c_str());
        } else if (line == "stopped") {
            worker.stopped = true;
        }
    }

    cluster_settings settings_;
    std::vector<worker_view> workers_;
    std::uint64_t base_processed_ = 0; // by killed workers
    std::uint64_t base_replayed_ = 0;
    bool begun_ = false;
    std::uint64_t resumptions_ = 0;     // since then
    std::uint64_t begun_too_early_ = 0; // not from the newest stable checkpoint
    std::map<std::uint64_t, window_view> windows_;
    std::uint64_t windows_contradicted_ = 0;
};

} // namespace cluster
