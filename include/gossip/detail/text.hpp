// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/reader.hpp>
#include <wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Bytes and short texts in messages, and the numbers of the messages.
namespace joinery::gossip::detail {

using bytes_view = std::span<const std::byte>;

inline constexpr std::size_t max_text = 255;

/// What a message is; see docs/gossip.md. Unknown numbers are skipped and counted.
enum class kind : std::uint8_t {
    digest = 1,      ///< roots and adverts
    pull = 2,        ///< asks for items
    items = 3,       ///< deltas by (origin, sequence)
    question = 4,    ///< a reconciler's frame about the entries of a field
    reply = 5,       ///< a responder's
    differences = 6, ///< entries that the other lacks or holds in another version
    ask = 7,         ///< entries wanted, and what the asker holds of them
    answer = 8,      ///< part of a state
    context = 9,     ///< part of the causal context, with the root it was taken under
    offer = 10,      ///< a message above a datagram, by digest and length
    want = 11,       ///< byte ranges of an offered message
    piece = 12,      ///< one byte range
    ping = 13,       ///< are you there; who I am
    ack = 14,        ///< yes
    ping_for = 15,   ///< ping somebody for me
    nack = 16,       ///< I tried for you, and have heard nothing yet
    rumors = 17,     ///< records of members
    sync = 18,       ///< sums of my table: what have you that I have not
    page = 19,       ///< records of members, as an answer
    rekeyed = 20,    ///< this cluster's secret is no longer the one you use
    fields = 21,     ///< where each field of a state stands
    advert = 22      ///< news: which items there are
};
inline constexpr std::size_t kinds = 23;

inline void put_bytes(wire::writer& w, bytes_view bytes) {
    w.varint(bytes.size());
    w.raw(bytes);
}
inline bytes_view get_bytes(wire::reader& r) { return r.raw(r.length()); }

inline bytes_view bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

inline void put_text(wire::writer& w, std::string_view text) { put_bytes(w, bytes_of(text)); }
inline std::string_view get_text(wire::reader& r) {
    const bytes_view raw = get_bytes(r);
    if (raw.size() > max_text) {
        r.fail(wire::errc::too_large);
        return {};
    }
    return {reinterpret_cast<const char*>(raw.data()), raw.size()};
}

template <class T>
void put_all(wire::writer& w, const std::vector<T>& all) {
    w.varint(all.size());
    for (const T& each : all) each.write(w);
}
template <class T>
void get_all(wire::reader& r, std::vector<T>& all, std::size_t min_bytes_each) {
    all.clear(); // what was in them must not show
    all.resize(r.count(min_bytes_each, sizeof(T)));
    for (T& each : all) each.read(r);
}

/// Replaces the bytes by what `write(writer&)` writes, in the memory that they have.
template <class Write>
void rewrite(std::vector<std::byte>& bytes, Write&& write) {
    bytes.clear();
    wire::writer w(std::move(bytes));
    write(w);
    bytes = w.take();
}

/// Writes a message: its kind and its body.
template <class Message>
void write_message(wire::writer& w, const Message& message) {
    w.u8(static_cast<std::uint8_t>(Message::of));
    message.write(w);
}
template <class Message>
std::vector<std::byte> encode_message(const Message& message) {
    wire::writer w;
    write_message(w, message);
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
