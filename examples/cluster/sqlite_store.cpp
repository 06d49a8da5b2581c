// SPDX-License-Identifier: Apache-2.0
// Usage: cluster_sqlite_store DIRECTORY [KILLS]. Shows that a database keeps the promises of a
// store: the suite, then processes killed at random moments.
#include "sqlite_store.hpp"

#include <testing/store_crash.hpp>
#include <testing/store_suite.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>

namespace {

int check(const std::filesystem::path& directory, unsigned long kills) {
    namespace testing = joinery::testing;
    int failures = 0;
    const auto report = [&](const std::string& broken) {
        std::printf("broken: %s\n", broken.c_str());
        ++failures;
    };
    for (const auto& each :
         testing::check_store([&] { return cluster::sqlite_store(directory / "suite.db"); }))
        report(each);
    testing::store_crash killer([&] { return cluster::sqlite_store(directory / "crash.db"); }, 1);
    for (unsigned long i = 0; i < kills; ++i)
        for (const auto& each : killer.kill_one()) report(each);
    std::printf("%lu processes killed, %llu objects acknowledged, %llu dots, %d promises broken\n",
                kills, static_cast<unsigned long long>(killer.objects_acknowledged()),
                static_cast<unsigned long long>(killer.dots_minted()), failures);
    return failures == 0 ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: cluster_sqlite_store DIRECTORY [KILLS]\n", stderr);
        return 2;
    }
    try {
        return check(argv[1], argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 20);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "cluster_sqlite_store: %s\n", error.what());
        return 2;
    }
}
