// SPDX-License-Identifier: Apache-2.0
// Each rule that keeps a session honest, taken away: the cases then fail as they should.
#include "session.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <set>

namespace planted_reconciliation_test {

using namespace merkle_test;

namespace {

using detail_element = merkle::detail::element;

// Two versions of one entry whose short ids agree, one on each side.
two_sides<merkle::index> hidden_pair() {
    two_sides<merkle::index> both;
    both.fill(300, 0, 0, 0);
    const auto hasher = hasher_of("secret");
    const std::uint64_t id = id_of(1'000'000);
    const auto short_id = [&](const wire::digest& version) {
        return detail_element(hasher, {id, merkle::kept_version(version)}).short_id;
    };
    wire::digest other{0, 1};
    while (short_id(other) != short_id(version_of(1))) ++other.lo;
    both.a.set(id, version_of(1));
    both.b.set(id, other);
    both.dirty = {id};
    return both;
}

} // namespace

TEST_CASE("planted: without the closing digests a pair with one short id stays hidden") {
    auto both = hidden_pair();
    scenario how;
    CHECK(reconcile(both, how).found_a == both.only_a());
    how.asker.digest_bits = how.answerer.digest_bits = 0;
    const auto got = reconcile(both, how);
    CHECK(got.status == merkle::reconciler<merkle::index>::state::done);
    CHECK(got.found_a.empty());
    CHECK_FALSE(both.equal());
}

TEST_CASE("planted: with one salt for all sessions a digest that collides hides its difference") {
    using plain = merkle::basic_index<0, merkle::by_key>;
    std::size_t stuck = 0, ended = 0;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        for (const bool fresh : {false, true}) {
            two_sides<plain> both;
            both.fill(1'000, 2, 2, 0, seed);
            scenario how;
            how.asker.digest_bits = how.answerer.digest_bits = 1;
            how.salt = seed;
            for (int session = 0; session < 40 && !both.equal(); ++session) {
                if (fresh) how.salt = wire::mix(how.salt);
                const auto got = reconcile(both, how, seed);
                both.merge(got.found_a, got.found_b);
            }
            (fresh ? ended : stuck) += both.equal() == fresh ? 1U : 0U;
        }
    }
    CHECK(ended == 20);
    CHECK(stuck > 0);
}

TEST_CASE("planted: without the check word overfull sketches hand out nonsense") {
    rng chance(3);
    const auto& field = merkle::detail::active_field();
    std::size_t decoded = 0;
    constexpr std::size_t tries = 2'000;
    for (std::size_t i = 0; i < tries; ++i) {
        std::array<std::uint32_t, 8> sums{};
        for (int held = 0; held < 5; ++held) {
            const auto id = static_cast<std::uint32_t>(chance.next()) | 1U;
            field.add_powers(&id, 1, sums.data(), 1);
        }
        merkle::detail::sketch_roots roots;
        decoded += merkle::detail::sketch_decoder(field).decode(sums.data(), 1, roots) ? 1U : 0U;
    }
    CHECK(decoded > tries * 9 / 10); // capacity 1 always decodes: only the check refuses
}

TEST_CASE("planted: sums of ids that are not hashed agree for other ids") {
    const std::array<std::uint64_t, 2> left{1, 4}, right{2, 3};
    CHECK(left[0] + left[1] == right[0] + right[1]);
    two_sides<merkle::index> both;
    for (const auto id : left) both.a.set(id, version_of(0)), both.dirty.insert(id);
    for (const auto id : right) both.b.set(id, version_of(0)), both.dirty.insert(id);
    CHECK(both.a.root() != both.b.root());
}

TEST_CASE("planted: a session that takes another session's answers is led astray, ours is not") {
    two_sides<merkle::keyed_index> both;
    both.fill(2'000, 30, 30, 0);
    const merkle::responder answering(9);
    merkle::reconciler<merkle::keyed_index> first(1), second(2);
    first.start(both.a);
    second.start(both.a);
    const auto other = answering.receive(both.b, *first.poll(both.a), 5);
    second.poll(both.a);
    for (const auto& frame : other.frames) {
        const auto got = second.receive(both.a, frame);
        CHECK_FALSE(got.accepted);
        CHECK(got.found.empty());
        CHECK(first.receive(both.a, frame).accepted);
    }
}

TEST_CASE("planted: what differed throughout is missed if an interval is taken for compared") {
    // A peer that says of everything that it is equal: what a lost interval would look like.
    two_sides<merkle::keyed_index> both;
    both.fill(2'000, 30, 30, 0);
    two_sides<merkle::keyed_index> same;
    same.fill(2'000, 30, 0, 0);
    merkle::reconciler<merkle::keyed_index> asking(1);
    const merkle::responder answering(2);
    asking.start(both.a);
    const auto lie = answering.receive(same.a, *asking.poll(both.a), 5);
    std::set<std::uint64_t> found;
    for (const auto& frame : lie.frames)
        for (const auto& each : asking.receive(both.a, frame).found) found.insert(each.id);
    CHECK(found != both.only_a()); // the oracle of the random sessions sees it
    CHECK(probe(both) == merkle::reconciler<merkle::keyed_index>::state::differing);
}

} // namespace planted_reconciliation_test
