// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/causal_context.hpp>
#include <crdt/causal_counter.hpp>
#include <crdt/event_log.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/g_set.hpp>
#include <crdt/hyperloglog.hpp>
#include <crdt/lww_map.hpp>
#include <crdt/mv_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/replica_id.hpp>
#include <crdt/rw_set.hpp>
#include <crdt/two_p_set.hpp>
#include <wire/codec.hpp>

#include "memory.hpp"

namespace multiples_test {

// Large values of the smallest elements: the most memory for the fewest bytes, within what
// SECURITY.md states. What is refused late costs no more than what is accepted.

namespace {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;
using bytes = std::vector<std::byte>;

const crdt::replica_id ada{1};

constexpr std::size_t free_memory = std::size_t{64} << 10U;

template <class T>
std::size_t memory_of(const bytes& in, const wire::limits& allowed, bool& accepted) {
    return memory::peak_of([&] {
        wire::error why;
        accepted = wire::try_decode<T>(in, allowed, why).has_value();
    });
}

template <class T>
std::size_t multiple_of(const bytes& in, bool accepted) {
    bool decoded = false;
    const std::size_t used = memory_of<T>(in, {}, decoded);
    CHECK(decoded == accepted);
    return used <= free_memory ? 0 : (used - free_memory) / in.size() + 1;
}

// Whatever the type takes by itself: max_memory is what it gets beyond 4 times its bytes.
template <class T>
void check_limit(const bytes& in) {
    for (const std::size_t times : {0U, 4U, 16U, 64U}) {
        wire::limits allowed;
        allowed.max_memory = times * in.size();
        bool decoded = false;
        CHECK(memory_of<T>(in, allowed, decoded) <=
              4 * in.size() + free_memory + allowed.max_memory);
    }
}

template <class T>
void check_multiple(const char* what, const T& value, std::size_t limit) {
    bytes in = wire::encode(value);
    REQUIRE(in.size() > 20'000);
    const std::size_t whole = multiple_of<T>(in, true);
    check_limit<T>(in);
    in.pop_back();
    const std::size_t cut = multiple_of<T>(in, false);
    check_limit<T>(in);
    MESSAGE(std::string(what) << ": " << in.size() << " bytes take " << whole
                              << " times as many, refused " << cut);
    CHECK(whole <= limit);
    CHECK(cut <= limit);
}

std::string short_word(std::size_t i) {
    return {static_cast<char>(i / 256 % 256), static_cast<char>(i % 256)};
}

crdt::replica_id spread(std::uint64_t i) { return {wire::mix(i)}; }

// Concurrent values of one replica, as no correct one writes them: a bit and a byte each.
bytes many_values() {
    constexpr std::uint64_t chunks = 40;
    wire::writer w;
    const bytes empty = wire::encode(crdt::mv_register<std::string>{});
    w.raw(std::span(empty).first(7));
    w.varint(1); // context: one replica, one interval from 1
    w.fixed64(1);
    w.varint(1);
    w.varint(0);
    w.varint((chunks + 1) * 512);
    w.varint(1); // dots: one replica, full chunks after the first
    w.fixed64(1);
    w.varint(chunks);
    for (std::uint64_t i = 0; i < chunks; ++i) {
        w.varint(i == 0 ? 1 : 0);
        w.varint(512);
        for (int word = 0; word < 8; ++word) w.fixed64(~std::uint64_t{0});
    }
    for (std::uint64_t i = 0; i < chunks * 512; ++i) w.varint(0);
    return w.take();
}

using string = std::string;
using sets = crdt::or_map<string, crdt::or_set<string>>;
using registers = crdt::or_map<string, crdt::mv_register<string>>;
using event_log = crdt::event_log<string>;

// Each 512th dot of a replica: a delta of each of 3,000 updates.
crdt::or_set<string> far_apart() {
    crdt::or_set<string> some;
    for (std::uint64_t i = 0; i < 3'000; ++i) {
        crdt::causal_context seen;
        seen.add({ada, 1, i * 512 + 1});
        wire::writer w;
        seen.write(w);
        w.varint(0); // no live dots
        crdt::or_set<string> sender;
        REQUIRE(wire::decode_nested(w.bytes(), sender));
        some.merge(sender.add(ada, ""));
    }
    return some;
}

} // namespace

TEST_CASE("a list or a map takes the stated multiple of its bytes in memory") {
    check_multiple("list<u64>", std::vector<std::uint64_t>(10'000, 1), 4);
    check_multiple("string", string(100'000, 'x'), 4);
    check_multiple("list<string>", std::vector<string>(50'000), 40);
    check_multiple("list<list<u8>>", std::vector<std::vector<std::uint8_t>>(30'000, {1}), 40);
    std::set<string> words;
    std::map<std::uint32_t, std::uint8_t> bytes_by_number;
    for (std::uint32_t i = 0; i < 16'000; ++i) {
        words.insert(short_word(i));
        bytes_by_number[i] = 1;
    }
    check_multiple("set<string>", words, 40);
    check_multiple("map<u32,u8>", bytes_by_number, 40);
}

TEST_CASE("counters, contexts and registers take the stated multiple of their bytes in memory") {
    crdt::g_counter counter;
    crdt::pn_counter both;
    for (std::uint64_t i = 1; i < 5000; ++i) {
        counter.increment(spread(i));
        both.decrement(spread(i));
    }
    check_multiple("g_counter", counter, 4);
    check_multiple("pn_counter", both, 4);
    crdt::causal_context gaps, replicas;
    for (std::uint64_t i = 1; i < 20'000; ++i) gaps.add(crdt::dot{ada, 2 * i});
    for (std::uint64_t i = 1; i < 5'000; ++i) replicas.add(crdt::dot{spread(i), 2});
    check_multiple("causal_context of gaps", gaps, 16);
    check_multiple("causal_context of replicas", replicas, 16);
    crdt::causal_counter amounts;
    for (std::uint64_t i = 0; i < 20'000; ++i) amounts.increment(ada);
    check_multiple("causal_counter", amounts, 100);
    check_multiple("mv_register<string>", wire::decode<crdt::mv_register<string>>(many_values()),
                   160);
}

TEST_CASE("sets take the stated multiple of their bytes in memory") {
    crdt::g_set<string> grown;
    crdt::two_p_set<string> once;
    crdt::or_set<string> words;
    crdt::or_set<std::uint64_t> numbers;
    crdt::rw_set<string> marked;
    for (std::size_t i = 0; i < 10'000; ++i) {
        grown.add(ada, short_word(i));
        once.add(ada, short_word(i));
        words.add(ada, short_word(i));
        numbers.add(ada, i);
        marked.add(ada, short_word(i));
    }
    check_multiple("g_set<string>", grown, 40);
    check_multiple("two_p_set<string>", once, 40);
    check_multiple("or_set<string>", words, 40);
    check_multiple("or_set<u64>", numbers, 4);
    check_multiple("rw_set<string>", marked, 100);
    check_multiple("or_set<string> of one dot a chunk", far_apart(), 40);
}

TEST_CASE("maps and logs take the stated multiple of their bytes in memory") {
    crdt::g_map<string, crdt::g_counter> counts;
    crdt::lww_map<string, string> written;
    sets of_sets;
    registers of_registers;
    event_log events;
    for (std::size_t i = 0; i < 6'000; ++i) {
        counts.update(ada, short_word(i), [](auto& n, auto id) { return n.increment(id); });
        written.erase(ada, i, short_word(i));
        of_sets.update(ada, short_word(i), [](auto& s, auto id) { return s.add(id, ""); });
        of_registers.update(ada, short_word(i), [](auto& r, auto id) { return r.assign(id, ""); });
    }
    for (std::size_t i = 0; i < 20'000; ++i) events.append(ada, 1, "");
    check_multiple("g_map<string,g_counter>", counts, 40);
    check_multiple("lww_map<string,string>", written, 40);
    check_multiple("or_map<string,or_set<string>>", of_sets, 100);
    check_multiple("or_map<string,mv_register<string>>", of_registers, 100);
    check_multiple("event_log<string>", events, 40);
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

} // namespace multiples_test
