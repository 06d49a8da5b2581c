// SPDX-License-Identifier: Apache-2.0
#include "members.hpp"

#include <crdt/g_set.hpp>
#include <gossip/engine.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace {
std::uint64_t allocations = 0;
} // namespace

// Counts for the whole test program; only this file reads the count. Not inlined, because g++ then
// takes the pair of malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* place = std::malloc(size == 0 ? 1 : size)) return place;
    throw std::bad_alloc();
}
// Or it would come from elsewhere than where it is given back to.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    ++allocations;
    return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* place) noexcept { std::free(place); }
[[gnu::noinline]] void operator delete(void* place, std::size_t) noexcept { std::free(place); }

using namespace gossip_test;

namespace {

struct tally {
    std::uint64_t allocations = 0;
    std::uint64_t messages = 0;
    double each() const { return static_cast<double>(allocations) / static_cast<double>(messages); }
};
tally all;

// What is allocated inside of it, and how much it has received.
template <class Inner>
class watched : public Inner {
public:
    using Inner::Inner;

    auto receive(std::string_view from, std::span<const std::byte> datagram,
                 gossip::time_point now) {
        ++all.messages;
        return counted([&] { return Inner::receive(from, datagram, now); });
    }
    void tick(gossip::time_point now) {
        counted([&] { return Inner::tick(now), true; });
    }
    std::optional<gossip::outgoing> poll_outgoing(std::span<std::byte> buffer) {
        return counted([&] { return Inner::poll_outgoing(buffer); });
    }

private:
    template <class F>
    static auto counted(F&& f) {
        const std::uint64_t before = allocations;
        auto made = f();
        all.allocations += allocations - before;
        return made;
    }
};

using notes = joinery::crdt::g_set<std::string>;
using engine = watched<gossip::engine<notes>>;
using member_alone = watched<gossip::membership>;

constexpr std::size_t nodes = 8;

std::string short_name(std::size_t node) { return "m" + std::to_string(node); }
// Above what a std::string holds in itself.
std::string long_name(std::size_t node) {
    return "[2001:db8:85a3:8d3:1319:8a2e:370:" + std::to_string(7340 + node) + "]:7946";
}

template <class Config, class Naming>
Config config_of(std::size_t node, Naming&& name_of) {
    Config made;
    made.name = made.address = name_of(node);
    for (std::size_t seed = 0; seed < 3; ++seed) made.seeds.push_back(name_of(seed));
    return made;
}

template <class Engine, class Config, class Naming>
testing::network<Engine> cluster_of(Naming&& name_of) {
    testing::network<Engine> net(1, testing::faults{0, 0, 10ms, 10ms});
    for (std::size_t node = 0; node < nodes; ++node)
        net.add(name_of(node), Engine(config_of<Config>(node, name_of), node));
    net.run_for(120s);
    return net;
}

template <class Network>
tally watch(Network& net, std::chrono::nanoseconds length) {
    all = {};
    net.run_for(length);
    return all;
}

} // namespace

TEST_CASE("allocations per message after warm-up: an engine at rest makes none") {
    auto net = cluster_of<engine, gossip::config>(short_name);
    const tally rest = watch(net, 60s);
    CHECK(rest.messages >= nodes * 60 * 2);
    CHECK(rest.allocations == 0);
}

TEST_CASE("allocations per message after warm-up: a member at rest makes none") {
    auto net = cluster_of<member_alone, gossip::membership_config>(short_name);
    const tally rest = watch(net, 60s);
    CHECK(rest.messages >= nodes * 60 * 2);
    CHECK(rest.allocations == 0);
}

TEST_CASE("allocations per message after warm-up: long addresses cost what hands them out") {
    auto net = cluster_of<engine, gossip::config>(long_name);
    const tally rest = watch(net, 60s);
    CHECK(rest.messages >= nodes * 60 * 2);
    CHECK(rest.each() <= 1);
}

// What a state itself allocates for what it has not had before is not the engine's.
TEST_CASE("allocations per message after warm-up: updates that spread cost what is kept of them") {
    auto net = cluster_of<engine, gossip::config>(short_name);
    const auto update = [&](int from, int to) {
        for (int each = from; each < to; ++each) {
            net.engine(static_cast<std::size_t>(each) % nodes)
                .update([&](notes& all_notes, joinery::crdt::replica_id id) {
                    return all_notes.add(id, std::string(100, 'x') + std::to_string(each));
                });
            net.run_for(100ms);
        }
    };
    update(0, 400);
    all = {};
    update(400, 500);
    MESSAGE("allocations a message: " << all.each());
    CHECK(all.messages > 100 * nodes);
    CHECK(all.each() <= 4);
}
