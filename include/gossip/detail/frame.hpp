// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/message.hpp>
#include <gossip/event.hpp>
#include <wire/hash.hpp>
#include <wire/reader.hpp>
#include <wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace joinery::gossip::detail {

/// Who sent a datagram.
struct sender {
    std::string name;
    std::uint64_t incarnation = 0;
    std::string address; ///< empty: reply to where the datagram came from
};

/// The outer form of every datagram: magic, version, cluster, checksum, sender, message.
///
/// Invariant  the cluster is compared before anything else is decoded; the checksum covers all
///            that follows it and is against accidents, not against attackers.
class frame {
public:
    frame() = default;
    frame(const std::string& label, const wire::keyed_hasher& hasher, const sender& self)
        : cluster_(wire::mix(wire::content_hash64(std::as_bytes(std::span(label))), hasher.id())) {
        wire::writer w;
        put_text(w, self.name);
        w.varint(self.incarnation);
        put_text(w, self.address);
        identity_ = w.take();
    }

    std::size_t overhead() const { return fixed_bytes + identity_.size(); }

    std::vector<std::byte> seal(bytes_view message) const {
        std::vector<std::byte> body(identity_);
        body.insert(body.end(), message.begin(), message.end());
        wire::writer w;
        w.u8('J');
        w.u8('G');
        w.u8(version);
        w.fixed64(cluster_);
        w.fixed64(wire::content_hash64(body));
        w.raw(body);
        return w.take();
    }

    /// Fills in the sender and the message, a view into the datagram. ok, foreign or malformed.
    enum receipt::status open(bytes_view datagram, const wire::limits& limits, sender& from,
                              bytes_view& message) const {
        wire::reader r(datagram, limits);
        const bool magic = r.u8() == 'J' && r.u8() == 'G';
        const std::uint8_t found = r.u8();
        const std::uint64_t cluster = r.fixed64();
        const std::uint64_t checksum = r.fixed64();
        if (!r.ok() || !magic) return receipt::status::malformed;
        if (cluster != cluster_) return receipt::status::foreign_cluster;
        if (found != version || wire::content_hash64(datagram.subspan(fixed_bytes)) != checksum)
            return receipt::status::malformed;
        from.name = get_text(r);
        from.incarnation = r.varint();
        from.address = get_text(r);
        message = r.raw(r.left());
        if (!r.ok() || message.empty()) return receipt::status::malformed;
        return receipt::status::ok;
    }

private:
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t fixed_bytes = 2 + 1 + 8 + 8;

    std::uint64_t cluster_ = 0;
    std::vector<std::byte> identity_;
};

} // namespace joinery::gossip::detail
