// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/replica_id.hpp>
#include <merkle/index.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

// The messages between engines. A datagram is a header and one message: a kind and its body.
// Spans are views into what was decoded.
namespace joinery::gossip::detail {

using bytes_view = std::span<const std::byte>;

enum class kind : std::uint8_t {
    digest = 1,  ///< roots, adverts, addresses
    pull = 2,    ///< asks for items
    items = 3,   ///< deltas by (origin, sequence)
    summary = 4, ///< sums of the sixteen children of a range
    list = 5,    ///< ids and versions of ranges
    list_reply = 6,
    ask = 7,     ///< entries wanted, and what the asker holds of them
    answer = 8,  ///< part of a state
    context = 9, ///< part of the causal context, with the root it was taken under
    offer = 10,  ///< a message above a datagram, by digest and length
    want = 11,   ///< byte ranges of an offered message
    piece = 12,  ///< one byte range
    fields = 13  ///< where each field of a state stands
};

inline constexpr std::size_t max_text = 255;

inline void put_bytes(wire::writer& w, bytes_view bytes) {
    w.varint(bytes.size());
    w.raw(bytes);
}
inline bytes_view get_bytes(wire::reader& r) { return r.raw(r.length()); }

inline std::string get_text(wire::reader& r) {
    const bytes_view raw = get_bytes(r);
    if (raw.size() > max_text) {
        r.fail(wire::errc::too_large);
        return {};
    }
    return std::string(reinterpret_cast<const char*>(raw.data()), raw.size());
}
inline void put_text(wire::writer& w, const std::string& text) {
    put_bytes(w, std::as_bytes(std::span(text)));
}

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

template <class T>
void put_all(wire::writer& w, const std::vector<T>& all) {
    w.varint(all.size());
    for (const T& each : all) each.write(w);
}
template <class T>
void get_all(wire::reader& r, std::vector<T>& all, std::size_t min_bytes_each) {
    all.resize(r.count(min_bytes_each));
    for (T& each : all) each.read(r);
}

struct digest_message {
    static constexpr kind of = kind::digest;
    enum flag : std::uint8_t { reply = 1, quiet = 2 };
    static constexpr std::size_t fixed_bytes = 1 + 1 + 8 + 8 + 16 + 16 + 10 + 2 + 3;

    std::uint8_t flags = 0;
    std::uint64_t nonce = 0;  ///< a question's time; a reply returns it
    std::uint64_t schema = 0; ///< of the state's type; roots of other types say nothing
    wire::digest root;
    wire::digest context;
    std::uint64_t entries = 0;
    std::vector<std::string> peers;
    std::vector<item_range> adverts;

    void write(wire::writer& w) const {
        w.u8(flags);
        w.fixed64(nonce);
        w.fixed64(schema);
        wire::put(w, root);
        wire::put(w, context);
        w.varint(entries);
        w.varint(peers.size());
        for (const auto& each : peers) put_text(w, each);
        put_all(w, adverts);
    }
    void read(wire::reader& r) {
        flags = r.u8();
        nonce = r.fixed64();
        schema = r.fixed64();
        wire::get(r, root);
        wire::get(r, context);
        entries = r.varint();
        peers.resize(r.count(1));
        for (auto& each : peers) each = get_text(r);
        get_all(r, adverts, 10);
    }
};

struct pull_message {
    static constexpr kind of = kind::pull;
    std::vector<item_range> ranges;
    void write(wire::writer& w) const { put_all(w, ranges); }
    void read(wire::reader& r) { get_all(r, ranges, 10); }
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

/// Truncated, salted sums of a range's children, and how many messages may still come of it.
struct summary_message {
    static constexpr kind of = kind::summary;
    struct child {
        std::uint64_t sum = 0;
        std::uint64_t count = 0;
    };
    std::uint32_t field = 0; ///< the field spoken of, 0 for all
    std::uint64_t salt = 0;
    std::uint64_t budget = 0;
    merkle::index::range range;
    std::array<child, 16> children{};

    void write(wire::writer& w) const {
        w.fixed32(field);
        w.fixed64(salt);
        w.varint(budget);
        w.u8(static_cast<std::uint8_t>(range.depth));
        w.fixed64(range.prefix);
        for (const child& each : children) {
            w.varint(each.count);
            if (each.count != 0) w.fixed64(each.sum);
        }
    }
    void read(wire::reader& r) {
        field = r.fixed32();
        salt = r.fixed64();
        budget = r.varint();
        range.depth = r.u8();
        range.prefix = r.fixed64();
        if (!range.valid() || range.depth > 15) r.fail(wire::errc::bad_value);
        for (child& each : children) {
            each.count = r.varint();
            each.sum = each.count != 0 ? r.fixed64() : 0;
        }
    }
};

/// An entry by its salted version; 0 if it is absent.
struct entry_version {
    crdt::entry_id id = 0;
    std::uint64_t version = 0;

    static constexpr std::size_t bytes = 16;
    void write(wire::writer& w) const {
        w.fixed64(id);
        w.fixed64(version);
    }
    void read(wire::reader& r) {
        id = r.fixed64();
        version = r.fixed64();
    }
};

/// All entries of a range.
struct listed_range {
    merkle::index::range range;
    std::vector<entry_version> entries;

    std::size_t bytes() const { return 12 + entries.size() * entry_version::bytes; }
    void write(wire::writer& w) const {
        w.u8(static_cast<std::uint8_t>(range.depth));
        w.fixed64(range.prefix);
        put_all(w, entries);
    }
    void read(wire::reader& r) {
        range.depth = r.u8();
        range.prefix = r.fixed64();
        if (!range.valid()) r.fail(wire::errc::bad_value);
        get_all(r, entries, entry_version::bytes);
    }
};

struct list_message {
    static constexpr kind of = kind::list;
    std::uint32_t field = 0;
    std::uint64_t salt = 0;
    std::vector<listed_range> ranges;
    void write(wire::writer& w) const {
        w.fixed32(field);
        w.fixed64(salt);
        put_all(w, ranges);
    }
    void read(wire::reader& r) {
        field = r.fixed32();
        salt = r.fixed64();
        get_all(r, ranges, 10);
    }
};

struct list_reply_message {
    static constexpr kind of = kind::list_reply;
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
        ids.resize(r.count(8));
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

/// The bytes of a message: its kind and its body.
template <class Message>
std::vector<std::byte> encode_message(const Message& message) {
    wire::writer w;
    w.u8(static_cast<std::uint8_t>(Message::of));
    message.write(w);
    return w.take();
}

/// Whether `body` is exactly one message of this type.
template <class Message>
bool decode_body(bytes_view body, const wire::limits& limits, Message& out) {
    wire::reader r(body, limits);
    out.read(r);
    return r.ok() && r.left() == 0;
}

} // namespace joinery::gossip::detail
