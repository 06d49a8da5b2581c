// SPDX-License-Identifier: Apache-2.0
// Every short history of the other counters, registers, sets and maps against their models.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include <crdt/bounded_counter.hpp>
#include <crdt/hyperloglog.hpp>
#include <crdt/lww_map.hpp>
#include <crdt/min_register.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/two_p_set.hpp>

#include "exhaustive_check.hpp"

namespace exhaustive_more_test {

namespace crdt = joinery::crdt;
namespace spec = joinery::testing::spec;
using joinery::testing::check_exhaustively;
using joinery::testing::set_of;

namespace {

using id = crdt::replica_id;

} // namespace

TEST_CASE("pn_counter") {
    using type = crdt::pn_counter;
    check_exhaustively<type, spec::pn_counter>(
        {{"increment by 3", [](type& s, id self) { return s.increment(self, 3); }, 3},
         {"decrement", [](type& s, id self) { return s.decrement(self); }, -1}},
        [](const type& s) { return static_cast<std::int64_t>(s.value()); });
}

TEST_CASE("bounded_counter") {
    using type = crdt::bounded_counter;
    using kind = spec::bounded_counter::kind;
    const auto decrement = [](std::uint64_t amount) {
        return [amount](type& s, id self) { return s.decrement(self, amount, s); };
    };
    const auto to_b = [](type& s, id self) { return s.transfer(self, id{2}, 2, s); };
    check_exhaustively<type, spec::bounded_counter>(
        {{"increment by 3",
          [](type& s, id self) { return s.increment(self, 3); },
          {kind::increment, 3}},
         {"decrement by 2", decrement(2), {kind::decrement, 2}},
         {"give B 2", to_b, {kind::transfer, 2, 1}}},
        [](const type& s) { return static_cast<std::int64_t>(s.value()); });
}

TEST_CASE("min_register") {
    using type = crdt::min_register<int>;
    check_exhaustively<type, spec::min_register<int>>(
        {{"assign 1", [](type& s, id self) { return s.assign(self, 1); }, 1},
         {"assign 2", [](type& s, id self) { return s.assign(self, 2); }, 2}},
        [](const type& s) { return s.value(); });
}

TEST_CASE("two_p_set") {
    using type = crdt::two_p_set<int>;
    check_exhaustively<type, spec::two_p_set<int>>(
        {{"add 1", [](type& s, id self) { return s.add(self, 1); }, {true, 1}},
         {"remove 1", [](type& s, id self) { return s.remove(self, 1); }, {false, 1}},
         {"add 2", [](type& s, id self) { return s.add(self, 2); }, {true, 2}}},
        [](const type& s) { return set_of(s.elements()); });
}

TEST_CASE("lww_map") {
    using type = crdt::lww_map<std::string, int>;
    check_exhaustively<type, spec::lww_map<std::string, int>>(
        {{"put k 1 at 1", [](type& s, id self) { return s.put(self, 1, "k", 1); }, {"k", 1, 1}},
         {"put k 2 at 2", [](type& s, id self) { return s.put(self, 2, "k", 2); }, {"k", 2, 2}},
         {"erase k at 2",
          [](type& s, id self) { return s.erase(self, 2, "k"); },
          {"k", 2, std::nullopt}}},
        [](const type& s) {
            std::map<std::string, int> present;
            s.for_each([&](const std::string& key, int value) { present[key] = value; });
            return present;
        });
}

TEST_CASE("hyperloglog, exact while few") {
    using type = crdt::hyperloglog<int>;
    check_exhaustively<type, spec::hyperloglog<int>>(
        {{"add 1", [](type& s, id self) { return s.add(self, 1); }, 1},
         {"add 2", [](type& s, id self) { return s.add(self, 2); }, 2},
         {"add 3", [](type& s, id self) { return s.add(self, 3); }, 3}},
        [](const type& s) { return static_cast<std::size_t>(std::lround(s.value())); });
}

} // namespace exhaustive_more_test
