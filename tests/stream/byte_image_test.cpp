// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <stream/byte_image.hpp>

namespace byte_image_test {

using namespace stream_test;

TEST_CASE("the root of an image is that of its bytes, whatever was edited") {
    for (const std::uint64_t seed : seeds(300)) {
        INFO("JOINERY_SEED=" << seed);
        rng chance(seed);
        std::vector<std::byte> bytes(1 + chance.below(60'000));
        stream::byte_image image(bytes);
        CHECK(image.root() == merkle::chunks::of(bytes).root());
        for (int round = 0; round < 5; ++round) {
            for (auto edits = chance.below(6); edits > 0; --edits) {
                const auto at = static_cast<std::size_t>(chance.below(bytes.size()));
                const auto size = 1 + static_cast<std::size_t>(chance.below(
                                          std::min<std::size_t>(bytes.size() - at, 9'000)));
                for (auto& each : image.edit(at, size)) each = std::byte(chance.below(256));
            }
            const std::vector<std::byte> now(image.bytes().begin(), image.bytes().end());
            CHECK(image.root() == merkle::chunks::of(now).root());
            CHECK(image.leaves() == merkle::chunks::of(now));
        }
    }
}

TEST_CASE("an empty image has the root of nothing") {
    stream::byte_image image({});
    CHECK(image.root() == merkle::chunks().root());
}

} // namespace byte_image_test
