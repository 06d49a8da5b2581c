// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/chunks.hpp>
#include <stream/certificate.hpp>
#include <stream/checkpoint.hpp>
#include <stream/store.hpp>
#include <stream/transfer.hpp>
#include <stream/verdict.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace joinery::stream {

/// Where stored bytes of a checkpoint are missing or damaged.
struct damage {
    std::string member;
    std::optional<std::uint32_t> group; ///< none for the member's own bytes
    std::optional<std::size_t> leaf;    ///< none if the list of leaves itself is

    friend bool operator==(const damage&, const damage&) = default;
};

/// Checkpoints in a store, in chunks: what two of them share is written once.
///
/// State      in the store: leaves under each root, each chunk under its leaf, certificates by
///            epoch under the record "checkpoints".
/// Invariant  a certificate is recorded after all that it names, and forgotten before any of it.
/// Cost       keep writes only chunks that are not there; load reads and hashes each byte once.
/// Source     content-addressed backups; SeaTunnel #12110: no checksum and no way back.
template <store Store>
class archive {
public:
    explicit archive(Store& where) : store_(where) {}

    /// The certificates whose bytes were kept, by epoch; damage may have come since.
    std::vector<certificate> certificates() const {
        const auto bytes = store_.load(record);
        wire::error ignored;
        auto found =
            bytes ? wire::try_decode<std::vector<certificate>>(*bytes, {}, ignored) : std::nullopt;
        return found ? std::move(*found) : std::vector<certificate>{};
    }

    /// Writes one root's chunks that are not there yet, and its leaves: before its submission.
    /// Returns the bytes written. Precondition: `from` holds the root.
    std::size_t keep_root(const transfer& from, const wire::digest& root) {
        std::size_t written = 0;
        const merkle::chunks& leaves = *from.leaves(root);
        for (std::size_t i = 0; i < leaves.size(); ++i) {
            const wire::digest& leaf = leaves.leaf(i);
            if (store_.contains(leaf)) continue;
            const auto chunk = from.serve(piece{piece::kind::chunk, leaf});
            store_.put(leaf, *chunk);
            written += chunk->size();
        }
        if (!store_.contains(root)) store_.put(root, wire::encode(leaves));
        return written;
    }

    /// Writes a checkpoint, and returns the bytes of chunks that were new.
    /// Precondition: from.complete(what).
    std::size_t keep(const transfer& from, const certificate& what) {
        std::size_t written = 0;
        for_each_root(what, [&](const auto&, const wire::digest& root, auto&&...) {
            written += keep_root(from, root);
        });
        auto all = certificates();
        std::erase_if(all, [&](const certificate& each) { return each.epoch == what.epoch; });
        all.push_back(what);
        std::sort(all.begin(), all.end());
        store_.save(record, wire::encode(all));
        return written;
    }

    /// Reads a checkpoint into `to`, verified chunk by chunk. What is damaged is returned, and is
    /// all that to.missing_pieces(what) asks for; keep repairs it once that has come.
    std::vector<damage> load(const certificate& what, transfer& to) const {
        std::vector<damage> found;
        to.wants(what);
        for_each_root(what, [&](const submission& of, const wire::digest& root,
                                const std::optional<std::uint32_t>& group) {
            const auto leaves = store_.get(root);
            if (to.leaves(root) == nullptr && leaves) to.accept(*leaves);
            const merkle::chunks* known = to.leaves(root);
            if (known == nullptr) return found.push_back({of.member, group, std::nullopt});
            for (std::size_t i = 0; i < known->size(); ++i) {
                if (!to.lacks(known->leaf(i))) continue;
                const auto chunk = store_.get(known->leaf(i));
                if (chunk) to.accept(*chunk);
                if (to.lacks(known->leaf(i))) found.push_back({of.member, group, i});
            }
        });
        return found;
    }

    /// Writes once more what load found damaged. Precondition: to.complete(what).
    void repair(const transfer& from, const certificate& what, const std::vector<damage>& found) {
        for_each_root(what, [&](const submission& of, const wire::digest& root,
                                const std::optional<std::uint32_t>& group) {
            for (const damage& each : found) {
                if (each.member != of.member || each.group != group) continue;
                const merkle::chunks& leaves = *from.leaves(root);
                if (!each.leaf) store_.put(root, wire::encode(leaves));
                for (std::size_t i = 0; i < leaves.size(); ++i)
                    if (!each.leaf || *each.leaf == i)
                        store_.put(leaves.leaf(i),
                                   *from.serve(piece{piece::kind::chunk, leaves.leaf(i)}));
            }
        });
    }

    /// Forgets the certificates below `epoch`, and every object that neither the others nor
    /// `roots` (own ones that are not in a certificate yet) name.
    void forget_below(std::uint64_t epoch, const std::set<wire::digest>& roots = {}) {
        auto all = certificates();
        std::erase_if(all, [&](const certificate& each) { return each.epoch < epoch; });
        store_.save(record, wire::encode(all));
        std::set<wire::digest> named = roots;
        for (const certificate& each : all)
            for_each_root(each, [&](const auto&, const wire::digest& root, auto&&...) {
                named.insert(root);
            });
        std::set<wire::digest> needed = named;
        for (const wire::digest& root : named) {
            wire::error ignored;
            const auto bytes = store_.get(root);
            const auto leaves =
                bytes ? wire::try_decode<merkle::chunks>(*bytes, {}, ignored) : std::nullopt;
            for (std::size_t i = 0; leaves && i < leaves->size(); ++i)
                needed.insert(leaves->leaf(i));
        }
        for (const wire::digest& each : store_.digests())
            if (!needed.contains(each)) store_.erase(each);
    }

private:
    static constexpr const char* record = "checkpoints";

    /// f(submission, root, group) for the member's own bytes and each key group.
    template <class F>
    static void for_each_root(const certificate& what, F f) {
        for (const submission& each : what.submissions) {
            f(each, each.root, std::optional<std::uint32_t>());
            for (const group_root& group : each.groups)
                f(each, group.root, std::optional<std::uint32_t>(group.group));
        }
    }

    Store& store_;
};

/// The newest certificate that `restore(certificate) -> bool` succeeds with, each one tried once.
template <class F>
std::optional<certificate> restore_newest(const checkpoint& known, restore_policy policy,
                                          F restore) {
    std::set<std::uint64_t> failed;
    for (;;) {
        auto next = known.latest(policy, failed);
        if (!next || restore(*next)) return next;
        failed.insert(next->epoch);
    }
}

} // namespace joinery::stream
