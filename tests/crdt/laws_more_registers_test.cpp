// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"
#include "random_steps_more.hpp"

namespace laws_more_registers_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

TEST_CASE("min_register keeps every law") { check_all_laws<crdt::min_register<std::string>>(); }

TEST_CASE("min_register of signed numbers keeps every law") {
    check_all_laws<crdt::min_register<std::int64_t>>();
}

TEST_CASE("voted_register keeps every law") { check_all_laws<crdt::voted_register<std::string>>(); }

TEST_CASE("voted_register of numbers keeps every law") {
    check_all_laws<crdt::voted_register<std::uint64_t>>();
}

TEST_CASE("g_map of voted_registers keeps every law") {
    check_all_laws<crdt::g_map<std::string, crdt::voted_register<std::string>>>();
}

TEST_CASE("two_p_set keeps every law") { check_all_laws<crdt::two_p_set<std::string>>(); }

TEST_CASE("two_p_set of numbers keeps every law") {
    check_all_laws<crdt::two_p_set<std::uint32_t>>();
}

TEST_CASE("lww_map keeps every law") { check_all_laws<crdt::lww_map<std::string, std::string>>(); }

TEST_CASE("lww_map of numbers keeps every law") {
    check_all_laws<crdt::lww_map<std::uint64_t, std::int64_t>>();
}

} // namespace laws_more_registers_test
