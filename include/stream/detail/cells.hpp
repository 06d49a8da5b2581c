// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stream/detail/keys.hpp>
#include <stream/submission.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace joinery::stream::detail {

/// The submissions of one member for one epoch under one plan.
///
/// State      at most the two smallest different submissions by (digest, content), ascending.
/// Join       union, then the two smallest; the same content keeps the smallest witness.
/// Invariant  never empty inside a checkpoint; two mean that the member contradicted itself.
class cell {
public:
    struct item {
        wire::digest id;
        submission what;

        friend bool operator==(const item&, const item&) = default;
    };

    cell() = default;
    explicit cell(submission only) {
        const wire::digest id = only.digest();
        kept_.push_back({id, std::move(only)});
    }

    const std::vector<item>& kept() const { return kept_; }
    bool empty() const { return kept_.empty(); }
    bool conflicted() const { return kept_.size() > 1; }
    bool holds(const submission& what) const {
        return std::any_of(kept_.begin(), kept_.end(),
                           [&](const item& each) { return each.what.content() == what.content(); });
    }
    bool holds_root(const wire::digest& root) const {
        return std::any_of(kept_.begin(), kept_.end(),
                           [&](const item& each) { return each.what.root == root; });
    }

    bool merge(const cell& other) {
        bool grew = false;
        for (const item& each : other.kept_) grew |= add(each);
        return grew;
    }

    /// What `known` lacks, possibly nothing.
    cell difference(const cell& known) const {
        cell joined = known;
        joined.merge(*this);
        std::erase_if(joined.kept_, [&](const item& each) {
            return std::find(known.kept_.begin(), known.kept_.end(), each) != known.kept_.end();
        });
        return joined;
    }

    void write(wire::writer& w) const {
        w.u8(static_cast<std::uint8_t>(kept_.size()));
        for (const item& each : kept_) {
            each.what.write_claim(w);
            each.what.write_witness(w);
        }
    }
    void read(wire::reader& r, const cell_key& key) {
        kept_.clear();
        const auto n = r.u8();
        if (r.ok() && (n == 0 || n > 2)) r.fail(wire::errc::bad_value);
        for (unsigned i = 0; i < n && r.ok(); ++i) {
            submission what;
            what.epoch = key.epoch;
            what.plan = key.under.id;
            what.member = key.member;
            what.read_claim(r);
            what.read_witness(r);
            item next{what.digest(), std::move(what)};
            if (!kept_.empty() && !before(kept_.back(), next))
                return r.fail(wire::errc::non_canonical);
            kept_.push_back(std::move(next));
        }
    }

    friend bool operator==(const cell&, const cell&) = default;

private:
    static bool before(const item& a, const item& b) {
        if (a.id != b.id) return a.id < b.id;
        return a.what.content() < b.what.content();
    }

    bool add(const item& next) {
        const auto at = std::lower_bound(kept_.begin(), kept_.end(), next, before);
        if (at != kept_.end() && !before(next, *at)) {
            // The smallest, so that a replay from a later incarnation changes nothing.
            if (!(next.what.witness() < at->what.witness())) return false;
            auto whole = next; // an assignment that fails would leave a mixture
            *at = std::move(whole);
            return true;
        }
        if (at == kept_.end() && kept_.size() == 2) return false;
        kept_.insert(at, next);
        if (kept_.size() > 2) kept_.pop_back();
        return true;
    }

    std::vector<item> kept_;
};

} // namespace joinery::stream::detail
