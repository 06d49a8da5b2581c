// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/trie.hpp>
#include <merkle/digest.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinery::merkle {

/// An entry lies where its id says: ranges are ranges of ids, and ids should be hashes.
struct by_id {
    explicit by_id(const wire::keyed_hasher&) {}
    std::uint64_t position(std::uint64_t id) const { return id; }
    std::uint64_t id(std::uint64_t position) const { return position; }
};

/// An entry lies where a keyed bijection puts its id, so that nobody without the secret can make
/// entries crowd; ranges are ranges of these positions.
struct by_key {
    explicit by_key(const wire::keyed_hasher& hasher)
        : before_(leaf_digest(hasher, 0, 0).lo), between_(leaf_digest(hasher, 0, 1).lo) {}
    std::uint64_t position(std::uint64_t id) const {
        return wire::mix(wire::mix(id + before_) + between_);
    }
    std::uint64_t id(std::uint64_t position) const {
        return unmix(unmix(position) - between_) - before_;
    }

private:
    static constexpr std::uint64_t unmix(std::uint64_t x) {
        x = (x ^ (x >> 31U) ^ (x >> 62U)) * 0x319642b2d24d8ec3U;
        x = (x ^ (x >> 27U) ^ (x >> 54U)) * 0x96de1b173f119089U;
        return x ^ (x >> 30U) ^ (x >> 60U);
    }

    std::uint64_t before_;
    std::uint64_t between_;
};

/// A map from entry id to version whose every range has a digest and a sketch.
///
/// State      position and 64 bits of the version of each entry; a radix trie of sums above them.
/// Value      sum(range) is the sum, modulo 2^128, of the leaf digests in the range; a cell adds to
///            it Width odd power sums of the entries' short ids in GF(2^32) and their check words.
/// Invariant  the order of changes does not show; erase gives the former digests back exactly.
/// Cost       set, erase O(log n) cells and one leaf of at most 512 entries; a sum the same.
///            16 bytes an entry, and about one more for the sums.
/// Source     additive (multiset) hashing, Clarke et al. 2003; PinSketch, Dodis et al. 2004.
template <unsigned Width = 8, class Placement = by_id>
class basic_index {
    static_assert(Width == 0 || Width == 1 || Width == 4 || Width == 8);

public:
    static constexpr unsigned width = Width;
    using placement = Placement;
    using cell_type = detail::cell<Width>;
    using entry = std::pair<std::uint64_t, digest>;

    /// The positions whose first `depth` nibbles are those of `prefix`; its other bits are zero.
    struct range {
        std::uint64_t prefix = 0;
        unsigned depth = 0;

        bool valid() const { return depth <= 16 && (prefix & rest(depth)) == 0; }
        std::uint64_t last() const { return prefix | rest(depth); }
        /// Precondition: depth < 16, nibble < 16.
        range child(unsigned nibble) const {
            return {prefix | (std::uint64_t{nibble} << (60 - 4 * depth)), depth + 1};
        }
        bool contains(std::uint64_t position) const { return (position & ~rest(depth)) == prefix; }

        friend bool operator==(const range&, const range&) = default;

    private:
        static std::uint64_t rest(unsigned depth) {
            return depth >= 16 ? 0 : ~std::uint64_t{0} >> (4 * depth);
        }
    };

    explicit basic_index(const wire::keyed_hasher& hasher) : place_(hasher), trie_(hasher) {}

    /// Inserts or replaces; false if exactly this was there.
    bool set(std::uint64_t id, const digest& version) {
        return trie_.put({place_.position(id), kept_version(version)});
    }

    /// False if there was none.
    bool erase(std::uint64_t id) { return trie_.erase(place_.position(id)); }

    /// Elements that share an id form one entry: their versions add up.
    void add(std::uint64_t id, const digest& version) {
        const std::uint64_t position = place_.position(id);
        const detail::record* held = trie_.find(position);
        trie_.put({position, kept_version(version) + (held == nullptr ? 0 : held->version)});
    }

    /// Undoes add.
    void subtract(std::uint64_t id, const digest& version) {
        const std::uint64_t position = place_.position(id);
        const detail::record* held = trie_.find(position);
        if (held == nullptr) return;
        const std::uint64_t rest = held->version - kept_version(version);
        if (rest == 0)
            trie_.erase(position);
        else
            trie_.put({position, rest});
    }

    /// What is kept of the version: {0, kept_version(version)}.
    std::optional<digest> find(std::uint64_t id) const {
        const detail::record* held = trie_.find(place_.position(id));
        if (held == nullptr) return std::nullopt;
        return digest{0, held->version};
    }

    /// Replaces everything by these; of entries with one id the versions add up.
    void assign(std::span<const entry> entries) {
        std::vector<detail::record> records;
        records.reserve(entries.size());
        for (const auto& [id, version] : entries)
            records.push_back({place_.position(id), kept_version(version)});
        sort(records);
        std::size_t used = 0;
        for (const detail::record& each : records) {
            if (used > 0 && records[used - 1].position == each.position)
                records[used - 1].version += each.version;
            else
                records[used++] = each;
        }
        trie_.assign(std::span<const detail::record>(records).first(used));
    }

    digest root() const { return trie_.total().sum; }
    std::size_t size() const { return trie_.size(); }

    digest sum(const range& of) const {
        assert(of.valid());
        return trie_.sum(of.prefix, of.last()).sum;
    }
    std::size_t count(const range& of) const {
        assert(of.valid());
        return trie_.count(of.prefix, of.last());
    }

    /// Calls f(id, kept version) by ascending position.
    template <class F>
    void for_each(const range& of, F&& f) const {
        for_each_while(of, [&](std::uint64_t id, const digest& version) {
            f(id, version);
            return true;
        });
    }

    /// As for_each, until f returns false.
    template <class F>
    void for_each_while(const range& of, F&& f) const {
        trie_.for_each_while(of.prefix, of.last(), [&](const detail::record& held) {
            return f(place_.id(held.position), digest{0, held.version});
        });
    }

    void clear() { trie_.clear(); }

    /// Bytes held for the entries, 16 each of their own included.
    std::size_t memory() const { return trie_.memory(); }

    const wire::keyed_hasher& hasher() const { return trie_.hasher(); }
    /// The id of the entry at a position.
    std::uint64_t id_at(std::uint64_t position) const { return place_.id(position); }
    /// The records and their sums, for the reconciler.
    const detail::trie<Width>& records() const { return trie_; }

private:
    // Positions are spread: one pass by their first bits leaves little for the sort.
    static void sort(std::vector<detail::record>& records) {
        const auto less = [](const detail::record& a, const detail::record& b) {
            return a.position < b.position;
        };
        constexpr unsigned bits = 12;
        if (records.size() < (std::size_t{1} << (bits + 2))) {
            std::sort(records.begin(), records.end(), less);
            return;
        }
        std::vector<std::size_t> ends((std::size_t{1} << bits) + 1);
        for (const detail::record& each : records) ++ends[(each.position >> (64 - bits)) + 1];
        for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
        std::vector<detail::record> parted(records.size());
        for (const detail::record& each : records)
            parted[ends[each.position >> (64 - bits)]++] = each;
        std::size_t begin = 0;
        for (std::size_t i = 0; i + 1 < ends.size(); ++i) {
            std::sort(parted.begin() + static_cast<std::ptrdiff_t>(begin),
                      parted.begin() + static_cast<std::ptrdiff_t>(ends[i]), less);
            begin = ends[i];
        }
        records = std::move(parted);
    }

    Placement place_;
    detail::trie<Width> trie_;
};

using index = basic_index<>;
using keyed_index = basic_index<8, by_key>;

} // namespace joinery::merkle
