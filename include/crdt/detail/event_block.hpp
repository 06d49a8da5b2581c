// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/causal_context.hpp>
#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>

#include <algorithm>
#include <bit>
#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>

namespace joinery::crdt::detail {

/// What a log can hold: regular and encodable; NaN is not equal to itself.
template <class T>
concept payload = std::regular<T> && !std::is_floating_point_v<T>;

/// A delta of one event has it in the object itself; elsewhere the room for one costs little.
template <class T>
class small_list : public boost::container::small_vector<T, 1> {
public:
    small_list() = default;
    small_list(const small_list&) = default;
    small_list(small_list&&) noexcept = default;
    small_list& operator=(const small_list&) = default;
    /// Boost's would ask for memory where something was moved out of this list before.
    small_list& operator=(small_list&& other) noexcept {
        if (this == &other) return *this;
        std::destroy_at(this);
        std::construct_at(this, std::move(other));
        return *this;
    }
    ~small_list() = default;
};

/// A set of the 64 sequences of one block.
using event_mask = std::uint64_t;

inline std::uint64_t block_of(std::uint64_t sequence) { return (sequence - 1) / 64; }
inline unsigned bit_of(std::uint64_t sequence) { return (sequence - 1) % 64; }
inline std::uint64_t sequence_of(std::uint64_t block, unsigned bit) { return block * 64 + bit + 1; }

/// Bits `first` to `last`.
inline event_mask mask_between(unsigned first, unsigned last) {
    return (~event_mask{0} >> (63 - (last - first))) << first;
}

/// The sequences of a block that lie in an interval of its origin.
inline event_mask mask_in(const causal_context::interval& i, std::uint64_t block) {
    const auto first = sequence_of(block, 0), last = sequence_of(block, 63);
    if (i.last < first || last < i.first) return 0;
    return mask_between(bit_of(std::max(first, i.first)), bit_of(std::min(last, i.last)));
}

/// The sequences of a block that a context knows.
inline event_mask mask_in(const causal_context& context, replica_id origin, std::uint64_t block) {
    const auto all = context.intervals();
    auto at = std::lower_bound(all.begin(), all.end(), dot{origin, sequence_of(block, 0)},
                               [](const causal_context::interval& i, const dot& d) {
                                   return i.replica != d.replica ? i.replica < d.replica
                                                                 : i.last < d.counter;
                               });
    event_mask known = 0;
    for (; at != all.end() && at->replica == origin && at->first <= sequence_of(block, 63); ++at)
        known |= mask_in(*at, block);
    return known;
}

/// Calls f(interval) for each run of sequences in a mask.
template <class F>
void for_runs(replica_id origin, std::uint64_t block, event_mask mask, F f) {
    while (mask != 0) {
        const auto first = static_cast<unsigned>(std::countr_zero(mask));
        const auto length = static_cast<unsigned>(std::countr_one(mask >> first));
        f(causal_context::interval{origin, sequence_of(block, first),
                                   sequence_of(block, first + length - 1)});
        mask &= ~mask_between(first, first + length - 1);
    }
}

/// Calls f(bit) for each bit of a mask, upwards.
template <class F>
void for_bits(event_mask mask, F f) {
    for (; mask != 0; mask &= mask - 1) f(static_cast<unsigned>(std::countr_zero(mask)));
}

/// The events of one origin under 64 neighbouring sequences, in order.
template <class T>
struct event_block {
    struct record {
        stamp_t stamp = 0;
        T payload{};
        friend bool operator==(const record&, const record&) = default;
    };

    // Not defaulted: that would fill the room for a record with zeros each time.
    event_block() {}
    explicit event_block(std::uint64_t i) : index(i) {}

    std::uint64_t index = 0;
    event_mask alive = 0;
    event_mask removals = 0; ///< those of `alive` that are removal records
    small_list<record> records;

    std::size_t place(unsigned bit) const {
        return static_cast<std::size_t>(std::popcount(alive & ((event_mask{1} << bit) - 1)));
    }
    /// Precondition: the bit is alive.
    const record& at(unsigned bit) const { return records[place(bit)]; }
    bool removal(unsigned bit) const { return (removals >> bit & 1) != 0; }

    /// Precondition: the bit is not alive.
    void put(unsigned bit, bool is_removal, stamp_t stamp, T payload) {
        if (records.size() == records.capacity())
            records.reserve(std::min<std::size_t>(64, 4 * records.size()));
        if (takes_behind(bit)) return append(bit, is_removal, stamp, std::move(payload));
        records.insert(records.begin() + static_cast<std::ptrdiff_t>(place(bit)),
                       {stamp, std::move(payload)});
        mark(bit, is_removal);
    }
    /// Whether append() is possible: behind all others, without asking for memory.
    bool takes_behind(unsigned bit) const {
        return std::is_nothrow_move_assignable_v<T> && alive >> bit == 0 &&
               records.size() < records.capacity();
    }
    /// put() where that is possible.
    void append(unsigned bit, bool is_removal, stamp_t stamp, T&& payload) {
        if (records.size() >= records.capacity()) __builtin_unreachable();
        // Word by word, from no place in memory: as a block, what was just written word by word
        // comes late.
        records.emplace_back();
        records.back().stamp = stamp;
        records.back().payload = std::move(payload);
        mark(bit, is_removal);
    }
    /// Room for what follows in a log that is written in order.
    void expect_more() {
        constexpr std::size_t room = 4096 / sizeof(record);
        records.reserve(std::clamp<std::size_t>(room, 1, 64));
    }

    /// Precondition: the mask lies in `alive`.
    void erase(event_mask mask) {
        if (mask == alive) {
            records.clear();
        } else {
            std::size_t from = 0, to = 0;
            for_bits(alive, [&](unsigned bit) {
                if ((mask >> bit & 1) == 0 && from != to) records[to] = std::move(records[from]);
                to += (mask >> bit & 1) == 0;
                ++from;
            });
            records.resize(to);
        }
        alive &= ~mask;
        removals &= ~mask;
    }

    /// Puts the sequences `mask` of another block, none of which is alive here; or some of them, if
    /// memory runs out.
    void take(const event_block& other, event_mask mask) {
        records.reserve(records.size() + static_cast<std::size_t>(std::popcount(mask)));
        for_bits(mask, [&](unsigned bit) {
            const auto& r = other.at(bit);
            put(bit, other.removal(bit), r.stamp, r.payload);
        });
    }

    /// Joins the events of another block but those in `seen`; true if anything changed. Of two
    /// events under one sequence the greater stays, and `twice(bit)` hears of it.
    template <class F>
    bool receive(const event_block& other, event_mask seen, F twice) {
        bool changed = (other.alive & ~seen & ~alive) != 0;
        for_bits(other.alive & alive, [&](unsigned bit) {
            const auto order = compare(bit, other);
            if (order != 0) twice(bit);
            if (order >= 0) return;
            record copy = other.at(bit);
            records[place(bit)] = std::move(copy);
            removals = (removals & ~(event_mask{1} << bit)) | event_mask{other.removal(bit)} << bit;
            changed = true;
        });
        take(other, other.alive & ~seen & ~alive);
        return changed;
    }

    /// The order of two events under one sequence: by payload bytes, stamp, kind.
    std::strong_ordering compare(unsigned bit, const event_block& other) const {
        const record& mine = at(bit);
        const record& theirs = other.at(bit);
        if (const auto by = compare_bytes(mine.payload, theirs.payload); by != 0) return by;
        if (const auto by = mine.stamp <=> theirs.stamp; by != 0) return by;
        return removal(bit) <=> other.removal(bit);
    }

    /// The sequences of `mask`, alive in both, whose event here is smaller than the other's.
    event_mask smaller(event_mask mask, const event_block& other) const {
        event_mask found = 0;
        for_bits(mask, [&](unsigned bit) {
            if (compare(bit, other) < 0) found |= event_mask{1} << bit;
        });
        return found;
    }

    wire::digest version() const {
        if (alive == 0) return {};
        return version_of([&](wire::writer& w) {
            w.fixed64(alive);
            w.fixed64(removals);
            for (const auto& r : records) {
                w.fixed64(r.stamp);
                wire::put(w, r.payload);
            }
        });
    }

    friend bool operator==(const event_block&, const event_block&) = default;

private:
    void mark(unsigned bit, bool is_removal) {
        alive |= event_mask{1} << bit;
        removals |= event_mask{is_removal} << bit;
    }
};

/// The wire form of a block's contents: how many events; their offsets as bytes, from 8 events on a
/// bitmap; whether there are removal records, and which; the stamps, each as its difference from
/// the one before; the payloads as a column.
template <class T>
struct event_block_codec {
    static constexpr unsigned bitmap_from = 8;
    using block = event_block<T>;

    static void write(wire::writer& w, const block& b) {
        const auto n = static_cast<unsigned>(std::popcount(b.alive));
        w.u8(static_cast<std::uint8_t>(n));
        if (n < bitmap_from)
            for_bits(b.alive, [&](unsigned bit) { w.u8(static_cast<std::uint8_t>(bit)); });
        else
            w.fixed64(b.alive);
        w.u8(b.removals != 0);
        if (b.removals != 0) w.fixed64(b.removals);
        stamp_t previous = 0;
        for (const auto& r : b.records) {
            w.svarint(static_cast<std::int64_t>(r.stamp - previous));
            previous = r.stamp;
        }
        for (const auto& r : b.records) write_payload(w, r.payload);
    }

    /// Fails on any form but the canonical one and on sequences outside `known`.
    static void read(wire::reader& r, event_mask known, block& b) {
        const unsigned n = r.u8();
        if (n == 0 || n > 64) return r.fail(wire::errc::bad_value);
        if (n < bitmap_from)
            read_offsets(r, n, b);
        else
            b.alive = r.fixed64();
        const auto flag = r.u8();
        if (flag > 1) return r.fail(wire::errc::bad_value);
        if (flag == 1) b.removals = r.fixed64();
        if (!r.ok()) return;
        if (static_cast<unsigned>(std::popcount(b.alive)) != n || (b.removals != 0) != (flag == 1))
            return r.fail(wire::errc::non_canonical);
        if ((b.alive & ~known) != 0 || (b.removals & ~b.alive) != 0)
            return r.fail(wire::errc::bad_value);
        read_records(r, n, b);
    }

private:
    /// One element of wire::put_column().
    static void write_payload(wire::writer& w, const T& payload) {
        if constexpr (std::integral<T> && !std::same_as<T, bool>)
            w.array(std::span<const T>(&payload, 1));
        else
            wire::put(w, payload);
    }
    static void read_offsets(wire::reader& r, unsigned n, block& b) {
        for (unsigned i = 0; i < n && r.ok(); ++i) {
            const unsigned bit = r.u8();
            if (bit > 63 || b.alive >> bit != 0) return r.fail(wire::errc::non_canonical);
            b.alive |= event_mask{1} << bit;
        }
    }

    static void read_records(wire::reader& r, unsigned n, block& b) {
        if (r.left() < n) return r.fail(wire::errc::truncated);
        if (!r.take_memory(n, sizeof(typename block::record) + sizeof(T)) ||
            !r.take_memory(2 * wire::detail::block_memory))
            return;
        b.records.resize(n);
        stamp_t previous = 0;
        for (auto& record : b.records)
            previous = record.stamp = previous + static_cast<stamp_t>(r.svarint());
        std::vector<T> column;
        wire::get_column(r, n, column);
        if (!r.ok()) return;
        for (std::size_t i = 0; i < n; ++i) b.records[i].payload = std::move(column[i]);
    }
};

} // namespace joinery::crdt::detail
