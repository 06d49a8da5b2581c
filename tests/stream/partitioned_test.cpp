// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

using namespace stream_test;
using accumulator = stream::accumulator<word_counts>;
using partitioned = stream::partitioned<word_counts>;

namespace {

auto count(const std::string& word) {
    return [word](word_counts& state, crdt::replica_id actor) {
        return state.update(actor, word, [](crdt::g_counter& counter, crdt::replica_id id) {
            return counter.increment(id);
        });
    };
}

std::uint64_t value_of(const word_counts& counts, const std::string& word) {
    const auto* counter = counts.find(word);
    return counter == nullptr ? 0 : static_cast<std::uint64_t>(counter->value());
}

} // namespace

TEST_CASE("the actor is the partition, whatever worker runs it") {
    CHECK(partitioned::actor("p0") == crdt::replica_id::of("p0", 0));
    accumulator counted("p0");
    counted.process(0, [](word_counts&, crdt::replica_id actor) {
        CHECK(actor == partitioned::actor("p0"));
        return word_counts{};
    });
}

TEST_CASE("partitions add up and replayed deltas are bottom") {
    accumulator first("p0"), second("p1");
    partitioned shared;
    std::vector<word_counts> deltas;
    for (std::uint64_t offset = 0; offset < 5; ++offset) {
        deltas.push_back(first.process(offset, count("a")));
        CHECK(shared.advance("p0", deltas.back()) != partitioned{});
        shared.advance("p1", second.process(offset, count(offset % 2 == 0 ? "a" : "b")));
    }
    CHECK(value_of(shared.total(), "a") == 8);
    CHECK(value_of(shared.total(), "b") == 2);
    CHECK(*shared.find("p0") == first.state());
    CHECK(shared.find("p9") == nullptr);
    CHECK(shared.entries().size() == 2);
    for (const auto& delta : deltas) CHECK(shared.advance("p0", delta) == partitioned{});
    CHECK(value_of(shared.total(), "a") == 8);
}

TEST_CASE("a delta of a partition tells another replica all there is to tell") {
    partitioned here, there;
    accumulator counted("p0");
    for (std::uint64_t offset = 0; offset < 9; ++offset) {
        const auto delta = here.advance("p0", counted.process(offset, count("a")));
        if (offset % 3 != 1) there.merge(delta);
    }
    CHECK(there == here);
}

TEST_CASE("an offset that is not the next one is refused and nothing changes") {
    accumulator counted("p0");
    counted.process(0, count("a"));
    const accumulator before = counted;
    CHECK_THROWS_AS(counted.process(0, count("a")), stream::wrong_offset);
    CHECK_THROWS_AS(counted.process(2, count("a")), std::logic_error);
    CHECK(counted == before);
    CHECK(counted.next() == 1);
    CHECK_THROWS_AS(counted.process(1,
                                    [](word_counts&, crdt::replica_id) -> word_counts {
                                        throw std::runtime_error("unreadable record");
                                    }),
                    std::runtime_error);
    CHECK(counted == before);
}

TEST_CASE("equal input gives equal checkpoint bytes, and resuming goes on as if nothing happened") {
    accumulator straight("p0"), stopped("p0");
    const auto word = [](std::uint64_t offset) { return std::string(1 + offset % 3, 'w'); };
    for (std::uint64_t offset = 0; offset < 20; ++offset) {
        straight.process(offset, count(word(offset)));
        stopped.process(offset, count(word(offset)));
        wire::error error;
        auto resumed = accumulator::resume(stopped.checkpoint_bytes(), error);
        REQUIRE(resumed.has_value());
        CHECK(resumed->next() == offset + 1);
        CHECK(resumed->partition() == "p0");
        stopped = std::move(*resumed);
        CHECK(straight.checkpoint_bytes() == stopped.checkpoint_bytes());
    }
    accumulator other("p1");
    for (std::uint64_t offset = 0; offset < 20; ++offset)
        other.process(offset, count(word(offset)));
    CHECK(other.checkpoint_bytes() != straight.checkpoint_bytes());
}

TEST_CASE("truncated and flipped checkpoint bytes are refused by verify, and resume never throws") {
    accumulator counted("p0");
    for (std::uint64_t offset = 0; offset < 6000; ++offset)
        counted.process(offset, count("word-" + std::to_string(offset % 700)));
    const auto bytes = counted.checkpoint_bytes();
    const auto leaves = merkle::chunks::of(bytes);
    REQUIRE(leaves.size() > 2);
    auto state = with_plan({"p0"});
    state.submit({1, "p0", leaves.root(), bytes.size(), 0, 6000, 6000, "worker-a", 1});
    const auto certificate = *state.latest();

    CHECK(stream::verify(certificate, "p0", bytes).ok());
    CHECK(stream::verify(certificate, "p1", bytes).code ==
          stream::verify_result::outcome::not_member);
    for (const std::uint64_t seed : seeds(500)) {
        INFO("JOINERY_SEED=" << seed);
        rng chance(seed);
        auto damaged = bytes;
        const auto at = static_cast<std::size_t>(chance.below(bytes.size()));
        if (chance.chance(1, 2))
            damaged.resize(at);
        else
            damaged[at] ^= static_cast<std::byte>(1U << chance.below(8));
        const auto plain = stream::verify(certificate, "p0", damaged);
        CHECK(plain.code == stream::verify_result::outcome::wrong_root);
        CHECK(plain.expected == leaves.root());
        CHECK(plain.actual == merkle::chunks::of(damaged).root());
        CHECK_FALSE(plain.first_wrong.has_value());
        CHECK(stream::verify(certificate, "p0", damaged, &leaves).first_wrong == at / 4096);
        // Leaves of other bytes are no witness.
        const auto foreign = merkle::chunks::of(damaged);
        CHECK_FALSE(stream::verify(certificate, "p0", damaged, &foreign).first_wrong.has_value());
        wire::error error;
        const auto resumed = accumulator::resume(damaged, error);
        CHECK((resumed.has_value() || error.code != wire::errc::none));
    }
}
