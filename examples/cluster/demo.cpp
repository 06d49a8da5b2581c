// SPDX-License-Identifier: Apache-2.0
// The launcher: the sequential answer, then the cluster with its kill and its cut, then the
// restored checkpoint, compared count by count.

#include "demo_report.hpp"
#include "demo_story.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <poll.h>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace cluster;

// A directory for the stores and reports of one run.
class run_directory {
public:
    run_directory() {
        std::error_code failed;
        std::string made =
            (std::filesystem::temp_directory_path(failed) / "cluster-XXXXXX").string();
        if (failed || ::mkdtemp(made.data()) == nullptr) {
            throw system_failure("cannot make a temporary directory");
        }
        path_ = made;
    }
    run_directory(const run_directory&) = delete;
    run_directory& operator=(const run_directory&) = delete;
    ~run_directory() {
        std::error_code ignored;
        if (!kept_) std::filesystem::remove_all(path_, ignored);
    }

    const std::string& path() const { return path_; }
    void keep() { kept_ = true; }

private:
    std::string path_;
    bool kept_ = false;
};

// Runs a program to its end and returns its lines. Throws failure if it fails.
std::vector<std::string> run_program(const std::vector<std::string>& command) {
    child_process process(command);
    std::vector<std::string> lines;
    for (;;) {
        const bool ended = process.status().has_value();
        while (auto line = process.read_line()) lines.push_back(std::move(*line));
        if (ended) break;
        pollfd output{process.output_fd(), POLLIN, 0};
        ::poll(&output, 1, 20);
    }
    if (process.wait() != 0) throw failure(command.front() + " failed");
    return lines;
}

std::string beside_this_program(const char* name) {
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) throw failure("cannot find the programs: " + failed.message());
    return (self.parent_path() / name).string();
}

cluster_settings settings_for(const demo_options& options, std::uint64_t bytes,
                              const std::string& directory) {
    constexpr std::uint64_t default_seconds = 32;
    cluster_settings made;
    made.worker_program = beside_this_program("cluster_worker");
    made.directory = directory;
    made.label = "demo-" + std::to_string(::getpid());
    made.nodes = options.nodes;
    made.partitions = 2 * options.nodes;
    made.epochs = 10;
    made.rate = options.rate != 0 ? options.rate : bytes / default_seconds + 1;
    const std::uint64_t ms = bytes * 1000 / made.rate;
    // Small on purpose: most of what a cut worker misses is soon only to be had by repair.
    made.relay_bytes = std::clamp<std::uint64_t>(bytes / 20, 8192, std::uint64_t{1} << 20U);
    made.report_ms = std::min<std::uint64_t>(std::max<std::uint64_t>(ms / 250, 10), 200);
    made.port = options.port;
    made.inputs = options.inputs;
    return made;
}

// Prints each check and remembers whether all held.
class checks {
public:
    void check(bool holds, const std::string& what) {
        std::printf("  %s  %s\n", holds ? "ok    " : "FAILED", what.c_str());
        all_ = all_ && holds;
    }
    bool all() const { return all_; }

private:
    bool all_ = true;
};

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

bool judge(const demo_cluster& workers, const story_facts& facts,
           const std::vector<std::string>& restored, const comparison& counts) {
    const worker_view& victim = workers.at(facts.victim);
    const std::uint64_t moved = workers.total(&worker_view::repaired) - facts.repaired_before_cut;
    const bool reborn = victim.incarnation == facts.old_incarnation + 1 &&
                        victim.first_submission == victim.incarnation;
    checks made;
    std::printf("\n");
    made.check(workers.roots_agree() && workers.digests_agree(),
               "all workers hold one state, root " + workers.at(0).root);
    made.check(workers.replayed() > 0,
               "records replayed after the kill: " + std::to_string(workers.replayed()) + " of " +
                   std::to_string(workers.processed()) + " processed");
    made.check(counts.too_high == 0,
               "counts too high, by records counted twice: " + std::to_string(counts.too_high));
    made.check(moved > 0, "entries that repair moved after " + workers.at(facts.cut_off).name +
                              " was cut off: " + std::to_string(moved));
    made.check(reborn && !signed_by_another(restored, victim.name, victim.incarnation),
               "the next submission of " + victim.name + " bears its new incarnation");
    made.check(counts.equal(), std::to_string(counts.compared) +
                                   " counts compared with the sequential program's, differing: " +
                                   std::to_string(counts.too_low + counts.too_high) +
                                   (counts.first.empty() ? "" : " (" + counts.first + ")"));
    return made.all();
}

bool run_demo(const demo_options& options, run_directory& directory) {
    const std::string right_report = directory.path() + "/sequential.txt";
    std::vector<std::string> sequential{beside_this_program("cluster_sequential"), right_report};
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
    demo_story story(workers, options.seed, bytes);
    story.run(std::chrono::seconds(120 + 3 * bytes / settings.rate));
    stop(workers);

    // From the store of one that was neither killed nor cut off, if there is one.
    std::size_t survivor = 0;
    while (survivor + 1 < workers.size() &&
           (survivor == story.facts().victim || survivor == story.facts().cut_off)) {
        ++survivor;
    }
    const std::string report = directory.path() + "/restored.txt";
    const auto restored = run_program(
        {settings.worker_program, "--restore", workers.store_of(survivor), "--out", report});
    print_restored(restored);
    if (const std::uint64_t unreadable = right.at("unreadable_files"); unreadable != 0) {
        std::printf("%llu %s unreadable in both programs\n",
                    static_cast<unsigned long long>(unreadable),
                    unreadable == 1 ? "file is" : "files are");
    }
    return judge(workers, story.facts(), restored, compare(read_report(report), right));
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
        run_directory directory;
        if (options.keep) {
            directory.keep();
            std::printf("stores and reports: %s\n", directory.path().c_str());
        }
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
