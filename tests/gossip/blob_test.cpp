// SPDX-License-Identifier: Apache-2.0
#include "scenario.hpp"

#include <doctest/doctest.h>

#include <utility>

using namespace gossip_test;

namespace {

network engines_of(std::size_t nodes, std::size_t max_blob, const testing::faults& chances) {
    network net(77, chances);
    for (std::size_t node = 0; node < nodes; ++node) {
        gossip::config settings = config_of(node, nodes);
        settings.max_datagram = 512;
        settings.max_blob = max_blob;
        net.add(address_of(node), engine(settings, 90 + node));
    }
    return net;
}

std::string text_of(std::size_t length) {
    gossip::random random(length);
    std::string text;
    while (text.size() < length) {
        text.push_back(static_cast<char>('a' + random.below(26)));
    }
    return text;
}

void write_long_motto(engine& on, std::uint64_t stamp, const std::string& text) {
    on.update(&shared_state::motto,
              [&](auto& motto, auto self) { return motto.assign(self, stamp, text); });
}

bool told_too_large(engine& at) {
    bool told = false;
    while (const auto each = at.poll_event()) {
        told |= each->kind == gossip::event_kind::item_too_large;
    }
    return told;
}

} // namespace

TEST_CASE("a register of 100 KB crosses in datagrams of 512 bytes") {
    network net = engines_of(3, 1U << 20U, testing::faults{50, 20, 1ms, 10ms});
    net.run_for(2s);
    const std::string text = text_of(100'000);
    write_long_motto(net.engine(0), 1U << 16U, text);
    REQUIRE(net.run_until([&] { return in_sync(net); }, 300s));
    CHECK(equal_bytes(net));
    CHECK(*std::as_const(net).engine(2).state().motto.value() == text);
    CHECK(net.largest_datagram() <= 512);
}

TEST_CASE("a register of 100 KB crosses to an engine that joins later") {
    network net = engines_of(3, 1U << 20U, testing::faults{});
    net.stop(2);
    const std::string text = text_of(100'000);
    write_long_motto(net.engine(0), 1U << 16U, text);
    net.run_for(60s);
    net.restart(2, engine(std::as_const(net).engine(2)));
    REQUIRE(net.run_until([&] { return in_sync(net); }, 300s));
    CHECK(*std::as_const(net).engine(2).state().motto.value() == text);
}

TEST_CASE("an item above max_blob is told and holds nothing else up") {
    network net = engines_of(3, 20'000, testing::faults{});
    net.run_for(2s);
    net.partition({{0}, {1, 2}});
    write_long_motto(net.engine(0), 1U << 16U, text_of(50'000));
    net.heal();
    CHECK(told_too_large(net.engine(0)));
    for (std::uint32_t each = 0; each < 100; ++each) {
        net.engine(each % 3).update(&shared_state::seen,
                                    [&](auto& set, auto self) { return set.add(self, each); });
    }
    const auto seen_everywhere = [&] {
        for (std::size_t node = 0; node < 3; ++node) {
            if (std::as_const(net).engine(node).state().seen.size() != 100) {
                return false;
            }
        }
        return true;
    };
    CHECK(net.run_until(seen_everywhere, 60s));
    // A smaller value with a later stamp takes its place, and all is well again.
    write_long_motto(net.engine(1), 2U << 16U, "short");
    CHECK(net.run_until([&] { return in_sync(net); }, 120s));
    CHECK(equal_bytes(net));
}
