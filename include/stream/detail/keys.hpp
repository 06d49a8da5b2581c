// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace joinery::stream::detail {

/// A plan's place among the plans: by generation, then by content.
struct plan_key {
    static constexpr std::uint8_t kind = 1;

    std::uint64_t generation = 0;
    wire::digest id;

    void write(wire::writer& w) const {
        w.varint(generation);
        wire::put(w, id);
    }
    void read(wire::reader& r) {
        generation = r.varint();
        wire::get(r, id);
    }

    friend auto operator<=>(const plan_key&, const plan_key&) = default;
};

/// What one member said for one epoch under one plan.
struct cell_key {
    static constexpr std::uint8_t kind = 2;

    std::uint64_t epoch = 0;
    plan_key under;
    std::string member;

    void write(wire::writer& w) const {
        w.varint(epoch);
        under.write(w);
        wire::put(w, member);
    }
    void read(wire::reader& r) {
        epoch = r.varint();
        under.read(r);
        wire::get(r, member);
    }

    friend auto operator<=>(const cell_key&, const cell_key&) = default;
};

/// Who acknowledged one root for one epoch under one plan.
struct ack_key {
    static constexpr std::uint8_t kind = 3;

    std::uint64_t epoch = 0;
    plan_key under;
    wire::digest root;

    void write(wire::writer& w) const {
        w.varint(epoch);
        under.write(w);
        wire::put(w, root);
    }
    void read(wire::reader& r) {
        epoch = r.varint();
        under.read(r);
        wire::get(r, root);
    }

    friend auto operator<=>(const ack_key&, const ack_key&) = default;
};

template <class Key>
crdt::entry_id entry_of(crdt::entry_id path, const Key& key) {
    wire::writer w;
    key.write(w);
    return wire::mix(path, wire::mix(Key::kind, wire::content_hash64(w.bytes())));
}

template <class T>
wire::digest version_of(const T& part) {
    wire::writer w;
    part.write(w);
    return wire::content_digest(w.bytes());
}

template <class T>
std::size_t size_of(const T& part) {
    wire::writer w = wire::writer::counting();
    part.write(w);
    return w.size();
}

} // namespace joinery::stream::detail
