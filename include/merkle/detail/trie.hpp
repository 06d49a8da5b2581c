// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/cell.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace joinery::merkle::detail {

/// A radix trie of records by position, sixteen ways a page, with a cell for every child.
///
/// State      pages of cells; leaves of up to leaf_max records in order.
/// Invariant  a cell is the sum of its records, whatever the history; a page has more than
///            leaf_min records; positions are distinct, so that no leaf at depth 16 is split.
/// Cost       a change O(depth) cells and one leaf; a sum over an interval O(depth) cells and at
///            most two leaves' records. Beside the records about 16 / leaf cells a key.
template <unsigned Width>
class trie {
public:
    using cell_type = cell<Width>;

    static constexpr std::size_t leaf_max = 512;
    static constexpr std::size_t leaf_min = leaf_max / 4;

    explicit trie(const wire::keyed_hasher& hasher) : hasher_(hasher) {}

    const wire::keyed_hasher& hasher() const { return hasher_; }
    const cell_type& total() const { return total_; }
    const estimator& estimate() const { return estimate_; }
    std::size_t size() const { return size_; }

    const record* find(std::uint64_t position) const {
        ref at = root_;
        unsigned depth = 0;
        for (; is_page(at); ++depth) at = pages_[index_of(at)].children[nibble(position, depth)];
        if (at == none) return nullptr;
        const leaf& records = leaves_[at];
        const std::size_t held = search(records, position, depth);
        return held < records.size() && records[held].position == position ? &records[held]
                                                                           : nullptr;
    }

    /// Inserts or replaces; false if the very record was there.
    bool put(const record& fresh) {
        const path way = follow(fresh.position);
        leaf& records = leaves_[way.leaf];
        prefetch(records, fresh.position, way.depth);
        cell_type change;
        note(change, fresh, true);
        const std::size_t at = search(records, fresh.position, way.depth);
        if (at < records.size() && records[at].position == fresh.position) {
            const record old = records[at];
            records[at] = fresh;
            cell_type was;
            note(was, old, false);
            change -= was;
            apply(way, change);
            return !(old == fresh);
        }
        ++size_;
        insert(records, at, fresh);
        apply(way, change);
        if (records.size() > leaf_max && way.depth < 16) divide(way.leaf, way.depth);
        return true;
    }

    /// False if there was none.
    bool erase(std::uint64_t position) {
        const path way = follow(position);
        leaf& records = leaves_[way.leaf];
        const std::size_t at = search(records, position, way.depth);
        if (at == records.size() || records[at].position != position) {
            gather(way); // the way may have made an empty leaf
            return false;
        }
        cell_type was;
        note(was, records[at], false);
        records.erase(records.begin() + static_cast<std::ptrdiff_t>(at));
        --size_;
        cell_type change;
        change -= was;
        apply(way, change);
        if (records.capacity() > 2 * records.size() + 16) shrink(records);
        gather(way);
        return true;
    }

    void clear() {
        pages_.clear();
        leaves_.clear();
        free_pages_.clear();
        free_leaves_.clear();
        root_ = none;
        total_ = {};
        estimate_ = {};
        size_ = 0;
    }

    /// Replaces everything. Precondition: ascending by position, each once.
    void assign(std::span<const record> sorted) {
        clear();
        size_ = sorted.size();
        if (!sorted.empty()) root_ = build(sorted, 0, total_);
    }

    /// Calls cells(cell) for whole nodes and records(span) for parts of leaves, which together make
    /// up the interval.
    template <class Cells, class Records>
    void cover(std::uint64_t first, std::uint64_t last, const Cells& cells,
               const Records& records) const {
        if (root_ == none || last < first) return;
        if (first == 0 && last == ~std::uint64_t{0}) {
            cells(total_);
        } else {
            visit(root_, 0, first, last, cells, records, true);
        }
    }

    /// Calls f(record) by ascending position until it returns false; whether it never did.
    template <class F>
    bool for_each_while(std::uint64_t first, std::uint64_t last, F&& f) const {
        if (root_ == none || last < first) return true;
        const auto no_cells = [](const cell_type&) { return true; };
        return visit(
            root_, 0, first, last, no_cells,
            [&](std::span<const record> part) { return std::all_of(part.begin(), part.end(), f); },
            false);
    }

    cell_type sum(std::uint64_t first, std::uint64_t last) const {
        cell_type made;
        cover(
            first, last,
            [&](const cell_type& whole) {
                made += whole;
                return true;
            },
            [&](std::span<const record> part) {
                add_records(made, hasher_, part);
                return true;
            });
        return made;
    }

    std::size_t count(std::uint64_t first, std::uint64_t last) const {
        std::size_t made = 0;
        cover(
            first, last,
            [&](const cell_type& whole) {
                made += whole.count;
                return true;
            },
            [&](std::span<const record> part) {
                made += part.size();
                return true;
            });
        return made;
    }

    /// Bytes held, the records' own included.
    std::size_t memory() const {
        std::size_t bytes = pages_.capacity() * sizeof(page) + leaves_.capacity() * sizeof(leaf);
        for (const leaf& each : leaves_) bytes += each.capacity() * sizeof(record);
        return bytes;
    }

private:
    using ref = std::uint32_t; // a leaf's number, or a page's with the top bit set
    using leaf = std::vector<record>;

    static constexpr ref none = 0xffffffffU;
    static constexpr ref page_bit = 0x80000000U;

    struct page {
        std::array<cell_type, 16> cells{};
        std::array<ref, 16> children{};
    };
    struct path {
        std::array<ref, 16> pages{}; // numbers of the pages above the leaf
        unsigned depth = 0;
        ref leaf = none;
        std::uint64_t position = 0;
    };

    static bool is_page(ref at) { return at != none && (at & page_bit) != 0; }
    static std::size_t index_of(ref at) { return at & ~page_bit; }
    static std::size_t nibble(std::uint64_t position, unsigned depth) {
        return static_cast<std::size_t>((position >> (60 - 4 * depth)) & 15U);
    }
    static typename leaf::const_iterator lower(const leaf& records, std::uint64_t position) {
        return std::lower_bound(
            records.begin(), records.end(), position,
            [](const record& held, std::uint64_t wanted) { return held.position < wanted; });
    }

    // Where a position should be if those of the leaf are spread evenly.
    static std::size_t guess(const leaf& records, std::uint64_t position, unsigned depth) {
        const std::uint64_t part = depth >= 16 ? 0 : (position << (4 * depth)) >> 32U;
        return static_cast<std::size_t>((part * records.size()) >> 32U);
    }

    static void prefetch(const leaf& records, std::uint64_t position, unsigned depth) {
#if defined(__GNUC__)
        const std::size_t at = guess(records, position, depth);
        const std::size_t from = at < 8 ? 0 : at - 8;
        for (std::size_t i = from; i < records.size(); i += 4) __builtin_prefetch(&records[i], 1);
#else
        static_cast<void>(records), static_cast<void>(position), static_cast<void>(depth);
#endif
    }

    // The first record that is not before a position; a few steps from the guess.
    static std::size_t search(const leaf& records, std::uint64_t position, unsigned depth) {
        if (records.empty()) return 0;
        const std::size_t at = guess(records, position, depth);
        constexpr std::size_t reach = 16;
        const std::size_t low = at < reach ? 0 : at - reach;
        const std::size_t high = std::min(at + reach, records.size());
        const bool near = (low == 0 || records[low].position < position) &&
                          (high == records.size() || records[high].position >= position);
        const auto from =
            near ? records.begin() + static_cast<std::ptrdiff_t>(low) : records.begin();
        const auto to = near ? records.begin() + static_cast<std::ptrdiff_t>(high) : records.end();
        return static_cast<std::size_t>(
            std::lower_bound(
                from, to, position,
                [](const record& held, std::uint64_t wanted) { return held.position < wanted; }) -
            records.begin());
    }

    // The element of a record goes into a cell and into, or out of, the estimator.
    void note(cell_type& into, const record& of, bool plus) {
        const element one(hasher_, of);
        into.sum = one.leaf;
        into.count = 1;
        if constexpr (Width > 0) {
            into.check = check_of(one.short_id);
            active_field().add_powers(&one.short_id, 1, into.powers.data(), Width);
            if (plus)
                estimate_.add(one);
            else
                estimate_.subtract(one);
        } else if (plus) {
            estimate_.add(one);
        } else {
            estimate_.subtract(one);
        }
    }

    path follow(std::uint64_t position) {
        path way;
        way.position = position;
        ref* at = &root_;
        while (is_page(*at)) {
            way.pages[way.depth] = *at;
            at = &pages_[index_of(*at)].children[nibble(position, way.depth)];
            ++way.depth;
        }
        if (*at == none) *at = new_leaf();
        way.leaf = *at;
        return way;
    }

    void apply(const path& way, const cell_type& change) {
        total_ += change;
        for (unsigned depth = 0; depth < way.depth; ++depth) {
            pages_[index_of(way.pages[depth])].cells[nibble(way.position, depth)] += change;
        }
    }

    static void insert(leaf& records, std::size_t place, const record& fresh) {
        const auto at = records.begin() + static_cast<std::ptrdiff_t>(place);
        if (records.size() < records.capacity()) {
            records.insert(at, fresh);
            return;
        }
        leaf grown;
        grown.reserve(records.size() + records.size() / 16 + 4);
        grown.assign(records.begin(), at);
        grown.push_back(fresh);
        grown.insert(grown.end(), at, records.end());
        records = std::move(grown);
    }

    static void shrink(leaf& records) {
        leaf tight;
        tight.reserve(records.size() + records.size() / 16 + 4);
        tight.assign(records.begin(), records.end());
        records = std::move(tight);
    }

    ref new_leaf() {
        if (!free_leaves_.empty()) {
            const ref made = free_leaves_.back();
            free_leaves_.pop_back();
            return made;
        }
        leaves_.emplace_back();
        return static_cast<ref>(leaves_.size() - 1);
    }

    ref new_page() {
        ref made = 0;
        if (free_pages_.empty()) {
            made = static_cast<ref>(pages_.size());
            pages_.emplace_back();
        } else {
            made = free_pages_.back();
            free_pages_.pop_back();
            pages_[made] = page{};
        }
        pages_[made].children.fill(none);
        return made | page_bit;
    }

    // Records that share a nibble at every depth make a chain of pages; it ends at depth 16.
    ref build(std::span<const record> sorted, unsigned depth, cell_type& sum) {
        if (sorted.size() <= leaf_max || depth == 16) {
            const ref made = new_leaf();
            leaves_[made].assign(sorted.begin(), sorted.end());
            add_records(sum, hasher_, sorted, [&](const element& one) { estimate_.add(one); });
            return made;
        }
        const ref made = new_page();
        for (std::size_t each = 0; each < 16 && !sorted.empty(); ++each) {
            const auto end =
                std::partition_point(sorted.begin(), sorted.end(), [&](const record& held) {
                    return nibble(held.position, depth) <= each;
                });
            const auto size = static_cast<std::size_t>(end - sorted.begin());
            if (size > 0) {
                cell_type part;
                const ref child = build(sorted.first(size), depth + 1, part);
                pages_[index_of(made)].children[each] = child;
                pages_[index_of(made)].cells[each] = part;
                sum += part;
            }
            sorted = sorted.subspan(size);
        }
        return made;
    }

    void divide(ref full, unsigned depth) {
        const leaf records = std::move(leaves_[full]);
        leaves_[full] = leaf{};
        free_leaves_.push_back(full);
        const estimator kept = estimate_; // the records are in it already
        cell_type sum;
        const ref made = build(records, depth, sum);
        estimate_ = kept;
        *slot(records.front().position, depth) = made;
    }

    // Where the reference to the node at `depth` above a position is kept.
    ref* slot(std::uint64_t position, unsigned depth) {
        ref* at = &root_;
        for (unsigned above = 0; above < depth; ++above) {
            at = &pages_[index_of(*at)].children[nibble(position, above)];
        }
        return at;
    }

    // After an erasure: empty leaves vanish, and the highest page that got small is a leaf again.
    void gather(const path& way) {
        if (leaves_[way.leaf].empty()) {
            *slot(way.position, way.depth) = none;
            release_leaf(way.leaf);
        }
        for (unsigned depth = 0; depth < way.depth; ++depth) {
            const std::size_t held = depth == 0 ? size_
                                                : pages_[index_of(way.pages[depth - 1])]
                                                      .cells[nibble(way.position, depth - 1)]
                                                      .count;
            if (held > leaf_min) continue;
            leaf records;
            records.reserve(held);
            collect(way.pages[depth], records);
            ref& place = *slot(way.position, depth);
            place = none;
            if (!records.empty()) {
                const ref made = new_leaf();
                leaves_[made] = std::move(records);
                *slot(way.position, depth) = made;
            }
            return;
        }
    }

    void collect(ref from, leaf& into) {
        if (from == none) return;
        if (!is_page(from)) {
            into.insert(into.end(), leaves_[from].begin(), leaves_[from].end());
            release_leaf(from);
            return;
        }
        for (const ref child : pages_[index_of(from)].children) collect(child, into);
        free_pages_.push_back(static_cast<ref>(index_of(from)));
    }

    void release_leaf(ref at) {
        leaves_[at] = leaf{};
        free_leaves_.push_back(at);
    }

    // A child wholly inside the interval is given as a cell if `sums`, else by its records.
    template <class Cells, class Records>
    bool visit(ref at, unsigned depth, std::uint64_t first, std::uint64_t last, const Cells& cells,
               const Records& records, bool sums) const {
        if (at == none) return true;
        if (!is_page(at)) {
            const leaf& held = leaves_[at];
            const auto from = lower(held, first);
            auto to = held.end();
            if (!held.empty() && held.back().position > last) {
                to = std::upper_bound(from, held.end(), last,
                                      [](std::uint64_t wanted, const record& each) {
                                          return wanted < each.position;
                                      });
            }
            if (from >= to) return true;
            return records(std::span<const record>(from, to));
        }
        const page& here = pages_[index_of(at)];
        const unsigned shift = 60 - 4 * depth;
        const std::uint64_t span = (std::uint64_t{1} << shift) - 1;
        for (std::size_t each = nibble(first, depth); each <= nibble(last, depth); ++each) {
            if (here.children[each] == none) continue;
            const bool at_first = each == nibble(first, depth);
            const bool at_last = each == nibble(last, depth);
            const bool whole =
                (!at_first || (first & span) == 0) && (!at_last || (last & span) == span);
            if (whole && sums) {
                if (!cells(here.cells[each])) return false;
                continue;
            }
            // Beyond the edge nibbles the interval covers the child: its digits are all 0 or all f.
            if (!visit(here.children[each], depth + 1, at_first ? first : 0,
                       at_last ? last : ~std::uint64_t{0}, cells, records, sums))
                return false;
        }
        return true;
    }

    wire::keyed_hasher hasher_;
    std::vector<page> pages_;
    std::vector<leaf> leaves_;
    std::vector<ref> free_pages_, free_leaves_;
    ref root_ = none;
    cell_type total_;
    estimator estimate_;
    std::size_t size_ = 0;
};

} // namespace joinery::merkle::detail
