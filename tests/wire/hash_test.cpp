// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <set>

#include "test_types.hpp"

using namespace wire_test;

namespace {

bytes ramp(std::size_t length) {
    bytes result;
    for (std::size_t i = 0; i < length; ++i) result.push_back(static_cast<std::byte>(i * 7 + 1));
    return result;
}

} // namespace

TEST_CASE("digests and hashes of content never change") {
    struct known {
        std::size_t length;
        wire::digest digest;
        std::uint64_t hash;
    };
    const known answers[] = {
        {0, {0x250e5670afe0a4ec, 0x18852a26aea33113}, 0xb939069bf6f91871},
        {3, {0x541b9595ef16268a, 0xc325b0a83faabdd8}, 0xc325b0a83faabdd8},
        {16, {0x1f425cc4bcf16c61, 0x0221c6a91ed94db4}, 0xf8da6f8228385e75},
        {100, {0xceee2c09a98ed7a5, 0xe16a6031f2a683d1}, 0xf03141d01b1379a9},
        {200, {0xe35a2759d75bc81c, 0x12ecedd29cb91140}, 0xac9130e9bb8ccaa8},
        {4096, {0x500c55d292d4f8f1, 0x9902b088e6b83097}, 0x9902b088e6b83097},
    };
    for (const known& each : answers) {
        CAPTURE(each.length);
        const bytes in = ramp(each.length);
        const wire::digest got = wire::content_digest(in);
        CHECK(got.hi == each.digest.hi);
        CHECK(got.lo == each.digest.lo);
        CHECK(wire::content_hash64(in) == each.hash);
    }
}

TEST_CASE("the content secret is the published expansion of its seed") {
    const auto& secret = wire::detail::content_secret;
    const bytes first(secret.begin(), secret.begin() + 16);
    CHECK(first == bytes_of({0x71, 0x9c, 0x45, 0x3a, 0x71, 0x3a, 0x46, 0x02, 0xa1, 0x29, 0xf6, 0xd5,
                             0xd4, 0x5f, 0xc6, 0x3b}));
    static_assert(wire::detail::content_secret.size() == 192);
}

TEST_CASE("a digest of any length is computed without reading beyond it") {
    std::set<wire::digest> seen;
    for (std::size_t length = 0; length < 1100; ++length)
        seen.insert(wire::content_digest(ramp(length)));
    CHECK(seen.size() == 1100);
    CHECK(wire::content_digest({}) == wire::content_digest(bytes{}));
    CHECK_FALSE(wire::content_digest({}).zero());
}

TEST_CASE("digests add and subtract with carry, in any order") {
    const wire::digest top{~std::uint64_t{0}, ~std::uint64_t{0}};
    const wire::digest one{0, 1};
    CHECK((top + one).zero());
    CHECK(wire::digest{} - one == top);
    CHECK(wire::digest{0, ~std::uint64_t{0}} + one == wire::digest{1, 0});
    CHECK(wire::digest{1, 0} - one == wire::digest{0, ~std::uint64_t{0}});
    wire::digest sum;
    for (std::size_t i = 0; i < 50; ++i) sum += wire::content_digest(ramp(i));
    for (std::size_t i = 0; i < 50; ++i) sum -= wire::content_digest(ramp((i * 7) % 50));
    CHECK(sum.zero());
}

TEST_CASE("a digest is two fixed words on the wire, the high one first") {
    const wire::digest d{0x0102030405060708, 0x1112131415161718};
    CHECK(wire::encode_nested(d) ==
          bytes_of({8, 7, 6, 5, 4, 3, 2, 1, 0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11}));
    CHECK(wire::decode<wire::digest>(wire::encode(d)) == d);
}

TEST_CASE("keyed hashers agree if and only if the cluster secret is the same") {
    const wire::keyed_hasher one(bytes_of("secret one"));
    const wire::keyed_hasher same(bytes_of("secret one"));
    const wire::keyed_hasher other(bytes_of("secret two"));
    const wire::keyed_hasher none{{}};
    CHECK(one == same);
    CHECK(one.id() == same.id());
    std::set<std::uint64_t> ids{one.id(), other.id(), none.id()};
    CHECK(ids.size() == 3);
    for (const std::size_t length : {0U, 1U, 16U, 200U, 5000U}) {
        const bytes in = ramp(length);
        CHECK(one(in) == same(in));
        std::set<wire::digest> seen{one(in), other(in), none(in), wire::content_digest(in)};
        CHECK(seen.size() == 4);
    }
}

TEST_CASE("the keyed digest of a published secret never changes") {
    const wire::keyed_hasher hasher(bytes_of("joinery"));
    CHECK(hasher.id() == 0x41fae20549e58ee7);
    const wire::digest got = hasher(ramp(40));
    CHECK(got == wire::digest{0xdae28982db036ecc, 0xd7e1c13dc17b27ae});
}

TEST_CASE("the mixer is a constant expression and not symmetric") {
    static_assert(wire::mix(1, 2) != wire::mix(2, 1));
    std::set<std::uint64_t> seen;
    for (std::uint64_t a = 0; a < 64; ++a) {
        for (std::uint64_t b = 0; b < 64; ++b) seen.insert(wire::mix(a, b));
    }
    CHECK(seen.size() == 64 * 64);
}
