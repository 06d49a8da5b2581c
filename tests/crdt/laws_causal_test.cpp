// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include "laws.hpp"
#include "random_steps_causal.hpp"

namespace laws_causal_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

TEST_CASE("mv_register keeps every law") { check_all_laws<crdt::mv_register<std::string>>(); }

TEST_CASE("mv_register of numbers keeps every law") {
    check_all_laws<crdt::mv_register<std::uint32_t>>();
}

TEST_CASE("ew_flag keeps every law") { check_all_laws<crdt::ew_flag>(); }

TEST_CASE("dw_flag keeps every law") { check_all_laws<crdt::dw_flag>(); }

TEST_CASE("rw_set keeps every law") { check_all_laws<crdt::rw_set<std::string>>(); }

TEST_CASE("rw_set of numbers keeps every law") { check_all_laws<crdt::rw_set<std::uint64_t>>(); }

TEST_CASE("causal_counter keeps every law") { check_all_laws<crdt::causal_counter>(); }

} // namespace laws_causal_test
