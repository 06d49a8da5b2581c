// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/chunks.hpp>
#include <stream/certificate.hpp>
#include <stream/checkpoint.hpp>
#include <stream/detail/chunk_pool.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace joinery::stream {

/// Checkpoint bytes that a certificate names and this worker lacks, to be fetched as a whole.
struct want {
    wire::digest root;
    std::uint64_t bytes = 0;

    friend bool operator==(const want&, const want&) = default;
};

/// The same in pieces: the leaves of a root first, then the chunks that nobody here has.
struct piece {
    static constexpr std::string_view schema_name = "piece";
    enum class kind : std::uint8_t { leaves, chunk };

    kind what = kind::leaves;
    wire::digest digest; ///< the root, or the chunk's leaf

    void write(wire::writer& w) const {
        w.u8(static_cast<std::uint8_t>(what));
        wire::put(w, digest);
    }
    void read(wire::reader& r) {
        const auto read_kind = r.u8();
        if (read_kind > 1) r.fail(wire::errc::bad_value);
        what = static_cast<kind>(read_kind);
        wire::get(r, digest);
    }

    friend bool operator==(const piece&, const piece&) = default;
};

/// What became of received bytes. Only accepted changes what is held.
enum class accept_result : std::uint8_t {
    accepted,
    duplicate,  ///< held already
    unknown,    ///< nothing of this length is wanted
    wrong,      ///< something of this length is wanted, but these bytes have another root
    over_budget ///< wanted and right, but there is no room
};

/// Own checkpoint bytes would pass the budget. Nothing has changed.
class budget_exhausted : public std::length_error {
public:
    budget_exhausted() : std::length_error("checkpoint bytes would pass the transfer's budget") {}
};

/// Keeps checkpoint bytes by their root, in shared chunks, and fetches what a certificate names;
/// the application carries the bytes over whatever it likes, whole or in pieces.
///
/// State      root -> leaves and the newest epoch that needs them; leaf -> chunk; what is wanted.
/// Invariant  nothing received is held unless a wanted digest was computed from it; the chunks held
///            never pass the budget, and what is wanted of one certificate is its own size.
/// Cost       accept one pass over the bytes; bytes that two epochs share are held once.
/// Source     sans-IO; flink FLINK-27681, Hazelcast #18675: unverified bytes restored.
class transfer {
public:
    static constexpr std::size_t default_budget = std::size_t{256} << 20;
    /// For bytes of no known epoch: forget_below(epoch) never drops them.
    static constexpr std::uint64_t no_epoch = std::numeric_limits<std::uint64_t>::max();

    explicit transfer(std::size_t max_bytes = default_budget) : max_bytes_(max_bytes) {}

    /// What of the certificate is not held, members before their key groups; from now on accept
    /// takes it.
    std::vector<want> wants(const certificate& what) {
        std::vector<want> lacking;
        for_each_root(what, [&](const want& next) {
            if (detail::chunk_pool::tree* at = pool_.find(next.root)) {
                at->epoch = std::max(at->epoch, what.epoch);
                if (at->lacking == 0) return;
            }
            if (std::find(lacking.begin(), lacking.end(), next) != lacking.end()) return;
            lacking.push_back(next);
            const auto [at, fresh] = wanted_.try_emplace(next.root, entry{next.bytes, what.epoch});
            if (!fresh) at->second.epoch = std::max(at->second.epoch, what.epoch);
        });
        return lacking;
    }

    /// Lets accept take bytes that no certificate names as a root, such as an increment's.
    void expect(const want& what, std::uint64_t epoch) {
        if (!pool_.holds(what.root)) wanted_.try_emplace(what.root, entry{what.bytes, epoch});
    }

    /// What to ask for next to fetch only chunks that are not here: leaves, and when they have
    /// come, chunks. Ask anew after accepting some, until there is nothing.
    std::vector<piece> missing_pieces(const certificate& what) {
        std::vector<piece> pieces;
        std::set<wire::digest> listed;
        for (const want& each : wants(what)) {
            const auto* known = pool_.find(each.root);
            if (known == nullptr) {
                pieces.push_back({piece::kind::leaves, each.root});
                continue;
            }
            for (std::size_t i = 0; i < known->leaves.size(); ++i) {
                const wire::digest& leaf = known->leaves.leaf(i);
                if (pool_.lacks(leaf) && listed.insert(leaf).second)
                    pieces.push_back({piece::kind::chunk, leaf});
            }
        }
        return pieces;
    }

    /// The bytes under a root.
    std::optional<std::vector<std::byte>> serve(const wire::digest& root) const {
        const auto* known = pool_.find(root);
        if (known == nullptr || known->lacking != 0) return std::nullopt;
        std::vector<std::byte> bytes;
        bytes.reserve(static_cast<std::size_t>(known->leaves.total_bytes()));
        for (std::size_t i = 0; i < known->leaves.size(); ++i) {
            const auto chunk = *pool_.chunk(known->leaves.leaf(i));
            bytes.insert(bytes.end(), chunk.begin(), chunk.end());
        }
        return bytes;
    }
    std::optional<std::vector<std::byte>> serve(const piece& asked) const {
        if (asked.what == piece::kind::leaves) {
            const auto* known = pool_.find(asked.digest);
            if (known == nullptr) return std::nullopt;
            return wire::encode(known->leaves);
        }
        const auto chunk = pool_.chunk(asked.digest);
        if (!chunk) return std::nullopt;
        return std::vector<std::byte>(chunk->begin(), chunk->end());
    }

    /// The leaves of a root, null unless they are known.
    const merkle::chunks* leaves(const wire::digest& root) const {
        const auto* known = pool_.find(root);
        return known == nullptr ? nullptr : &known->leaves;
    }

    /// Whether some known leaves name this chunk and it is not here.
    bool lacks(const wire::digest& leaf) const { return pool_.lacks(leaf); }

    /// Takes bytes that are wanted, whole or a piece. Any input is safe.
    accept_result accept(std::span<const std::byte> bytes) {
        if (const auto taken = accept_chunk(bytes)) return *taken;
        const auto taken = accept_leaves(bytes);
        // Bytes that look like leaves may be what is wanted themselves.
        if (taken && (*taken == accept_result::accepted ||
                      !wanted_.contains(merkle::chunks::of(bytes).root())))
            return *taken;
        return accept_whole(bytes);
    }

    /// Keeps own checkpoint bytes and returns their root, for the submission. Throws
    /// budget_exhausted.
    wire::digest add_local(std::span<const std::byte> bytes, std::uint64_t epoch = no_epoch) {
        auto leaves = merkle::chunks::of(bytes);
        const wire::digest root = leaves.root();
        if (detail::chunk_pool::tree* at = pool_.find(root)) {
            at->epoch = std::max(at->epoch, epoch);
            if (at->lacking == 0) return root;
        }
        if (pool_.bytes_lacking(leaves) > room()) throw budget_exhausted();
        hold(std::move(leaves), bytes, epoch);
        return root;
    }

    /// Whether everything the certificate names is held.
    bool complete(const certificate& what) const {
        bool all = true;
        for_each_root(what, [&](const want& each) { all = all && pool_.holds(each.root); });
        return all;
    }

    /// Drops what was needed by epochs below `epoch` alone, as far as wants and add_local told.
    void forget_below(std::uint64_t epoch) {
        drop([&](const wire::digest&, std::uint64_t needed) { return needed < epoch; });
    }

    /// Drops what no submission that `known` retains names: right once every add_local has been
    /// followed by its submit.
    void forget_below(const checkpoint& known) {
        std::set<wire::digest> named;
        known.for_each_submission([&](const submission& each) {
            named.insert(each.root);
            if (each.base) named.insert(each.base->root);
            for (const group_root& group : each.groups) named.insert(group.root);
        });
        drop([&](const wire::digest& root, std::uint64_t) { return !named.contains(root); });
    }

    std::size_t bytes_held() const { return pool_.bytes(); }
    std::size_t max_bytes() const { return max_bytes_; }
    std::size_t roots_held() const {
        return static_cast<std::size_t>(
            std::count_if(pool_.trees().begin(), pool_.trees().end(),
                          [](const auto& each) { return each.second.lacking == 0; }));
    }
    /// Received bytes that were wrong.
    std::uint64_t failed_verifications() const { return failed_verifications_; }

private:
    struct entry {
        std::uint64_t bytes = 0;
        std::uint64_t epoch = 0;
    };

    template <class F>
    static void for_each_root(const certificate& what, F f) {
        for (const submission& each : what.submissions) {
            f(want{each.root, each.bytes});
            for (const group_root& group : each.groups) f(want{group.root, group.bytes});
        }
    }

    std::size_t room() const { return max_bytes_ - pool_.bytes(); }

    /// Nothing unless these are leaves of a root that is wanted or held.
    std::optional<accept_result> accept_leaves(std::span<const std::byte> bytes) {
        if (bytes.size() < 2 || bytes[0] != std::byte{'J'} || bytes[1] != std::byte{'N'})
            return std::nullopt;
        wire::error why;
        auto leaves = wire::try_decode<merkle::chunks>(bytes, {}, why);
        if (!leaves || leaves->chunk_size() != merkle::chunks::default_chunk_size)
            return std::nullopt;
        if (pool_.find(leaves->root()) != nullptr) return accept_result::duplicate;
        const auto at = wanted_.find(leaves->root());
        if (at == wanted_.end()) return std::nullopt;
        const std::uint64_t epoch = at->second.epoch;
        pool_.add(std::move(*leaves), epoch);
        settle();
        return accept_result::accepted;
    }

    /// Nothing unless this is a chunk that some leaves name.
    std::optional<accept_result> accept_chunk(std::span<const std::byte> bytes) {
        if (bytes.empty() || bytes.size() > merkle::chunks::default_chunk_size) return std::nullopt;
        const wire::digest leaf = detail::leaf_of(bytes);
        if (!pool_.lacks(leaf)) return std::nullopt;
        if (bytes.size() > room()) return accept_result::over_budget;
        pool_.fill(leaf, bytes);
        settle();
        return accept_result::accepted;
    }

    accept_result accept_whole(std::span<const std::byte> bytes) {
        const auto so_long = [&](std::uint64_t length) { return length == bytes.size(); };
        const bool expected = std::any_of(wanted_.begin(), wanted_.end(), [&](const auto& each) {
            return so_long(each.second.bytes);
        });
        const bool known =
            std::any_of(pool_.trees().begin(), pool_.trees().end(), [&](const auto& each) {
                return so_long(each.second.leaves.total_bytes());
            });
        if (!expected && !known) return accept_result::unknown;
        auto leaves = merkle::chunks::of(bytes);
        const wire::digest root = leaves.root();
        if (pool_.holds(root)) return accept_result::duplicate;
        const auto at = wanted_.find(root);
        if (at == wanted_.end()) {
            failed_verifications_ += expected ? 1U : 0U;
            return expected ? accept_result::wrong : accept_result::unknown;
        }
        if (pool_.bytes_lacking(leaves) > room()) return accept_result::over_budget;
        const std::uint64_t epoch = at->second.epoch;
        hold(std::move(leaves), bytes, epoch);
        return accept_result::accepted;
    }

    void hold(merkle::chunks leaves, std::span<const std::byte> bytes, std::uint64_t epoch) {
        const wire::digest root = leaves.root();
        if (pool_.find(root) == nullptr) pool_.add(std::move(leaves), epoch);
        const merkle::chunks& kept = pool_.find(root)->leaves;
        for (std::size_t i = 0, at = 0; i < kept.size(); ++i) {
            const std::size_t length = detail::chunk_pool::length_of(kept, i);
            pool_.fill(kept.leaf(i), bytes.subspan(at, length));
            at += length;
        }
        settle();
    }

    /// What has become whole is wanted no more.
    void settle() {
        std::erase_if(wanted_, [&](const auto& each) { return pool_.holds(each.first); });
    }

    template <class F>
    void drop(F useless) {
        std::erase_if(wanted_,
                      [&](const auto& each) { return useless(each.first, each.second.epoch); });
        std::vector<wire::digest> gone;
        for (const auto& [root, each] : pool_.trees())
            if (useless(root, each.epoch)) gone.push_back(root);
        for (const wire::digest& root : gone) pool_.drop(root);
    }

    std::size_t max_bytes_;
    detail::chunk_pool pool_;
    std::map<wire::digest, entry> wanted_;
    std::uint64_t failed_verifications_ = 0;
};

} // namespace joinery::stream
