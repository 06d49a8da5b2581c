// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "engines.hpp"
#include "memory.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

// Memory runs out at the n-th allocation, for every n: an engine reports it and goes on, its state
namespace memory_test {

// the old one or joined with whole entries.

namespace {

using fuzz::engine;
using namespace std::chrono_literals;
using status = enum fuzz::gossip::receipt::status;
using entries = std::map<fuzz::crdt::entry_id, fuzz::wire::digest>;

entries entries_of(const fuzz::shared_state& s) {
    entries all;
    fuzz::crdt::for_each_entry(s, [&](fuzz::crdt::entry_id id, const auto& v) { all[id] += v; });
    return all;
}

// Each entry is as it was or as it is to be, and the state is what its bytes give.
void check_whole(const fuzz::shared_state& before, const fuzz::shared_state& now,
                 const fuzz::shared_state& after) {
    CHECK(fuzz::wire::decode<fuzz::shared_state>(fuzz::wire::encode(now)) == now);
    CHECK(fuzz::crdt::leq(before, now));
    CHECK(fuzz::crdt::leq(now, after));
    const entries first = entries_of(before), last = entries_of(after);
    const auto of = [](const entries& all, fuzz::crdt::entry_id id) {
        const auto at = all.find(id);
        return at == all.end() ? fuzz::wire::digest{} : at->second;
    };
    for (const auto& [id, version] : entries_of(now)) {
        const bool whole = version == of(first, id) || version == of(last, id);
        CHECK(whole);
    }
}

// Every message of a repair and of dissemination that changes an engine, by its bytes; with
// `causal`, those that change fields of causal types, otherwise those that do not.
std::vector<std::vector<std::byte>> changing(const engine& at, fuzz::gossip::time_point now,
                                             bool causal) {
    fuzz::pair both = fuzz::mid_life();
    both.both[0] = at;
    const std::size_t from = both.said.size();
    both.run_for(5s);
    std::vector<std::vector<std::byte>> found;
    for (std::size_t i = from; i < both.said.size(); ++i) {
        engine copy = at;
        copy.receive(fuzz::address_of(1), both.said[i].bytes, now);
        const bool dots =
            !(copy.state().tags == at.state().tags) || !(copy.state().rooms == at.state().rooms);
        if (!(copy.state() == at.state()) && dots == causal) found.push_back(both.said[i].bytes);
    }
    return found;
}

bool same_members(const engine& a, const engine& b) {
    return fuzz::wire::encode(a.state()) == fuzz::wire::encode(b.state()) && a.root() == b.root() &&
           a.context_digest() == b.context_digest();
}

void check_receive(bool causal) {
    const fuzz::pair busy = fuzz::mid_life();
    const engine& original = busy.both[0];
    std::size_t failures = 0, partly = 0, messages = 0;
    for (const auto& datagram : changing(original, busy.now, causal)) {
        if (messages++ % JOINERY_CASES_DIVISOR != 0) continue;
        engine after = original;
        after.receive(fuzz::address_of(1), datagram, busy.now);
        for (std::uint64_t n = 1;; ++n) {
            engine at = original;
            const auto told = at.statistics().out_of_memory;
            memory::arm(n);
            const auto receipt = at.receive(fuzz::address_of(1), datagram, busy.now);
            if (!memory::disarm()) break;
            ++failures;
            // What can be had again later, as an index, may be missing without a word.
            CHECK((at.statistics().out_of_memory == told + 1 || receipt.status != status::ok ||
                   at.state() == after.state()));
            check_whole(original.state(), at.state(), after.state());
            partly += at.state() == original.state() ? 0U : 1U;
            engine again = at;
            again.receive(fuzz::address_of(1), datagram, busy.now);
            // what was lost comes again, from the same peer or by repair
            engine rebuilt(fuzz::settings_of(0), 1);
            rebuilt.restore(at.snapshot(), 1);
            CHECK(rebuilt.root() == at.root());
            CHECK(rebuilt.context_digest() == at.context_digest());
        }
    }
    CHECK(messages > 0);
    CHECK(failures > 0);
    MESSAGE(messages << " messages, " << failures << " failures, " << partly << " grown");
}

} // namespace

TEST_CASE("out of memory while a datagram is received is reported, and entries stay whole") {
    check_receive(false);
}

TEST_CASE("so do the entries of causal types") { check_receive(true); }

TEST_CASE("out of memory in tick is reported, and the state is the old one") {
    const fuzz::pair busy = fuzz::mid_life();
    const engine& original = busy.both[0];
    std::size_t failures = 0;
    for (std::uint64_t n = 1;; ++n) {
        engine at = original;
        const auto told = at.statistics().out_of_memory;
        memory::arm(n);
        at.tick(busy.now + 1s);
        if (!memory::disarm()) break;
        ++failures;
        CHECK(at.statistics().out_of_memory == told + 1);
        CHECK(same_members(at, original));
        at.tick(busy.now + 2s);
        CHECK_FALSE(fuzz::take_outgoing(at).empty());
    }
    CHECK(failures > 5);
}

TEST_CASE("an engine that ran out of memory everywhere still comes in sync") {
    for (std::uint64_t n = 1; n<40; n += JOINERY_CASES_DIVISOR> 1 ? 29 : 3) {
        fuzz::pair at = fuzz::mid_life();
        const auto told = at.both[0].statistics().out_of_memory;
        std::uint64_t failures = 0;
        const auto end = at.now + 10s;
        for (; at.now < end; at.now += 50ms) {
            at.both[1].tick(at.now);
            for (const auto& each : fuzz::take_outgoing(at.both[1])) {
                memory::arm(n);
                at.both[0].receive(fuzz::address_of(1), each.bytes, at.now);
                failures += memory::disarm() ? 1U : 0U;
            }
            memory::arm(n);
            at.both[0].tick(at.now);
            failures += memory::disarm() ? 1U : 0U;
            for (const auto& each : fuzz::take_outgoing(at.both[0]))
                at.both[1].receive(fuzz::address_of(0), each.bytes, at.now);
        }
        CHECK(failures > 0);
        CHECK(at.both[0].statistics().out_of_memory > told);
        at.run_for(40s);
        CHECK(same_members(at.both[0], at.both[1]));
    }
}

} // namespace memory_test
