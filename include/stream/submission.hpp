// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::stream {

/// Offsets [begin, end) of one input partition; begin == end for an epoch without input.
struct offset_range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;

    void write(wire::writer& w) const {
        w.varint(begin);
        w.varint(end);
    }
    void read(wire::reader& r) {
        begin = r.varint();
        end = r.varint();
        if (begin > end) r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const offset_range&, const offset_range&) = default;
    friend std::strong_ordering operator<=>(const offset_range&, const offset_range&) = default;
};

/// The checkpoint bytes of one key group: their root (merkle::chunks) and length.
struct group_root {
    std::uint32_t group = 0;
    wire::digest root;
    std::uint64_t bytes = 0;

    friend bool operator==(const group_root&, const group_root&) = default;
    friend std::strong_ordering operator<=>(const group_root&, const group_root&) = default;
};

/// That a member's bytes are also what joining a delta to its earlier bytes gives.
struct increment {
    /// Longest chain of increments down to whole bytes.
    static constexpr std::uint64_t max_chain = 8;

    std::uint64_t base_epoch = 0;
    wire::digest base_root;   ///< what the member submitted as root for base_epoch
    wire::digest root;        ///< of the delta's bytes
    std::uint64_t bytes = 0;  ///< length of the delta's bytes
    std::uint64_t length = 1; ///< increments down to whole bytes, this one included

    void write(wire::writer& w) const {
        w.varint(base_epoch);
        wire::put(w, base_root);
        wire::put(w, root);
        w.varint(bytes);
        w.varint(length);
    }
    void read(wire::reader& r) {
        base_epoch = r.varint();
        wire::get(r, base_root);
        wire::get(r, root);
        bytes = r.varint();
        length = r.varint();
        if (length == 0 || length > max_chain) r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const increment&, const increment&) = default;
    friend std::strong_ordering operator<=>(const increment&, const increment&) = default;
};

/// What is said of one member at the end of one epoch.
///
/// State      epoch, plan (zero: the one that governs the epoch where it is submitted) and member;
///            root and length of the member's checkpoint bytes, and of each key group it owns;
///            the input they cover by partition; the watermark reached; an optional base.
/// Value      digest() identifies what is said. Who says it, worker and incarnation, is a witness
///            outside the digest: deterministic replay by another worker is the same submission.
/// Invariant  the offset to resume from travels here alone, beside the root of the bytes. Groups
///            ascend; a base is of an earlier epoch.
/// Source     Spark SPARK-56461: a retried batch under one name with another content.
struct submission {
    static constexpr std::string_view schema_name = "submission";

    std::uint64_t epoch = 0;
    wire::digest plan;
    std::string member;
    wire::digest root;       ///< merkle::chunks::of(checkpoint bytes).root(), however stored
    std::uint64_t bytes = 0; ///< length of the checkpoint bytes
    std::vector<group_root> groups;
    std::map<std::string, offset_range> offsets;
    std::uint64_t records = 0;             ///< counted in the epoch, for people
    std::optional<std::int64_t> watermark; ///< event time; none before the first event
    std::optional<increment> base;
    std::string worker;
    std::uint64_t incarnation = 0;

    wire::digest digest() const {
        wire::writer w;
        w.varint(epoch);
        wire::put(w, plan);
        wire::put(w, member);
        write_claim(w);
        return wire::content_digest(w.bytes());
    }

    /// All bytes to keep for it, groups included.
    std::uint64_t total_bytes() const {
        std::uint64_t sum = bytes;
        for (const group_root& each : groups) sum += each.bytes;
        return sum;
    }

    /// All but the witness, in a fixed order.
    auto content() const {
        return std::tie(epoch, plan, member, root, bytes, groups, offsets, records, watermark,
                        base);
    }
    auto witness() const { return std::tie(incarnation, worker); }
    submission without_witness() const {
        submission plain = *this;
        plain.worker.clear();
        plain.incarnation = 0;
        return plain;
    }

    void write(wire::writer& w) const {
        w.varint(epoch);
        wire::put(w, plan);
        wire::put(w, member);
        write_claim(w);
        write_witness(w);
    }
    void read(wire::reader& r) {
        epoch = r.varint();
        wire::get(r, plan);
        wire::get(r, member);
        read_claim(r);
        read_witness(r);
    }

    /// The fields that epoch, plan, member and witness do not give.
    void write_claim(wire::writer& w) const {
        wire::put(w, root);
        w.varint(bytes);
        w.varint(groups.size());
        for (const group_root& each : groups) {
            w.varint(each.group);
            wire::put(w, each.root);
            w.varint(each.bytes);
        }
        wire::put(w, offsets);
        w.varint(records);
        wire::put(w, watermark);
        wire::put(w, base);
    }
    void read_claim(wire::reader& r) {
        wire::get(r, root);
        bytes = r.varint();
        groups.clear();
        for (auto n = r.count(18, 3 * sizeof(group_root)); n > 0 && r.ok(); --n) {
            group_root each;
            wire::get(r, each.group);
            wire::get(r, each.root);
            each.bytes = r.varint();
            if (!groups.empty() && groups.back().group >= each.group)
                return r.fail(wire::errc::non_canonical);
            groups.push_back(each);
        }
        wire::get(r, offsets);
        records = r.varint();
        wire::get(r, watermark);
        wire::get(r, base);
        if (base && base->base_epoch >= epoch) r.fail(wire::errc::bad_value);
    }
    void write_witness(wire::writer& w) const {
        wire::put(w, worker);
        w.varint(incarnation);
    }
    void read_witness(wire::reader& r) {
        wire::get(r, worker);
        incarnation = r.varint();
    }

    friend bool operator==(const submission&, const submission&) = default;
};

} // namespace joinery::stream
