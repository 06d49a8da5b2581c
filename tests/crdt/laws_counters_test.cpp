// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"

namespace laws_counters_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

TEST_CASE("g_counter keeps every law") { check_all_laws<crdt::g_counter>(); }

TEST_CASE("version_vector keeps every law") { check_all_laws<crdt::version_vector>(); }

TEST_CASE("causal_context keeps every law") { check_all_laws<crdt::causal_context>(); }

} // namespace laws_counters_test
