// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/arguments.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace broker {

using cluster::failure;

inline constexpr std::string_view demo_usage =
    "usage: broker_demo [option...] DIRECTORY...\n"
    "  --workers N  worker processes, 2 to 20 (default 3)\n"
    "  --seed S     decides who is killed and when, and who loses the disk (default 1)\n"
    "  --rate R     bytes per second that are published (default: the input in about 10 seconds)\n"
    "  --server P   the broker's program (default: the nats-server found when this was built)\n"
    "  --keep       keep the stores, the broker's streams and its log\n";

struct demo_options {
    std::size_t workers = 3;
    std::uint64_t seed = 1;
    std::uint64_t rate = 0;
    std::string server = NATS_SERVER_PROGRAM;
    bool keep = false;
    std::vector<std::string> inputs;
};

// Throws failure for what it does not understand.
inline demo_options parse_demo_options(cluster::arguments words) {
    demo_options read;
    while (words.more()) {
        const std::string word = words.next();
        if (word == "--workers")
            read.workers = words.number(20);
        else if (word == "--seed")
            read.seed = words.number();
        else if (word == "--rate")
            read.rate = words.number(1'000'000'000'000);
        else if (word == "--server")
            read.server = words.value();
        else if (word == "--keep")
            read.keep = true;
        else if (word.starts_with("-"))
            throw failure("unknown option " + word + "; see --help");
        else
            read.inputs.push_back(word);
    }
    if (read.workers < 2) throw failure("--workers needs at least 2: one loses its disk");
    if (read.inputs.empty()) throw failure("which directory is to be counted? see --help");
    return read;
}

} // namespace broker
