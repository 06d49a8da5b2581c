// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/g_map.hpp>
#include <crdt/struct.hpp>
#include <stream/detail/offset_ranges.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::stream {

/// What an input record is, by its offset.
enum class admission : std::uint8_t {
    fresh,
    duplicate, ///< admitted before: drop it
    gap        ///< too far out of order: not admitted, nothing has changed
};

/// Which input was processed: drops replayed and repeated records.
///
/// State      partition -> the offsets admitted: a prefix, and ranges beyond its gaps.
/// Join       union.
/// Invariant  admit keeps at most max_ranges ranges beyond the prefix of a partition; merge, which
///            must be lawful, keeps what it gets.
/// Cost       admit O(log ranges) to ask and O(ranges) to note.
/// Source     the interval sets of causal contexts; librdkafka #2605: resuming at last instead of
///            last + 1.
struct offset_filter {
    using partitions = crdt::g_map<std::string, detail::offset_ranges>;

    BOOST_HANA_DEFINE_STRUCT(offset_filter, (partitions, admitted));
    static constexpr std::string_view schema_name = "offset_filter";
    static constexpr std::size_t max_ranges = 64;

    /// Says what the record at `offset` is, notes it if it is fresh, and returns the delta. With
    /// `ranges` of 0 every offset but the next one is a gap. The last of all offsets is one too.
    std::pair<admission, offset_filter> admit(const std::string& partition, std::uint64_t offset,
                                              std::size_t ranges = max_ranges) {
        const auto* seen = admitted.find(partition);
        if (seen != nullptr && seen->contains(offset)) return {admission::duplicate, {}};
        if (offset == std::numeric_limits<std::uint64_t>::max()) return {admission::gap, {}};
        const bool next = offset == prefix(partition);
        if (!next && beyond(partition) + (adjoins(partition, offset) ? 0 : 1) > ranges)
            return {admission::gap, {}};
        return {admission::fresh, note(partition, offset, offset + 1)};
    }

    /// Counts everything before `offset` as processed: what a restored checkpoint covers.
    offset_filter start_at(const std::string& partition, std::uint64_t offset) {
        return note(partition, 0, offset);
    }

    /// The first offset that was not admitted: where to resume reading.
    std::uint64_t prefix(const std::string& partition) const {
        const auto* seen = admitted.find(partition);
        if (seen == nullptr || seen->ranges().front().begin != 0) return 0;
        return seen->ranges().front().end;
    }

    /// The ranges [begin, end) below the highest offset admitted that are still to come.
    std::vector<std::pair<std::uint64_t, std::uint64_t>> gaps(const std::string& partition) const {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> found;
        const auto* seen = admitted.find(partition);
        std::uint64_t last = 0;
        for (std::size_t i = 0; seen != nullptr && i < seen->ranges().size(); ++i) {
            const auto& each = seen->ranges()[i];
            if (last < each.begin) found.emplace_back(last, each.begin);
            last = each.end;
        }
        return found;
    }

    friend bool operator==(const offset_filter&, const offset_filter&) = default;

private:
    std::size_t beyond(const std::string& partition) const { return gaps(partition).size(); }
    bool adjoins(const std::string& partition, std::uint64_t offset) const {
        const auto* seen = admitted.find(partition);
        return seen != nullptr && seen->adjoins(offset);
    }

    offset_filter note(const std::string& partition, std::uint64_t begin, std::uint64_t end) {
        offset_filter delta;
        delta.admitted =
            admitted.update({}, partition, [&](detail::offset_ranges& seen, crdt::replica_id) {
                auto fresh = detail::offset_ranges(begin, end).difference(seen);
                seen.merge(fresh);
                return fresh;
            });
        return delta;
    }
};

} // namespace joinery::stream
