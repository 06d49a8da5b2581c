// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace joinery::crdt::detail {

/// The content hash of a value's canonical bytes.
template <class T>
std::uint64_t hash_of(const T& value) {
    wire::writer w;
    wire::put(w, value);
    return wire::content_hash64(w.bytes());
}

/// 64 neighbouring registers of a hyperloglog, joined by maximum.
///
/// On the wire: the number of registers that are not 0; below 24 of them each as 6 bits of offset
/// above 6 bits of rank, otherwise six words, word i holding bit i of all ranks.
struct register_block {
    static constexpr std::size_t size = 64;
    static constexpr std::size_t planes = 6;
    static constexpr std::size_t dense_from = 24;

    std::uint32_t index = 0;
    std::array<std::uint8_t, size> ranks{};

    bool empty() const { return occupied() == 0; }

    bool raise(const register_block& other) {
        std::uint8_t grown = 0;
        for (std::size_t i = 0; i < size; ++i) {
            const auto greater = std::max(ranks[i], other.ranks[i]);
            grown = static_cast<std::uint8_t>(grown | (greater ^ ranks[i]));
            ranks[i] = greater;
        }
        return grown != 0;
    }
    bool leq(const register_block& other) const {
        bool below = true;
        for (std::size_t i = 0; i < size; ++i) below = below && ranks[i] <= other.ranks[i];
        return below;
    }
    register_block difference(const register_block& known) const {
        register_block news{index, {}};
        for (std::size_t i = 0; i < size; ++i)
            if (ranks[i] > known.ranks[i]) news.ranks[i] = ranks[i];
        return news;
    }

    wire::digest version() const {
        return empty() ? wire::digest{} : wire::content_digest(std::as_bytes(std::span(ranks)));
    }

    /// At least the bytes of the block with its index.
    std::size_t max_bytes() const {
        const auto n = occupied();
        return 4 + (n < dense_from ? 2 * n : 8 * planes);
    }

    void write(wire::writer& w) const {
        const auto n = occupied();
        w.varint(n);
        if (n < dense_from) return write_list(w);
        std::array<std::uint64_t, planes> bits{};
        for (std::size_t i = 0; i < size; ++i)
            for (std::size_t p = 0; p < planes; ++p)
                bits[p] |= std::uint64_t{(ranks[i] >> p) & 1U} << i;
        w.array(std::span<const std::uint64_t>(bits));
    }

    /// Fails on ranks above `max_rank`, on an empty block and on any but the canonical form.
    void read(wire::reader& r, std::uint8_t max_rank) {
        const auto n = r.varint();
        if (n == 0 || n > size) return r.fail(wire::errc::bad_value);
        if (n < dense_from) return read_list(r, n, max_rank);
        read_planes(r);
        if (!r.ok()) return;
        if (occupied() != n) r.fail(wire::errc::non_canonical);
        std::uint8_t greatest = 0;
        for (const auto rank : ranks) greatest = std::max(greatest, rank);
        if (greatest > max_rank) r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const register_block&, const register_block&) = default;

private:
    std::size_t occupied() const {
        return size - static_cast<std::size_t>(std::count(ranks.begin(), ranks.end(), 0));
    }

    void write_list(wire::writer& w) const {
        for (std::size_t i = 0; i < size; ++i) {
            if (ranks[i] == 0) continue;
            const auto item = static_cast<unsigned>(i << planes) | ranks[i];
            w.u8(static_cast<std::uint8_t>(item & 0xffU));
            w.u8(static_cast<std::uint8_t>(item >> 8U));
        }
    }

    void read_list(wire::reader& r, std::uint64_t n, std::uint8_t max_rank) {
        std::size_t next = 0;
        for (std::uint64_t i = 0; i < n && r.ok(); ++i) {
            const unsigned low = r.u8();
            const unsigned item = low | static_cast<unsigned>(r.u8()) << 8U;
            const std::size_t offset = item >> planes;
            const unsigned rank = item & ((1U << planes) - 1);
            if (offset < next || offset >= size || rank == 0)
                return r.fail(wire::errc::non_canonical);
            if (rank > max_rank) return r.fail(wire::errc::bad_value);
            ranks[offset] = static_cast<std::uint8_t>(rank);
            next = offset + 1;
        }
    }

    void read_planes(wire::reader& r) {
        std::array<std::uint64_t, planes> bits{};
        r.array(std::span<std::uint64_t>(bits));
        for (std::size_t i = 0; i < size; i += 8) {
            std::uint64_t eight = 0;
            for (std::size_t p = 0; p < planes; ++p) eight |= spread(bits[p] >> i & 0xffU) << p;
            for (std::size_t j = 0; j < 8; ++j)
                ranks[i + j] = static_cast<std::uint8_t>(eight >> (8 * j));
        }
    }
    /// Bit j of a byte as byte j, 0 or 1.
    static std::uint64_t spread(std::uint64_t byte) {
        const auto apart = byte * 0x0101010101010101U & 0x8040201008040201U;
        return (apart + 0x7f7f7f7f7f7f7f7fU) >> 7U & 0x0101010101010101U;
    }
};

/// x + Σ x^(2^k) 2^(k-1): what registers that are still 0 tell. Infinite at 1.
inline double ertl_sigma(double x) {
    double y = 1, z = x;
    for (double before = -1; z != before && std::isfinite(z);) {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    }
    return z;
}

/// (1 - x - Σ (1 - x^(2^-k))^2 2^-k) / 3: what registers that are full tell.
inline double ertl_tau(double x) {
    if (x <= 0 || x >= 1) return 0;
    double y = 1, z = 1 - x;
    for (double before = -1; z != before;) {
        x = std::sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    }
    return z / 3;
}

} // namespace joinery::crdt::detail
