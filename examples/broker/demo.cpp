// SPDX-License-Identifier: Apache-2.0
// The launcher: the sequential answer, then a broker, a publisher and workers that die, then the
// restored checkpoint, compared count by count.

#include "../cluster/demo_report.hpp"
#include "../cluster/launching.hpp"
#include "broker_server.hpp"
#include "demo_options.hpp"
#include "demo_story.hpp"

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace broker;
using cluster::built_program;
using cluster::checks;
using cluster::field_of;
using cluster::run_directory;
using cluster::run_program;

constexpr std::uint64_t epochs = 8;

// What the broker's streams hold against what was published, by partition.
struct stream_lengths {
    std::uint64_t messages = 0;
    bool right = true;
};

stream_lengths measure(nats_client& broker, const publisher& input, std::size_t partitions) {
    stream_lengths found;
    for (std::size_t i = 0; i < partitions; ++i) {
        const std::uint64_t length = stream_length(broker, i);
        found.messages += length;
        found.right =
            found.right && length == input.messages_of(i) && length == input.records_of(i) + epochs;
    }
    return found;
}

void print_restored(const std::vector<std::string>& lines) {
    std::size_t parts = 0;
    std::printf("\n");
    for (const std::string& line : lines) {
        parts += line.starts_with("verified ") ? 1U : 0U;
        if (line.starts_with("restored ")) {
            std::printf("Restored checkpoint %s from %zu verified parts, certificate %s,\n"
                        "state root %s\n",
                        field_of(line, "epoch").c_str(), parts,
                        field_of(line, "global_root").c_str(),
                        field_of(line, "state_root").c_str());
        }
        if (line.starts_with("top ")) {
            std::printf("%12s  %s\n", field_of(line, "count").c_str(),
                        field_of(line, "word").c_str());
        }
    }
}

void check_rebirths(checks& made, const std::vector<rebirth>& all) {
    std::uint64_t replayed = 0;
    bool each_bit = true;
    bool named_anew = true;
    bool disk_lost = false;
    bool fetched = true;
    for (const rebirth& each : all) {
        replayed += each.replayed;
        each_bit = each_bit && each.replayed > 0 && each.epoch > 0;
        named_anew = named_anew && (each.disk_lost ? each.incarnation != each.old_incarnation
                                                   : each.incarnation == each.old_incarnation + 1);
        disk_lost = disk_lost || each.disk_lost;
        fetched = fetched && (!each.disk_lost || each.pieces > 0);
    }
    made.check(each_bit && !all.empty(),
               "workers killed: " + std::to_string(all.size()) +
                   ", each went on from a verified checkpoint and replayed; messages replayed: " +
                   std::to_string(replayed));
    made.check(named_anew, "no incarnation was used twice");
    if (disk_lost) made.check(fetched, "who lost its disk fetched the checkpoint from the others");
}

void check_counts(checks& made, const std::string& where, const cluster::comparison& counts) {
    made.check(counts.too_high == 0, "counts " + where +
                                         " that are too high, by messages counted "
                                         "twice: " +
                                         std::to_string(counts.too_high));
    made.check(counts.equal(), std::to_string(counts.compared) + " counts " + where +
                                   " compared with the sequential program's, differing: " +
                                   std::to_string(counts.too_low + counts.too_high) +
                                   (counts.first.empty() ? "" : " (" + counts.first + ")"));
}

bool judge(const worker_processes& workers, const demo_story& story, const stream_lengths& streams,
           const std::vector<std::string>& restored, const cluster::comparison& gossiped,
           const cluster::comparison& checkpointed) {
    checks made;
    std::printf("\n");
    check_rebirths(made, story.rebirths());
    made.check(streams.right, "messages in the broker's streams, each published one once: " +
                                  std::to_string(streams.messages));
    made.check(workers.contradicted() == 0,
               "epochs that a replay cut differently: " + std::to_string(workers.contradicted()));
    made.check(workers.roots_agree() && workers.digests_agree(),
               "all workers hold one state, root " + workers.at(0).root);
    bool last = false;
    for (const std::string& line : restored) {
        last = last ||
               (line.starts_with("restored ") && field_of(line, "epoch") == std::to_string(epochs));
    }
    made.check(last && workers.at(0).stable == epochs, "the last checkpoint is stable");
    check_counts(made, "in the gossiped state", gossiped);
    check_counts(made, "in the checkpoint", checkpointed);
    return made.all();
}

void refuse_too_little(const publisher& input, std::size_t partitions) {
    for (std::size_t i = 0; i < partitions; ++i) {
        if (input.records_of(i) < 4 * epochs) {
            throw failure("too little to count: partition " + std::to_string(i) + " has " +
                          std::to_string(input.records_of(i)) + " records, not " +
                          std::to_string(4 * epochs));
        }
    }
}

bool run_demo(const demo_options& options, const run_directory& directory) {
    const std::string right_report = directory.path() + "/sequential.txt";
    const std::size_t partitions = 2 * options.workers;
    std::vector<std::string> sequential{built_program("../cluster/cluster_sequential"),
                                        right_report, std::to_string(partitions)};
    sequential.insert(sequential.end(), options.inputs.begin(), options.inputs.end());
    run_program(sequential);
    const auto right = cluster::read_report(right_report);
    const double bytes = static_cast<double>(right.at("bytes"));
    const double rate = options.rate != 0 ? static_cast<double>(options.rate) : bytes / 10 + 1;

    broker_server server(options.server, directory.path() + "/broker");
    nats_client connection(server.url());
    publisher input(connection, options.inputs, partitions, epochs, rate);
    refuse_too_little(input, partitions);
    std::printf("seed %llu, broker at %s, %zu workers, %zu partitions of %.1f MB\n",
                static_cast<unsigned long long>(options.seed), server.url().c_str(),
                options.workers, partitions, bytes / 1e6);
    worker_processes workers({built_program("broker_worker"), server.url(), directory.path(),
                              options.workers, partitions, epochs});
    demo_story story(server, input, workers, plan_faults(options.seed, options.workers));
    story.run(std::chrono::seconds(120 + static_cast<std::int64_t>(3 * bytes / rate)));
    const stream_lengths streams = measure(connection, input, partitions);
    const std::size_t chosen = options.seed % options.workers;
    const std::string gossiped = directory.path() + "/gossiped.txt";
    workers.ask_report(chosen, gossiped);
    workers.stop();

    const std::string checkpointed = directory.path() + "/checkpointed.txt";
    const auto restored = run_program({built_program("broker_worker"), "--restore",
                                       workers.store_of(chosen), "--out", checkpointed});
    print_restored(restored);
    return judge(workers, story, streams, restored,
                 cluster::compare(cluster::read_report(gossiped), right),
                 cluster::compare(cluster::read_report(checkpointed), right));
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && std::string_view(argv[1]) == "--help") {
        std::fputs(std::string(demo_usage).c_str(), stdout);
        return 0;
    }
    try {
        const demo_options options = parse_demo_options(cluster::arguments(argc, argv));
        const run_directory directory("broker", options.keep);
        if (options.keep) std::printf("stores and streams: %s\n", directory.path().c_str());
        const bool right = run_demo(options, directory);
        std::printf("\n%s\n", right ? "The workers' answer is the sequential one."
                                    : "The workers' answer is WRONG.");
        return right ? 0 : 1;
    } catch (const std::exception& error) {
        std::fflush(stdout);
        std::fprintf(stderr, "broker_demo: %s\n", error.what());
        return 2;
    }
}
