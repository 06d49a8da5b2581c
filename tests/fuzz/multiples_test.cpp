// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/causal_context.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_set.hpp>
#include <crdt/mv_register.hpp>
#include <crdt/or_set.hpp>
#include <crdt/replica_id.hpp>
#include <wire/codec.hpp>

#include "memory.hpp"

// Large values of the smallest elements: the most memory for the fewest bytes, within what
// SECURITY.md states. What is refused late costs no more than what is accepted.

namespace {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;
using bytes = std::vector<std::byte>;

const crdt::replica_id ada{1};

template <class T>
std::size_t multiple_of(const bytes& in, bool accepted) {
    std::size_t used = 0;
    bool decoded = false;
    used = memory::peak_of([&] {
        wire::error why;
        decoded = wire::try_decode<T>(in, {}, why).has_value();
    });
    CHECK(decoded == accepted);
    constexpr std::size_t free = std::size_t{64} << 10U;
    return used <= free ? 0 : (used - free) / in.size() + 1;
}

template <class T>
void check_multiple(const char* what, const T& value, std::size_t limit) {
    bytes in = wire::encode(value);
    REQUIRE(in.size() > 20'000);
    const std::size_t whole = multiple_of<T>(in, true);
    in.pop_back();
    const std::size_t cut = multiple_of<T>(in, false);
    MESSAGE(std::string(what) << ": " << in.size() << " bytes take " << whole
                              << " times as many, refused " << cut);
    CHECK(whole <= limit);
    CHECK(cut <= limit);
}

template <class T>
std::vector<T> strings(std::size_t n) {
    std::vector<T> all;
    for (std::size_t i = 0; i < n; ++i)
        all.push_back({static_cast<char>(i / 65536), static_cast<char>(i / 256 % 256),
                       static_cast<char>(i % 256)});
    return all;
}

} // namespace

TEST_CASE("what a value takes in memory is the stated multiple of its bytes") {
    check_multiple("list<u64>", std::vector<std::uint64_t>(10'000, 1), 4);
    check_multiple("string", std::string(100'000, 'x'), 4);
    check_multiple("list<string>", std::vector<std::string>(50'000), 100);
    crdt::g_counter counter;
    for (std::uint64_t i = 1; i < 5000; ++i) counter.increment({i});
    check_multiple("g_counter", counter, 48);
    crdt::causal_context context;
    for (std::uint64_t i = 1; i < 20'000; ++i) context.add(crdt::dot{ada, 2 * i});
    check_multiple("causal_context", context, 48);
    crdt::g_set<std::string> grown;
    for (const auto& each : strings<std::string>(10'000)) grown.add(ada, each);
    check_multiple("g_set<string>", grown, 400);
    crdt::or_set<std::string> set;
    for (const auto& each : strings<std::string>(10'000)) set.add(ada, each);
    check_multiple("or_set<string>", set, 400);
}

TEST_CASE_TEMPLATE("bitmaps of dots whose payloads are missing cost little", T,
                   crdt::or_set<std::uint32_t>, crdt::mv_register<std::uint32_t>) {
    wire::writer w;
    const bytes empty = wire::encode(T{});
    w.raw(std::span(empty).first(7));
    w.varint(1); // context: one replica, one interval
    w.fixed64(1);
    w.varint(1);
    w.varint(0);
    w.varint(std::uint64_t{1} << 40U);
    w.varint(1); // dots: one replica, many full chunks, and no payload at all
    w.fixed64(1);
    constexpr std::size_t chunks = 1000;
    w.varint(chunks);
    for (std::size_t i = 0; i < chunks; ++i) {
        w.varint(0);
        w.varint(512);
        for (int word = 0; word < 8; ++word) w.fixed64(~std::uint64_t{0});
    }
    const std::size_t multiple = multiple_of<T>(w.take(), false);
    MESSAGE("bitmaps alone: " << multiple);
    CHECK(multiple <= 40);
}
