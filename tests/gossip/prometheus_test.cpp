// SPDX-License-Identifier: Apache-2.0
#include <gossip/prometheus.hpp>

#include <doctest/doctest.h>

#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace prometheus_test {

namespace gossip = joinery::gossip;

TEST_CASE("statistics as text have each family once and every sample in its family") {
    gossip::statistics all;
    all.bytes_out = 77;
    all.refused_malformed = 3;
    all.bytes_out_by_kind[13] = 5;
    all.members_suspect = 2;
    all.membership.probes = 9;
    const std::vector<gossip::lag> lags{
        {"a \"b\"\n", "x:1", 4, gossip::duration(10), gossip::duration(20)}};
    const std::string text = gossip::to_prometheus(all, "me", lags);
    std::set<std::string> families;
    std::string current;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.rfind("# TYPE ", 0) == 0) {
            current = line.substr(7, line.find(' ', 7) - 7);
            CHECK(families.insert(current).second);
        } else {
            CHECK(line.rfind(current + "{node=\"me\"", 0) == 0);
            CHECK(line.find("} ") != std::string::npos);
        }
    }
    const auto has = [&](const std::string& line) {
        return text.find(line + "\n") != std::string::npos;
    };
    CHECK(has("joinery_gossip_bytes_sent_total{node=\"me\"} 77"));
    CHECK(has("joinery_gossip_refused_total{node=\"me\",reason=\"malformed\"} 3"));
    CHECK(has("joinery_gossip_message_bytes_sent_total{node=\"me\",kind=\"ping\"} 5"));
    CHECK(has("joinery_gossip_members{node=\"me\",status=\"suspect\"} 2"));
    CHECK(has("joinery_gossip_membership_probes_total{node=\"me\"} 9"));
    CHECK(has("joinery_gossip_lag_deltas{node=\"me\",peer=\"a \\\"b\\\"\\n\"} 4"));
}

} // namespace prometheus_test
