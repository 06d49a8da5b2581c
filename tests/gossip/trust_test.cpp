// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace trust_test {

using namespace gossip_test;

// Threats of SECURITY.md that no other test of the engine meets head on.

namespace {

constexpr auto first = gossip::time_point{} + 1h;

// An engine with much to tell.
engine rich(const gossip::config& settings) {
    engine made(settings, 30);
    for (std::uint32_t each = 0; each < 2000; ++each)
        made.update(&shared_state::seen, [&](auto& s, auto self) { return s.add(self, each); });
    return made;
}

// The attacker speaks in the name of node1 for some time and never hears what is said to it.
void check_amplification(bool membership, gossip::duration speaks) {
    gossip::config settings = config_of(0, 1);
    settings.membership = membership;
    settings.check_updates = false;
    engine at = rich(settings);
    gossip::config other = config_of(1, 2);
    other.membership = membership;
    engine attacker(other, 31);
    std::size_t sent_bytes = 0, got_bytes = 0;
    const auto hear = [&] {
        for (const sent& each : take_outgoing(at))
            if (each.to == other.address) got_bytes += each.bytes.size();
    };
    for (auto now = first; now < first + 60s; now += 50ms) {
        at.tick(now);
        hear();
        attacker.tick(now);
        if (now > first + speaks) continue;
        for (const sent& each : take_outgoing(attacker)) {
            sent_bytes += each.bytes.size();
            at.receive(other.address, each.bytes, now);
            hear();
        }
    }
    INFO("membership " << membership);
    MESSAGE("it sent " << sent_bytes << " bytes and was sent " << got_bytes);
    CHECK(sent_bytes > 0);
    CHECK(got_bytes <= 3 * sent_bytes);
}

} // namespace

TEST_CASE("an address that has not answered gets no more than three times what came from it") {
    for (const bool membership : {true, false})
        for (const auto speaks :
             {gossip::duration(0ms), gossip::duration(1s), gossip::duration(10s)})
            check_amplification(membership, speaks);
}

} // namespace trust_test
