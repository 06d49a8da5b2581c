// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/replica_id.hpp>
#include <gossip/detail/text.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

// The messages between engines. A datagram is a header and one message: a kind and its body.
// Spans are views into what was decoded.
namespace joinery::gossip::detail {

/// One delta's place in the history of its origin.
struct item_key {
    crdt::replica_id origin;
    std::uint64_t sequence = 0;
    friend auto operator<=>(const item_key&, const item_key&) = default;
};

/// Items lo..hi of an origin.
struct item_range {
    crdt::replica_id origin;
    std::uint64_t lo = 0;
    std::uint64_t hi = 0;

    static constexpr std::size_t max_bytes = 28;
    void write(wire::writer& w) const {
        origin.write(w);
        w.varint(lo);
        w.varint(hi - lo);
    }
    void read(wire::reader& r) {
        origin.read(r);
        lo = r.varint();
        const std::uint64_t more = r.varint();
        if (more > ~lo) r.fail(wire::errc::bad_value);
        hi = lo + more;
    }
};

/// Where a state stands: all that is needed to see whether two differ.
struct standing {
    enum flag : std::uint8_t { reply = 1, quiet = 2 };
    static constexpr std::size_t max_bytes = 1 + 8 + 16 + 16 + 10;

    std::uint8_t flags = 0;
    std::uint64_t schema = 0; ///< of the state's type; roots of other types say nothing
    wire::digest root;
    wire::digest context;
    std::uint64_t entries = 0;

    void write(wire::writer& w) const {
        w.u8(flags);
        w.fixed64(schema);
        wire::put(w, root);
        wire::put(w, context);
        w.varint(entries);
    }
    void read(wire::reader& r) {
        flags = r.u8();
        schema = r.fixed64();
        wire::get(r, root);
        wire::get(r, context);
        entries = r.varint();
    }
};

/// A question, or a reply with the question's nonce.
struct digest_message {
    static constexpr kind of = kind::digest;
    static constexpr std::size_t fixed_bytes = 1 + 8 + standing::max_bytes + 3;

    std::uint64_t nonce = 0;
    standing stand;
    std::vector<item_range> adverts;

    void write(wire::writer& w) const {
        w.fixed64(nonce);
        stand.write(w);
        put_all(w, adverts);
    }
    void read(wire::reader& r) {
        nonce = r.fixed64();
        stand.read(r);
        get_all(r, adverts, 10);
    }
};

/// News, to which nobody needs to answer.
struct advert_message {
    static constexpr kind of = kind::advert;
    static constexpr std::size_t overhead = 1 + 3;
    std::vector<item_range> adverts;
    void write(wire::writer& w) const { put_all(w, adverts); }
    void read(wire::reader& r) { get_all(r, adverts, 10); }
};

struct pull_message {
    static constexpr kind of = kind::pull;
    std::uint64_t nonce = 0; ///< of the adverts: proof that they have arrived
    std::uint8_t tries = 0;  ///< how often at least these were asked for before
    std::vector<item_range> ranges;
    void write(wire::writer& w) const {
        w.fixed64(nonce);
        w.u8(tries);
        put_all(w, ranges);
    }
    void read(wire::reader& r) {
        nonce = r.fixed64();
        tries = r.u8();
        get_all(r, ranges, 10);
    }
};

struct item {
    item_key key;
    bytes_view bytes;

    static constexpr std::size_t overhead = 8 + 10 + 5;
    void write(wire::writer& w) const {
        key.origin.write(w);
        w.varint(key.sequence);
        put_bytes(w, bytes);
    }
    void read(wire::reader& r) {
        key.origin.read(r);
        key.sequence = r.varint();
        bytes = get_bytes(r);
    }
};

struct items_message {
    static constexpr kind of = kind::items;
    std::vector<item> items;
    void write(wire::writer& w) const { put_all(w, items); }
    void read(wire::reader& r) { get_all(r, items, 10); }
};

/// A frame of a session of merkle::reconciler; a state that is no struct is the field 0.
template <kind Of>
struct session_message {
    static constexpr kind of = Of;
    static constexpr std::size_t overhead = 1 + 4 + 3;

    std::uint32_t field = 0;
    bytes_view frame;
    void write(wire::writer& w) const {
        w.fixed32(field);
        put_bytes(w, frame);
    }
    void read(wire::reader& r) {
        field = r.fixed32();
        frame = get_bytes(r);
    }
};
using question_message = session_message<kind::question>;
using reply_message = session_message<kind::reply>;

/// An entry by 32 salted bits of its version; 0 if it is absent.
struct entry_version {
    crdt::entry_id id = 0;
    std::uint32_t version = 0;

    static constexpr std::size_t bytes = 12;
    void write(wire::writer& w) const {
        w.fixed64(id);
        w.fixed32(version);
    }
    void read(wire::reader& r) {
        id = r.fixed64();
        version = r.fixed32();
    }
};

/// Entries of a field as the sender has them, and the receiver seems not to.
struct differences_message {
    static constexpr kind of = kind::differences;
    static constexpr std::size_t overhead = 1 + 4 + 8 + 3;

    std::uint32_t field = 0;
    std::uint64_t salt = 0;
    std::vector<entry_version> entries;
    void write(wire::writer& w) const {
        w.fixed32(field);
        w.fixed64(salt);
        put_all(w, entries);
    }
    void read(wire::reader& r) {
        field = r.fixed32();
        salt = r.fixed64();
        get_all(r, entries, entry_version::bytes);
    }
};

struct ask_message {
    static constexpr kind of = kind::ask;
    std::vector<crdt::entry_id> ids;
    bytes_view held;
    void write(wire::writer& w) const {
        w.varint(ids.size());
        for (const auto id : ids) w.fixed64(id);
        put_bytes(w, held);
    }
    void read(wire::reader& r) {
        ids.resize(r.count(8, 8));
        for (auto& id : ids) id = r.fixed64();
        held = get_bytes(r);
    }
};

struct answer_message {
    static constexpr kind of = kind::answer;
    bytes_view part;
    void write(wire::writer& w) const { put_bytes(w, part); }
    void read(wire::reader& r) { part = get_bytes(r); }
};

struct context_message {
    static constexpr kind of = kind::context;
    std::uint32_t field = 0; ///< the field spoken of, 0 for all
    wire::digest root;
    bytes_view part;
    void write(wire::writer& w) const {
        w.fixed32(field);
        wire::put(w, root);
        put_bytes(w, part);
    }
    void read(wire::reader& r) {
        field = r.fixed32();
        wire::get(r, root);
        part = get_bytes(r);
    }
};

/// Where each field stands, for peers whose states have other fields.
struct fields_message {
    static constexpr kind of = kind::fields;
    struct field_standing {
        static constexpr std::size_t bytes = 4 + 8 + 8;
        std::uint32_t id = 0;
        std::uint64_t root = 0; ///< salted, as the context
        std::uint64_t context = 0;
        void write(wire::writer& w) const {
            w.fixed32(id);
            w.fixed64(root);
            w.fixed64(context);
        }
        void read(wire::reader& r) {
            id = r.fixed32();
            root = r.fixed64();
            context = r.fixed64();
        }
    };
    std::uint64_t salt = 0;
    std::vector<field_standing> fields;
    void write(wire::writer& w) const {
        w.fixed64(salt);
        put_all(w, fields);
    }
    void read(wire::reader& r) {
        salt = r.fixed64();
        get_all(r, fields, field_standing::bytes);
    }
};

struct offer_message {
    static constexpr kind of = kind::offer;
    wire::digest digest;
    std::uint64_t length = 0;
    void write(wire::writer& w) const {
        wire::put(w, digest);
        w.varint(length);
    }
    void read(wire::reader& r) {
        wire::get(r, digest);
        length = r.varint();
    }
};

struct byte_range {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    void write(wire::writer& w) const {
        w.varint(offset);
        w.varint(length);
    }
    void read(wire::reader& r) {
        offset = r.varint();
        length = r.varint();
    }
};

struct want_message {
    static constexpr kind of = kind::want;
    wire::digest digest;
    std::vector<byte_range> ranges;
    void write(wire::writer& w) const {
        wire::put(w, digest);
        put_all(w, ranges);
    }
    void read(wire::reader& r) {
        wire::get(r, digest);
        get_all(r, ranges, 2);
    }
};

struct piece_message {
    static constexpr kind of = kind::piece;
    static constexpr std::size_t overhead = 1 + 16 + 5 + 5;
    wire::digest digest;
    std::uint64_t offset = 0;
    bytes_view bytes;
    void write(wire::writer& w) const {
        wire::put(w, digest);
        w.varint(offset);
        put_bytes(w, bytes);
    }
    void read(wire::reader& r) {
        wire::get(r, digest);
        offset = r.varint();
        bytes = get_bytes(r);
    }
};

} // namespace joinery::gossip::detail
