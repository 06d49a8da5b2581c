// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stream/detail/records.hpp>
#include <stream/submission.hpp>

#include <cstdint>
#include <iterator>
#include <optional>
#include <string>

namespace joinery::stream {

/// Where the input of a submission does not meet that of the neighbouring epochs.
struct offset_mismatch {
    std::string partition;
    std::uint64_t expected = 0;
    std::uint64_t got = 0;

    friend bool operator==(const offset_mismatch&, const offset_mismatch&) = default;
};

} // namespace joinery::stream

namespace joinery::stream::detail {

/// The claims on one input partition in the epochs that are retained.
class claims {
public:
    claims(const records& all, const submission& what, const std::string& partition)
        : all_(all), what_(what), partition_(partition) {}

    /// What is wrong with the range, if anything: it must begin where the epoch before ended and
    /// end where the next one begins, and not overlap further ones or another member's claim.
    std::optional<offset_mismatch> mismatch(const offset_range& range) const {
        if (range.begin > range.end) return offset_mismatch{partition_, range.begin, range.end};
        if (const auto other = of_another_member())
            return offset_mismatch{partition_, other->end, range.begin};
        if (const auto end = broken_before(range.begin))
            return offset_mismatch{partition_, *end, range.begin};
        if (const auto begin = broken_after(range.end))
            return offset_mismatch{partition_, *begin, range.end};
        return std::nullopt;
    }

private:
    /// f(range) for each claim in an epoch: the member's own, or else those of the others.
    template <class F>
    void for_each(std::uint64_t epoch, F f) const {
        bool own = false;
        for (const auto& entry : all_.plans) {
            const auto at = all_.cells.find({epoch, entry.first, what_.member});
            if (at != all_.cells.end()) own |= visit(at->second, f);
        }
        // Nobody else claims a partition that is itself the member.
        if (own || partition_ == what_.member) return;
        for (auto at = all_.cells.lower_bound({epoch, {}, {}});
             at != all_.cells.end() && at->first.epoch == epoch; ++at)
            visit(at->second, f);
    }

    template <class F>
    bool visit(const cell& each, F f) const {
        bool any = false;
        for (const auto& item : each.kept()) {
            const auto found = item.what.offsets.find(partition_);
            if (found == item.what.offsets.end()) continue;
            any = true;
            f(found->second);
        }
        return any;
    }

    std::optional<offset_range> of_another_member() const {
        std::optional<offset_range> found;
        if (partition_ == what_.member) return found;
        for (auto at = all_.cells.lower_bound({what_.epoch, {}, {}});
             at != all_.cells.end() && at->first.epoch == what_.epoch; ++at)
            if (at->first.under.id == what_.plan && at->first.member != what_.member)
                visit(at->second, [&](const offset_range& range) { found = range; });
        return found;
    }

    std::optional<std::uint64_t> broken_before(std::uint64_t begin) const {
        for (auto at = all_.cells.lower_bound({what_.epoch, {}, {}}); at != all_.cells.begin();) {
            const std::uint64_t epoch = std::prev(at)->first.epoch;
            const bool adjacent = epoch + 1 == what_.epoch;
            std::optional<std::uint64_t> wanted;
            bool fits = false;
            for_each(epoch, [&](const offset_range& range) {
                if (!wanted) wanted = range.end;
                fits |= adjacent ? range.end == begin : range.end <= begin;
            });
            if (fits) return std::nullopt;
            if (wanted) return wanted;
            at = all_.cells.lower_bound({epoch, {}, {}});
        }
        return std::nullopt;
    }

    std::optional<std::uint64_t> broken_after(std::uint64_t end) const {
        std::uint64_t last = what_.epoch;
        while (last + 1 != 0) {
            const auto at = all_.cells.lower_bound({last + 1, {}, {}});
            if (at == all_.cells.end()) break;
            const std::uint64_t epoch = at->first.epoch;
            const bool adjacent = epoch == what_.epoch + 1;
            std::optional<std::uint64_t> wanted;
            bool fits = false;
            for_each(epoch, [&](const offset_range& range) {
                if (!wanted) wanted = range.begin;
                fits |= adjacent ? range.begin == end : range.begin >= end;
            });
            if (fits) return std::nullopt;
            if (wanted) return wanted;
            last = epoch;
        }
        return std::nullopt;
    }

    const records& all_;
    const submission& what_;
    const std::string& partition_;
};

inline std::optional<offset_mismatch> wrong_offsets(const records& all, const submission& what) {
    for (const auto& [partition, range] : what.offsets)
        if (auto found = claims(all, what, partition).mismatch(range)) return found;
    return std::nullopt;
}

} // namespace joinery::stream::detail
