// SPDX-License-Identifier: Apache-2.0
#include <merkle/index.hpp>
#include <merkle/options.hpp>
#include <merkle/reconciler.hpp>
#include <merkle/responder.hpp>
#include <wire/writer.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace hostile_test {

// Frames of a peer that lies: they may hide what it likes, and cost no more than they are worth.

namespace {

namespace merkle = joinery::merkle;
namespace wire = joinery::wire;
using bytes = std::vector<std::byte>;

constexpr std::size_t max_frame = 65'000;

merkle::index index_of(std::uint64_t entries, std::uint64_t first = 0) {
    merkle::index made{wire::keyed_hasher({})};
    for (std::uint64_t i = first; i < first + entries; ++i)
        made.set(wire::mix(i, 1), {wire::mix(i, 2), wire::mix(i, 3)});
    return made;
}

// A block as it is written: kind, level, runs of groups, payload.
using runs = std::vector<std::pair<std::uint64_t, std::uint64_t>>; // gap, length
void put_block(wire::writer& w, std::uint8_t kind, std::uint8_t level, const runs& groups,
               const bytes& payload = {}) {
    w.u8(kind);
    w.u8(level);
    w.varint(groups.size());
    for (const auto& [gap, length] : groups) {
        w.varint(gap);
        w.varint(length);
    }
    w.varint(payload.size());
    w.raw(payload);
}

constexpr std::uint8_t want_lists = 4, listed = 9;

// What an answer to turn 1 begins with, cut from a real one.
bytes answer_header(const bytes& answer) { return {answer.begin(), answer.begin() + 15}; }

template <class F>
void check_time(F f) {
    const auto before = std::chrono::steady_clock::now();
    f();
    const auto took = std::chrono::steady_clock::now() - before;
    MESSAGE(std::chrono::duration_cast<std::chrono::milliseconds>(took).count() << " ms");
    CHECK(took < std::chrono::seconds(5));
}

} // namespace

TEST_CASE("blocks that ask for everything again and again are answered as far as there is room") {
    const auto here = index_of(100'000);
    const auto there = index_of(1);
    merkle::reconciler<merkle::index> asking(1);
    asking.start(there);
    wire::writer w;
    w.raw(*asking.poll(there));
    while (w.size() < max_frame) put_block(w, want_lists, 0, {{0, 1}});
    const merkle::responder answering(2);
    for (const auto of : {merkle::responder::trust::stranger, merkle::responder::trust::member})
        check_time([&] {
            std::size_t sum = 0;
            for (const auto& frame : answering.receive(here, w.bytes(), 3, of).frames)
                sum += frame.size();
            CHECK(sum > 0);
            CHECK(sum < 10 * max_frame);
        });
}

TEST_CASE("an asker does not go through groups that it is done with") {
    auto here = index_of(3000);
    const auto there = index_of(3000, 60);
    merkle::reconciler<merkle::index> asking(1);
    const merkle::responder answering(2);
    asking.start(here);
    const auto answer = answering.receive(there, *asking.poll(here), 3);
    REQUIRE(!answer.frames.empty());
    for (const auto& frame : answer.frames) asking.receive(here, frame);
    REQUIRE(asking.status() == merkle::reconciler<merkle::index>::state::running);
    for (const std::uint64_t part : {0U, 3U, 6U, 9U, 12U, 15U}) {
        wire::writer w;
        w.raw(answer_header(answer.frames.front()));
        runs groups{{part << 36U, 65'536}};
        while (groups.size() < 12'000) groups.push_back({1, 65'536});
        put_block(w, want_lists, 40, groups);
        check_time([&] { asking.receive(here, w.bytes()); });
    }
}

TEST_CASE("an asker does not compare lists that it cannot have sent") {
    const auto here = index_of(100'000);
    const auto there = index_of(1);
    merkle::reconciler<merkle::index> asking(1);
    const merkle::responder answering(2);
    asking.start(here);
    const auto answer = answering.receive(there, *asking.poll(here), 3);
    merkle::detail::bit_writer said;
    said.put(0, 8);
    said.put_gamma(100'000);
    said.put(0, 2);
    said.put(0, 64);
    wire::writer w;
    w.raw(answer_header(answer.frames.front()));
    while (w.size() < max_frame)
        put_block(w, listed, 0, {{0, 1}}, {said.bytes().begin(), said.bytes().end()});
    check_time([&] { CHECK(asking.receive(here, w.bytes()).accepted); });
}

} // namespace hostile_test
