// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <stream/transfer.hpp>

namespace transfer_test {

using namespace stream_test;
using stream::accept_result;
using stream::transfer;

namespace {

stream::certificate certificate_of(std::uint64_t epoch,
                                   const std::map<std::string, std::string>& contents) {
    std::vector<std::string> members;
    for (const auto& [member, content] : contents) members.push_back(member);
    auto state = with_plan(members);
    for (const auto& [member, content] : contents) state.submit(said(epoch, member, content));
    return *newest(state);
}

} // namespace

TEST_CASE("bytes that a certificate names travel from one worker to another") {
    transfer from, to;
    const std::map<std::string, std::string> contents{{"p0", "zero"}, {"p1", "one"}, {"p2", "two"}};
    const auto certificate = certificate_of(3, contents);
    for (const auto& [member, content] : contents)
        CHECK(from.add_local(bytes_of(content), 3) == root_of(content));
    CHECK(from.complete(certificate));
    CHECK(from.wants(certificate).empty());
    CHECK_FALSE(to.complete(certificate));

    const auto wants = to.wants(certificate);
    REQUIRE(wants.size() == 3);
    for (const auto& want : wants) {
        CHECK_FALSE(to.serve(want.root).has_value());
        const auto served = from.serve(want.root);
        REQUIRE(served.has_value());
        CHECK(served->size() == want.bytes);
        CHECK(to.accept(*served) == accept_result::accepted);
        CHECK(to.accept(*served) == accept_result::duplicate);
    }
    CHECK(to.complete(certificate));
    CHECK(to.wants(certificate).empty());
    CHECK(to.bytes_held() == 10);
    for (const auto& each : certificate.submissions)
        CHECK(stream::verify(certificate, each.member, *to.serve(each.root)).ok());
}

TEST_CASE("corrupt, truncated and unasked bytes are refused") {
    transfer to;
    CHECK(to.accept(bytes_of("never asked for")) == accept_result::unknown);
    const auto certificate = certificate_of(1, {{"p0", "right"}});
    to.wants(certificate);
    CHECK(to.accept(bytes_of("wrong")) == accept_result::wrong);
    CHECK(to.accept(bytes_of("righ")) == accept_result::unknown);
    CHECK(to.accept({}) == accept_result::unknown);
    const auto right = bytes_of("right");
    for (std::size_t bit = 0; bit < right.size() * 8; ++bit) {
        auto flipped = right;
        flipped[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
        CHECK(to.accept(flipped) == accept_result::wrong);
    }
    CHECK(to.bytes_held() == 0);
    CHECK_FALSE(to.complete(certificate));
    CHECK(to.accept(right) == accept_result::accepted);
    CHECK(to.complete(certificate));
}

TEST_CASE("the empty bytes of an empty checkpoint travel too") {
    transfer from, to;
    from.add_local({});
    const auto certificate = certificate_of(1, {{"p0", ""}});
    REQUIRE(to.wants(certificate).size() == 1);
    CHECK(to.accept(*from.serve(root_of(""))) == accept_result::accepted);
    CHECK(to.complete(certificate));
}

TEST_CASE("the bytes held never pass the budget") {
    transfer small(8);
    small.add_local(bytes_of("12345"), 1);
    CHECK_THROWS_AS(small.add_local(bytes_of("6789"), 1), stream::budget_exhausted);
    CHECK(small.bytes_held() == 5);
    CHECK(small.add_local(bytes_of("12345"), 2) == root_of("12345"));
    CHECK(small.bytes_held() == 5);
    const auto certificate = certificate_of(2, {{"p0", "6789"}, {"p1", "678"}});
    small.wants(certificate);
    CHECK(small.accept(bytes_of("6789")) == accept_result::over_budget);
    CHECK(small.accept(bytes_of("678")) == accept_result::accepted);
    CHECK(small.bytes_held() == 8);
    // There is room once something is forgotten.
    small.forget_below(3);
    CHECK(small.bytes_held() == 0);
    small.wants(certificate);
    CHECK(small.accept(bytes_of("6789")) == accept_result::accepted);
}

TEST_CASE("bytes stay as long as a later epoch needs them") {
    transfer kept;
    kept.add_local(bytes_of("same"), 1);
    kept.add_local(bytes_of("old"), 1);
    kept.add_local(bytes_of("new"));
    kept.wants(certificate_of(4, {{"p0", "same"}}));
    kept.forget_below(4);
    CHECK(kept.serve(root_of("same")).has_value());
    CHECK_FALSE(kept.serve(root_of("old")).has_value());
    CHECK(kept.serve(root_of("new")).has_value());
    kept.forget_below(5);
    CHECK_FALSE(kept.serve(root_of("same")).has_value());
    CHECK(kept.bytes_held() == 3);
}

TEST_CASE("what no retained submission names can be forgotten") {
    auto state = with_plan({"p0"});
    transfer kept;
    for (std::uint64_t epoch = 1; epoch <= 5; ++epoch) {
        const std::string content = "state " + std::to_string(epoch / 2);
        kept.add_local(bytes_of(content));
        state.submit(said(epoch, "p0", content));
    }
    CHECK(kept.roots_held() == 3);
    acknowledge(state, 5, {"p0"});
    state.raise_floor(*state.latest(), 3);
    kept.forget_below(state);
    CHECK(kept.roots_held() == 2);
    CHECK(kept.complete(*state.latest()));
    CHECK(kept.complete(*state.latest_until(3, stream::restore_policy::complete)));
    CHECK_FALSE(kept.serve(root_of("state 0")).has_value());
}

TEST_CASE("bytes that look like the leaves of others travel like any") {
    const std::string large(10'000, 'x');
    const auto leaves = wire::encode(merkle::chunks::of(bytes_of(large)));
    const std::string disguised(reinterpret_cast<const char*>(leaves.data()), leaves.size());
    const auto certificate = certificate_of(1, {{"p0", large}, {"p1", disguised}});
    transfer from;
    for (const auto& content : {large, disguised}) from.add_local(bytes_of(content), 1);

    transfer whole; // p0 has come first
    for (const auto& want : whole.wants(certificate)) whole.accept(*from.serve(want.root));
    CHECK(whole.complete(certificate));

    transfer pieces;
    for (int turn = 0; turn < 4; ++turn)
        for (const auto& piece : pieces.missing_pieces(certificate))
            pieces.accept(*from.serve(piece));
    CHECK(pieces.complete(certificate));
}

} // namespace transfer_test
