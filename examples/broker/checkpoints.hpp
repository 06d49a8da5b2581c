// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../cluster/checkpoint_store.hpp"
#include "../cluster/held_checkpoints.hpp"
#include "aggregates.hpp"
#include "partition_count.hpp"
#include "piece_exchange.hpp"

#include <stream/transfer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace broker {

// The checkpoints of one worker: submits its own, learns by gossip which ones of all partitions are
// complete and which are stable, and fetches and verifies what it lacks of them.
class checkpoints {
public:
    using clock = std::chrono::steady_clock;

    checkpoints(cluster::checkpoint_store& store, piece_exchange exchange)
        : held_(store), exchange_(std::move(exchange)) {}

    // The checkpoints that this worker has on disk.
    const cluster::held_checkpoints<aggregates>& held() const { return held_; }
    std::uint64_t pieces_fetched() const { return exchange_.accepted(); }

    // Tells the others what is stored: whoever knew it may be gone. Precondition: there is a stable
    // checkpoint.
    void announce_stored(engine& node) const {
        aggregates known;
        for (const stream::submission& each : held_.stable()->submissions) {
            wire::error why;
            const auto part =
                partition_count::accumulator::resume(held_.bytes_of(each.member), why);
            if (!part) throw failure("the stored bytes of " + each.member + " do not decode");
            known.counted.advance(each.member, part->state());
            held_.tell(node, each);
        }
        node.merge_local(crdt::difference(known, node.state()));
    }

    // Cuts the epoch that ends here.
    stream::verdict cut(engine& node, partition_count& from, stream::submission& said) {
        const auto bytes = from.cut(said);
        return held_.submit(node, bytes, said);
    }

    // Serves and fetches pieces, keeps what is all here, and vouches for it in the name of the
    // partitions that are counted here.
    void step(engine& node, clock::time_point now, const std::vector<std::string>& partitions) {
        exchange_.step(held_.parts());
        if (now < next_look_) return;
        next_look_ = now + look_interval;
        std::vector<stream::piece> pieces;
        for (const stream::certificate& each : held_.look(node, partitions)) {
            const auto lacking = held_.parts().missing_pieces(each);
            pieces.insert(pieces.end(), lacking.begin(), lacking.end());
        }
        const auto peers = node.members();
        if (pieces.empty() || now < next_question_ || peers.empty()) return;
        // Each time another peer: one of them has cut it, or has it by now.
        exchange_.ask(peers[questions_++ % peers.size()].name, std::move(pieces));
        next_question_ = now + question_interval;
    }

private:
    static constexpr auto look_interval = std::chrono::milliseconds(5);
    static constexpr auto question_interval = std::chrono::milliseconds(30);

    cluster::held_checkpoints<aggregates> held_;
    piece_exchange exchange_;
    clock::time_point next_look_;
    clock::time_point next_question_;
    std::size_t questions_ = 0;
};

} // namespace broker
