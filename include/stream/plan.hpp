// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace joinery::stream {

/// Which partitions a checkpoint consists of, from one epoch on. Who works on them is not part of
/// it: a partition that moves to another worker needs no new plan.
///
/// State      generation; the partitions' names, ascending; the first epoch the plan is meant for.
/// Invariant  an epoch belongs to the plan of the highest generation that begins at or before it.
/// Source     Bytewax #181: participants that are not pinned let a resumed cluster skip data.
struct plan {
    static constexpr std::string_view schema_name = "plan";

    std::uint64_t generation = 0;
    std::vector<std::string> members;
    std::uint64_t from = 0;

    /// Names the plan by its content. Precondition: members ascend strictly (see normalize).
    wire::digest id() const {
        wire::writer w;
        write(w);
        return wire::content_digest(w.bytes());
    }

    /// Precondition: members ascend strictly.
    bool has(std::string_view member) const {
        return std::binary_search(members.begin(), members.end(), member);
    }

    /// Sorts the members and drops repeated ones.
    void normalize() {
        std::sort(members.begin(), members.end());
        members.erase(std::unique(members.begin(), members.end()), members.end());
    }

    void write(wire::writer& w) const {
        w.varint(generation);
        w.varint(from);
        wire::put(w, members);
    }
    void read(wire::reader& r) {
        generation = r.varint();
        from = r.varint();
        wire::get(r, members);
        const auto falls = [](const auto& a, const auto& b) { return a >= b; };
        if (std::adjacent_find(members.begin(), members.end(), falls) != members.end())
            r.fail(wire::errc::non_canonical);
    }

    friend auto operator<=>(const plan&, const plan&) = default;
};

} // namespace joinery::stream
