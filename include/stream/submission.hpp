// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

namespace joinery::stream {

/// What a worker says of one partition at the end of one epoch.
///
/// State      which partition and epoch; the root (merkle::chunks) and length of its checkpoint
///            bytes; the input it covers, offsets [begin, end); records counted, for people.
/// Value      digest() identifies what is said. Who says it, worker and incarnation, is a witness
///            outside the digest: deterministic replay by another worker is the same submission.
/// Invariant  the offset to resume from travels here alone, beside the root of the bytes.
/// Source     Spark SPARK-56461: a retried batch under one name with another content.
struct submission {
    static constexpr std::string_view schema_name = "submission";

    std::uint64_t epoch = 0;
    std::string member;      ///< the partition
    wire::digest root;       ///< merkle::chunks::of(checkpoint bytes).root()
    std::uint64_t bytes = 0; ///< length of the checkpoint bytes
    std::uint64_t begin = 0; ///< first offset of the epoch
    std::uint64_t end = 0;   ///< one past the last; == begin for an empty epoch
    std::uint64_t records = 0;
    std::string worker;
    std::uint64_t incarnation = 0;

    wire::digest digest() const {
        wire::writer w;
        w.varint(epoch);
        wire::put(w, member);
        write_claim(w);
        return wire::content_digest(w.bytes());
    }

    /// All but the witness, in a fixed order.
    auto content() const { return std::tie(epoch, member, root, bytes, begin, end, records); }
    auto witness() const { return std::tie(incarnation, worker); }

    void write(wire::writer& w) const {
        w.varint(epoch);
        wire::put(w, member);
        write_body(w);
    }
    void read(wire::reader& r) {
        epoch = r.varint();
        wire::get(r, member);
        read_body(r);
    }

    /// The fields that epoch and member do not give.
    void write_body(wire::writer& w) const {
        write_claim(w);
        wire::put(w, worker);
        w.varint(incarnation);
    }
    void read_body(wire::reader& r) {
        wire::get(r, root);
        bytes = r.varint();
        begin = r.varint();
        end = r.varint();
        records = r.varint();
        wire::get(r, worker);
        incarnation = r.varint();
        if (begin > end) r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const submission&, const submission&) = default;

private:
    void write_claim(wire::writer& w) const {
        wire::put(w, root);
        w.varint(bytes);
        w.varint(begin);
        w.varint(end);
        w.varint(records);
    }
};

} // namespace joinery::stream
