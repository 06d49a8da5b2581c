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

inline constexpr std::string_view worker_usage =
    "usage: broker_worker --url URL --store DIRECTORY --workers N --number I [option...]\n"
    "       broker_worker --restore STORE --out FILE\n"
    "  --url URL            the broker, as nats://127.0.0.1:4222\n"
    "  --store DIRECTORY    keeps the lease and the checkpoints\n"
    "  --workers N          how many workers there are\n"
    "  --number I           which of them this is, from 0 on: it counts the partitions I, I + N, "
    "...\n"
    "  --partitions P       of the input (default 1)\n"
    "  --epochs E           after which the input ends (default 8)\n"
    "Commands on the standard input: digest, report FILE, stop.\n";

struct worker_options {
    std::string url;
    std::string store;
    std::size_t workers = 1;
    std::size_t number = 0;
    std::size_t partitions = 1;
    std::uint64_t epochs = 8;
    std::string restore; // restore from this store instead of working
    std::string out;
};

inline std::string worker_name(std::size_t number) { return "worker" + std::to_string(number); }

inline std::vector<std::size_t> partitions_of(std::size_t worker, std::size_t workers,
                                              std::size_t partitions) {
    std::vector<std::size_t> dealt;
    for (std::size_t each = worker; each < partitions; each += workers) dealt.push_back(each);
    return dealt;
}

// Throws failure for what it does not understand.
inline worker_options parse_worker_options(cluster::arguments words) {
    worker_options read;
    while (words.more()) {
        const std::string word = words.next();
        if (word == "--url")
            read.url = words.value();
        else if (word == "--store")
            read.store = words.value();
        else if (word == "--workers")
            read.workers = words.number(99);
        else if (word == "--number")
            read.number = words.number(98);
        else if (word == "--partitions")
            read.partitions = words.number(99);
        else if (word == "--epochs")
            read.epochs = words.number(1000);
        else if (word == "--restore")
            read.restore = words.value();
        else if (word == "--out")
            read.out = words.value();
        else
            throw failure("unknown option " + word + "; see --help");
    }
    if (!read.restore.empty()) {
        if (read.out.empty()) throw failure("--restore needs --out");
        return read;
    }
    if (read.url.empty() || read.store.empty()) throw failure("--url and --store are needed");
    if (read.number >= read.workers) throw failure("--number needs less than --workers");
    if (read.partitions == 0 || read.epochs == 0) {
        throw failure("there is at least one partition and one epoch");
    }
    return read;
}

} // namespace broker
