// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "child_process.hpp"
#include "failure.hpp"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <poll.h>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace cluster {

// A temporary directory for all that one run writes.
class run_directory {
public:
    run_directory(const std::string& name, bool kept) : kept_(kept) {
        std::error_code failed;
        std::string made =
            (std::filesystem::temp_directory_path(failed) / (name + "-XXXXXX")).string();
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

private:
    std::string path_;
    bool kept_;
};

// Runs a program to its end and returns its lines. Throws failure if it fails.
inline std::vector<std::string> run_program(const std::vector<std::string>& command) {
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

inline std::string this_program() {
    std::error_code failed;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
    if (failed) throw failure("cannot find the programs: " + failed.message());
    return self.string();
}

// Programs of the same build, by their path from the directory of this one.
inline std::string built_program(const char* path) {
    const auto directory = std::filesystem::path(this_program()).parent_path();
    return (directory / path).lexically_normal().string();
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

} // namespace cluster
