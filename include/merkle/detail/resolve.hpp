// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/bits.hpp>
#include <merkle/detail/block.hpp>
#include <merkle/detail/cell.hpp>
#include <merkle/detail/sketch.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinery::merkle::detail {

/// A cell as it travels: counts and check words of any number of elements compare by their
/// differences.
struct wire_cell {
    std::uint32_t count = 0; // modulo 32: at most eight differ
    std::uint32_t check = 0;
    std::array<std::uint32_t, max_width> powers{};

    static constexpr unsigned count_bits = 5;
};

template <unsigned Width>
void put_cell(bit_writer& out, const cell<Width>& of, std::size_t width) {
    out.put(of.count, wire_cell::count_bits);
    out.put(of.check, 32);
    for (std::size_t i = 0; i < width; ++i) out.put(i < Width ? of.powers[i] : 0, 32);
}

inline wire_cell get_cell(bit_reader& in, std::size_t width) {
    wire_cell read;
    read.count = static_cast<std::uint32_t>(in.get(wire_cell::count_bits));
    read.check = static_cast<std::uint32_t>(in.get(32));
    for (std::size_t i = 0; i < width; ++i) read.powers[i] = static_cast<std::uint32_t>(in.get(32));
    return read;
}

/// The differences of one group: own records that the peer lacks, short ids of the peer's.
struct resolution {
    std::array<record, max_width> mine{};
    std::array<std::uint32_t, max_width> theirs{};
    std::size_t mine_count = 0, theirs_count = 0;
    digest common; // of what both hold

    /// Whether the peer seems to hold another version of an own record.
    bool changed(const record& own) const {
        const std::uint32_t place = element::place_of(own.position);
        return std::any_of(theirs.begin(), theirs.begin() + theirs_count,
                           [&](std::uint32_t id) { return (id & ~element::hash_mask) == place; });
    }
};

/// How a short id travels with its group: without the bits that the group tells, and without the
/// last ones, as far as a few more remain than tell the group's entries apart.
struct short_form {
    static constexpr unsigned spare_bits = 7;

    unsigned known = 0, dropped = 0;

    explicit short_form(const group& of, unsigned without = 0)
        : known(std::clamp(of.level, element::skipped_bits, element::place_end) -
                element::skipped_bits),
          dropped(std::min(without, element::hash_bits)) {}

    /// How many bits need not be sent of the ids of a group of `count` entries.
    static unsigned spared(const group& of, std::size_t count) {
        const unsigned bits = short_form(of).bits();
        const auto needed = static_cast<unsigned>(std::bit_width(count)) + spare_bits;
        return bits > needed ? std::min(bits - needed, element::hash_bits) : 0;
    }
    unsigned bits() const { return 32 - known - dropped; }
    std::uint64_t of(std::uint32_t short_id) const { return short_id >> dropped; }

    /// The short id but for its dropped bits.
    std::uint32_t whole(const group& in, std::uint64_t bits_read) const {
        const std::uint64_t told = element::place_of(in.first()) & ~low_bits(32 - known);
        return static_cast<std::uint32_t>(told | (bits_read << dropped));
    }
    /// Whether the bits that the group tells are those of its members.
    static bool fits(const group& in, std::uint32_t short_id) {
        const std::uint64_t told = ~low_bits(32 - short_form(in).known) & 0xffffffffU;
        return ((short_id ^ element::place_of(in.first())) & told) == 0;
    }
};

struct found_record {
    record held;
    element as;
};

/// Calls f(found_record) for the records of a group with a short id, but for its last bits.
template <class Index, class F>
void for_each_short(const Index& index, const group& in, std::uint32_t short_id, unsigned dropped,
                    F&& f) {
    // The first bits of the place are the group's; those that it leaves open are tried.
    const unsigned open = element::skipped_bits - std::min(in.level, element::skipped_bits);
    constexpr unsigned rest = 64 - element::place_end;
    const std::uint64_t middle = std::uint64_t{short_id >> element::hash_bits} << rest;
    const std::uint64_t top = in.first() & ~low_bits(64 - element::skipped_bits);
    for (std::uint64_t each = 0; each < (std::uint64_t{1} << open); ++each) {
        const std::uint64_t place = top | middle | (each << (64 - element::skipped_bits));
        const std::uint64_t first = std::max(place, in.first());
        const std::uint64_t last = std::min(place | low_bits(rest), in.last());
        if (first > last) continue;
        index.records().for_each_while(first, last, [&](const record& held) {
            const element one(index.hasher(), held);
            if (((one.short_id ^ short_id) >> dropped) == 0) f(found_record{held, one});
            return true;
        });
    }
}

/// Decodes the difference of two cells of a group; false if it holds more than the sketch can tell,
/// or anything about it does not fit. Precondition: 1 <= width <= Index::width.
template <class Index>
bool resolve(const Index& index, const group& in, const typename Index::cell_type& own,
             const wire_cell& theirs, std::size_t width, resolution& made) {
    std::array<std::uint32_t, max_width> sums{};
    for (std::size_t i = 0; i < width; ++i) sums[i] = own.powers[i] ^ theirs.powers[i];
    std::uint32_t check = own.check - theirs.check;
    sketch_roots roots;
    if (!sketch_decoder(active_field()).decode(sums.data(), width, roots)) return false;
    std::array<found_record, max_width> mine;
    std::size_t mine_count = 0;
    made = {};
    for (std::size_t i = 0; i < roots.count; ++i) {
        const std::uint32_t id = roots.values[i];
        if (!short_form::fits(in, id)) return false;
        std::size_t met = 0;
        for_each_short(index, in, id, 0, [&](const found_record& found) {
            if (met++ == 0) mine[mine_count] = found;
        });
        if (met > 1) return false; // which of them cannot be told
        check += met == 1 ? 0 - check_of(id) : check_of(id);
        if (met == 1)
            ++mine_count;
        else
            made.theirs[made.theirs_count++] = id;
    }
    const auto balanced = [&] {
        return ((mine_count - made.theirs_count - own.count + theirs.count) &
                low_bits(wire_cell::count_bits)) == 0;
    };
    // An entry of the peer may have the short id of one that both hold.
    for (std::size_t i = 0; check != 0 && i < mine_count; ++i) {
        const std::uint32_t id = mine[i].as.short_id;
        if (check + 2 * check_of(id) != 0) continue;
        check = 0;
        made.theirs[made.theirs_count++] = id;
        mine[i] = mine[--mine_count];
    }
    if (check != 0 || !balanced()) return false;
    made.common = own.sum;
    for (std::size_t i = 0; i < mine_count; ++i) {
        made.mine[made.mine_count++] = mine[i].held;
        made.common -= mine[i].as.leaf;
    }
    return true;
}

/// An entry of a list: the first bits of its place in the group, and salted bits of the whole.
struct short_entry {
    std::uint64_t place = 0;
    std::uint32_t mark = 0;
};

inline constexpr unsigned mark_bits = 16;

inline std::uint32_t mark_of(const digest& leaf, std::uint64_t salt) {
    return static_cast<std::uint32_t>(truncated(leaf, salt) >> (64 - mark_bits));
}

/// How a list of `count` entries is written: bits of a place, low bits of a gap between places.
struct list_shape {
    unsigned place_bits = 0;
    unsigned gap_bits = 0;

    list_shape(unsigned level, std::size_t count) {
        const auto width = static_cast<unsigned>(std::bit_width(count));
        place_bits = std::min(64 - level, width + 7);
        gap_bits = place_bits > width ? place_bits - width : 0;
    }
    std::uint64_t place(const group& in, std::uint64_t position) const {
        if (place_bits == 0) return 0;
        return ((position - in.first()) << in.level) >> (64 - place_bits);
    }
};

/// Precondition: ascending by place.
inline void put_list(bit_writer& out, std::span<const short_entry> entries,
                     const list_shape& shape) {
    out.put_gamma(static_cast<std::uint32_t>(entries.size()));
    std::uint64_t before = 0;
    for (const short_entry& each : entries) {
        out.put_rice(each.place - before, shape.gap_bits);
        out.put(each.mark, mark_bits);
        before = each.place;
    }
}

/// Nothing if the bits are no list; then the reader has failed.
inline std::vector<short_entry> get_list(bit_reader& in, const group& of) {
    const std::uint32_t count = in.get_gamma();
    if (count > in.left() / (mark_bits + 1)) {
        in.refuse();
        return {};
    }
    const list_shape shape(of.level, count);
    std::vector<short_entry> entries(count);
    std::uint64_t place = 0;
    for (short_entry& each : entries) {
        const std::uint64_t gap = in.get_rice(shape.gap_bits);
        if (gap > low_bits(shape.place_bits) - place) {
            in.refuse();
            return {};
        }
        place += gap;
        each = {place, static_cast<std::uint32_t>(in.get(mark_bits))};
    }
    return entries;
}

} // namespace joinery::merkle::detail
