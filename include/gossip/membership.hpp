// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/frame.hpp>
#include <gossip/detail/swim.hpp>
#include <gossip/event.hpp>
#include <gossip/membership_config.hpp>
#include <gossip/peer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip {

/// Who is there: each member's own view, which others' views come to equal.
///
/// State      itself, the members, the questions that are open, the news to tell.
/// Value      copyable; the same calls on copies give the same bytes and events.
/// Invariant  no clock, thread, socket or chance but the seed; no datagram above max_datagram; a
///            source that has not returned a number is answered no more than it has said.
/// Cost       idle: a ping and an ack a period; a datagram O(records log members).
/// Source     SWIM, Das et al. 2002; Lifeguard, Dadgar et al. 2017.
class membership {
public:
    /// Throws std::invalid_argument for a configuration that no datagram can be made for.
    membership(membership_config settings, std::uint64_t seed)
        : frame_(settings.cluster, wire::keyed_hasher(settings.secret),
                 {settings.name, settings.incarnation, settings.address}),
          swim_(settings, seed, room_of(settings, frame_)) {
        for (const auto& each : settings.former_secrets)
            frame_.also_know(settings.cluster, wire::keyed_hasher(each));
    }

    /// Takes a datagram that came from `from`, the address to answer to if the sender names none.
    receipt receive(std::string_view from, std::span<const std::byte> datagram, time_point now) {
        swim_.advance(now);
        detail::sender& who = sender_;
        detail::bytes_view message;
        receipt result{frame_.open(datagram, {}, who, message)};
        if (result.status == receipt::status::old_secret) answer_old(from, datagram);
        if (result.status != receipt::status::ok) return result;
        const auto number = std::to_integer<std::uint8_t>(message.front());
        const auto what = static_cast<detail::kind>(number);
        if (what == detail::kind::rekeyed) {
            tell_outdated(from);
            return result;
        }
        if (what < detail::kind::ping || what > detail::kind::page)
            return {receipt::status::unsupported};
        if (who.address.empty()) who.address = from;
        detail::bytes_view attached;
        const std::size_t overhead = frame_.overhead();
        const std::size_t room = datagram.size() > overhead ? datagram.size() - overhead : 0;
        if (!swim_.handle(who, who.address, from, what, message.subspan(1), room, attached))
            result.status = receipt::status::malformed;
        return result;
    }

    /// Does what is due. Late, repeated and backward ticks are harmless.
    void tick(time_point now) {
        swim_.advance(now);
        swim_.tick();
    }

    /// When tick has something to do next; time_point::min() before the first.
    time_point next_deadline() const { return swim_.next_deadline(); }

    /// Writes the next datagram into the buffer, which should have max_datagram bytes.
    std::optional<outgoing> poll_outgoing(std::span<std::byte> buffer) {
        if (const auto extra = std::exchange(extra_, std::nullopt);
            extra && extra->bytes.size() <= buffer.size()) {
            std::memcpy(buffer.data(), extra->bytes.data(), extra->bytes.size());
            return outgoing{extra->to, extra->bytes.size(), traffic_class::urgent};
        }
        while (swim_.poll(said_)) {
            if (said_.probe) said_.carry({}, room_of(swim_.settings, frame_));
            const std::size_t size = frame_.overhead() + said_.bytes.size();
            if (size > buffer.size()) continue;
            frame_.seal(said_.bytes, buffer.first(size));
            return outgoing{std::move(said_.to), size, traffic_class::urgent};
        }
        return std::nullopt;
    }

    std::optional<event> poll_event() { return swim_.poll_event(); }

    /// All that are known, this member itself excepted, by name.
    std::vector<peer> members() const { return swim_.members(); }
    /// Those of them that are alive or only suspected.
    std::size_t live_count() const { return swim_.live_count(); }

    /// Says goodbye; what is left to say is polled, and nothing more is answered.
    void leave() { swim_.leave(); }
    bool has_left() const { return swim_.leaving(); }
    /// Whether another live process of this name has won: this one is silent then.
    bool displaced() const { return swim_.displaced(); }

    void set_metadata(std::vector<std::byte> metadata) {
        if (metadata.size() > detail::max_metadata)
            throw std::invalid_argument("gossip: metadata above 512 bytes");
        if (!swim_.present(swim_.settings.address, std::move(metadata),
                           room_of(swim_.settings, frame_)))
            throw std::invalid_argument("gossip: metadata do not fit into a datagram");
    }
    void set_address(const std::string& address) {
        if (address.size() > detail::max_text)
            throw std::invalid_argument("gossip: address above 255 bytes");
        detail::frame moved = frame_;
        moved.identify({swim_.settings.name, swim_.settings.incarnation, address});
        if (!swim_.present(address, swim_.settings.metadata, room_of(swim_.settings, moved)))
            throw std::invalid_argument("gossip: the address does not fit into a datagram");
        frame_ = std::move(moved);
    }

    /// Whether the stranger that an event join_requested told of may come in.
    void admit(const std::string& name, bool yes) { swim_.admit(name, yes); }

    /// How badly this member itself is doing: 0 well, 8 hardly at all; its patience grows with it.
    unsigned health() const { return swim_.health(); }
    const membership_statistics& counts() const { return swim_.counts; }

private:
    static std::size_t room_of(const membership_config& settings, const detail::frame& frame) {
        if (settings.max_datagram < frame.overhead() + 256)
            throw std::invalid_argument("gossip: max_datagram is too small");
        return settings.max_datagram - frame.overhead();
    }

    // Whoever still has a former secret is told so, in the frame that it understands.
    void answer_old(std::string_view from, detail::bytes_view datagram) {
        auto bytes = frame_.seal_as(datagram, {static_cast<std::byte>(detail::kind::rekeyed)});
        if (bytes.size() <= datagram.size())
            extra_ = detail::member_view::out{std::string(from), std::move(bytes)};
    }
    void tell_outdated(std::string_view from) {
        if (std::exchange(outdated_told_, true)) return;
        swim_.tell({event_kind::secret_outdated, {}, std::string(from), {}, 0, {}});
    }

    detail::frame frame_;
    detail::swim swim_;
    std::optional<detail::member_view::out> extra_; ///< a whole datagram
    detail::sender sender_;                         ///< of the latest datagram
    detail::swim::out said_;                        ///< the latest message
    bool outdated_told_ = false;
};

} // namespace joinery::gossip
