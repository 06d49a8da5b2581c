// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/arguments.hpp"
#include "../cluster/child_process.hpp"
#include "worker_options.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <poll.h>
#include <string>
#include <utility>
#include <vector>

namespace broker {

// What the launcher knows of one worker, all of it from the lines that the worker wrote.
struct worker_view {
    std::unique_ptr<cluster::child_process> process; // null while it is dead
    bool ready = false;
    std::uint64_t incarnation = 0;
    std::size_t resumed = 0;    // partitions begun since it started
    std::uint64_t replayed = 0; // messages before where it died that it went back to
    std::uint64_t epoch = 0;    // of the checkpoint that it went on from
    std::uint64_t pieces = 0;   // fetched from others by then
    std::uint64_t open = 0, cut = 0, stored = 0, stable = 0;
    std::string root, context, digest;
};

struct worker_settings {
    std::string program;
    std::string url;
    std::string directory; // of the stores
    std::size_t workers = 0;
    std::size_t partitions = 0;
    std::uint64_t epochs = 0;
};

// The worker processes: starts, kills and commands them, and listens to them.
class worker_processes {
public:
    explicit worker_processes(worker_settings settings)
        : settings_(std::move(settings)), workers_(settings_.workers) {}

    std::size_t size() const { return workers_.size(); }
    const worker_view& at(std::size_t i) const { return workers_[i]; }
    const worker_settings& settings() const { return settings_; }
    std::uint64_t contradicted() const { return contradicted_; }
    std::string store_of(std::size_t i) const { return settings_.directory + "/" + worker_name(i); }

    void start(std::size_t i) {
        const auto text = [](auto number) { return std::to_string(number); };
        workers_[i] = {};
        workers_[i].process = std::make_unique<cluster::child_process>(std::vector<std::string>{
            settings_.program, "--url", settings_.url, "--store", store_of(i), "--workers",
            text(size()), "--number", text(i), "--partitions", text(settings_.partitions),
            "--epochs", text(settings_.epochs)});
    }
    void kill(std::size_t i) {
        worker_view& worker = workers_[i];
        worker.process->kill();
        worker.process->wait();
        listen_to(worker); // what it still managed to say
        worker.process.reset();
    }
    void lose_store(std::size_t i) const { std::filesystem::remove_all(store_of(i)); }
    void ask_digests() {
        for (worker_view& each : workers_) {
            each.digest.clear();
            each.process->write_line("digest");
        }
    }

    // What worker `i` has heard of all counts, written before it obeys stop().
    void ask_report(std::size_t i, const std::string& path) {
        workers_[i].process->write_line("report " + path);
    }

    // Waits a little for news of the workers and takes it in. Throws failure if one has died.
    void listen() {
        std::vector<pollfd> watched;
        for (const worker_view& each : workers_) {
            if (each.process) watched.push_back({each.process->output_fd(), POLLIN, 0});
        }
        ::poll(watched.data(), watched.size(), 5);
        for (std::size_t i = 0; i < size(); ++i) {
            if (!workers_[i].process) continue;
            const auto status = workers_[i].process->status();
            listen_to(workers_[i]);
            if (status) {
                throw failure(worker_name(i) + " ended with status " + std::to_string(*status));
            }
        }
    }
    void stop() {
        for (worker_view& each : workers_) each.process->write_line("stop");
        for (std::size_t i = 0; i < size(); ++i) {
            const int status = workers_[i].process->wait();
            if (status != 0) {
                throw failure(worker_name(i) + " ended with status " + std::to_string(status));
            }
        }
    }

    template <class F>
    bool all(F holds) const {
        return std::all_of(workers_.begin(), workers_.end(), holds);
    }
    bool roots_agree() const {
        return all([&](const worker_view& each) {
            return each.root == workers_[0].root && each.context == workers_[0].context;
        });
    }
    bool digests_agree() const {
        return all([&](const worker_view& each) {
            return !each.digest.empty() && each.digest == workers_[0].digest;
        });
    }

private:
    void listen_to(worker_view& worker) {
        while (const auto line = worker.process->read_line()) take_in(worker, *line);
    }

    void take_in(worker_view& worker, const std::string& line) {
        const auto number = [&](const char* key) {
            return cluster::parse_number(key, cluster::field_of(line, key));
        };
        if (line.starts_with("progress ")) {
            worker.open = number("open");
            worker.cut = number("cut");
            worker.stored = number("stored");
            worker.stable = number("stable");
            worker.root = cluster::field_of(line, "root");
            worker.context = cluster::field_of(line, "context");
            for (const std::string& each :
                 cluster::split_at(cluster::field_of(line, "next"), ',')) {
                const auto parts = cluster::split_at(each, ':');
                auto& most = furthest_[cluster::parse_number("a partition", parts.at(0))];
                most = std::max(most, cluster::parse_number("an offset", parts.at(1)));
            }
        } else if (line.starts_with("ready ")) {
            worker.ready = true;
            worker.incarnation = number("incarnation");
        } else if (line.starts_with("resumed ")) {
            const std::uint64_t offset = number("offset");
            const std::uint64_t before = furthest_[number("partition")];
            ++worker.resumed;
            worker.epoch = number("epoch");
            worker.pieces = number("pieces");
            worker.replayed += before > offset ? before - offset : 0;
        } else if (line.starts_with("submitted ")) {
            contradicted_ += number("contradicted");
        } else if (line.starts_with("state ")) {
            worker.digest = cluster::field_of(line, "digest");
        }
    }

    worker_settings settings_;
    std::vector<worker_view> workers_;
    std::map<std::uint64_t, std::uint64_t> furthest_; // offset reached, by partition
    std::uint64_t contradicted_ = 0;
};

} // namespace broker
