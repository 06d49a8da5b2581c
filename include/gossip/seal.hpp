// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/event.hpp>
#include <gossip/peer.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip {

/// Authenticated encryption of datagrams, the application's own. seal(plain) gives at most
/// overhead() bytes more than it was given; open gives the plain bytes back, or nothing if no key
/// fits or a bit was changed. Nonces are the sealer's affair.
template <class S>
concept datagram_sealer = requires(S& s, const S& c, std::span<const std::byte> bytes) {
    { c.overhead() } -> std::convertible_to<std::size_t>;
    { s.seal(bytes) } -> std::convertible_to<std::vector<std::byte>>;
    { s.open(bytes) } -> std::convertible_to<std::optional<std::vector<std::byte>>>;
};

/// An engine, or a membership, all of whose datagrams are sealed.
///
/// State      the engine and the sealer.
/// Invariant  nothing that the sealer does not open reaches the engine; nothing leaves unsealed.
/// Cost       that of the engine and of sealing.
/// Source     the seam of memberlist's and Serf's keyrings, without their cipher.
template <class Engine, datagram_sealer Sealer>
class sealed {
public:
    /// The engine's max_datagram should leave overhead() bytes of what the path takes.
    sealed(Engine engine, Sealer sealer) : engine_(std::move(engine)), sealer_(std::move(sealer)) {}

    /// As the engine's; what cannot be opened is a foreign cluster's and is counted here.
    receipt receive(std::string_view from, std::span<const std::byte> datagram,
                    time_point now) noexcept {
        try {
            const std::optional<std::vector<std::byte>> plain = sealer_.open(datagram);
            if (plain) return engine_.receive(from, *plain, now);
        } catch (...) { // the sealer's own failure opens nothing
        }
        ++unopened_;
        return {receipt::status::foreign_cluster};
    }

    void tick(time_point now) { engine_.tick(now); }
    time_point next_deadline() const { return engine_.next_deadline(); }

    /// The next sealed datagram; one that does not fit into the buffer is dropped and counted.
    std::optional<outgoing> poll_outgoing(std::span<std::byte> buffer) {
        plain_.resize(buffer.size());
        while (auto next = engine_.poll_outgoing(plain_)) {
            const std::vector<std::byte> bytes = sealer_.seal(std::span(plain_).first(next->size));
            if (bytes.size() > buffer.size()) {
                ++dropped_;
                continue;
            }
            std::memcpy(buffer.data(), bytes.data(), bytes.size());
            next->size = bytes.size();
            return next;
        }
        return std::nullopt;
    }

    auto poll_event() { return engine_.poll_event(); }

    Engine& engine() { return engine_; }
    const Engine& engine() const { return engine_; }
    /// To change keys.
    Sealer& sealer() { return sealer_; }
    std::uint64_t unopened() const { return unopened_; } ///< datagrams that no key has opened
    std::uint64_t dropped() const { return dropped_; }   ///< larger than the buffer when sealed

private:
    Engine engine_;
    Sealer sealer_;
    std::vector<std::byte> plain_;
    std::uint64_t unopened_ = 0;
    std::uint64_t dropped_ = 0;
};

} // namespace joinery::gossip
