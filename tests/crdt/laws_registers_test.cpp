// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"

namespace laws_registers_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

TEST_CASE("max_register keeps every law") { check_all_laws<crdt::max_register<std::string>>(); }

TEST_CASE("max_register of signed numbers keeps every law") {
    check_all_laws<crdt::max_register<std::int64_t>>();
}

TEST_CASE("lww_register keeps every law") { check_all_laws<crdt::lww_register<std::string>>(); }

TEST_CASE("lww_register of numbers keeps every law") {
    check_all_laws<crdt::lww_register<std::uint64_t>>();
}

} // namespace laws_registers_test
