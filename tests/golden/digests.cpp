// SPDX-License-Identifier: Apache-2.0
#include <merkle/chunks.hpp>
#include <merkle/digest.hpp>
#include <wire/hash.hpp>

#include "crdt_types.hpp"
#include "family.hpp"

namespace golden {

namespace {

namespace merkle = joinery::merkle;

// Lengths around every change of XXH3's method.
constexpr std::size_t lengths[] = {0,   1,   2,    3,    4,    5,    8,   9,   12,  16,
                                   17,  32,  33,   64,   65,   96,   97,  127, 128, 129,
                                   160, 176, 239,  240,  241,  256,  300, 511, 512, 513,
                                   575, 576, 1024, 1025, 1200, 2048, 5000};

bytes sample(std::size_t length) {
    bytes made;
    for (std::size_t i = 0; i < length; ++i)
        made.push_back(static_cast<std::byte>((i * 131 + i / 251) % 256));
    return made;
}

} // namespace

// Inputs are given by their length alone: byte i is (131 i + i / 251) mod 256.
std::vector<std::string> digest_lines() {
    std::vector<std::string> lines;
    for (const std::size_t length : lengths) {
        const bytes in = sample(length);
        lines.push_back(object({{"kind", json_text("content")},
                                {"length", show(length)},
                                {"digest", show(wire::content_digest(in))},
                                {"hash64", show(wire::content_hash64(in))}}));
    }
    for (const std::size_t length : {0U, 1U, 3U, 16U, 40U, 200U, 300U}) {
        const wire::keyed_hasher hasher(sample(length));
        lines.push_back(object({{"kind", json_text("keyed")},
                                {"secret_length", show(length)},
                                {"id", show(hasher.id())},
                                {"digest", show(hasher(sample(24)))},
                                {"leaf", show(merkle::leaf_digest(hasher, 7, 8))}}));
    }
    for (const auto& [name, incarnation] :
         {std::pair<std::string, std::uint64_t>{"", 0}, {"ada", 7}, {"node1", ~std::uint64_t{0}}})
        lines.push_back(object({{"kind", json_text("replica_id")},
                                {"name", show(name)},
                                {"incarnation", show(incarnation)},
                                {"id", show(crdt::replica_id::of(name, incarnation))}}));
    for (const std::uint64_t word : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}})
        lines.push_back(object({{"kind", json_text("mix")},
                                {"a", show(word)},
                                {"mix", show(wire::mix(word))},
                                {"mix_with_3", show(wire::mix(word, 3))},
                                {"truncated", show(merkle::truncated({word, 5}, 3))}}));
    for (const std::size_t length : {0U, 1U, 10U, 11U, 30U, 70U, 90U})
        lines.push_back(object({{"kind", json_text("chunks")},
                                {"length", show(length)},
                                {"chunk_size", show(10U)},
                                {"root", show(merkle::chunks::of(sample(length), 10).root())}}));
    return lines;
}

} // namespace golden
