// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"

namespace laws_sets_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

TEST_CASE("g_set keeps every law") { check_all_laws<crdt::g_set<std::string>>(); }

TEST_CASE("g_set of numbers keeps every law") { check_all_laws<crdt::g_set<std::uint32_t>>(); }

TEST_CASE("or_set keeps every law") { check_all_laws<crdt::or_set<std::string>>(); }

TEST_CASE("or_set of numbers keeps every law") { check_all_laws<crdt::or_set<std::uint64_t>>(); }

} // namespace laws_sets_test
