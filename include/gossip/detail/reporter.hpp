// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/config.hpp>
#include <gossip/detail/peers.hpp>
#include <gossip/event.hpp>
#include <gossip/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

namespace joinery::gossip::detail {

/// What an engine tells its application: events that wait to be polled, and counters.
///
/// Invariant  at most max_events wait; the oldest are dropped and counted.
class reporter {
public:
    explicit reporter(config given) : settings(std::move(given)) {}

    void tell(event happened) {
        if (events_.size() >= std::max<std::size_t>(settings.max_events, 1)) {
            events_.pop_front();
            ++stats.dropped_events;
        }
        events_.push_back(std::move(happened));
    }
    void tell(event_kind kind, const peer_record& about, std::uint64_t amount = 0) {
        tell({kind, about.known.name, about.known.address, {}, amount, {}});
    }
    void too_large(std::size_t bytes) {
        ++stats.items_too_large;
        tell({event_kind::item_too_large, settings.name, settings.address, {}, bytes, {}});
    }
    std::optional<event> poll_event() {
        if (events_.empty()) return std::nullopt;
        event first = std::move(events_.front());
        events_.pop_front();
        return first;
    }

    /// Counts a datagram that was refused, by its reason. Null, for who has to return one.
    peer_record* refuse(receipt& result, enum receipt::status why) {
        result.status = why;
        using s = gossip::statistics;
        static constexpr std::uint64_t s::*counters[] = {nullptr,
                                                         &s::refused_foreign,
                                                         &s::refused_old_secret,
                                                         &s::refused_malformed,
                                                         &s::refused_unsupported,
                                                         &s::refused_oversized,
                                                         &s::refused_clock,
                                                         &s::refused_own,
                                                         &s::refused_stale};
        if (const auto counter = counters[static_cast<std::size_t>(why)]) ++(stats.*counter);
        return nullptr;
    }

    config settings;
    gossip::statistics stats;

private:
    std::deque<event> events_;
};

} // namespace joinery::gossip::detail
