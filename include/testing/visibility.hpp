// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

/// What replicas did and what they had seen then, said with the containers of the standard library.
/// Nothing of crdt/ is included here. The models of spec.hpp are functions of it.
namespace joinery::testing {

/// The n-th operation (from 0) of a replica: replica * 16 + n.
using event_id = std::size_t;

/// A set of operations, a bit each.
using event_set = std::uint64_t;

inline constexpr std::size_t max_own_events = 16;
inline constexpr std::size_t max_modelled_replicas = 4;

inline event_set just(event_id id) { return event_set{1} << id; }
inline bool contains(event_set set, event_id id) { return (set >> id & 1) != 0; }
inline std::size_t replica_of(event_id id) { return id / max_own_events; }

/// All operations of all replicas.
///
/// State      id -> what was done, the operations that its replica had seen just before, and
///            those of them that it takes back.
/// Value      a replica shows a function of this and of the set of operations that it has seen.
/// Invariant  ids of one replica rise in the order in which it acted.
template <class Operation>
class visibility {
public:
    struct event {
        Operation what;
        event_set seen = 0;
        event_set takes = 0;
    };

    void add(event_id id, Operation what, event_set seen, event_set takes = 0) {
        events_.insert_or_assign(id, event{std::move(what), seen, takes});
    }
    void drop(event_id id) { events_.erase(id); }
    const std::map<event_id, event>& all() const { return events_; }

    /// Calls f(id, event) for each operation in a set.
    template <class F>
    void for_each(event_set visible, F f) const {
        for (const auto& [id, each] : events_)
            if (contains(visible, id)) f(id, each);
    }

    /// Those of a set that no operation of the set takes back.
    event_set left(event_set visible) const {
        event_set taken = 0;
        for_each(visible, [&](event_id, const event& each) { taken |= each.takes; });
        return visible & ~taken;
    }

    /// The operations that `part` maps to one of another kind, under their ids.
    template <class Inner, class F>
    visibility<Inner> mapped(F part) const {
        visibility<Inner> some;
        for (const auto& [id, each] : events_)
            if (std::optional<Inner> inner = part(each.what))
                some.add(id, *inner, each.seen, each.takes);
        return some;
    }

private:
    std::map<event_id, event> events_;
};

} // namespace joinery::testing
