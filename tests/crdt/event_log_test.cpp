// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <crdt/event_log.hpp>

#include "every_order.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace event_log_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using log_type = crdt::event_log<std::string>;

const crdt::replica_id a{1}, b{2}, c{3};

std::vector<std::string> payloads(const log_type& log) {
    std::vector<std::string> all;
    log.for_each([&](const log_type::event& e) { all.push_back(e.payload); });
    return all;
}

using strings = std::vector<std::string>;

// A log with events 1 to n of `origin`, their payloads the numbers.
log_type counted(crdt::replica_id origin, std::uint64_t n) {
    log_type log;
    for (std::uint64_t i = 1; i <= n; ++i) log.append(origin, i, std::to_string(i));
    return log;
}

template <class Body>
wire::errc refusal(Body body) {
    wire::writer w;
    body(w);
    wire::reader r(w.bytes());
    log_type log;
    log.read(r);
    CHECK((log == log_type{} || r.ok()));
    return r.error().code;
}

} // namespace

TEST_CASE("events come by stamp, origin and sequence, whoever appended or merged them") {
    log_type x, y;
    const auto one = x.append(a, 5, "a5"), two = x.append(a, 7, "a7");
    const auto three = y.append(b, 5, "b5"), four = y.append(b, 6, "b6");
    const auto joined = in_every_order<log_type>({one, two, three, four});
    CHECK(payloads(joined) == strings{"a5", "b5", "b6", "a7"});
    CHECK(joined.find(crdt::dot{b, 2})->payload == "b6");
    CHECK(joined.find(crdt::dot{b, 2})->stamp == 6);
    CHECK(!joined.find(crdt::dot{b, 3}));
    CHECK(!joined.find(crdt::dot{c, 1}));
}

TEST_CASE("stamps of one origin that fall do not disturb the order") {
    log_type log;
    for (const std::uint64_t stamp : {4U, 2U, 9U, 2U, 1U})
        log.append(a, stamp, "a" + std::to_string(stamp));
    log.append(b, 2, "b2");
    CHECK(payloads(log) == strings{"a1", "a2", "a2", "b2", "a4", "a9"});
}

TEST_CASE("a long history keeps its order over blocks") {
    log_type log;
    for (std::uint64_t i = 1; i <= 500; ++i) log.append(i % 3 == 0 ? b : a, i, std::to_string(i));
    const auto all = payloads(log);
    REQUIRE(all.size() == 500);
    for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i] == std::to_string(i + 1));
    CHECK(wire::decode<log_type>(wire::encode(log)) == log);
}

TEST_CASE("gaps are kept, and close") {
    log_type author, reader;
    const auto one = author.append(a, 1, "one"), two = author.append(a, 2, "two");
    const auto three = author.append(a, 3, "three");
    reader.merge(three);
    reader.merge(one);
    CHECK(payloads(reader) == strings{"one", "three"});
    CHECK(!reader.context().contains({a, 2}));
    CHECK(reader.complete() == log_type::frontier{{a, 1}});
    CHECK(reader.total() == 3);
    reader.merge(two);
    CHECK(reader == author);
    CHECK(reader.complete() == log_type::frontier{{a, 3}});
}

TEST_CASE("total and net activity follow from sequences: truncation changes neither") {
    log_type x = counted(a, 10), y;
    x.remove(a, 11, "3 was a mistake");
    x.remove(a, 12, "so was 4");
    y.append(b, 1, "b");
    y.merge(x);
    CHECK(y.total() == 11);
    CHECK(y.removals() == 2);
    CHECK(y.net() == 9);
    y.truncate(b, {{a, 12}, {b, 1}});
    CHECK(y.empty());
    CHECK(y.total() == 11);
    CHECK(y.net() == 9);
    log_type newcomer;
    newcomer.merge(y);
    CHECK(newcomer.net() == 9);
    CHECK(y.append(b, 2, "next").find(crdt::dot{b, 2})->payload == "next");
    CHECK(y.net() == 10);
}

TEST_CASE("more taken back than done is below zero") {
    log_type log;
    log.remove(a, 1, "x");
    CHECK(log.total() == 0);
    CHECK(log.net() == -1);
}

TEST_CASE("removal records are told apart") {
    log_type log;
    log.append(a, 1, "x");
    log.remove(a, 2, "x");
    CHECK(!log.find(crdt::dot{a, 1})->removal);
    CHECK(log.find(crdt::dot{a, 2})->removal);
}

TEST_CASE("what was truncated never comes back") {
    log_type x;
    const auto one = x.append(a, 1, "one"), two = x.append(a, 2, "two");
    const log_type old = x;
    const auto cut = x.truncate(b, {{a, 1}});
    in_every_order<log_type>({one, two, cut});
    CHECK(!x.merge(one));
    CHECK(!x.merge(old));
    CHECK(payloads(x) == strings{"two"});
    CHECK(x.floor(a) == 1);
}

TEST_CASE("floors join by max") {
    const log_type whole = counted(a, 10);
    log_type x = whole, y = whole;
    const auto low = x.truncate(b, {{a, 4}}), high = y.truncate(c, {{a, 7}});
    CHECK(x.floor(a) == 4);
    const auto joined = in_every_order<log_type>({whole, low, high});
    CHECK(joined.floor(a) == 7);
    CHECK(joined.size() == 3);
    CHECK(joined == y);
}

TEST_CASE("a truncation costs an interval, not what it takes away") {
    log_type log = counted(a, 5000);
    const auto cut = log.truncate(a, {{a, 4999}});
    CHECK(wire::encode(cut).size() < 40);
    CHECK(log.size() == 1);
    CHECK(wire::encode(log).size() < 80);
}

TEST_CASE("a truncation claims nothing that its replica has not seen") {
    log_type author;
    const auto one = author.append(a, 1, "one"), two = author.append(a, 2, "two");
    const auto three = author.append(a, 3, "three");
    log_type reader;
    reader.merge(one);
    reader.merge(three);
    reader.truncate(b, {{a, 1000}, {c, 5}});
    CHECK(reader.empty());
    CHECK(reader.floor(a) == 1);
    reader.merge(two);
    CHECK(payloads(reader) == strings{"two"});
    CHECK(reader.truncate(b, {{c, 9}}) == log_type{});
    CHECK(reader.truncate(b, {{a, 0}}) == log_type{});
}

TEST_CASE("a replica that meets a floor above what it has reports the gap, once") {
    log_type x = counted(a, 10), y = counted(a, 3);
    const auto cut = x.truncate(b, {{a, 6}});
    crdt::report found;
    crdt::merge(y, cut, found);
    CHECK(found.history_gaps == std::vector<crdt::history_gap>{{a, 4, 6}});
    CHECK(!found.empty());
    CHECK(found.double_spent.empty());
    CHECK(y.floor(a) == 6);
    found = {};
    crdt::merge(y, x, found);
    CHECK(found.empty());
    CHECK(y == x);
}

TEST_CASE("a newcomer hears of everything that it missed") {
    log_type x = counted(a, 100);
    x.merge(counted(b, 5));
    x.truncate(a, {{a, 70}, {b, 2}});
    log_type newcomer;
    crdt::report found;
    crdt::merge(newcomer, x, found);
    CHECK(found.history_gaps == std::vector<crdt::history_gap>{{a, 1, 70}, {b, 1, 2}});
    CHECK(newcomer.size() == 33);
}

TEST_CASE("of two payloads under one sequence the greater bytes win, and it is reported") {
    log_type x, y, z;
    const auto one = x.append(a, 1, "apple"), two = y.append(a, 9, "berry");
    const auto three = z.append(a, 2, "berry");
    const auto joined = in_every_order<log_type>({one, two, three});
    CHECK(joined.find(crdt::dot{a, 1})->payload == "berry");
    CHECK(joined.find(crdt::dot{a, 1})->stamp == 9);
    crdt::report found;
    crdt::merge(x, two, found);
    CHECK(found.double_spent == std::vector<crdt::dot>{{a, 1}});
    CHECK(payloads(x) == strings{"berry"});
}

TEST_CASE("named registers stand beside the events") {
    log_type x, y;
    const auto one = x.assign(a, 5, "owner", "ann"), two = y.assign(b, 5, "owner", "bob");
    const auto three = y.append(b, 1, "event");
    const auto joined = in_every_order<log_type>({one, two, three});
    REQUIRE(joined.find("owner") != nullptr);
    CHECK(*joined.find("owner") == "bob");
    CHECK(joined.find("nobody") == nullptr);
    CHECK(joined.registers().size() == 1);
    CHECK(joined.size() == 1);
    CHECK(crdt::max_stamp(joined) == 5);
}

TEST_CASE("what a peer lacks is told from its context") {
    log_type x = counted(a, 200);
    const auto known = x.context();
    x.append(b, 1, "new");
    x.truncate(a, {{a, 3}});
    const auto delta = x.delta_since(known);
    CHECK(delta.size() == 1);
    CHECK(payloads(delta) == strings{"new"});
}

TEST_CASE("truncation travels by repair, cut by block, without a floor that was not asked for") {
    log_type x = counted(a, 200);
    log_type y = x;
    x.truncate(a, {{a, 150}});
    std::vector<crdt::entry_id> ids;
    crdt::for_each_entry(y, [&](crdt::entry_id id, const wire::digest&) { ids.push_back(id); });
    REQUIRE(ids.size() == 4);
    const crdt::id_set one({ids[1]});
    y.merge(crdt::answer(x, one, crdt::held(y, one)));
    CHECK(y.floor(a) == 0);
    CHECK(y.size() == 136);
    const crdt::id_set all(ids);
    y.merge(crdt::answer(x, all, crdt::held(y, all)));
    CHECK(y == x);
}

TEST_CASE("a log at its last sequence refuses to append and is unchanged") {
    wire::writer w;
    for (const std::uint64_t n : {1U}) w.varint(n); // one replica
    w.fixed64(a.value);
    w.varint(1);
    w.varint(0);
    w.varint(crdt::max_count - 1);
    for (int part = 0; part < 3; ++part) w.varint(0); // no events, counts, registers
    wire::reader r(w.bytes());
    log_type full;
    full.read(r);
    REQUIRE(r.ok());
    const log_type before = full;
    CHECK_THROWS_AS(full.append(a, 1, "x"), crdt::counter_exhausted);
    CHECK_THROWS_AS(full.remove(a, 1, "x"), crdt::counter_exhausted);
    CHECK(full == before);
    CHECK(full.floor(a) == crdt::max_count);
    CHECK(full.append(b, 1, "y").size() == 1);
}

TEST_CASE("decoding refuses what no log writes") {
    const auto log = [](std::uint64_t seen, auto block) {
        return [=](wire::writer& w) {
            w.varint(1);
            w.fixed64(a.value);
            w.varint(1);
            w.varint(0);
            w.varint(seen - 1);
            w.varint(1); // one origin
            w.fixed64(a.value);
            w.varint(1); // one block
            w.varint(0);
            block(w);
            w.varint(0);
            w.varint(0);
        };
    };
    const auto bytes = [](std::vector<int> values) {
        return [=](wire::writer& w) {
            for (const int v : values) w.u8(static_cast<std::uint8_t>(v));
        };
    };
    CHECK(refusal(log(2, bytes({2, 0, 1, 0, 2, 2, 0, 0}))) == wire::errc::none);
    CHECK(refusal(log(1, bytes({2, 0, 1, 0, 2, 2, 0, 0}))) == wire::errc::bad_value);
    CHECK(refusal(log(2, bytes({2, 1, 0, 0, 2, 2, 0, 0}))) == wire::errc::non_canonical);
    CHECK(refusal(log(2, bytes({2, 1, 1, 0, 2, 2, 0, 0}))) == wire::errc::non_canonical);
    CHECK(refusal(log(2, bytes({1, 64, 0, 2, 0}))) == wire::errc::non_canonical);
    CHECK(refusal(log(2, bytes({0, 0}))) == wire::errc::bad_value);
    CHECK(refusal(log(2, bytes({65, 0}))) == wire::errc::bad_value);
    CHECK(refusal(log(2, bytes({1, 0, 2, 2, 0}))) == wire::errc::bad_value);
    CHECK(refusal(log(2, bytes({1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0}))) ==
          wire::errc::non_canonical);
    CHECK(refusal(log(2, bytes({1, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0}))) == wire::errc::bad_value);
    CHECK(refusal(log(2, bytes({1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0}))) == wire::errc::none);
}

TEST_CASE("logs of many origins, and of many sequences far apart, join and are truncated at once") {
    constexpr std::uint64_t n = 30'000 / JOINERY_CASES_DIVISOR;
    using log = crdt::event_log<std::uint32_t>;
    // One event of each second origin, or in each second block of one origin.
    const auto origins = [](std::uint64_t first) {
        wire::writer w;
        w.varint(n);
        for (std::uint64_t i = 0; i < n; ++i) {
            w.fixed64(first + 2 * i);
            for (const std::uint64_t part : {1U, 0U, 0U}) w.varint(part);
        }
        w.varint(n);
        for (std::uint64_t i = 0; i < n; ++i) {
            w.fixed64(first + 2 * i);
            for (const std::uint64_t part : {1U, 0U, 1U, 0U, 0U, 2U}) w.varint(part);
            w.fixed32(7);
        }
        for (int i = 0; i < 2; ++i) w.varint(0);
        log read;
        REQUIRE(wire::decode_nested(w.bytes(), read));
        return read;
    };
    const auto blocks = [](std::uint64_t first) {
        wire::writer w;
        w.varint(1);
        w.fixed64(1);
        w.varint(n);
        for (std::uint64_t i = 0; i < n; ++i) {
            w.varint(i == 0 ? 64 * first : 126);
            w.varint(0);
        }
        w.varint(1);
        w.fixed64(1);
        w.varint(n);
        for (std::uint64_t i = 0; i < n; ++i) {
            for (const std::uint64_t part : {i == 0 ? first : 1U, 1UL, 0UL, 0UL, 2UL})
                w.varint(part);
            w.fixed32(7);
        }
        for (int i = 0; i < 2; ++i) w.varint(0);
        log read;
        REQUIRE(wire::decode_nested(w.bytes(), read));
        return read;
    };
    const auto check = [&](const log& even, const log& odd) {
        log both = even;
        CHECK(both.merge(odd));
        CHECK(both.size() == 2 * n);
        CHECK(both == crdt::join(odd, even));
        log gone = crdt::context(even);
        CHECK(gone.merge(both));
        CHECK(gone.size() == n);
        CHECK(both.merge(crdt::context(even)));
        CHECK(both == gone);
        CHECK(both.difference(log{}) == both);
    };
    check(origins(0), origins(1));
    check(blocks(0), blocks(1));
}

TEST_CASE("an event goes to its origin where others have no events or gaps") {
    crdt::event_log<std::string> log, other;
    for (std::uint64_t n = 1; n <= 2; ++n)
        for (std::uint64_t id = 1; id <= 3; ++id) log.append({id}, n, "before");
    log.truncate({1}, {{{1}, 2}});
    other.append({2}, 1, "not to be known here");
    crdt::event_log<std::string> behind_a_gap;
    for (int i = 0; i < 3; ++i) behind_a_gap = other.append({0}, 5, "behind a gap");
    log.merge(behind_a_gap);
    for (std::uint64_t id = 0; id <= 4; ++id) {
        auto merged = log;
        merged.merge(log.append({id}, 9, "after"));
        CHECK(merged == log);
        const auto found = log.find(crdt::dot{{id}, log.last({id})});
        REQUIRE(found);
        CHECK(found->payload == "after");
        CHECK(found->stamp == 9);
    }
    CHECK(log.size() == 10);
}

} // namespace event_log_test
