// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cluster {

inline constexpr std::string_view demo_usage =
    "usage: cluster_demo [option...] DIRECTORY...\n"
    "  --nodes N   worker processes, 3 to 20 (default 5)\n"
    "  --seed S    decides who is killed and when, who comes back and how, who is cut off (default "
    "1)\n"
    "  --rate R    bytes per second of all workers together (default: the input in about 36 "
    "seconds)\n"
    "  --port P    the workers' ports from P on, UDP and TCP (default: free ones)\n"
    "  --rescale   three more workers join in the middle\n"
    "  --keep      keep the stores and reports\n";

struct demo_options {
    std::size_t nodes = 5;
    std::uint64_t seed = 1;
    std::uint64_t rate = 0;
    std::uint16_t port = 0;
    bool rescale = false;
    bool keep = false;
    std::vector<std::string> inputs;
};

// Throws failure for what it does not understand.
inline demo_options parse_demo_options(arguments words) {
    demo_options read;
    while (words.more()) {
        const std::string word = words.next();
        if (word == "--nodes")
            read.nodes = words.number(20);
        else if (word == "--seed")
            read.seed = words.number();
        else if (word == "--rate")
            read.rate = words.number(1'000'000'000'000);
        else if (word == "--port")
            read.port = static_cast<std::uint16_t>(words.number(65000));
        else if (word == "--rescale")
            read.rescale = true;
        else if (word == "--keep")
            read.keep = true;
        else if (word.starts_with("-"))
            throw failure("unknown option " + word + "; see --help");
        else
            read.inputs.push_back(word);
    }
    if (read.nodes < 3) throw failure("--nodes needs at least 3: two are killed, one is cut off");
    if (read.inputs.empty()) throw failure("which directory is to be counted? see --help");
    return read;
}

} // namespace cluster
