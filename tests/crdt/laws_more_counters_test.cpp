// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"
#include "random_steps_more.hpp"

namespace laws_more_counters_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

namespace {

struct ledger {
    BOOST_HANA_DEFINE_STRUCT(ledger, (crdt::pn_counter, balance), (crdt::bounded_counter, stock),
                             (crdt::lww_map<std::string, std::string>, notes),
                             (crdt::voted_register<std::string>, verdict),
                             (crdt::two_p_set<std::string>, retired));
    bool operator==(const ledger&) const = default;
};

} // namespace

} // namespace laws_more_counters_test

namespace joinery::testing {

template <>
struct random_step<laws_more_counters_test::ledger> {
    using ledger = laws_more_counters_test::ledger;

    ledger operator()(ledger& s, crdt::replica_id self, rng& random) const {
        ledger delta;
        switch (random.below(5)) {
            case 0: delta.balance = step(s.balance, self, random); break;
            case 1: delta.stock = step(s.stock, self, random); break;
            case 2: delta.notes = step(s.notes, self, random); break;
            case 3: delta.verdict = step(s.verdict, self, random); break;
            default: delta.retired = step(s.retired, self, random); break;
        }
        return delta;
    }

    template <class L>
    static L step(L& field, crdt::replica_id self, rng& random) {
        return random_step<L>{}(field, self, random);
    }
};

} // namespace joinery::testing

namespace laws_more_counters_test {

TEST_CASE("pn_counter keeps every law") { check_all_laws<crdt::pn_counter>(); }

TEST_CASE("bounded_counter keeps every law") { check_all_laws<crdt::bounded_counter>(); }

TEST_CASE("g_map of counters that go down keeps every law") {
    check_all_laws<crdt::g_map<std::string, crdt::pn_counter>>();
}

TEST_CASE("a struct of counters, registers, a map and a set keeps every law") {
    check_all_laws<ledger>();
}

} // namespace laws_more_counters_test
