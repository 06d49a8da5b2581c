// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stream/certificate.hpp>
#include <stream/detail/keys.hpp>
#include <stream/submission.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace joinery::stream::detail {

/// The acknowledgements of one root.
///
/// State      the submissions that the root hashes, without witnesses, or none yet; the signers, a
///            bit per index of the plan's members.
/// Join       the list from whoever has it, the union of the signers.
/// Invariant  a list hashes to the root; no trailing zero byte; not both empty in a checkpoint.
///            The list stands here so that evidence of a conflict, which may push a submission out
///            of its cell, never takes what an acknowledged certificate is made of.
class ack {
public:
    ack() = default;
    ack(std::vector<submission> list, std::size_t signer) : list_(std::move(list)) {
        signers_.resize(signer / 8 + 1);
        signers_.back() = static_cast<std::uint8_t>(1U << (signer % 8));
    }

    const std::vector<submission>& list() const { return list_; }
    bool empty() const { return list_.empty() && signers_.empty(); }
    bool signed_by(std::size_t member) const {
        return member / 8 < signers_.size() && ((signers_[member / 8] >> (member % 8)) & 1U) != 0;
    }
    /// How many of the first `members` signed.
    std::size_t count(std::size_t members) const {
        std::size_t sum = 0;
        for (std::size_t i = 0; i < signers_.size() && i * 8 < members; ++i) {
            const unsigned mask = members - i * 8 >= 8 ? 0xffU : (1U << (members - i * 8)) - 1U;
            sum += static_cast<std::size_t>(std::popcount(signers_[i] & mask));
        }
        return sum;
    }

    bool merge(const ack& other) {
        bool grew = false;
        // Two lists under one root would be a collision: the greater wins.
        if (precedes(list_, other.list_)) {
            auto whole = other.list_; // an assignment that fails would leave a mixture
            list_ = std::move(whole);
            grew = true;
        }
        if (other.signers_.size() > signers_.size()) signers_.resize(other.signers_.size());
        for (std::size_t i = 0; i < other.signers_.size(); ++i) {
            grew |= (other.signers_[i] & ~signers_[i]) != 0;
            signers_[i] = static_cast<std::uint8_t>(signers_[i] | other.signers_[i]);
        }
        return grew;
    }

    /// What `known` lacks, possibly nothing.
    ack difference(const ack& known) const {
        ack lacking;
        if (precedes(known.list_, list_)) lacking.list_ = list_;
        lacking.signers_ = signers_;
        for (std::size_t i = 0; i < std::min(signers_.size(), known.signers_.size()); ++i)
            lacking.signers_[i] = static_cast<std::uint8_t>(signers_[i] & ~known.signers_[i]);
        while (!lacking.signers_.empty() && lacking.signers_.back() == 0)
            lacking.signers_.pop_back();
        return lacking;
    }

    void write(wire::writer& w) const {
        w.varint(list_.size());
        for (const submission& each : list_) {
            wire::put(w, each.member);
            each.write_claim(w);
        }
        wire::put(w, signers_);
    }
    void read(wire::reader& r, const ack_key& key) {
        list_.clear();
        for (auto n = r.count(24, 3 * sizeof(submission)); n > 0 && r.ok(); --n) {
            submission each;
            each.epoch = key.epoch;
            each.plan = key.under.id;
            wire::get(r, each.member);
            each.read_claim(r);
            if (!list_.empty() && list_.back().member >= each.member)
                return r.fail(wire::errc::non_canonical);
            list_.push_back(std::move(each));
        }
        wire::get(r, signers_);
        if (!r.ok()) return;
        if (empty() || (!signers_.empty() && signers_.back() == 0))
            return r.fail(wire::errc::non_canonical);
        if (!list_.empty() &&
            certificate::of(key.epoch, key.under.generation, key.under.id, list_).global_root !=
                key.root)
            r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const ack&, const ack&) = default;

private:
    static bool precedes(const std::vector<submission>& a, const std::vector<submission>& b) {
        return std::lexicographical_compare(
            a.begin(), a.end(), b.begin(), b.end(),
            [](const submission& x, const submission& y) { return x.content() < y.content(); });
    }

    std::vector<submission> list_;
    std::vector<std::uint8_t> signers_;
};

} // namespace joinery::stream::detail
