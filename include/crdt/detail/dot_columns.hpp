// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/causal_context.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace joinery::crdt::detail {

/// The wire form of a sorted list of dots: per replica, in dot order, chunks of 512 counters that
/// are a list of offsets or, if 32 dots or more are in it, a bitmap. The form of a chunk follows
/// from its dots alone. Dots without payload bytes are all lists: a bit must not become a dot.
class dot_columns {
public:
    static void write(wire::writer& w, std::span<const dot> dots, bool bitmaps) {
        std::size_t replicas = 0;
        for (std::size_t i = 0; i < dots.size(); ++i)
            replicas += i == 0 || dots[i].replica != dots[i - 1].replica;
        w.varint(replicas);
        std::vector<std::uint64_t> counters;
        for (auto at = dots.begin(); at != dots.end();) {
            const auto id = at->replica;
            counters.clear();
            for (; at != dots.end() && at->replica == id; ++at) counters.push_back(at->counter);
            w.fixed64(id.value);
            write_chunks(w, counters, bitmaps);
        }
    }

    /// Fails the reader on dots outside `context` and on any form but the canonical one.
    static std::vector<dot> read(wire::reader& r, const causal_context& context, bool bitmaps) {
        std::vector<dot> dots;
        const auto replicas = r.count(11, 0);
        for (std::size_t n = 0; n < replicas && r.ok(); ++n) {
            replica_id id;
            id.read(r);
            if (n != 0 && id <= dots.back().replica) r.fail(wire::errc::non_canonical);
            read_chunks(r, id, bitmaps, dots);
        }
        if (r.ok() && !inside(dots, context)) r.fail(wire::errc::bad_value);
        return dots;
    }

private:
    static constexpr unsigned chunk_bits = 9;
    static constexpr std::size_t chunk_size = std::size_t{1} << chunk_bits;
    static constexpr std::size_t bitmap_from = 32;
    using bitmap = std::array<std::uint64_t, chunk_size / 64>;

    /// Both are in order.
    static bool inside(const std::vector<dot>& dots, const causal_context& context) {
        const auto all = context.intervals();
        auto at = all.begin();
        const auto before = [](const causal_context::interval& i, const dot& d) {
            return i.replica != d.replica ? i.replica < d.replica : i.last < d.counter;
        };
        for (const auto& d : dots) {
            while (at != all.end() && before(*at, d)) ++at;
            if (at == all.end() || at->replica != d.replica || d.counter < at->first) return false;
        }
        return true;
    }
    static bool listed(std::uint64_t alive, bool bitmaps) {
        return alive < bitmap_from || !bitmaps;
    }

    static void write_chunks(wire::writer& w, const std::vector<std::uint64_t>& counters,
                             bool bitmaps) {
        std::size_t chunks = 1;
        for (std::size_t i = 1; i < counters.size(); ++i)
            chunks += (counters[i] >> chunk_bits) != (counters[i - 1] >> chunk_bits);
        w.varint(chunks);
        std::uint64_t floor = 0;
        for (std::size_t i = 0; i < counters.size();) {
            const auto chunk = counters[i] >> chunk_bits;
            std::size_t end = i;
            while (end < counters.size() && counters[end] >> chunk_bits == chunk) ++end;
            w.varint(chunk - floor);
            w.varint(end - i);
            if (listed(end - i, bitmaps))
                write_list(w, counters, i, end);
            else
                write_bitmap(w, counters, i, end);
            floor = chunk + 1;
            i = end;
        }
    }

    static void write_list(wire::writer& w, const std::vector<std::uint64_t>& counters,
                           std::size_t from, std::size_t end) {
        std::uint64_t floor = 0;
        for (auto i = from; i < end; ++i) {
            const auto offset = counters[i] % chunk_size;
            w.varint(offset - floor);
            floor = offset + 1;
        }
    }

    static void write_bitmap(wire::writer& w, const std::vector<std::uint64_t>& counters,
                             std::size_t from, std::size_t end) {
        bitmap bits{};
        for (auto i = from; i < end; ++i) {
            const auto offset = counters[i] % chunk_size;
            bits[offset / 64] |= std::uint64_t{1} << (offset % 64);
        }
        for (const auto word : bits) w.fixed64(word);
    }

    static void read_chunks(wire::reader& r, replica_id id, bool bitmaps, std::vector<dot>& keys) {
        const auto chunks = r.count(3, 0);
        if (chunks == 0) r.fail(wire::errc::non_canonical);
        std::uint64_t floor = 0;
        for (std::size_t n = 0; n < chunks && r.ok(); ++n) {
            const auto skip = r.varint();
            const auto alive = r.varint();
            if (skip > (max_count >> chunk_bits) - std::min(floor, max_count >> chunk_bits) ||
                alive == 0 || alive > chunk_size)
                return r.fail(wire::errc::bad_value);
            // A bit must not cost more memory than the payloads that follow have bytes.
            if (bitmaps && alive > r.left() - std::min(r.left(), keys.size()))
                return r.fail(wire::errc::truncated);
            if (!r.take_memory(alive, 3 * sizeof(dot))) return;
            const auto chunk = floor + skip;
            if (listed(alive, bitmaps))
                read_list(r, {id, chunk << chunk_bits}, alive, keys);
            else
                read_bitmap(r, {id, chunk << chunk_bits}, alive, keys);
            floor = chunk + 1;
        }
    }

    static void read_list(wire::reader& r, dot base, std::uint64_t alive, std::vector<dot>& keys) {
        std::uint64_t floor = 0;
        for (std::uint64_t i = 0; i < alive && r.ok(); ++i) {
            const auto skip = r.varint();
            if (floor >= chunk_size || skip >= chunk_size - floor)
                return r.fail(wire::errc::bad_value);
            keys.push_back({base.replica, base.counter + floor + skip});
            floor += skip + 1;
        }
    }

    static void read_bitmap(wire::reader& r, dot base, std::uint64_t alive,
                            std::vector<dot>& keys) {
        std::uint64_t seen = 0;
        for (std::size_t word = 0; word < chunk_size / 64; ++word)
            for (auto bits = r.fixed64(); bits != 0; bits &= bits - 1, ++seen)
                keys.push_back({base.replica, base.counter + word * 64 +
                                                  static_cast<unsigned>(std::countr_zero(bits))});
        if (seen != alive) r.fail(wire::errc::non_canonical);
    }
};

} // namespace joinery::crdt::detail
