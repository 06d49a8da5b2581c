// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element_body.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// One dot and its element, or nothing. Not an optional: g++ 12 takes that for uninitialised.
template <class T>
struct lone_element {
    dot first;
    T second{};
    bool there = false;
    bool outside = false; ///< whether it was read from bytes

    lone_element() = default;
    lone_element(const lone_element&) = default;
    lone_element(lone_element&& other) noexcept
        : first(other.first),
          second(std::move(other.second)),
          there(std::exchange(other.there, false)),
          outside(other.outside) {}
    lone_element& operator=(const lone_element&) = default;
    lone_element& operator=(lone_element&& other) noexcept {
        first = other.first;
        second = std::move(other.second);
        there = std::exchange(other.there, false);
        outside = other.outside;
        return *this;
    }
    ~lone_element() = default;

    explicit operator bool() const { return there; }
    void emplace(const dot& d, T value, bool from_outside) {
        first = d;
        second = std::move(value);
        there = true;
        outside = from_outside;
    }
    void reset() { *this = lone_element(); }
};

/// The wire form of elements by dot, chunk by chunk: the bytes of dot_columns, with bitmaps, and of
/// payload_column, but copied as blocks.
template <class T>
class element_codec {
public:
    using body = element_body<T>;
    using chunk = element_chunk<T>;

    /// Whether elements have their full width, side by side.
    static constexpr bool block = std::integral<T> && !std::same_as<T, bool>;

    static void write(wire::writer& w, const body& all) {
        w.varint(all.runs().size());
        for (const auto& [replica, chunks] : all.runs()) {
            w.fixed64(replica.value);
            w.varint(chunks.size());
            std::uint64_t floor = 0;
            for (const auto& named : chunks) {
                w.varint(named.first - floor);
                write_dots(w, all.chunk_of(named));
                floor = named.first + 1;
            }
        }
        if constexpr (block) w.reserve(all.dot_count() * sizeof(T));
        for (const auto& [replica, chunks] : all.runs())
            for (const auto& named : chunks) write_items(w, all.chunk_of(named).items);
    }

    static void write(wire::writer& w, const lone_element<T>& only) {
        w.varint(only ? 1 : 0);
        if (!only) return;
        const dot& d = only.first;
        w.fixed64(d.replica.value);
        w.varint(1);
        w.varint(chunk_bits::number_of(d.counter));
        w.varint(1);
        w.varint(chunk_bits::offset_of(d.counter));
        write_item(w, only.second);
    }

    /// The chunks in order; none on failure.
    template <class Column = chunk_column<T>>
    static std::vector<element_chunk<T, Column>> read(wire::reader& r, const causal_context& seen) {
        std::vector<element_chunk<T, Column>> chunks;
        std::vector<unsigned> counts;
        std::size_t total = 0;
        const auto replicas = r.count(11, 3 * sizeof(typename body::run_map::value_type));
        r.take_memory(replicas != 0 ? sizeof(body) + wire::detail::block_memory : 0);
        replica_id previous;
        for (std::size_t n = 0; n < replicas && r.ok(); ++n) {
            replica_id id;
            id.read(r);
            if (n != 0 && id <= previous) r.fail(wire::errc::non_canonical);
            previous = id;
            read_run(r, id, chunks, counts, total);
        }
        for (const auto& c : chunks)
            if (!(c.alive - bits_in(c.replica, c.number, seen)).none())
                r.fail(wire::errc::bad_value);
        read_items(r, chunks, counts, total);
        if (!r.ok()) chunks.clear();
        return chunks;
    }

private:
    static constexpr unsigned bitmap_from = 32;
    /// Of a chunk, with what refers to it and the size of what it holds.
    static constexpr std::size_t chunk_memory =
        3 * sizeof(chunk) + 3 * sizeof(typename body::run::value_type) + wire::detail::block_memory;

    static void write_dots(wire::writer& w, const chunk& c) {
        w.varint(c.items.size());
        if (c.items.size() >= bitmap_from) {
            for (const auto word : c.alive.words()) w.fixed64(word);
            return;
        }
        unsigned floor = 0;
        c.alive.for_each([&](unsigned offset) {
            w.varint(offset - floor);
            floor = offset + 1;
        });
    }
    static void write_item(wire::writer& w, const T& value) {
        if constexpr (block)
            w.array(std::span<const T>(&value, 1));
        else
            wire::put(w, value);
    }
    static void write_items(wire::writer& w, const typename chunk::column& items) {
        if constexpr (block)
            w.array(std::span<const T>(items));
        else
            for (const auto& value : items) wire::put(w, value);
    }

    template <class Chunks>
    static void read_run(wire::reader& r, replica_id id, Chunks& chunks,
                         std::vector<unsigned>& counts, std::size_t& total) {
        constexpr auto last = max_count >> chunk_bits::shift;
        const auto n = r.count(3, chunk_memory);
        if (n == 0) r.fail(wire::errc::non_canonical);
        std::uint64_t floor = 0;
        for (std::size_t i = 0; i < n && r.ok(); ++i) {
            const auto skip = r.varint();
            const auto count = r.varint();
            if (skip > last - std::min(floor, last) || count == 0 || count > chunk_bits::size)
                return r.fail(wire::errc::bad_value);
            // A bit must not cost more memory than the elements that follow have bytes.
            if (count > r.left() - std::min(r.left(), total)) return r.fail(wire::errc::truncated);
            total += count;
            if (!r.take_memory(static_cast<std::size_t>(count), sizeof(T))) return;
            wire::detail::make_room(chunks, chunks.size() + std::max(n - i, chunks.size()));
            auto& c = chunks.emplace_back();
            c.replica = id;
            c.number = floor + skip;
            c.summed = false;
            counts.push_back(static_cast<unsigned>(count));
            if (count < bitmap_from)
                read_list(r, counts.back(), c.alive);
            else
                read_bitmap(r, counts.back(), c.alive);
            floor = c.number + 1;
        }
    }
    static void read_list(wire::reader& r, unsigned count, chunk_bits& alive) {
        std::uint64_t floor = 0;
        for (unsigned i = 0; i < count && r.ok(); ++i) {
            const auto skip = r.varint();
            if (floor >= chunk_bits::size || skip >= chunk_bits::size - floor)
                return r.fail(wire::errc::bad_value);
            alive.set(static_cast<unsigned>(floor + skip));
            floor += skip + 1;
        }
    }
    static void read_bitmap(wire::reader& r, unsigned count, chunk_bits& alive) {
        for (unsigned w = 0; w < chunk_bits::word_count; ++w) alive.word(w) = r.fixed64();
        if (alive.count() != count) r.fail(wire::errc::non_canonical);
    }

    template <class Chunks>
    static void read_items(wire::reader& r, Chunks& chunks, const std::vector<unsigned>& counts,
                           std::size_t total) {
        if constexpr (block)
            if (total > r.left() / sizeof(T)) r.fail(wire::errc::truncated);
        for (std::size_t i = 0; i < chunks.size() && r.ok(); ++i) {
            auto& items = chunks[i].items;
            if constexpr (!std::same_as<typename Chunks::value_type, chunk>) {
                items = {r.raw(counts[i] * sizeof(T))};
            } else if constexpr (block) {
                items.resize(counts[i]);
                r.array(std::span<T>(items));
            } else {
                if (counts[i] > r.left()) return r.fail(wire::errc::truncated);
                if constexpr (!std::same_as<T, bool>) items.reserve(counts[i]);
                for (unsigned n = 0; n < counts[i] && r.ok(); ++n) {
                    T value{};
                    wire::get(r, value);
                    items.push_back(std::move(value));
                }
            }
        }
    }
};

} // namespace joinery::crdt::detail
