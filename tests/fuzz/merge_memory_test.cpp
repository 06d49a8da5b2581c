// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <doctest/doctest.h>

#include "../crdt/random_steps_causal.hpp"
#include "../crdt/random_steps_logs.hpp"
#include "../crdt/random_steps_more.hpp"
#include "failing_merges.hpp"

namespace {

namespace crdt = joinery::crdt;
using memory::check;
using string = std::string;
using map_of_sets = crdt::or_map<string, crdt::or_set<string>>;
using map_of_maps = crdt::or_map<string, crdt::or_map<std::uint64_t, crdt::mv_register<string>>>;
using map_of_counters = crdt::g_map<string, crdt::g_counter>;
using grown_map_of_sets = crdt::g_map<string, crdt::or_set<string>>;
using written_map = crdt::lww_map<string, string>;

} // namespace

TEST_CASE_TEMPLATE("out of memory leaves entries that are old or new", T, crdt::g_counter,
                   crdt::pn_counter, crdt::bounded_counter, crdt::version_vector,
                   crdt::causal_context, crdt::lww_register<string>, crdt::voted_register<string>,
                   crdt::g_set<string>, crdt::g_set<std::uint32_t>, crdt::two_p_set<string>,
                   crdt::or_set<string>, crdt::or_set<std::uint64_t>, crdt::rw_set<string>,
                   crdt::mv_register<string>, crdt::ew_flag, crdt::causal_counter, map_of_counters,
                   grown_map_of_sets, written_map, crdt::event_log<string>,
                   crdt::hyperloglog<string>) {
    check<T>(true);
}

// What an update of a map does without memory is open: see SECURITY.md, row 8.
TEST_CASE_TEMPLATE("out of memory in a merge of maps leaves entries that are old or new", T,
                   map_of_sets, map_of_maps) {
    check<T>(false);
}
