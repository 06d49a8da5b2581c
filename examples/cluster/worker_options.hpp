// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "arguments.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cluster {

inline constexpr std::string_view worker_usage =
    "usage: cluster_worker --name NAME --store DIRECTORY [option...] INPUT_DIRECTORY...\n"
    "       cluster_worker --restore STORE --out FILE\n"
    "  --name NAME          unique in the cluster\n"
    "  --store DIRECTORY    keeps the lease and the checkpoints\n"
    "  --seed-address A     a worker to join, as 127.0.0.1:7000\n"
    "  --port P             UDP for gossip and TCP for checkpoints; 0 (default): a free one\n"
    "  --cluster LABEL      workers of another label are not listened to\n"
    "  --workers N          members to wait for before partitions are dealt (default 1)\n"
    "  --fresh              nothing was ever counted: start without looking for a checkpoint\n"
    "  --partitions N       partitions of the whole input (default 1)\n"
    "  --epochs E           checkpoints of the whole input (default 10)\n"
    "  --rate R             bytes per second and partition; 0 (default): as fast as it goes\n"
    "  --hold PERMILLE      count no more of each partition before the command finish\n"
    "  --relay-bytes N      updates kept for peers that ask for them again (default 1 MiB)\n"
    "  --report-ms MS       how often progress is written (default 200)\n"
    "Commands on the standard input: cut, heal, finish, digest, stop.\n";

struct worker_options {
    std::string name;
    std::string store;
    std::string seed_address;
    std::uint16_t port = 0;
    std::string cluster = "joinery-cluster";
    std::size_t workers = 1;
    bool fresh = false;
    std::size_t partitions = 1;
    std::uint64_t epochs = 10;
    double rate = 0;
    std::uint64_t hold = 0;
    std::size_t relay_bytes = std::size_t{1} << 20U;
    std::chrono::milliseconds report{200};
    std::vector<std::string> inputs;
    std::string restore; // restore from this store instead of working
    std::string out;
};

inline void check(const worker_options& options) {
    if (!options.restore.empty()) {
        if (options.out.empty()) throw failure("--restore needs --out");
    } else if (options.name.empty() || options.store.empty() || options.inputs.empty()) {
        throw failure("--name, --store and an input directory are needed; see --help");
    }
}

// Throws failure for what it does not understand.
inline worker_options parse_worker_options(arguments words) {
    worker_options read;
    while (words.more()) {
        const std::string word = words.next();
        if (word == "--name")
            read.name = words.value();
        else if (word == "--store")
            read.store = words.value();
        else if (word == "--seed-address")
            read.seed_address = words.value();
        else if (word == "--port")
            read.port = static_cast<std::uint16_t>(words.number(65535));
        else if (word == "--cluster")
            read.cluster = words.value();
        else if (word == "--workers")
            read.workers = words.number(99);
        else if (word == "--fresh")
            read.fresh = true;
        else if (word == "--partitions")
            read.partitions = words.number(99);
        else if (word == "--epochs")
            read.epochs = words.number(1000);
        else if (word == "--rate")
            read.rate = static_cast<double>(words.number(1'000'000'000'000));
        else if (word == "--hold")
            read.hold = words.number(1000);
        else if (word == "--relay-bytes")
            read.relay_bytes = words.number(std::size_t{1} << 30U);
        else if (word == "--report-ms")
            read.report = std::chrono::milliseconds(words.number(60000));
        else if (word == "--restore")
            read.restore = words.value();
        else if (word == "--out")
            read.out = words.value();
        else if (word.starts_with("-"))
            throw failure("unknown option " + word);
        else
            read.inputs.push_back(word);
    }
    if (read.partitions == 0 || read.epochs == 0) {
        throw failure("there is at least one partition and one epoch");
    }
    check(read);
    return read;
}

} // namespace cluster
