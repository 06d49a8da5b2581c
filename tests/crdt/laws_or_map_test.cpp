// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>

#include <crdt/struct.hpp>

#include "laws.hpp"
#include "random_steps_causal.hpp"

namespace laws_or_map_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

namespace {

using string = std::string;

// A map within a struct, and the struct within a map: each field has its own context.
struct account {
    BOOST_HANA_DEFINE_STRUCT(account, (crdt::ew_flag, open), (crdt::mv_register<string>, owner),
                             (crdt::or_map<string, crdt::or_set<string>>, roles));
    bool operator==(const account&) const = default;
};

} // namespace

} // namespace laws_or_map_test

namespace joinery::testing {

template <>
struct random_step<laws_or_map_test::account> {
    using account = laws_or_map_test::account;

    account operator()(account& s, crdt::replica_id self, rng& random) const {
        account delta;
        switch (random.below(3)) {
            case 0: delta.open = step(s.open, self, random); break;
            case 1: delta.owner = step(s.owner, self, random); break;
            default: delta.roles = step(s.roles, self, random); break;
        }
        return delta;
    }

    template <class L>
    static L step(L& field, crdt::replica_id self, rng& random) {
        return random_step<L>{}(field, self, random);
    }
};

} // namespace joinery::testing

namespace laws_or_map_test {

TEST_CASE("or_map of sets keeps every law") {
    check_all_laws<crdt::or_map<string, crdt::or_set<string>>>();
}

TEST_CASE("or_map of maps of registers keeps every law") {
    check_all_laws<crdt::or_map<string, crdt::or_map<std::uint64_t, crdt::mv_register<string>>>>();
}

TEST_CASE("or_map of counters keeps every law") {
    check_all_laws<crdt::or_map<string, crdt::causal_counter>>();
}

TEST_CASE("or_map of flags keeps every law") {
    check_all_laws<crdt::or_map<std::uint64_t, crdt::ew_flag>>();
    check_all_laws<crdt::or_map<std::uint64_t, crdt::dw_flag>>();
}

TEST_CASE("or_map of sets where removes win keeps every law") {
    check_all_laws<crdt::or_map<string, crdt::rw_set<std::uint64_t>>>();
}

TEST_CASE("or_map three maps deep keeps every law") {
    check_all_laws<crdt::or_map<
        std::uint64_t,
        crdt::or_map<string, crdt::or_map<std::uint64_t, crdt::or_set<std::uint64_t>>>>>();
}

TEST_CASE("a struct with a map of sets keeps every law") { check_all_laws<account>(); }

TEST_CASE("g_map of structs with a map of sets keeps every law") {
    check_all_laws<crdt::g_map<std::uint64_t, account>>();
}

} // namespace laws_or_map_test
