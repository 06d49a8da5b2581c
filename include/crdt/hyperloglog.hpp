// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element.hpp>
#include <crdt/detail/register_block.hpp>
#include <crdt/entries.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <vector>

namespace joinery::crdt {

/// Counts distinct elements in constant space.
///
/// State      2^Precision registers; each the greatest rank (leading zeros + 1) of the hashes that
///            fall on it. The hash is content_hash64 of the element's canonical bytes.
/// Join       register by register, maximum.
/// Value      estimate of the number of distinct elements; standard error 1.04 / sqrt(registers).
/// Invariant  only blocks of 64 registers with one that is not 0 are kept, in order; no rank is
///            above 65 - Precision. So equal registers have equal bytes, few or many.
/// Cost       add O(log blocks), merge O(blocks), of a delta O(|δ| log blocks), value O(blocks).
/// Source     Flajolet et al. 2007; Ertl 2017, arXiv 1702.01284, improved raw estimator.
template <element T, unsigned Precision = 14>
class hyperloglog {
    static_assert(Precision >= 6 && Precision <= 18, "from one block of registers to 256 KiB");

public:
    static constexpr std::string_view schema_name = "hyperloglog";
    /// An array's length is part of its identity, so that precisions do not mix.
    using schema_parameters = std::tuple<T, std::array<std::uint8_t, Precision>>;

    static constexpr std::size_t registers = std::size_t{1} << Precision;
    static constexpr std::uint8_t max_rank = 65 - Precision;
    /// The standard error of value() beside the value itself, as the theory has it.
    static double standard_error() { return 1.04 / std::sqrt(static_cast<double>(registers)); }

    /// Counts an element and returns the delta, bottom if its register tells it already.
    hyperloglog add(replica_id, const T& value) {
        const auto hash = detail::hash_of(value);
        const auto index = static_cast<std::size_t>(hash >> (64 - Precision));
        const auto rest = hash << Precision;
        const auto rank = std::min<int>(std::countl_zero(rest) + 1, max_rank);
        hyperloglog delta;
        const auto at = find(static_cast<std::uint32_t>(index / 64));
        if (at != blocks_.end() && at->index == index / 64 && at->ranks[index % 64] >= rank)
            return delta;
        block one{static_cast<std::uint32_t>(index / 64), {}};
        one.ranks[index % 64] = static_cast<std::uint8_t>(rank);
        delta.blocks_.push_back(one);
        merge(delta);
        return delta;
    }

    /// The estimated number of distinct elements, 0 for bottom.
    double value() const {
        std::array<std::uint64_t, 66> counts{};
        counts[0] = registers - blocks_.size() * block::size;
        for (const auto& b : blocks_)
            for (const auto rank : b.ranks) ++counts[rank];
        return estimate(counts);
    }

    /// The rank in one register. Precondition: index < registers.
    std::uint8_t rank(std::size_t index) const {
        const auto at = find(static_cast<std::uint32_t>(index / 64));
        return at != blocks_.end() && at->index == index / 64 ? at->ranks[index % 64]
                                                              : std::uint8_t{0};
    }

    bool merge(const hyperloglog& other, report* = nullptr) {
        bool grew = false;
        std::vector<block> missing;
        for (const auto& theirs : other.blocks_) {
            const auto at = find(theirs.index);
            if (at == blocks_.end() || at->index != theirs.index)
                missing.push_back(theirs);
            else
                grew |= blocks_[static_cast<std::size_t>(at - blocks_.begin())].raise(theirs);
        }
        if (missing.empty()) return grew;
        const auto middle = static_cast<std::ptrdiff_t>(blocks_.size());
        blocks_.insert(blocks_.end(), missing.begin(), missing.end());
        std::inplace_merge(blocks_.begin(), blocks_.begin() + middle, blocks_.end(),
                           [](const block& a, const block& b) { return a.index < b.index; });
        return true;
    }
    bool leq(const hyperloglog& other) const {
        return std::all_of(blocks_.begin(), blocks_.end(), [&](const block& mine) {
            const auto at = other.find(mine.index);
            return at != other.blocks_.end() && at->index == mine.index && mine.leq(*at);
        });
    }
    hyperloglog difference(const hyperloglog& known) const {
        hyperloglog delta;
        for (const auto& mine : blocks_) {
            const auto at = known.find(mine.index);
            const bool there = at != known.blocks_.end() && at->index == mine.index;
            const block news = there ? mine.difference(*at) : mine;
            if (!news.empty()) delta.blocks_.push_back(news);
        }
        return delta;
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        for (const auto& b : blocks_) f(detail::path_of(path, b.index), b.version());
    }
    template <class F>
    void touched(const hyperloglog& delta, entry_id path, F& f) const {
        for (const auto& theirs : delta.blocks_) {
            const auto at = find(theirs.index);
            if (at != blocks_.end() && at->index == theirs.index)
                f(detail::path_of(path, at->index), at->version());
        }
    }
    template <class F>
    void changes(const hyperloglog& delta, entry_id path, F& f) const {
        for (const auto& theirs : delta.blocks_) {
            const auto at = find(theirs.index);
            block before{theirs.index, {}};
            if (at != blocks_.end() && at->index == theirs.index) before = *at;
            block after = before;
            if (after.raise(theirs))
                f(detail::path_of(path, theirs.index), before.version(), after.version());
        }
    }
    hyperloglog fragment(entry_id path, const id_set& ids) const {
        hyperloglog part;
        for (const auto& b : blocks_)
            if (ids.contains(detail::path_of(path, b.index))) part.blocks_.push_back(b);
        return part;
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        detail::part_builder<hyperloglog, F> parts(detail::room_after(max_bytes, 5), f);
        for (const auto& b : blocks_)
            parts.add(b.max_bytes(), [&](hyperloglog& part) { part.blocks_.push_back(b); });
        parts.flush();
    }

    void write(wire::writer& w) const {
        w.varint(blocks_.size());
        std::uint32_t floor = 0;
        for (const auto& b : blocks_) {
            w.varint(b.index - floor);
            b.write(w);
            floor = b.index + 1;
        }
    }
    void read(wire::reader& r) {
        blocks_.clear();
        const auto n = r.count(4, 3 * sizeof(block));
        if (n > registers / block::size) return r.fail(wire::errc::bad_value);
        std::uint64_t floor = 0;
        for (std::size_t i = 0; i < n && r.ok(); ++i) {
            const auto skip = r.varint();
            if (skip >= registers / block::size - floor) return r.fail(wire::errc::bad_value);
            wire::detail::make_room(blocks_, n);
            auto& b = blocks_.emplace_back(block{static_cast<std::uint32_t>(floor + skip), {}});
            b.read(r, max_rank);
            floor = b.index + std::uint64_t{1};
        }
        if (!r.ok()) blocks_.clear();
    }

    friend bool operator==(const hyperloglog&, const hyperloglog&) = default;

private:
    using block = detail::register_block;

    std::vector<block>::const_iterator find(std::uint32_t index) const {
        // Once every block is there, its place is its index.
        if (blocks_.size() == registers / block::size)
            return blocks_.begin() + static_cast<std::ptrdiff_t>(index);
        return std::lower_bound(blocks_.begin(), blocks_.end(), index,
                                [](const block& b, std::uint32_t i) { return b.index < i; });
    }

    // counts[k] registers have rank k; those at max_rank may stand for any greater rank.
    static double estimate(const std::array<std::uint64_t, 66>& counts) {
        const auto m = static_cast<double>(registers);
        const auto count = [&](std::size_t k) { return static_cast<double>(counts[k]); };
        if (counts[0] == registers) return 0;
        double z = m * detail::ertl_tau(1 - count(max_rank) / m);
        for (std::size_t k = max_rank - 1U; k >= 1; --k) z = 0.5 * (z + count(k));
        z += m * detail::ertl_sigma(count(0) / m);
        return m * m / (2 * std::log(2.0) * z);
    }

    std::vector<block> blocks_;
};

} // namespace joinery::crdt
