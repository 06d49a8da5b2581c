// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <gossip/random.hpp>
#include <merkle/chunks.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace chunks_test {

namespace {

using rng = joinery::gossip::random;
using joinery::merkle::chunks;
namespace wire = joinery::wire;

constexpr std::array<std::size_t, 9> sizes{
    0, 1, 4095, 4096, 4097, 8192, 8193, 5 * 4096U, std::size_t{1} << 20};

std::vector<std::byte> bytes_of(std::size_t size, std::uint64_t seed = 1) {
    rng chance(seed);
    std::vector<std::byte> bytes(size);
    for (std::byte& each : bytes) each = static_cast<std::byte>(chance.next());
    return bytes;
}

std::span<const std::byte> chunk(const std::vector<std::byte>& bytes, std::size_t i,
                                 std::size_t chunk_size = 4096) {
    const auto rest = std::span<const std::byte>(bytes).subspan(i * chunk_size);
    return rest.first(std::min(rest.size(), chunk_size));
}

} // namespace

TEST_CASE("every chunk is proven by its path and by no other") {
    for (const std::size_t size : sizes) {
        INFO("size " << size);
        const auto bytes = bytes_of(size);
        const auto tree = chunks::of(bytes);
        REQUIRE(tree.size() == (size + 4095) / 4096);
        for (std::size_t i = 0; i < tree.size(); ++i) {
            const auto proof = tree.proof(i);
            const auto piece = chunk(bytes, i);
            CHECK(chunks::verify(tree.root(), size, i, piece, proof));
            CHECK_FALSE(chunks::verify(tree.root(), size, i + 1, piece, proof));
            CHECK_FALSE(chunks::verify(tree.root(), size + 1, i, piece, proof));
            CHECK_FALSE(chunks::verify(tree.root(), size, i, piece.first(piece.size() - 1), proof));
            if (i > 0) CHECK_FALSE(chunks::verify(tree.root(), size, i - 1, piece, proof));
            auto longer = proof;
            longer.push_back(tree.leaf(i));
            CHECK_FALSE(chunks::verify(tree.root(), size, i, piece, longer));
            if (proof.empty()) continue;
            CHECK_FALSE(chunks::verify(tree.root(), size, i, piece,
                                       std::span(proof).first(proof.size() - 1)));
            auto other = proof;
            other.back().lo ^= 1U;
            CHECK_FALSE(chunks::verify(tree.root(), size, i, piece, other));
        }
    }
}

TEST_CASE("no chunk of the empty sequence is proven, and hostile numbers are safe") {
    const auto tree = chunks::of({});
    CHECK(tree.size() == 0);
    CHECK(tree == chunks{});
    CHECK_FALSE(chunks::verify(tree.root(), 0, 0, {}, {}));
    CHECK_FALSE(chunks::verify(tree.root(), ~std::uint64_t{0}, ~std::uint64_t{0}, {}, {}));
    CHECK_FALSE(chunks::verify(tree.root(), ~std::uint64_t{0}, 7, bytes_of(4096), {}));
    CHECK_FALSE(chunks::verify(tree.root(), 1, 0, bytes_of(1), {}, 0));
}

TEST_CASE("first_wrong names the chunk of a flipped bit") {
    for (const std::size_t size : sizes) {
        INFO("size " << size);
        const auto bytes = bytes_of(size);
        const auto tree = chunks::of(bytes);
        CHECK_FALSE(tree.first_wrong(bytes).has_value());
        rng chance(size + 1);
        for (int tries = 0; tries < 16 && size > 0; ++tries) {
            const auto at = static_cast<std::size_t>(chance.below(size));
            auto damaged = bytes;
            damaged[at] ^= static_cast<std::byte>(1U << chance.below(8));
            CHECK(tree.first_wrong(damaged) == at / 4096);
            CHECK(chunks::of(damaged).root() != tree.root());
        }
    }
}

TEST_CASE("first_wrong names the chunk from which bytes are missing or surplus") {
    for (const std::size_t size : sizes) {
        INFO("size " << size);
        const auto bytes = bytes_of(size);
        const auto tree = chunks::of(bytes);
        auto longer = bytes;
        longer.push_back(std::byte{0});
        CHECK(tree.first_wrong(longer) == size / 4096);
        if (size == 0) continue;
        auto shorter = bytes;
        shorter.pop_back();
        CHECK(tree.first_wrong(shorter) == (size - 1) / 4096);
        CHECK(tree.first_wrong({}) == 0);
        if (size <= 4096) continue;
        shorter.resize(4096);
        CHECK(tree.first_wrong(shorter) == 1);
    }
}

TEST_CASE("roots tell lengths, chunk sizes and node kinds apart") {
    std::vector<wire::digest> roots;
    for (const std::size_t size : {0U, 1U, 2U, 4095U, 4096U, 4097U, 8192U, 12288U})
        roots.push_back(chunks::of(std::vector<std::byte>(size)).root());
    const std::vector<std::byte> zeros(8192);
    roots.push_back(chunks::of(zeros, 1024).root());
    roots.push_back(chunks::of(zeros, 8192).root());
    // The bytes of an inner node's input, of a leaf and of a root are chunks of their own.
    const auto tree = chunks::of(zeros);
    std::vector<std::byte> leaves;
    for (std::size_t i = 0; i < tree.size(); ++i) {
        const auto encoded = wire::encode_nested(tree.leaf(i));
        leaves.insert(leaves.end(), encoded.begin(), encoded.end());
    }
    roots.push_back(chunks::of(leaves).root());
    roots.push_back(tree.leaf(0));
    roots.push_back(wire::content_digest(zeros));
    std::sort(roots.begin(), roots.end());
    CHECK(std::adjacent_find(roots.begin(), roots.end()) == roots.end());
}

TEST_CASE("an odd chunk at the end is not the same as that chunk twice") {
    auto three = bytes_of(3 * 4096);
    auto four = three;
    const std::vector<std::byte> last(three.end() - 4096, three.end());
    four.insert(four.end(), last.begin(), last.end());
    CHECK(chunks::of(three).root() != chunks::of(four).root());
}

TEST_CASE("the leaves travel as bytes, and damaged bytes are refused or are other leaves") {
    for (const std::size_t size : {0U, 1U, 4097U, 40960U}) {
        const auto tree = chunks::of(bytes_of(size));
        const auto encoded = wire::encode(tree);
        const auto decoded = wire::decode<chunks>(encoded);
        CHECK(decoded == tree);
        CHECK(decoded.root() == tree.root());
        for (std::size_t at = 0; at < encoded.size(); ++at) {
            wire::error error;
            const auto part = std::span(encoded).first(at);
            CHECK_FALSE(wire::try_decode<chunks>(part, wire::limits{}, error).has_value());
            auto flipped = encoded;
            flipped[at] ^= std::byte{0x10};
            const auto other = wire::try_decode<chunks>(flipped, wire::limits{}, error);
            CHECK((!other || other->root() != tree.root()));
        }
    }
}

TEST_CASE("a chunk that is replaced gives the tree of the new bytes, at the cost of the chunk") {
    for (const std::size_t size : sizes) {
        INFO("size " << size);
        auto bytes = bytes_of(size);
        auto tree = chunks::of(bytes);
        rng chance(size + 3);
        for (int turn = 0; turn < 8 && size > 0; ++turn) {
            const auto at = static_cast<std::size_t>(chance.below(size));
            bytes[at] ^= std::byte{0x41};
            tree.replace(at / 4096, chunk(bytes, at / 4096));
            const auto fresh = chunks::of(bytes);
            REQUIRE(tree == fresh);
            REQUIRE(tree.root() == fresh.root());
            REQUIRE(tree.proof(at / 4096) == fresh.proof(at / 4096));
        }
    }
}

} // namespace chunks_test
