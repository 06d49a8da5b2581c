// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint_store.hpp"
#include "held_checkpoints.hpp"
#include "part_exchange.hpp"

#include <gossip/engine.hpp>
#include <stream/transfer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

// The checkpoints of one worker: it submits its own, finds out by gossip which ones of the whole
// cluster are complete and which are stable, and fetches and verifies the parts that it lacks.
// `State` is what is gossiped.
template <class State>
class checkpointing {
public:
    using engine = gossip::engine<State>;

    checkpointing(checkpoint_store& store, part_exchange exchange)
        : held_(store), exchange_(std::move(exchange)) {}

    // The checkpoints that this worker has on disk.
    const held_checkpoints<State>& held() const { return held_; }

    stream::verdict submit(engine& node, const std::vector<std::byte>& bytes,
                           stream::submission& said) {
        return held_.submit(node, bytes, said);
    }

    void cut(bool off) { exchange_.cut(off); }
    void add_to(std::vector<pollfd>& watched) const { exchange_.add_to(watched); }

    // Serves and fetches parts, keeps what is all here, and vouches for it in the name of
    // `partitions`.
    void step(engine& node, gossip::time_point now, const std::vector<std::string>& partitions) {
        const auto find = [this](const wire::digest& root) { return serve(root); };
        const auto arrived = [this](const wire::digest& root, const byte_string& bytes) {
            accept(root, bytes);
        };
        exchange_.step(find, arrived);
        if (now < next_look_) return;
        next_look_ = now + look_interval;
        const auto lacking = held_.look(node, partitions);
        if (lacking.empty()) {
            std::erase_if(attempts_,
                          [](const auto& each) { return each.first != which_is_stable; });
        }
        if (!node.state().checkpoints.latest()) request(node, which_is_stable, {}, now);
        for (const stream::certificate& from : lacking) {
            for (const stream::want& each : held_.parts().wants(from)) fetch(node, from, each, now);
        }
    }

    std::uint64_t parts_fetched() const { return fetched_; }
    std::uint64_t parts_refused() const { return refused_; }

private:
    static constexpr auto look_interval = std::chrono::milliseconds(20);
    static constexpr auto retry_interval = std::chrono::milliseconds(200);

    // Asked for like a part: the certificate of the newest stable checkpoint that the peer has.
    static constexpr wire::digest which_is_stable{};

    struct attempt {
        std::size_t count = 0;
        gossip::time_point next;
    };

    std::optional<byte_string> serve(const wire::digest& root) {
        if (root != which_is_stable) return held_.parts().serve(root);
        if (held_.stable() == nullptr) return std::nullopt;
        return wire::encode(*held_.stable());
    }
    void accept(const wire::digest& root, const byte_string& bytes) {
        if (root == which_is_stable) {
            wire::error ignored;
            auto told = wire::try_decode<stream::certificate>(bytes, {}, ignored);
            if (told) held_.hear(std::move(*told));
            return;
        }
        const auto result = held_.parts().accept(bytes);
        fetched_ += result == stream::accept_result::accepted ? 1U : 0U;
        refused_ += result == stream::accept_result::wrong ? 1U : 0U;
    }

    void fetch(engine& node, const stream::certificate& from, const stream::want& what,
               gossip::time_point now) {
        std::string submitter;
        for (const auto& each : from.submissions) {
            if (each.root == what.root) submitter = each.worker;
        }
        request(node, what.root, submitter, now);
    }
    // Asks the worker that was named, and on every retry the next one of the others.
    void request(engine& node, const wire::digest& root, const std::string& first,
                 gossip::time_point now) {
        attempt& tried = attempts_[root];
        if (exchange_.busy() || exchange_.fetching(root) || now < tried.next) return;
        std::vector<std::string> addresses;
        for (const auto& peer : node.members()) {
            if (peer.name == first) {
                addresses.insert(addresses.begin(), std::string(peer.address));
            } else {
                addresses.emplace_back(peer.address);
            }
        }
        if (addresses.empty()) return;
        exchange_.request(root, addresses[tried.count++ % addresses.size()]);
        tried.next = now + retry_interval;
    }

    held_checkpoints<State> held_;
    part_exchange exchange_;
    std::map<wire::digest, attempt> attempts_;
    gossip::time_point next_look_;
    std::uint64_t fetched_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace cluster
