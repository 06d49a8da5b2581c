// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdio>
#include <sys/wait.h>
#include <unistd.h>

namespace joinery::bench {

/// Resident bytes that make() leaves behind, taken in a child process with an almost empty heap:
/// call it before anything large was allocated. What make() returns lives until they are counted.
template <class Make>
std::size_t resident_bytes(Make make) {
    const auto now = [] {
        long pages = 0;
        if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
            if (std::fscanf(file, "%*d %ld", &pages) != 1) pages = 0;
            std::fclose(file);
        }
        return static_cast<std::size_t>(pages) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    };
    int ends[2];
    if (pipe(ends) != 0) return 0;
    if (fork() == 0) {
        const auto before = now();
        const auto made = make();
        const std::size_t grown = now() - before;
        const bool told = write(ends[1], &grown, sizeof grown) == sizeof grown;
        _exit(told && sizeof made > 0 ? 0 : 1);
    }
    std::size_t grown = 0;
    if (read(ends[0], &grown, sizeof grown) != sizeof grown) grown = 0;
    close(ends[0]);
    close(ends[1]);
    wait(nullptr);
    return grown;
}

} // namespace joinery::bench
