// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <stream/transfer.hpp>

namespace partitioned_test {

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
    auto what = said(1, "p0", "");
    what.root = leaves.root();
    what.bytes = bytes.size();
    state.submit(what);
    const auto certificate = *newest(state);

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

TEST_CASE("a chain of increments restores the bytes that the last submission names") {
    auto state = with_plan({"p0"});
    accumulator now("p0"), before("p0");
    stream::transfer from, to;
    std::size_t whole = 0;
    for (std::uint64_t epoch = 0; epoch <= stream::increment::max_chain; ++epoch) {
        for (auto n = epoch == 0 ? 3000U : 10U; n > 0; --n)
            now.process(now.next(), count("word-" + std::to_string(now.next() % 1500)));
        const auto bytes = now.checkpoint_bytes();
        auto what = said(epoch, "p0", "");
        what.root = merkle::chunks::of(bytes).root();
        what.bytes = bytes.size();
        what.offsets = {{"p0", {before.next(), now.next()}}};
        if (epoch > 0) {
            const auto delta = now.increment_bytes(before);
            const auto* base = state.find(epoch - 1, "p0");
            what.base = stream::increment{epoch - 1, base->root, from.add_local(delta, epoch),
                                          delta.size(), epoch};
        } else {
            from.add_local(bytes, epoch);
            whole = bytes.size();
        }
        CHECK(state.submit(what).first == stream::verdict::accepted);
        before = now;
    }
    acknowledge(state, 8, {"p0"});
    from.forget_below(state);
    CHECK(from.bytes_held() < whole * 13 / 10);

    // From the last submission down to whole bytes, and up again.
    std::vector<const stream::submission*> chain{state.find(8, "p0")};
    while (chain.back()->base) chain.push_back(state.find(chain.back()->base->base_epoch, "p0"));
    REQUIRE(chain.size() == 9);
    wire::error error;
    std::optional<accumulator> restored;
    for (; !chain.empty(); chain.pop_back()) {
        const auto& link = *chain.back();
        const auto root = link.base ? link.base->root : link.root;
        to.expect({root, link.base ? link.base->bytes : link.bytes}, link.epoch);
        REQUIRE(to.accept(*from.serve(root)) == stream::accept_result::accepted);
        if (!restored)
            restored = accumulator::resume(*to.serve(root), error);
        else
            REQUIRE(restored->advance(*to.serve(root), error));
        CHECK(merkle::chunks::of(restored->checkpoint_bytes()).root() == link.root);
    }
    CHECK(stream::verify(*state.latest(), "p0", restored->checkpoint_bytes()).ok());
    CHECK(*restored == now);
    // Bytes of another place change nothing.
    CHECK_FALSE(restored->advance(accumulator("p1").checkpoint_bytes(), error));
    CHECK_FALSE(restored->advance(accumulator("p0").checkpoint_bytes(), error));
    CHECK_FALSE(restored->advance({}, error));
    CHECK(*restored == now);
}

} // namespace partitioned_test
