// SPDX-License-Identifier: Apache-2.0
// The launcher: the sequential answer, then the cluster with its kill and its cut, then the
// restored checkpoint, compared count by count.

#include "checkpoint_store.hpp"
#include "demo_report.hpp"
#include "demo_story.hpp"
#include "launching.hpp"
#include "state.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace {

using namespace cluster;

std::size_t partitions_of(const demo_options& options) { return 4 * options.nodes; }

cluster_settings settings_for(const demo_options& options, std::uint64_t bytes,
                              const std::string& directory) {
    constexpr std::uint64_t default_seconds = 32;
    cluster_settings made;
    made.worker_program = built_program("cluster_worker");
    made.directory = directory;
    made.label = "demo-" + std::to_string(::getpid());
    made.nodes = options.nodes;
    made.partitions = partitions_of(options);
    made.epochs = 10;
    made.hold = 940; // in the middle of the last epoch
    made.rate = options.rate != 0 ? options.rate : bytes / default_seconds + 1;
    const std::uint64_t ms = bytes * 1000 / made.rate;
    // Small on purpose: most of what a cut worker misses is soon only to be had by repair.
    made.relay_bytes = std::clamp<std::uint64_t>(bytes / 6, 8192, std::uint64_t{1} << 20U);
    made.report_ms = std::min<std::uint64_t>(std::max<std::uint64_t>(ms / 250, 10), 200);
    made.port = options.port;
    made.inputs = options.inputs;
    return made;
}

void stop(demo_cluster& workers) {
    workers.command_all("stop");
    while (!workers.all([](const worker_view& each) { return each.stopped; })) workers.listen();
}

// Whether a worker signed parts of the restored checkpoint under another incarnation. It need not
// have signed any: a part that another worker submitted first keeps that worker's name.
bool signed_by_another(const std::vector<std::string>& lines, const std::string& worker,
                       std::uint64_t incarnation) {
    for (const std::string& line : lines) {
        if (!line.starts_with("verified ") || field_of(line, "worker") != worker) continue;
        if (field_of(line, "incarnation") != std::to_string(incarnation)) return true;
    }
    return false;
}

void print_restored(const std::vector<std::string>& lines) {
    std::size_t parts = 0;
    std::printf("\n");
    for (const std::string& line : lines) {
        parts += line.starts_with("verified ") ? 1U : 0U;
        if (line.starts_with("restored ")) {
            std::printf("Restored checkpoint %s from %zu verified parts, state root %s\n",
                        field_of(line, "epoch").c_str(), parts,
                        field_of(line, "state_root").c_str());
        }
        if (line.starts_with("top ")) {
            std::printf("%12s  %s\n", field_of(line, "count").c_str(),
                        field_of(line, "word").c_str());
        }
    }
}

void check_deaths(checks& made, const demo_cluster& workers, const std::vector<death>& deaths) {
    std::string names;
    bool reborn = true;
    for (const death& each : deaths) {
        const worker_view& worker = workers.at(each.worker);
        append_to_list(names, worker.name);
        const bool submitted = worker.records.empty() || worker.first_submission;
        reborn = reborn && submitted && worker.incarnation == each.old_incarnation + 1 &&
                 worker.first_submission.value_or(worker.incarnation) == worker.incarnation;
    }
    made.check(reborn, "the next submissions of " + names + " bear their new incarnations");
    made.check(workers.replayed() > 0,
               "records replayed after the kills: " + std::to_string(workers.replayed()) + " of " +
                   std::to_string(workers.processed()) + " processed");
    made.check(
        workers.resumptions() > 0 && workers.begun_too_early() == 0,
        "partitions that changed hands or came back: " + std::to_string(workers.resumptions()) +
            ", not from the newest stable checkpoint: " +
            std::to_string(workers.begun_too_early()));
}

// Windows that workers told while they ran, against those of the sequential program.
void check_windows(checks& made, const demo_cluster& workers, const counts_by_label& right) {
    std::uint64_t differing = 0;
    for (const auto& [start, told] : workers.windows()) {
        const std::string label = "window " + std::to_string(start);
        const auto words = right.find(label + " words");
        const auto lines = right.find(label + " lines");
        const bool equal = words != right.end() && words->second == told.words &&
                           lines != right.end() && lines->second == told.lines;
        differing += equal ? 0U : 1U;
    }
    const auto of_all =
        static_cast<std::size_t>(std::count_if(right.begin(), right.end(), [](const auto& each) {
            return each.first.starts_with("window ") && each.first.ends_with(" lines");
        }));
    made.check(
        differing == 0 && workers.windows_contradicted() == 0 && workers.windows().size() == of_all,
        "windows told from stable checkpoints: " + std::to_string(workers.windows().size()) +
            " of " + std::to_string(of_all) +
            ", contradicted by another worker: " + std::to_string(workers.windows_contradicted()) +
            ", not as the sequential program has them: " + std::to_string(differing));
}

// The restored sketch against one of the words that the sequential program found, byte for byte.
void check_sketch(checks& made, const std::vector<std::string>& restored,
                  const counts_by_label& right) {
    constexpr std::string_view label = "word ";
    word_sketch all;
    for (const auto& each : right) {
        if (each.first.starts_with(label)) all.add({}, each.first.substr(label.size()));
    }
    const auto bytes = wire::encode(all);
    bool equal = false;
    std::string estimate;
    for (const std::string& line : restored) {
        if (!line.starts_with("sketch ")) continue;
        equal = field_of(line, "digest") == hex(wire::content_digest(bytes)) &&
                field_of(line, "bytes") == std::to_string(bytes.size());
        estimate = field_of(line, "estimate");
    }
    made.check(equal, "distinct words by hyperloglog: about " + estimate + " in " +
                          std::to_string(bytes.size()) +
                          " bytes, those of a sketch of the sequential program's " +
                          std::to_string(right.at("distinct_words")) + " words");
}

bool judge(const demo_cluster& workers, const story_facts& facts,
           const std::vector<std::string>& restored, const counts_by_label& got,
           const counts_by_label& right) {
    const comparison counts = compare(got, right);
    const std::uint64_t moved = workers.total(&worker_view::repaired) - facts.repaired_before_cut;
    bool own_signature = false;
    for (const death& each : facts.deaths) {
        const worker_view& worker = workers.at(each.worker);
        own_signature =
            own_signature || signed_by_another(restored, worker.name, worker.incarnation);
    }
    checks made;
    std::printf("\n");
    made.check(workers.roots_agree() && workers.digests_agree(),
               "all workers hold one state, root " + workers.at(0).root);
    check_deaths(made, workers, facts.deaths);
    made.check(!own_signature, "no part of the checkpoint bears a dead incarnation");
    made.check(moved > 0, "entries that repair moved after " + workers.at(facts.cut_off).name +
                              " was cut off: " + std::to_string(moved));
    check_windows(made, workers, right);
    check_sketch(made, restored, right);
    made.check(counts.too_high == 0,
               "counts too high, by records counted twice: " + std::to_string(counts.too_high));
    made.check(counts.equal(), std::to_string(counts.compared) +
                                   " counts compared with the sequential program's, differing: " +
                                   std::to_string(counts.too_low + counts.too_high) +
                                   (counts.first.empty() ? "" : " (" + counts.first + ")"));
    return made.all();
}

bool run_demo(const demo_options& options, const run_directory& directory) {
    const std::string right_report = directory.path() + "/sequential.txt";
    std::vector<std::string> sequential{built_program("cluster_sequential"), right_report,
                                        std::to_string(partitions_of(options))};
    sequential.insert(sequential.end(), options.inputs.begin(), options.inputs.end());
    run_program(sequential);
    const counts_by_label right = read_report(right_report);
    const std::uint64_t bytes = right.at("bytes");
    if (bytes == 0) throw failure("there is nothing to count");

    demo_cluster workers(settings_for(options, bytes, directory.path()));
    const cluster_settings& settings = workers.settings();
    std::printf(
        "seed %llu, %.2f MB/s; the sequential program found %llu words, %llu of them distinct\n",
        static_cast<unsigned long long>(options.seed), static_cast<double>(settings.rate) / 1e6,
        static_cast<unsigned long long>(right.at("words")),
        static_cast<unsigned long long>(right.at("distinct_words")));
    demo_story story(workers, options.seed, bytes, options.rescale ? 3 : 0);
    story.run(std::chrono::seconds(120 + 3 * bytes / settings.rate));
    stop(workers);

    const std::size_t chosen = options.seed % workers.size();
    const std::string report = directory.path() + "/restored.txt";
    const auto restored = run_program(
        {settings.worker_program, "--restore", workers.store_of(chosen), "--out", report});
    print_restored(restored);
    if (const std::uint64_t unreadable = right.at("unreadable_files"); unreadable != 0) {
        std::printf("%llu %s unreadable in both programs\n",
                    static_cast<unsigned long long>(unreadable),
                    unreadable == 1 ? "file is" : "files are");
    }
    return judge(workers, story.facts(), restored, read_report(report), right);
}

} // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    if (argc > 1 && std::string_view(argv[1]) == "--help") {
        std::fputs(std::string(demo_usage).c_str(), stdout);
        return 0;
    }
    try {
        const demo_options options = parse_demo_options(arguments(argc, argv));
        const run_directory directory("cluster", options.keep);
        if (options.keep) std::printf("stores and reports: %s\n", directory.path().c_str());
        const bool right = run_demo(options, directory);
        std::printf("\n%s\n", right ? "The cluster's answer is the sequential one."
                                    : "The cluster's answer is WRONG.");
        return right ? 0 : 1;
    } catch (const std::exception& error) {
        std::fflush(stdout);
        std::fprintf(stderr, "cluster_demo: %s\n", error.what());
        return 2;
    }
}
