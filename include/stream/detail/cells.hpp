// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <stream/submission.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::stream::detail {

/// A plan's place among the plans: by generation, then by content.
struct plan_key {
    std::uint64_t generation = 0;
    wire::digest id;

    void write(wire::writer& w) const {
        w.varint(generation);
        wire::put(w, id);
    }
    void read(wire::reader& r) {
        generation = r.varint();
        wire::get(r, id);
    }

    friend auto operator<=>(const plan_key&, const plan_key&) = default;
};

struct cell_key {
    std::uint64_t epoch = 0;
    plan_key under;
    std::string member;

    void write(wire::writer& w) const {
        w.varint(epoch);
        under.write(w);
        wire::put(w, member);
    }
    void read(wire::reader& r) {
        epoch = r.varint();
        under.read(r);
        wire::get(r, member);
    }

    friend auto operator<=>(const cell_key&, const cell_key&) = default;
};

/// The submissions of one member for one epoch under one plan.
///
/// State      at most the two smallest different submissions by (digest, content), ascending.
/// Join       union, then the two smallest; the same content keeps the greater witness.
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
    bool conflicted() const { return kept_.size() > 1; }
    bool holds(const submission& what) const {
        return std::any_of(kept_.begin(), kept_.end(),
                           [&](const item& each) { return each.what.content() == what.content(); });
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
        for (const item& each : kept_) each.what.write_body(w);
    }
    /// Reads what was written under the same epoch and member.
    void read(wire::reader& r, std::uint64_t epoch, const std::string& member) {
        kept_.clear();
        const auto n = r.u8();
        if (r.ok() && (n == 0 || n > 2)) r.fail(wire::errc::bad_value);
        for (unsigned i = 0; i < n && r.ok(); ++i) {
            submission what;
            what.epoch = epoch;
            what.member = member;
            what.read_body(r);
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
            if (!(at->what.witness() < next.what.witness())) return false;
            *at = next;
            return true;
        }
        if (at == kept_.end() && kept_.size() == 2) return false;
        kept_.insert(at, next);
        if (kept_.size() > 2) kept_.pop_back();
        return true;
    }

    std::vector<item> kept_;
};

inline crdt::entry_id entry_of(crdt::entry_id path, std::uint8_t kind, const wire::writer& name) {
    return wire::mix(path, wire::mix(kind, wire::content_hash64(name.bytes())));
}
inline crdt::entry_id floor_entry(crdt::entry_id path) { return entry_of(path, 0, wire::writer()); }
inline crdt::entry_id entry_of(crdt::entry_id path, const plan_key& key) {
    wire::writer w;
    key.write(w);
    return entry_of(path, 1, w);
}
inline crdt::entry_id entry_of(crdt::entry_id path, const cell_key& key) {
    wire::writer w;
    key.write(w);
    return entry_of(path, 2, w);
}

template <class T>
wire::digest version_of(const T& part) {
    wire::writer w;
    part.write(w);
    return wire::content_digest(w.bytes());
}

template <class T>
std::size_t size_of(const T& part) {
    wire::writer w = wire::writer::counting();
    part.write(w);
    return w.size();
}

} // namespace joinery::stream::detail
