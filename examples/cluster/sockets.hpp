// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "part_exchange.hpp"
#include "udp_socket.hpp"

#include <gossip/peer.hpp>

#include <chrono>
#include <cstdint>
#include <utility>

namespace cluster {

namespace gossip = joinery::gossip;

inline gossip::time_point steady_now() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return gossip::time_point(std::chrono::duration_cast<gossip::duration>(since));
}

// The sockets of a worker: gossip over UDP and checkpoint parts over TCP at one port number, so
// that a member's gossip address is also where its parts are.
struct sockets {
    udp_socket datagrams;
    part_exchange parts;

    static sockets open(std::uint16_t port) {
        for (int attempt = 1;; ++attempt) {
            udp_socket datagrams(port);
            try {
                part_exchange parts(datagrams.port());
                return {std::move(datagrams), std::move(parts)};
            } catch (const failure&) {
                // A port that is free for UDP may be taken for TCP: any other will do.
                if (port != 0 || attempt == 50) throw;
            }
        }
    }
};

} // namespace cluster
