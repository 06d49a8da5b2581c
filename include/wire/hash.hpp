// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <wire/detail/endian.hpp>
#include <wire/detail/xxhash.hpp>
#include <wire/reader.hpp>
#include <wire/writer.hpp>

namespace joinery::wire {

/// State: 128 bits. The default is zero, the digest of nothing at all and the neutral element.
/// Value: digests add and subtract modulo 2^128, so that the sum of a set needs no order.
/// Source: XXH3 finds accidents; it does not withstand an attacker who knows its secret.
struct digest {
    std::uint64_t hi = 0;
    std::uint64_t lo = 0;

    static constexpr std::string_view schema_name = "digest";

    friend constexpr auto operator<=>(const digest&, const digest&) = default;
    friend constexpr bool operator==(const digest&, const digest&) = default;

    constexpr bool zero() const { return hi == 0 && lo == 0; }

    constexpr digest& operator+=(const digest& other) {
        lo += other.lo;
        hi += other.hi + (lo < other.lo ? 1U : 0U);
        return *this;
    }
    constexpr digest& operator-=(const digest& other) {
        const std::uint64_t borrow = lo < other.lo ? 1U : 0U;
        lo -= other.lo;
        hi -= other.hi + borrow;
        return *this;
    }
    friend constexpr digest operator+(digest a, const digest& b) { return a += b; }
    friend constexpr digest operator-(digest a, const digest& b) { return a -= b; }

    void write(writer& w) const {
        w.fixed64(hi);
        w.fixed64(lo);
    }
    void read(reader& r) {
        hi = r.fixed64();
        lo = r.fixed64();
    }
};

/// The finaliser of splitmix64: a bijection in which every input bit reaches every output bit.
constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31U);
}

/// Two words to one, not symmetric; for a fixed `a` a bijection of `b`.
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
    return mix(mix(a + 0x9e3779b97f4a7c15U) + 0xd1b54a32d192ed03U + b);
}

namespace detail {

using hash_secret = std::array<std::byte, 192>;

/// 24 words of splitmix64, little-endian, from a published seed: word i is
/// mix(seed + (i + 1) * 0x9e3779b97f4a7c15).
constexpr hash_secret expand_secret(std::uint64_t seed) {
    hash_secret secret{};
    for (std::size_t i = 0; i < secret.size() / 8; ++i) {
        seed += 0x9e3779b97f4a7c15U;
        const std::uint64_t word = mix(seed);
        for (std::size_t j = 0; j < 8; ++j) {
            secret[i * 8 + j] = static_cast<std::byte>((word >> (8 * j)) & 0xffU);
        }
    }
    return secret;
}

/// The seed is the ASCII text "Joinery1" read as a big-endian number; it never changes.
inline constexpr hash_secret content_secret = expand_secret(0x4a6f696e65727931U);

inline digest hash128(std::span<const std::byte> bytes, const hash_secret& secret) {
    const auto h =
        XXH3_128bits_withSecret(bytes.data(), bytes.size(), secret.data(), secret.size());
    return {h.high64, h.low64};
}

} // namespace detail

/// The digest of content: chunks, roots, certificates. The same in every cluster and year.
inline digest content_digest(std::span<const std::byte> bytes) {
    return detail::hash128(bytes, detail::content_secret);
}

/// The 64-bit hash of content; for some lengths it is the low half of content_digest().
inline std::uint64_t content_hash64(std::span<const std::byte> bytes) {
    return XXH3_64bits_withSecret(bytes.data(), bytes.size(), detail::content_secret.data(),
                                  detail::content_secret.size());
}

/// Digests for reconciliation inside one cluster; never stored, never in a state or certificate.
/// State: a 192-byte secret derived from the cluster's secret.
/// Value: hashers of the same cluster secret are equal and have the same id().
/// Cost: as content_digest(); the derivation reads the cluster secret twelve times.
class keyed_hasher {
public:
    explicit keyed_hasher(std::span<const std::byte> cluster_secret) {
        for (std::size_t i = 0; i < secret_.size() / 16; ++i) {
            const auto h =
                XXH3_128bits_withSeed(cluster_secret.data(), cluster_secret.size(), mix(label, i));
            detail::store_le(secret_.data() + 16 * i, std::uint64_t{h.low64});
            detail::store_le(secret_.data() + 16 * i + 8, std::uint64_t{h.high64});
        }
        id_ = content_hash64(secret_);
    }

    digest operator()(std::span<const std::byte> bytes) const {
        return detail::hash128(bytes, secret_);
    }

    /// Tells hashers apart without telling the secret; compared before any digest is.
    std::uint64_t id() const { return id_; }

    friend bool operator==(const keyed_hasher&, const keyed_hasher&) = default;

private:
    static constexpr std::uint64_t label = 0x636c75737465724bU; // "clusterK"

    detail::hash_secret secret_{};
    std::uint64_t id_ = 0;
};

} // namespace joinery::wire
