// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cost.hpp"
#include "spreading.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

// Clusters that would take hours to meet by themselves: each member pings three strangers a second
// until all have answered. Here each engine is sent, one after another, what every other would say
// to it on that day, as bytes: the first ping that the other has really made, and the answer to the
// number that this ping is answered with. The other engine itself does not see the exchange; it has
// its own with this one. Nothing is set up by other means than receive().
namespace joinery::bench::gossiping {

/// What an engine says to strangers: its first ping, and the answer to a challenge.
class introduction {
public:
    introduction(const std::string& name, watched& of, gossip::time_point now)
        : frame_("joinery", wire::keyed_hasher({}), {name, 0, name}) {
        of.tick(now);
        for (auto& sent : drain(of)) {
            if (!ping.empty() || !read(sent, gossip::detail::kind::ping, asked_)) continue;
            ping = std::move(sent);
        }
    }

    /// What answers an ack, if it carries a challenge.
    std::vector<std::byte> answer(std::span<const std::byte> ack) {
        gossip::detail::probe_message met, reply;
        if (!read(ack, gossip::detail::kind::ack, met) || met.challenge == 0) return {};
        reply.nonce = met.challenge;
        reply.self = asked_.self;
        reply.self.table = met.self.table; // what differs would be told page by page
        wire::writer w;
        w.u8(static_cast<std::uint8_t>(gossip::detail::kind::ack));
        reply.write(w);
        gossip::detail::put_bytes(w, {});
        return frame_.seal(w.bytes());
    }

    std::vector<std::byte> ping;

private:
    bool read(std::span<const std::byte> datagram, gossip::detail::kind wanted,
              gossip::detail::probe_message& into) const {
        gossip::detail::sender who;
        gossip::detail::bytes_view body;
        if (frame_.open(datagram, {}, who, body) != gossip::receipt::status::ok) return false;
        if (static_cast<gossip::detail::kind>(body[0]) != wanted) return false;
        wire::reader r(body.subspan(1));
        into.read(r);
        return r.ok();
    }

    gossip::detail::frame frame_;
    gossip::detail::probe_message asked_;
};

/// So many engines that have proven themselves to each other and have no news left to tell.
inline network crowd(std::size_t nodes, std::uint64_t seed) {
    network net(seed, with_loss(0));
    for (std::size_t node = 0; node < nodes; ++node)
        net.add(name_of(node), watched(config_of(node, nodes), seed * 100'000 + node));
    std::vector<introduction> all;
    for (std::size_t node = 0; node < nodes; ++node)
        all.emplace_back(name_of(node), net.engine(node), net.now());
    std::vector<std::byte> buffer(2048);
    for (std::size_t node = 0; node < nodes; ++node) {
        watched& at = net.engine(node);
        for (std::size_t other = 0; other < nodes; ++other) {
            if (other == node) continue;
            const std::string name = name_of(other);
            at.receive(name, all[other].ping, net.now());
            while (const auto sent = at.poll_outgoing(std::span(buffer)))
                if (sent->to == name)
                    at.receive(name, all[other].answer(std::span(buffer).first(sent->size)),
                               net.now());
            while (at.poll_event()) {}
        }
    }
    net.run_for(20s); // what news there is has been told then
    return net;
}

/// Idle bytes a node and second, of a cluster at rest.
inline double idle_bytes(network& net) {
    const auto before = net.bytes_sent();
    net.run_for(30s);
    return static_cast<double>(net.bytes_sent() - before) / 30 / static_cast<double>(net.size());
}

inline void of_ten_thousand(rows& into) {
    double small = 0;
    {
        network thousand = crowd(1000, 4);
        small = idle_bytes(thousand);
    }
    network net = crowd(10'000, 4);
    into.figure("idle bytes per node and second, 10000 over 1000", "", idle_bytes(net) / small,
                {1.15, 1.1});
    tell_rounds(into, net.size(), {0, {9, 8}}, rounds_of(net, 10));
    net.set_faults(with_loss(10));
    tell_rounds(into, net.size(), {10, {10, 9}}, rounds_of(net, 5, 10));
}

} // namespace joinery::bench::gossiping
