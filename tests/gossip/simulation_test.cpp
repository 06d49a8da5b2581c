// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

namespace simulation_test {

using namespace gossip_test;

namespace {

// All that must hold of a scenario at its end; adds what the network did to `bitten`.
void check(scenario& played, testing::fault_counts& bitten) {
    REQUIRE(played.run());
    REQUIRE(played.tags_unique());
    const network& net = std::as_const(played).net();
    const auto first = wire::encode(net.engine(0).state());
    engine indexed_anew(config_of(0, 1), 1);
    indexed_anew.merge_local(net.engine(0).state());
    for (std::size_t node = 0; node < scenario::nodes; ++node) {
        INFO("node " << node);
        const engine& at = net.engine(node);
        REQUIRE(wire::encode(at.state()) == first);
        REQUIRE(at.root() == indexed_anew.root());
        REQUIRE(at.context_digest() == indexed_anew.context_digest());
        REQUIRE(played.as_modelled(node));
    }
    REQUIRE(net.counts().stalled == 0);
    bitten.lost += net.counts().lost;
    bitten.duplicated += net.counts().duplicated;
    bitten.reordered += net.counts().reordered;
    bitten.cut += net.counts().cut;
}

void check_all_bit(const testing::fault_counts& bitten) {
    CHECK(bitten.lost > 0);
    CHECK(bitten.duplicated > 0);
    CHECK(bitten.reordered > 0);
    CHECK(bitten.cut > 0);
}

} // namespace

TEST_CASE("five engines end equal, and as the model says, whatever the network did") {
    testing::fault_counts bitten;
    for (const std::uint64_t seed : seeds(500)) {
        INFO("JOINERY_SEED=" << seed);
        scenario played(seed);
        check(played, bitten);
    }
    check_all_bit(bitten);
}

TEST_CASE("they do so with tiny buffers, small datagrams, heavy loss and restarts") {
    testing::fault_counts bitten;
    for (const std::uint64_t seed : seeds(500)) {
        INFO("JOINERY_SEED=" << seed);
        scenario played(seed, rough_terrain(seed));
        check(played, bitten);
    }
    check_all_bit(bitten);
}

TEST_CASE("one seed gives one trace of datagrams, another seed another") {
    const auto trace_of = [](std::uint64_t seed) {
        scenario played(seed);
        REQUIRE(played.run());
        return played.net().trace();
    };
    for (const std::uint64_t seed : seeds(4)) {
        INFO("JOINERY_SEED=" << seed);
        const std::uint64_t trace = trace_of(seed);
        CHECK(trace == trace_of(seed));
        CHECK(trace != trace_of(seed + 1000));
    }
}

TEST_CASE("a network copied in the middle of a run goes on byte for byte like the original") {
    for (const std::uint64_t seed : seeds(4)) {
        INFO("JOINERY_SEED=" << seed);
        scenario played(seed);
        played.operate_for(15, 30ms);
        scenario copied = played;
        CHECK(played.run());
        CHECK(copied.run());
        CHECK(played.net().trace() == copied.net().trace());
        CHECK(played.net().counts() == copied.net().counts());
        const auto& net = std::as_const(played.net());
        CHECK(wire::encode(net.engine(0).state()) ==
              wire::encode(std::as_const(copied.net()).engine(0).state()));
    }
}

} // namespace simulation_test
