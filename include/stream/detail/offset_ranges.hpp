// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace joinery::stream::detail {

/// A set of offsets.
///
/// State      ranges [begin, end), ascending, with offsets between them that are not in the set.
/// Join       union.
/// Cost       contains O(log ranges); merge O(ranges).
class offset_ranges {
public:
    struct range {
        std::uint64_t begin = 0;
        std::uint64_t end = 0;

        friend bool operator==(const range&, const range&) = default;
    };

    static constexpr std::string_view schema_name = "offset_ranges";

    offset_ranges() = default;
    offset_ranges(std::uint64_t begin, std::uint64_t end) {
        if (begin < end) ranges_.push_back({begin, end});
    }

    const std::vector<range>& ranges() const { return ranges_; }
    bool contains(std::uint64_t offset) const {
        const auto at = after(offset);
        return at != ranges_.begin() && offset < std::prev(at)->end;
    }
    /// Whether a further offset would stand alone.
    bool adjoins(std::uint64_t offset) const {
        const auto at = after(offset);
        return (at != ranges_.begin() && std::prev(at)->end == offset) ||
               (at != ranges_.end() && at->begin == offset + 1);
    }

    bool merge(const offset_ranges& other) {
        if (other.leq(*this)) return false;
        std::vector<range> both;
        both.reserve(ranges_.size() + other.ranges_.size());
        std::merge(ranges_.begin(), ranges_.end(), other.ranges_.begin(), other.ranges_.end(),
                   std::back_inserter(both),
                   [](const range& a, const range& b) { return a.begin < b.begin; });
        std::size_t kept = 0; // in place: what could fail is done, and nothing here was changed
        for (const range& each : both) {
            if (kept == 0 || both[kept - 1].end < each.begin)
                both[kept++] = each;
            else
                both[kept - 1].end = std::max(both[kept - 1].end, each.end);
        }
        both.resize(kept);
        ranges_ = std::move(both);
        return true;
    }

    bool leq(const offset_ranges& other) const {
        return std::all_of(ranges_.begin(), ranges_.end(), [&](const range& each) {
            const auto at = other.after(each.begin);
            return at != other.ranges_.begin() && each.end <= std::prev(at)->end;
        });
    }

    offset_ranges difference(const offset_ranges& known) const {
        offset_ranges lacking;
        auto at = known.ranges_.begin();
        for (const range& each : ranges_) {
            std::uint64_t begin = each.begin;
            while (at != known.ranges_.end() && at->end <= begin) ++at;
            for (auto over = at; over != known.ranges_.end() && over->begin < each.end; ++over) {
                if (begin < over->begin) lacking.ranges_.push_back({begin, over->begin});
                begin = over->end;
            }
            if (begin < each.end) lacking.ranges_.push_back({begin, each.end});
        }
        return lacking;
    }

    void write(wire::writer& w) const {
        w.varint(ranges_.size());
        std::uint64_t last = 0;
        for (const range& each : ranges_) {
            w.varint(each.begin - last);
            w.varint(each.end - each.begin);
            last = each.end;
        }
    }
    void read(wire::reader& r) {
        ranges_.clear();
        std::uint64_t last = 0;
        for (auto n = r.count(2, 3 * sizeof(ranges_[0])); n > 0 && r.ok(); --n) {
            const auto gap = r.varint(), length = r.varint();
            const bool whole = length != 0 && (gap != 0 || ranges_.empty());
            if (r.ok() && (!whole || gap > most - last || length > most - last - gap))
                r.fail(wire::errc::non_canonical);
            if (!r.ok()) return;
            ranges_.push_back({last + gap, last + gap + length});
            last += gap + length;
        }
    }

    friend bool operator==(const offset_ranges&, const offset_ranges&) = default;

private:
    static constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

    /// The first range that begins above the offset.
    std::vector<range>::const_iterator after(std::uint64_t offset) const {
        return std::upper_bound(ranges_.begin(), ranges_.end(), offset,
                                [](std::uint64_t o, const range& each) { return o < each.begin; });
    }

    std::vector<range> ranges_;
};

} // namespace joinery::stream::detail
