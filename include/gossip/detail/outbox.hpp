// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/config.hpp>
#include <gossip/detail/allowances.hpp>
#include <gossip/detail/blobs.hpp>
#include <gossip/detail/contacts.hpp>
#include <gossip/detail/frame.hpp>
#include <gossip/detail/lanes.hpp>
#include <gossip/detail/message.hpp>
#include <gossip/event.hpp>
#include <gossip/random.hpp>
#include <gossip/statistics.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The sending side of an engine: its name, whom it knows, what waits to be sent.
///
/// State      as its base; the frame, blobs on offer, the lanes.
/// Invariant  no datagram is above the configured size; to an address that has not proven itself
///            no more is said than came from it.
class outbox : public contacts {
public:
    outbox(config given, std::uint64_t seed)
        : contacts(std::move(given), seed),
          large(settings.max_blob + blob_overhead, settings.relay_bytes),
          lanes_(settings.bulk_bytes, settings.max_datagram) {}

    /// Becomes the given incarnation. Throws std::invalid_argument if no datagram can be made.
    void rename(std::uint64_t incarnation, const wire::keyed_hasher& hasher) {
        if (settings.name.size() > max_text || settings.address.size() > max_text)
            throw std::invalid_argument("gossip: name or address above 255 bytes");
        if (settings.name.empty()) throw std::invalid_argument("gossip: no name");
        settings.incarnation = incarnation;
        self = identity(settings);
        frame_ = frame(settings.cluster, hasher, {settings.name, incarnation, settings.address});
        for (const auto& each : settings.former_secrets)
            frame_.also_know(settings.cluster, wire::keyed_hasher(each));
        if (settings.max_datagram < frame_.overhead() + least_room)
            throw std::invalid_argument("gossip: max_datagram is too small");
        if (settings.interval <= duration::zero())
            throw std::invalid_argument("gossip: interval must be positive");
        begin_membership(room());
    }

    /// Is reached at another address from now on.
    announcement announce_address(const std::string& address) {
        if (!group) return announcement::no_membership;
        if (group->silent()) return announcement::silent;
        frame moved = frame_;
        moved.identify({settings.name, settings.incarnation, address});
        if (address.size() > max_text || settings.max_datagram < moved.overhead() + least_room ||
            !group->present(address, settings.metadata, settings.max_datagram - moved.overhead()))
            return announcement::too_large;
        settings.address = address;
        frame_ = std::move(moved);
        return announcement::announced;
    }
    announcement announce_metadata(std::vector<std::byte> metadata) {
        if (!group) return announcement::no_membership;
        if (group->silent()) return announcement::silent;
        if (metadata.size() > max_metadata || !group->present(settings.address, metadata, room()))
            return announcement::too_large;
        settings.metadata = std::move(metadata);
        return announcement::announced;
    }

    /// The bytes of a message that fit into one datagram.
    std::size_t room() const { return settings.max_datagram - frame_.overhead(); }
    /// The same for a message to an address that may not have proven itself yet; may be below zero.
    std::size_t answer_room(const std::string& to) const {
        return to == answering_ ? std::min(room(), answer_room_ - frame_.overhead()) : room();
    }

    template <class Message>
    void send(const std::string& to, const Message& message,
              traffic_class cls = traffic_class::urgent,
              std::span<const std::uint64_t> marks = {}) {
        rewrite(scratch_, [&](wire::writer& w) { write_message(w, message); });
        send_bytes(to, scratch_, cls, marks);
        if (scratch_.capacity() > 2 * settings.max_datagram) scratch_ = {};
    }

    /// False if the receiver has to speak again first.
    bool send_bytes(const std::string& to, bytes_view message, traffic_class cls,
                    std::span<const std::uint64_t> marks = {}) {
        if (group && group->silent() && !is_membership(message[0])) return true;
        std::vector<std::byte> offer;
        if (message.size() > room()) {
            if (!large.acceptable(message.size())) {
                too_large(message.size());
                return true;
            }
            ++stats.blobs_offered;
            offer = encode_message(large.serve({message.begin(), message.end()}));
            message = offer;
        }
        const auto what = static_cast<kind>(message[0]);
        if (!may_send(to, message.size() + frame_.overhead(), what)) {
            ++stats.dropped_unproven;
            return false;
        }
        const bool small = is_membership(message[0]) || what == kind::digest || what == kind::pull;
        if (lanes_.size() >= settings.max_outgoing) {
            ++stats.dropped_outgoing;
            return true;
        }
        stats.bytes_out_by_kind[std::to_integer<std::size_t>(message[0])] += message.size();
        const bool urgent = small && cls == traffic_class::urgent;
        lanes_.add(to, message.size() + frame_.overhead(), urgent, marks,
                   [&](std::span<std::byte> place) { frame_.seal(message, place); });
        return true;
    }

    std::optional<outgoing> poll(std::span<std::byte> buffer) { return lanes_.poll(buffer, stats); }

    std::size_t waiting() const { return lanes_.size(); } ///< datagrams

    /// It has returned a number that only it was told.
    void prove(peer_record& record) {
        record.known.verified = true;
        unproven_.forget(record.known.address);
        if (record.known.address == answering_) answering_.clear();
        if (!group) return;
        const std::uint32_t id = group->table.find(record.known.name);
        if (id != nowhere && group->table.address(id) == record.known.address)
            group->table.verify(id);
    }

    static bool is_membership(std::byte number) {
        const auto what = static_cast<kind>(number);
        return what >= kind::ping && what <= kind::page;
    }

    blobs large;

protected:
    static constexpr std::size_t least_room = 192;
    static constexpr std::size_t blob_overhead = 1024;

    lanes lanes_;
    frame frame_;
    std::string answering_; ///< to whom no more may be said than answer_room_
    std::size_t answer_room_ = 0;
    allowances unproven_{2 * settings.max_peers};

private:
    bool may_send(const std::string& to, std::size_t bytes, kind what) {
        if (to != answering_) return may_say(to, bytes, what);
        if (bytes > answer_room_) return false; // has not proven yet that it is there
        answer_room_ -= bytes;
        return true;
    }

    bool may_say(const std::string& to, std::size_t bytes, kind what) {
        if (unproven_.empty() || !unproven_.holds(to)) return true;
        // What is left last is for membership's ping that asks for the proof.
        const bool spare = group && what != kind::ping;
        const std::size_t rest = spare ? least_room + frame_.overhead() : 0;
        if (!proven(to)) return unproven_.spend(to, bytes, rest);
        unproven_.forget(to);
        return true;
    }

    std::vector<std::byte> scratch_; ///< where messages are written
};

} // namespace joinery::gossip::detail
