// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stream/certificate.hpp>
#include <stream/detail/keys.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

namespace joinery::stream::detail {

/// Below what everything is dropped, and why that may be.
///
/// State      the oldest epoch and the oldest generation retained; the newest certificate that a
///            floor was raised with, without witnesses.
/// Join       maximum of each.
/// Invariant  a floor has a certificate of that or a later epoch, so that a replica that missed
///            everything can restore.
struct floor_record {
    std::uint64_t epoch = 0;
    std::uint64_t generation = 0;
    std::optional<certificate> proof;

    bool empty() const { return epoch == 0 && generation == 0 && !proof; }
    bool drops(const plan_key& key) const { return key.generation < generation; }
    bool drops(const cell_key& key) const { return key.epoch < epoch || drops(key.under); }
    bool drops(const ack_key& key) const { return key.epoch < epoch || drops(key.under); }

    bool merge(const floor_record& other) {
        const bool newer = other.proof && (!proof || *proof < *other.proof);
        if (other.epoch <= epoch && other.generation <= generation && !newer) return false;
        if (newer) { // first, and whole or not at all: a floor without its proof is no value
            auto whole = other.proof;
            proof = std::move(whole);
        }
        epoch = std::max(epoch, other.epoch);
        generation = std::max(generation, other.generation);
        return true;
    }

    /// What `known` lacks; a floor brings its certificate along.
    floor_record difference(const floor_record& known) const {
        floor_record lacking;
        if (epoch > known.epoch) lacking.epoch = epoch;
        if (generation > known.generation) lacking.generation = generation;
        const bool newer = proof && (!known.proof || *known.proof < *proof);
        if (newer || !lacking.empty()) lacking.proof = proof;
        return lacking;
    }

    static crdt::entry_id entry(crdt::entry_id path) { return wire::mix(path, wire::mix(0, 0)); }
    wire::digest version() const { return empty() ? wire::digest{} : version_of(*this); }

    void write(wire::writer& w) const {
        w.varint(epoch);
        w.varint(generation);
        wire::put(w, proof);
    }
    void read(wire::reader& r) {
        epoch = r.varint();
        generation = r.varint();
        wire::get(r, proof);
        if (!r.ok()) return;
        const bool bare = epoch == 0 && generation == 0;
        if ((!bare && !proof) || (proof && (proof->epoch < epoch || !plain(*proof))))
            r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const floor_record&, const floor_record&) = default;

    static bool plain(const certificate& what) {
        return std::all_of(what.submissions.begin(), what.submissions.end(), [](const auto& each) {
            return each.worker.empty() && each.incarnation == 0;
        });
    }
};

} // namespace joinery::stream::detail
