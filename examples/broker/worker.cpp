// SPDX-License-Identifier: Apache-2.0
// One worker, or the empty process that restores from a worker's store.

#include "../cluster/restore.hpp"
#include "worker_node.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <poll.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace {

using namespace broker;

// Obeys one line of the standard input. Result: whether to go on.
bool obey(const worker_node& node, const std::string& line) {
    constexpr std::string_view report = "report ";
    if (line == "stop") return false;
    if (line == "digest")
        node.tell_digest();
    else if (line.starts_with(report))
        cluster::write_report(node.counted().total(), line.substr(report.size()));
    else
        throw failure("unknown command '" + line + "'");
    return true;
}

// Works until it is told to stop, or whoever gives the commands is gone.
void work(const worker_options& options) {
    const auto node = std::make_unique<worker_node>(options);
    std::string line;
    for (;;) {
        node->step();
        pollfd commands{STDIN_FILENO, POLLIN, 0};
        if (::poll(&commands, 1, 2) <= 0) continue;
        std::array<char, 256> buffer{};
        const ssize_t got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
        if (got <= 0) return;
        for (const char each : std::string_view(buffer.data(), static_cast<std::size_t>(got))) {
            if (each != '\n') {
                line.push_back(each);
                continue;
            }
            if (!obey(*node, std::exchange(line, {}))) return;
        }
    }
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && std::string_view(argv[1]) == "--help") {
        std::fputs(std::string(worker_usage).c_str(), stdout);
        return 0;
    }
    try {
        const worker_options options = parse_worker_options(cluster::arguments(argc, argv));
        if (options.restore.empty()) {
            work(options);
        } else {
            cluster::restore(options.restore, options.out);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "broker_worker: %s\n", error.what());
        return 2;
    }
}
