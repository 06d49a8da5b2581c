// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "aggregates.hpp"
#include "nats_client.hpp"

#include <stream/transfer.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace broker {

// Pieces of checkpoint bytes by request and answer over the broker. A request lists pieces; each
// one that is held here goes back as a message of its own. What an answer belongs to, the
// receiver finds out by its digest.
class piece_exchange {
public:
    piece_exchange(nats_client& broker, const std::string& worker)
        : broker_(broker),
          inbox_(nats_client::new_inbox()),
          requests_(broker.subscribe(subject_of_worker(worker))),
          answers_(broker.subscribe(inbox_)) {}

    // A request or an answer that is lost is forgotten: ask again.
    void ask(const std::string& worker, std::vector<stream::piece> pieces) {
        pieces.resize(std::min(pieces.size(), most_pieces));
        broker_.publish(subject_of_worker(worker), wire::encode(pieces), inbox_);
    }

    void step(stream::transfer& held) {
        while (const auto request = requests_.next()) answer(held, *request);
        while (const auto piece = answers_.next()) {
            const auto result = held.accept(piece->bytes());
            accepted_ += result == stream::accept_result::accepted ? 1U : 0U;
        }
    }

    std::uint64_t accepted() const { return accepted_; }

private:
    static constexpr std::size_t most_pieces = 256;

    static std::string subject_of_worker(const std::string& worker) { return "pieces." + worker; }

    void answer(const stream::transfer& held, const message& request) {
        wire::error ignored;
        const auto pieces =
            wire::try_decode<std::vector<stream::piece>>(request.bytes(), {}, ignored);
        if (!pieces || pieces->size() > most_pieces || request.reply().empty()) return;
        for (const stream::piece& each : *pieces) {
            const auto bytes = held.serve(each);
            if (bytes) broker_.publish(std::string(request.reply()), *bytes);
        }
    }

    nats_client& broker_;
    std::string inbox_;
    subscription requests_;
    subscription answers_;
    std::uint64_t accepted_ = 0;
};

} // namespace broker
