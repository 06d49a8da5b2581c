// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/bits.hpp>
#include <wire/hash.hpp>
#include <wire/reader.hpp>
#include <wire/writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

// A frame is a header and blocks. A block speaks of groups of one level: kind, level, the number of
// runs, each run as the gap behind the run before and its length, the payload's length, the
// payload.
namespace joinery::merkle::detail {

/// The positions whose first `level` bits are those of `number`.
struct group {
    unsigned level = 0;
    std::uint64_t number = 0;

    std::uint64_t first() const { return level == 0 ? 0 : number << (64 - level); }
    std::uint64_t last() const { return first() | (level >= 64 ? 0 : ~std::uint64_t{0} >> level); }
    static std::uint64_t last_number(unsigned level) { return low_bits(level); }
    /// Precondition: level + deeper <= 64.
    std::uint64_t first_child(unsigned deeper) const { return deeper >= 64 ? 0 : number << deeper; }
    friend bool operator==(const group&, const group&) = default;
};

enum class block : std::uint8_t {
    open = 1,     ///< who asks: hasher, count, sketch and estimator of everything
    want_cells,   ///< asks for the cells of the groups
    want_digests, ///< asks for the digests of the groups
    want_lists,   ///< asks for the lists of the groups
    cells,        ///< count, check word and power sums of each group
    digests,      ///< 32 salted bits of each group's sum
    lists,        ///< the short ids of all entries of each group
    resolved,     ///< answers cells and digests: what the sender lacks of the receiver's
    listed,       ///< answers lists: which of the listed entries the sender lacks
    ack,          ///< answers resolved and listed: the groups that did not come out right
};

/// `length` groups from number `first` on.
struct run {
    std::uint64_t first = 0;
    std::uint64_t length = 0;
    friend bool operator==(const run&, const run&) = default;
};

/// A received block; a view into the frame.
struct block_view {
    block kind{};
    unsigned level = 0;
    std::vector<run> runs;
    std::span<const std::byte> payload;
    std::uint32_t tag = 0; // of all its bytes

    /// Calls f(group) in order until it returns false.
    template <class F>
    void for_each(F&& f) const {
        for (const run& each : runs)
            for (std::uint64_t i = 0; i < each.length; ++i)
                if (!f(group{level, each.first + i})) return;
    }
};

inline std::uint32_t block_tag(std::span<const std::byte> bytes) {
    return static_cast<std::uint32_t>(wire::content_hash64(bytes));
}

/// Ascending runs within a level. Costs at least two bytes a run.
inline void get_runs(wire::reader& r, unsigned level, std::vector<run>& runs) {
    const std::size_t count = r.count(2, sizeof(run));
    runs.reserve(count);
    std::uint64_t next = 0;
    bool full = false;
    for (std::size_t i = 0; i < count && r.ok(); ++i) {
        const std::uint64_t gap = r.varint();
        const std::uint64_t length = r.varint();
        const std::uint64_t most = group::last_number(level);
        if (full || length == 0 || gap > most - next || length - 1 > most - next - gap) {
            r.fail(wire::errc::bad_value);
            return;
        }
        runs.push_back({next + gap, length});
        full = length - 1 == most - next - gap;
        next += gap + length;
    }
}

/// The blocks behind the header, or nothing if a byte of them is wrong.
inline std::optional<std::vector<block_view>> get_blocks(wire::reader& r,
                                                         std::span<const std::byte> frame) {
    std::vector<block_view> blocks;
    while (r.ok() && r.left() > 0) {
        const std::size_t start = r.offset();
        block_view one;
        const std::uint8_t kind = r.u8();
        one.level = r.u8();
        if (kind < 1 || kind > static_cast<std::uint8_t>(block::ack) || one.level > 64)
            r.fail(wire::errc::bad_value);
        one.kind = static_cast<block>(kind);
        get_runs(r, one.level, one.runs);
        one.payload = r.raw(r.length());
        if (!r.ok()) break;
        one.tag = block_tag(frame.subspan(start, r.offset() - start));
        blocks.push_back(std::move(one));
    }
    if (!r.ok()) return std::nullopt;
    return blocks;
}

/// A block that is being put together.
struct open_block {
    block kind{};
    unsigned level = 0;
    std::vector<run> runs;
    bit_writer payload;
    wire::digest common; // of answers: what both sides hold of the groups
    std::size_t run_bytes = 0;
    unsigned dropped = 0; // bits of the short ids of a resolved block

    bool closes() const { return kind == block::resolved || kind == block::listed; }
    std::size_t bytes() const {
        return 2 + 3 + run_bytes + 3 + (payload.size() + 7) / 8 + (closes() ? 9 : 0);
    }
    std::uint64_t next() const { return runs.empty() ? 0 : runs.back().first + runs.back().length; }

    void add(const run& fresh) {
        if (!runs.empty() && next() == fresh.first) {
            run_bytes +=
                varint_bytes(runs.back().length + fresh.length) - varint_bytes(runs.back().length);
            runs.back().length += fresh.length;
            return;
        }
        run_bytes += varint_bytes(fresh.first - next()) + varint_bytes(fresh.length);
        runs.push_back(fresh);
    }
    static std::size_t varint_bytes(std::uint64_t value) {
        return (static_cast<std::size_t>(std::bit_width(value | 1U)) + 6) / 7;
    }

    void write(wire::writer& w) const {
        w.u8(static_cast<std::uint8_t>(kind));
        w.u8(static_cast<std::uint8_t>(level));
        w.varint(runs.size());
        std::uint64_t end = 0;
        for (const run& each : runs) {
            w.varint(each.first - end);
            w.varint(each.length);
            end = each.first + each.length;
        }
        w.varint(payload.bytes().size());
        w.raw(payload.bytes());
    }
};

/// An answer that was sent and not yet acknowledged: the block, byte for byte.
struct section {
    std::uint32_t tag = 0;
    unsigned level = 0;
    std::vector<run> runs;
    std::vector<std::byte> bytes;
};

} // namespace joinery::merkle::detail
