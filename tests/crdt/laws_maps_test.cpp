// SPDX-License-Identifier: Apache-2.0
#include "laws.hpp"

namespace laws_maps_test {

namespace crdt = joinery::crdt;
using joinery::testing::check_all_laws;

namespace {

struct profile {
    BOOST_HANA_DEFINE_STRUCT(profile, (crdt::g_counter, visits),
                             (crdt::lww_register<std::string>, name),
                             (crdt::or_set<std::string>, tags),
                             (crdt::g_map<std::string, crdt::or_set<std::uint64_t>>, rooms));
    bool operator==(const profile&) const = default;
};

} // namespace

} // namespace laws_maps_test

namespace joinery::testing {

template <>
struct random_step<laws_maps_test::profile> {
    using profile = laws_maps_test::profile;

    // A struct's delta is one field's delta, lifted.
    profile operator()(profile& s, crdt::replica_id self, rng& random) const {
        profile delta;
        switch (random.below(4)) {
            case 0: delta.visits = step(s.visits, self, random); break;
            case 1: delta.name = step(s.name, self, random); break;
            case 2: delta.tags = step(s.tags, self, random); break;
            default: delta.rooms = step(s.rooms, self, random); break;
        }
        return delta;
    }

    template <class L>
    static L step(L& field, crdt::replica_id self, rng& random) {
        return random_step<L>{}(field, self, random);
    }
};

} // namespace joinery::testing

namespace laws_maps_test {

TEST_CASE("g_map of counters keeps every law") {
    check_all_laws<crdt::g_map<std::string, crdt::g_counter>>();
}

TEST_CASE("g_map of sets with removal keeps every law") {
    check_all_laws<crdt::g_map<std::string, crdt::or_set<std::string>>>();
}

TEST_CASE("g_map of g_maps keeps every law") {
    check_all_laws<
        crdt::g_map<std::uint64_t, crdt::g_map<std::string, crdt::lww_register<std::string>>>>();
}

TEST_CASE("a struct of lattices keeps every law") { check_all_laws<profile>(); }

} // namespace laws_maps_test
