// SPDX-License-Identifier: Apache-2.0
// One worker of the cluster, or the empty process that restores from a worker's store.

#include "restore.hpp"
#include "worker_node.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <exception>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace {

using namespace cluster;

// Obeys one line of the standard input. Result: whether to go on.
bool obey(worker_node& node, const std::string& line) {
    if (line == "stop") {
        node.stop();
        return false;
    }
    if (line == "cut" || line == "heal")
        node.cut(line == "cut");
    else if (line == "finish")
        node.release();
    else if (line == "digest")
        node.tell_digest();
    else
        throw failure("unknown command '" + line + "'");
    return true;
}

void work(const worker_options& options) {
    worker_node node(options);
    const int commands = STDIN_FILENO;
    ::fcntl(commands, F_SETFL, ::fcntl(commands, F_GETFL) | O_NONBLOCK);
    std::string line;
    for (;;) {
        node.step(commands);
        std::array<char, 1024> buffer{};
        const ssize_t got = ::read(commands, buffer.data(), buffer.size());
        // Whoever gave the commands is gone: so is this worker, as after a kill.
        if (got == 0) return;
        for (ssize_t at = 0; at < got; ++at) {
            const char each = buffer[static_cast<std::size_t>(at)];
            if (each != '\n') {
                line.push_back(each);
            } else if (!obey(node, std::exchange(line, {}))) {
                return;
            }
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
    std::string name = "cluster_worker";
    try {
        const worker_options options = parse_worker_options(arguments(argc, argv));
        if (!options.name.empty()) name = options.name;
        if (options.restore.empty()) {
            work(options);
        } else {
            restore(options.restore, options.out);
        }
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
        return 2;
    }
}
