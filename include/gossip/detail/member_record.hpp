// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/text.hpp>
#include <gossip/peer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

// What members tell each other of members. Records carry their length and messages are read with
// their tail ignored, so that later versions may say more.
namespace joinery::gossip::detail {

/// Versions order what is said of one member. They are compared around the circle of 2^64: whatever
/// was said of a member, it can say something newer.
inline bool newer(std::uint64_t a, std::uint64_t b) {
    return a != b && a - b < (std::uint64_t{1} << 63U);
}

inline constexpr std::size_t max_metadata = 512;

/// One statement on a member.
struct member_record {
    std::string name;
    std::uint64_t version = 0; ///< the first of a boot is random; only the member itself raises it
    member_status status = member_status::alive;
    std::uint64_t accuser = 0; ///< suspect, dead: a hash of who says so
    std::uint64_t boot = 0;    ///< this and the following only if alive
    std::uint64_t incarnation = 0;
    std::string address;
    std::string zone;
    std::vector<std::byte> metadata;

    void write(wire::writer& w) const {
        const std::size_t body = w.begin_sized();
        put_text(w, name);
        w.fixed64(version);
        w.u8(static_cast<std::uint8_t>(status));
        if (status == member_status::alive) {
            w.fixed64(boot);
            w.varint(incarnation);
            put_text(w, address);
            put_text(w, zone);
            put_bytes(w, metadata);
        } else {
            w.fixed64(accuser);
        }
        w.end_sized(body);
    }
    void read(wire::reader& r) {
        const std::size_t size = r.length();
        const std::byte* outer = r.narrow(size);
        name = get_text(r);
        version = r.fixed64();
        const std::uint8_t said = r.u8();
        if (said > static_cast<std::uint8_t>(member_status::left)) r.fail(wire::errc::bad_value);
        status = static_cast<member_status>(said);
        if (status == member_status::alive) {
            boot = r.fixed64();
            incarnation = r.varint();
            address = get_text(r);
            zone = get_text(r);
            const bytes_view data = get_bytes(r);
            if (data.size() > max_metadata) r.fail(wire::errc::too_large);
            metadata.assign(data.begin(), data.end());
        } else {
            accuser = r.fixed64();
        }
        if (name.empty()) r.fail(wire::errc::bad_value);
        r.raw(r.left()); // what a later version has added
        r.widen(outer);
    }

    static constexpr std::size_t min_bytes = 1 + 1 + 8 + 1;
    std::size_t bytes() const {
        const bool alive = status == member_status::alive;
        return 4 + name.size() + 10 +
               (alive ? 8 + 10 + 3 + address.size() + zone.size() + 2 + metadata.size() : 8);
    }
};

/// The sums of a table, by a part of each name's hash.
inline constexpr std::size_t buckets = 32;
using bucket_sums = std::array<std::uint64_t, buckets>;
inline std::size_t bucket_of(const std::string& name) {
    return wire::content_hash64(bytes_of(name)) % buckets;
}

/// Who speaks, how new that is, and what its table adds up to.
struct self_part {
    std::uint64_t version = 0;
    std::uint64_t boot = 0;
    std::uint64_t table = 0;

    static constexpr std::size_t bytes = 24;
    void write(wire::writer& w) const {
        w.fixed64(version);
        w.fixed64(boot);
        w.fixed64(table);
    }
    void read(wire::reader& r) {
        version = r.fixed64();
        boot = r.fixed64();
        table = r.fixed64();
    }
};

/// ping and ack: the nonce of the question; an ack may carry a nonce to be returned. What follows
/// the records is an attachment that membership does not look into, and padding. speak_up: there is
/// more to answer than may be said to one that has said so little.
struct probe_message {
    enum flag : std::uint8_t { tell_me = 1, joining = 2, speak_up = 4 };
    std::uint8_t flags = 0;
    std::uint64_t nonce = 0;
    std::uint64_t challenge = 0;
    self_part self;
    std::vector<member_record> records;

    static constexpr std::size_t fixed_bytes = 1 + 1 + 8 + 8 + self_part::bytes + 3;
    void write(wire::writer& w) const {
        w.u8(flags);
        w.fixed64(nonce);
        w.fixed64(challenge);
        self.write(w);
        put_all(w, records);
    }
    void read(wire::reader& r) {
        flags = r.u8();
        nonce = r.fixed64();
        challenge = r.fixed64();
        self.read(r);
        get_all(r, records, member_record::min_bytes);
    }
};

/// "Ping this member for me; the answer to me has this nonce." nack: the nonce alone.
struct ping_for_message {
    static constexpr kind of = kind::ping_for;
    std::uint64_t nonce = 0;
    std::string name;
    std::string address;
    std::vector<member_record> records;

    void write(wire::writer& w) const {
        w.fixed64(nonce);
        put_text(w, name);
        put_text(w, address);
        put_all(w, records);
    }
    void read(wire::reader& r) {
        nonce = r.fixed64();
        name = get_text(r);
        address = get_text(r);
        get_all(r, records, member_record::min_bytes);
    }
};

struct nack_message {
    static constexpr kind of = kind::nack;
    std::uint64_t nonce = 0;
    void write(wire::writer& w) const { w.fixed64(nonce); }
    void read(wire::reader& r) { nonce = r.fixed64(); }
};

struct rumors_message {
    static constexpr kind of = kind::rumors;
    std::vector<member_record> records;
    void write(wire::writer& w) const { put_all(w, records); }
    void read(wire::reader& r) { get_all(r, records, member_record::min_bytes); }
};

struct sync_message {
    static constexpr kind of = kind::sync;
    std::uint8_t from = 0; ///< buckets before it, and in it names up to `after`, are not asked for
    std::string after;
    bucket_sums sums{};
    void write(wire::writer& w) const {
        w.u8(from);
        put_text(w, after);
        for (const std::uint64_t each : sums) w.fixed32(static_cast<std::uint32_t>(each));
    }
    void read(wire::reader& r) {
        from = r.u8();
        after = get_text(r);
        for (std::uint64_t& each : sums) each = r.fixed32();
    }
};

struct page_message {
    static constexpr kind of = kind::page;
    std::uint8_t next = 0; ///< where to go on; `buckets` at the end
    std::string after;
    std::vector<member_record> records;
    void write(wire::writer& w) const {
        w.u8(next);
        put_text(w, after);
        put_all(w, records);
    }
    void read(wire::reader& r) {
        next = r.u8();
        after = get_text(r);
        get_all(r, records, member_record::min_bytes);
    }
};

/// Whether the body begins with a message of this type; what follows it is `rest`.
template <class Message>
bool decode_front(bytes_view body, Message& out, bytes_view& rest) {
    wire::reader r(body);
    out.read(r);
    rest = r.ok() ? r.raw(r.left()) : bytes_view{};
    return r.ok();
}

} // namespace joinery::gossip::detail
