// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"
#include "random_steps_logs.hpp"

namespace laws_logs_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

TEST_CASE("event_log keeps every law") { check_all_laws<crdt::event_log<std::string>>(); }

TEST_CASE("event_log of numbers keeps every law") {
    check_all_laws<crdt::event_log<std::uint64_t, std::uint32_t>>();
}

TEST_CASE("g_map of event_logs keeps every law") {
    check_all_laws<crdt::g_map<std::string, crdt::event_log<std::string>>>();
}

TEST_CASE("hyperloglog keeps every law") { check_all_laws<crdt::hyperloglog<std::string>>(); }

TEST_CASE("hyperloglog of one block, mostly full, keeps every law") {
    check_all_laws<crdt::hyperloglog<std::uint64_t, 6>>();
}

TEST_CASE("hyperloglog of few blocks keeps every law") {
    check_all_laws<crdt::hyperloglog<std::uint64_t, 9>>();
}

} // namespace laws_logs_test
