// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/child_process.hpp"
#include "../cluster/failure.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace broker {

using cluster::failure;

// A nats-server of our own: on a free port of the loopback interface, its streams in a directory of
// its own. It dies with this process.
class broker_server {
public:
    broker_server(std::string program, std::filesystem::path directory)
        : program_(std::move(program)), directory_(std::move(directory)) {
        std::filesystem::create_directories(directory_);
        start();
    }

    const std::string& url() const { return url_; }

    // By SIGKILL; clients come back to the same port with start().
    void kill() {
        process_->kill();
        process_->wait();
        process_.reset();
    }

    void start() {
        const std::string port =
            url_.empty() ? "-1" : url_.substr(url_.rfind(':') + 1); // -1: any free one
        for (const auto& each : ports_files()) std::filesystem::remove(each);
        process_.emplace(std::vector<std::string>{
            "/usr/bin/setpriv", "--pdeathsig", "KILL", program_, "--addr", "127.0.0.1", "--port",
            port, "--jetstream", "--store_dir", (directory_ / "streams").string(),
            "--ports_file_dir", directory_.string(), "--log", log()});
        for (int i = 0; i < 1000; ++i) {
            if (auto url = announced_url()) {
                url_ = std::move(*url);
                return;
            }
            if (process_->status()) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
        throw failure(program_ + " did not start; --keep keeps its log, " + log());
    }

private:
    std::string log() const { return (directory_ / "server.log").string(); }

    std::vector<std::filesystem::path> ports_files() const {
        std::vector<std::filesystem::path> found;
        for (const auto& each : std::filesystem::directory_iterator(directory_)) {
            if (each.path().extension() == ".ports") found.push_back(each.path());
        }
        return found;
    }

    // {"nats":["nats://127.0.0.1:PORT"]}, once it is written to its end.
    std::optional<std::string> announced_url() const {
        for (const auto& each : ports_files()) {
            std::ostringstream text;
            text << std::ifstream(each).rdbuf();
            const std::string all = text.str();
            const auto begin = all.find("nats://");
            const auto end = begin == std::string::npos ? begin : all.find('"', begin);
            if (end != std::string::npos) return all.substr(begin, end - begin);
        }
        return std::nullopt;
    }

    std::string program_;
    std::filesystem::path directory_;
    std::string url_;
    std::optional<cluster::child_process> process_;
};

} // namespace broker
