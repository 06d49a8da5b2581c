// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/chunks.hpp>
#include <stream/certificate.hpp>
#include <stream/checkpoint.hpp>
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

/// Checkpoint bytes that a certificate names and this worker lacks.
struct want {
    wire::digest root;
    std::uint64_t bytes = 0;

    friend bool operator==(const want&, const want&) = default;
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

/// Keeps checkpoint bytes by their root and fetches what a certificate names; the application
/// carries the bytes over whatever it likes.
///
/// State      root -> bytes and the newest epoch that needs them; root -> what is still wanted.
/// Invariant  nothing received is held unless a wanted root was computed from it; the bytes held
///            never pass the budget, and what is wanted of one certificate is its own size.
/// Cost       accept one pass over the bytes, and none if no held or wanted bytes are so long.
/// Source     sans-IO; flink FLINK-27681, Hazelcast #18675: unverified bytes restored.
class transfer {
public:
    static constexpr std::size_t default_budget = std::size_t{256} << 20;
    /// For bytes of no known epoch: forget_below(epoch) never drops them.
    static constexpr std::uint64_t no_epoch = std::numeric_limits<std::uint64_t>::max();

    explicit transfer(std::size_t max_bytes = default_budget) : max_bytes_(max_bytes) {}

    /// What of the certificate is not held, by member; from now on accept takes it.
    std::vector<want> wants(const certificate& what) {
        std::vector<want> lacking;
        for (const submission& each : what.submissions) {
            if (const auto at = held_.find(each.root); at != held_.end()) {
                at->second.epoch = std::max(at->second.epoch, what.epoch);
                continue;
            }
            const want next{each.root, each.bytes};
            if (std::find(lacking.begin(), lacking.end(), next) != lacking.end()) continue;
            lacking.push_back(next);
            const auto [at, fresh] = wanted_.try_emplace(each.root, entry{each.bytes, what.epoch});
            if (!fresh) at->second.epoch = std::max(at->second.epoch, what.epoch);
        }
        return lacking;
    }

    /// The bytes under a root, valid until the next change.
    std::optional<std::span<const std::byte>> serve(const wire::digest& root) const {
        const auto at = held_.find(root);
        if (at == held_.end()) return std::nullopt;
        return std::span<const std::byte>(at->second.bytes);
    }

    /// Takes bytes whose root is wanted. Any input is safe.
    accept_result accept(std::span<const std::byte> bytes) {
        const auto so_long = [&](const auto& each) { return size_of(each.second) == bytes.size(); };
        const bool expected = std::any_of(wanted_.begin(), wanted_.end(), so_long);
        if (!expected && std::none_of(held_.begin(), held_.end(), so_long))
            return accept_result::unknown;
        const wire::digest root = merkle::chunks::of(bytes).root();
        if (held_.contains(root)) return accept_result::duplicate;
        const auto at = wanted_.find(root);
        if (at == wanted_.end()) return expected ? accept_result::wrong : accept_result::unknown;
        if (bytes.size() > max_bytes_ - used_) return accept_result::over_budget;
        const std::uint64_t epoch = at->second.epoch;
        wanted_.erase(at);
        hold(root, {bytes.begin(), bytes.end()}, epoch);
        return accept_result::accepted;
    }

    /// Keeps own checkpoint bytes and returns their root, for the submission. Throws
    /// budget_exhausted.
    wire::digest add_local(std::vector<std::byte> bytes, std::uint64_t epoch = no_epoch) {
        const wire::digest root = merkle::chunks::of(bytes).root();
        if (const auto at = held_.find(root); at != held_.end()) {
            at->second.epoch = std::max(at->second.epoch, epoch);
            return root;
        }
        if (bytes.size() > max_bytes_ - used_) throw budget_exhausted();
        wanted_.erase(root);
        hold(root, std::move(bytes), epoch);
        return root;
    }

    /// Whether everything the certificate names is held.
    bool complete(const certificate& what) const {
        return std::all_of(what.submissions.begin(), what.submissions.end(),
                           [&](const submission& each) { return held_.contains(each.root); });
    }

    /// Drops what was needed by epochs below `epoch` alone, as far as wants and add_local told.
    void forget_below(std::uint64_t epoch) {
        drop([&](const wire::digest&, std::uint64_t needed) { return needed < epoch; });
    }

    /// Drops what no submission that `known` retains names: right once every add_local has been
    /// followed by its submit.
    void forget_below(const checkpoint& known) {
        std::set<wire::digest> named;
        known.for_each_submission([&](const submission& each) { named.insert(each.root); });
        drop([&](const wire::digest& root, std::uint64_t) { return !named.contains(root); });
    }

    std::size_t bytes_held() const { return used_; }
    std::size_t max_bytes() const { return max_bytes_; }
    std::size_t roots_held() const { return held_.size(); }

private:
    struct entry {
        std::uint64_t bytes = 0;
        std::uint64_t epoch = 0;
    };
    struct blob {
        std::vector<std::byte> bytes;
        std::uint64_t epoch = 0;
    };

    static std::uint64_t size_of(const entry& wanted) { return wanted.bytes; }
    static std::uint64_t size_of(const blob& held) { return held.bytes.size(); }

    template <class F>
    void drop(F useless) {
        std::erase_if(wanted_,
                      [&](const auto& each) { return useless(each.first, each.second.epoch); });
        std::erase_if(held_, [&](const auto& each) {
            if (!useless(each.first, each.second.epoch)) return false;
            used_ -= each.second.bytes.size();
            return true;
        });
    }

    void hold(const wire::digest& root, std::vector<std::byte> bytes, std::uint64_t epoch) {
        used_ += bytes.size();
        held_.emplace(root, blob{std::move(bytes), epoch});
    }

    std::size_t max_bytes_;
    std::size_t used_ = 0;
    std::map<wire::digest, blob> held_;
    std::map<wire::digest, entry> wanted_;
};

} // namespace joinery::stream
