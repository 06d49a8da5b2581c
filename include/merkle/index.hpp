// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/digest.hpp>
#include <wire/hash.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace joinery::merkle {

/// A map from entry id to version whose every id range has a digest.
///
/// State      id -> (version, keyed leaf digest); sums and counts of the upper ranges.
/// Value      sum(range) is the sum, modulo 2^128, of the leaf digests in the range.
/// Invariant  the order of changes does not show; erase gives the former digests back exactly.
/// Cost       set, erase O(log n); sum and count O(1) for the kept levels, O(entries) below.
/// Source     additive (multiset) hashing, Clarke et al. 2003; radix trie of nibbles.
class index {
public:
    /// The ids whose first `depth` nibbles are those of `prefix`; its other bits are zero.
    struct range {
        std::uint64_t prefix = 0;
        unsigned depth = 0;

        bool valid() const { return depth <= 16 && (prefix & rest(depth)) == 0; }
        std::uint64_t last() const { return prefix | rest(depth); }
        /// Precondition: depth < 16, nibble < 16.
        range child(unsigned nibble) const {
            return {prefix | (std::uint64_t{nibble} << (60 - 4 * depth)), depth + 1};
        }
        bool contains(std::uint64_t id) const { return (id & ~rest(depth)) == prefix; }

        friend bool operator==(const range&, const range&) = default;

    private:
        static std::uint64_t rest(unsigned depth) {
            return depth >= 16 ? 0 : ~std::uint64_t{0} >> (4 * depth);
        }
    };

    explicit index(const wire::keyed_hasher& hasher) : hasher_(hasher) {}

    void set(std::uint64_t id, digest version) {
        const auto [at, fresh] = entries_.try_emplace(id);
        if (!fresh) change(id, at->second.leaf, false);
        at->second = {version, leaf_digest(hasher_, id, version)};
        change(id, at->second.leaf, true);
        if (fresh) deepen();
    }

    void erase(std::uint64_t id) {
        const auto at = entries_.find(id);
        if (at == entries_.end()) return;
        change(id, at->second.leaf, false);
        entries_.erase(at);
    }

    /// Elements that share an id form one entry: their versions add up.
    void add(std::uint64_t id, const digest& version) {
        digest sum = find(id).value_or(digest{});
        sum += version;
        set(id, sum);
    }

    /// Undoes add.
    void subtract(std::uint64_t id, const digest& version) {
        const auto found = find(id);
        if (!found) return;
        digest rest = *found;
        rest -= version;
        if (rest.zero())
            erase(id);
        else
            set(id, rest);
    }

    std::optional<digest> find(std::uint64_t id) const {
        const auto at = entries_.find(id);
        if (at == entries_.end()) return std::nullopt;
        return at->second.version;
    }

    digest root() const { return root_; }
    std::size_t size() const { return entries_.size(); }

    digest sum(const range& of) const { return totals(of).sum; }
    std::size_t count(const range& of) const { return totals(of).count; }

    /// Calls f(id, version) by ascending id.
    template <class F>
    void for_each(const range& of, F&& f) const {
        for (auto at = entries_.lower_bound(of.prefix);
             at != entries_.end() && of.contains(at->first); ++at)
            f(at->first, at->second.version);
    }

    /// As for_each, until f returns false.
    template <class F>
    void for_each_while(const range& of, F&& f) const {
        for (auto at = entries_.lower_bound(of.prefix);
             at != entries_.end() && of.contains(at->first); ++at)
            if (!f(at->first, at->second.version)) return;
    }

    void clear() {
        entries_.clear();
        levels_.clear();
        root_ = digest{};
    }

private:
    static constexpr unsigned kept_levels = 4;

    struct entry {
        digest version;
        digest leaf;
    };
    struct node {
        digest sum;
        std::size_t count = 0;
    };

    static std::size_t slot(std::uint64_t id, unsigned depth) {
        return static_cast<std::size_t>(id >> (64 - 4 * depth));
    }

    void change(std::uint64_t id, const digest& leaf, bool plus) {
        if (plus)
            root_ += leaf;
        else
            root_ -= leaf;
        for (unsigned depth = 1; depth <= levels_.size(); ++depth) {
            node& at = levels_[depth - 1][slot(id, depth)];
            if (plus)
                at.sum += leaf, ++at.count;
            else
                at.sum -= leaf, --at.count;
        }
    }

    // A level is kept from the moment that scanning would visit some entries per range; small
    // indexes stay small.
    void deepen() {
        const auto depth = static_cast<unsigned>(levels_.size()) + 1;
        if (depth > kept_levels || entries_.size() < (std::size_t{4} << (4 * depth))) return;
        std::vector<node> level(std::size_t{1} << (4 * depth));
        for (const auto& [id, held] : entries_) {
            node& at = level[slot(id, depth)];
            at.sum += held.leaf;
            ++at.count;
        }
        levels_.push_back(std::move(level));
    }

    node totals(const range& of) const {
        assert(of.valid());
        if (of.depth == 0) return {root_, entries_.size()};
        if (of.depth <= levels_.size()) return levels_[of.depth - 1][slot(of.prefix, of.depth)];
        node made;
        for (auto at = entries_.lower_bound(of.prefix);
             at != entries_.end() && of.contains(at->first); ++at) {
            made.sum += at->second.leaf;
            ++made.count;
        }
        return made;
    }

    wire::keyed_hasher hasher_;
    std::map<std::uint64_t, entry> entries_;
    std::vector<std::vector<node>> levels_;
    digest root_;
};

} // namespace joinery::merkle
