// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/text.hpp>
#include <gossip/event.hpp>
#include <wire/hash.hpp>
#include <wire/reader.hpp>
#include <wire/writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
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
        : cluster_(cluster_of(label, hasher)) {
        identify(self);
    }

    void identify(const sender& self) {
        wire::writer w;
        put_text(w, self.name);
        w.varint(self.incarnation);
        put_text(w, self.address);
        identity_ = w.take();
    }

    /// Datagrams under a former secret are told from foreign ones.
    void also_know(const std::string& label, const wire::keyed_hasher& former) {
        former_.push_back(cluster_of(label, former));
    }

    std::size_t overhead() const { return fixed_bytes + identity_.size(); }

    /// Writes the datagram of a message. Precondition: `into` has overhead() + message.size()
    /// bytes.
    void seal(bytes_view message, std::span<std::byte> into) const {
        seal(cluster_, message, into);
    }
    std::vector<std::byte> seal(bytes_view message) const {
        std::vector<std::byte> datagram(overhead() + message.size());
        seal(message, datagram);
        return datagram;
    }

    /// In the cluster of a datagram, which open() has found to be a former one.
    std::vector<std::byte> seal_as(bytes_view datagram,
                                   const std::vector<std::byte>& message) const {
        wire::reader r(datagram);
        r.raw(3);
        std::vector<std::byte> made(overhead() + message.size());
        seal(r.fixed64(), message, made);
        return made;
    }

    /// Fills in the sender and the message, a view into the datagram.
    enum receipt::status open(bytes_view datagram, const wire::limits& limits, sender& from,
                              bytes_view& message) const {
        wire::reader r(datagram, limits);
        const bool magic = r.u8() == 'J' && r.u8() == 'G';
        const std::uint8_t found = r.u8();
        const std::uint64_t cluster = r.fixed64();
        const std::uint64_t checksum = r.fixed64();
        if (!r.ok() || !magic) return receipt::status::malformed;
        const bool old = std::find(former_.begin(), former_.end(), cluster) != former_.end();
        if (cluster != cluster_ && !old) return receipt::status::foreign_cluster;
        if (wire::content_hash64(datagram.subspan(fixed_bytes)) != checksum)
            return receipt::status::malformed;
        if (found != version) return receipt::status::unsupported;
        if (old) return receipt::status::old_secret;
        from.name = get_text(r);
        from.incarnation = r.varint();
        from.address = get_text(r);
        message = r.raw(r.left());
        if (!r.ok() || message.empty() || from.name.empty()) return receipt::status::malformed;
        return receipt::status::ok;
    }

private:
    static constexpr std::uint8_t version = 1;
    static constexpr std::size_t fixed_bytes = 2 + 1 + 8 + 8;

    static std::uint64_t cluster_of(const std::string& label, const wire::keyed_hasher& hasher) {
        return wire::mix(wire::content_hash64(bytes_of(label)), hasher.id());
    }

    void seal(std::uint64_t cluster, bytes_view message, std::span<std::byte> into) const {
        const std::span<std::byte> body = into.subspan(fixed_bytes);
        const auto end = std::copy(identity_.begin(), identity_.end(), body.begin());
        std::copy(message.begin(), message.end(), end);
        into[0] = std::byte{'J'};
        into[1] = std::byte{'G'};
        into[2] = std::byte{version};
        wire::detail::store_le(into.data() + 3, cluster);
        wire::detail::store_le(into.data() + 3 + 8, wire::content_hash64(body));
    }

    std::uint64_t cluster_ = 0;
    std::vector<std::uint64_t> former_;
    std::vector<std::byte> identity_;
};

} // namespace joinery::gossip::detail
