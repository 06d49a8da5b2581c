// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/causal_context.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace joinery::crdt::detail {

/// The wire form of dot -> payload: per replica, in dot order, chunks of 512 counters that are a
/// sorted list (below 32 dots) or a bitmap, and then all payloads as one column. The form of a
/// chunk follows from its dots alone, so equal stores have equal bytes.
template <class T>
class dot_columns {
public:
    using store = std::map<dot, T>;

    static void write(wire::writer& w, const store& dots) {
        w.varint(count_runs(dots, [](const dot& d) { return d.replica; }));
        for (auto at = dots.begin(); at != dots.end();) {
            const auto id = at->first.replica;
            const auto end = std::find_if(
                at, dots.end(), [&](const auto& entry) { return entry.first.replica != id; });
            std::vector<std::uint64_t> counters;
            for (; at != end; ++at) counters.push_back(at->first.counter);
            w.fixed64(id.value);
            write_chunks(w, counters);
        }
        std::vector<T> column;
        column.reserve(dots.size());
        for (const auto& [d, value] : dots) column.push_back(value);
        wire::put_column(w, column);
    }

    /// Fails the reader on dots outside `context` and on any form but the canonical one.
    static void read(wire::reader& r, const causal_context& context, store& dots) {
        dots.clear();
        std::vector<dot> keys;
        const auto replicas = r.count(11);
        for (std::size_t n = 0; n < replicas && r.ok(); ++n) {
            replica_id id;
            id.read(r);
            if (n != 0 && id <= keys.back().replica) r.fail(wire::errc::non_canonical);
            read_chunks(r, id, keys);
        }
        if (!r.ok()) return;
        std::vector<T> column;
        wire::get_column(r, keys.size(), column);
        if (!r.ok()) return;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            if (!context.contains(keys[i])) {
                dots.clear();
                return r.fail(wire::errc::bad_value);
            }
            dots.emplace_hint(dots.end(), keys[i], std::move(column[i]));
        }
    }

private:
    static constexpr unsigned chunk_bits = 9;
    static constexpr std::size_t chunk_size = std::size_t{1} << chunk_bits;
    static constexpr std::size_t bitmap_from = 32;
    using bitmap = std::array<std::uint64_t, chunk_size / 64>;

    template <class Key>
    static std::size_t count_runs(const store& dots, Key key) {
        std::size_t runs = 0;
        const dot* previous = nullptr;
        for (const auto& [d, value] : dots) {
            runs += previous == nullptr || key(*previous) != key(d);
            previous = &d;
        }
        return runs;
    }

    static void write_chunks(wire::writer& w, const std::vector<std::uint64_t>& counters) {
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
            if (end - i < bitmap_from)
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

    static void read_chunks(wire::reader& r, replica_id id, std::vector<dot>& keys) {
        const auto chunks = r.count(3);
        if (chunks == 0) r.fail(wire::errc::non_canonical);
        std::uint64_t floor = 0;
        for (std::size_t n = 0; n < chunks && r.ok(); ++n) {
            const auto skip = r.varint();
            const auto alive = r.varint();
            if (skip > (max_count >> chunk_bits) - std::min(floor, max_count >> chunk_bits) ||
                alive == 0 || alive > chunk_size)
                return r.fail(wire::errc::bad_value);
            const auto chunk = floor + skip;
            if (alive < bitmap_from)
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
