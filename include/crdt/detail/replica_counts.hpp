// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace joinery::crdt::detail {

/// replica -> count, flat and sorted; joined by pointwise maximum. No count is 0, so that equal
/// values have equal bytes. The common body of g_counter and version_vector.
class replica_counts {
public:
    struct slot {
        replica_id replica;
        std::uint64_t count;
        friend bool operator==(const slot&, const slot&) = default;
    };

    std::uint64_t get(replica_id id) const {
        const auto at = find(id);
        return at != slots_.end() && at->replica == id ? at->count : 0;
    }

    /// Raises one slot to at least `count`; true if it grew.
    bool raise(replica_id id, std::uint64_t count) {
        const auto at = slots_.begin() + (find(id) - slots_.cbegin());
        if (at != slots_.end() && at->replica == id) {
            if (at->count >= count) return false;
            at->count = count;
        } else {
            if (count == 0) return false;
            slots_.insert(at, {id, count});
        }
        return true;
    }

    bool merge(const replica_counts& other) {
        if (other.slots_.size() * 8 < slots_.size()) {
            bool grew = false;
            for (const auto& s : other.slots_) grew |= raise(s.replica, s.count);
            return grew;
        }
        return merge_all(other);
    }

    bool leq(const replica_counts& other) const {
        return std::all_of(slots_.begin(), slots_.end(),
                           [&](const slot& s) { return s.count <= other.get(s.replica); });
    }

    replica_counts difference(const replica_counts& known) const {
        replica_counts delta;
        for (const auto& s : slots_)
            if (s.count > known.get(s.replica)) delta.slots_.push_back(s);
        return delta;
    }

    const std::vector<slot>& slots() const { return slots_; }
    /// Precondition: `s.replica` is above all replicas present.
    void append(const slot& s) { slots_.push_back(s); }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        for (const auto& s : slots_) give(path, s, f);
    }

    template <class F>
    void touched(const replica_counts& delta, entry_id path, F& f) const {
        for (const auto& s : delta.slots_)
            if (const auto count = get(s.replica)) give(path, {s.replica, count}, f);
    }

    template <class F>
    void changes(const replica_counts& delta, entry_id path, F& f) const {
        for (const auto& s : delta.slots_) {
            const auto mine = get(s.replica);
            if (mine < s.count) f(path_of(path, s.replica), version({s.replica, mine}), version(s));
        }
    }

    replica_counts fragment(entry_id path, const id_set& ids) const {
        replica_counts part;
        for (const auto& s : slots_)
            if (ids.contains(path_of(path, s.replica))) part.slots_.push_back(s);
        return part;
    }

    template <class F>
    void split(std::size_t max_bytes, F& f) const {
        part_builder<replica_counts, F> parts(room_after(max_bytes, 5), f);
        for (const auto& s : slots_)
            parts.add(8 + varint_size(s.count), [&](auto& part) { part.slots_.push_back(s); });
        parts.flush();
    }

    void write(wire::writer& w) const {
        w.varint(slots_.size());
        for (const auto& s : slots_) w.fixed64(s.replica.value);
        for (const auto& s : slots_) w.varint(s.count);
    }

    void read(wire::reader& r) {
        slots_.resize(r.count(9));
        for (auto& s : slots_) s.replica.read(r);
        for (auto& s : slots_) {
            s.count = r.varint();
            if (r.ok() && (s.count == 0 || s.count > max_count)) r.fail(wire::errc::bad_value);
        }
        for (std::size_t i = 1; r.ok() && i < slots_.size(); ++i)
            if (slots_[i].replica <= slots_[i - 1].replica) r.fail(wire::errc::non_canonical);
    }

    friend bool operator==(const replica_counts&, const replica_counts&) = default;

private:
    std::vector<slot>::const_iterator find(replica_id id) const {
        return std::lower_bound(
            slots_.begin(), slots_.end(), id,
            [](const slot& s, replica_id wanted) { return s.replica < wanted; });
    }

    template <class F>
    static void give(entry_id path, const slot& s, F& f) {
        f(path_of(path, s.replica), version(s));
    }

    static wire::digest version(const slot& s) {
        if (s.count == 0) return {};
        return version_of([&](wire::writer& w) {
            w.fixed64(s.replica.value);
            w.fixed64(s.count);
        });
    }

    bool merge_all(const replica_counts& other) {
        bool grew = false;
        std::vector<slot> missing;
        auto mine = slots_.begin();
        for (const auto& s : other.slots_) {
            while (mine != slots_.end() && mine->replica < s.replica) ++mine;
            if (mine == slots_.end() || s.replica < mine->replica) {
                missing.push_back(s);
            } else if (mine->count < s.count) {
                mine->count = s.count;
                grew = true;
            }
        }
        if (missing.empty()) return grew;
        const auto middle = static_cast<std::ptrdiff_t>(slots_.size());
        slots_.insert(slots_.end(), missing.begin(), missing.end());
        std::inplace_merge(slots_.begin(), slots_.begin() + middle, slots_.end(),
                           [](const slot& a, const slot& b) { return a.replica < b.replica; });
        return true;
    }

    std::vector<slot> slots_;
};

} // namespace joinery::crdt::detail
