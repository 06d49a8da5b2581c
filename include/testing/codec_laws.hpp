// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>

#include <crdt/lattice.hpp>
#include <testing/lattice_laws.hpp>
#include <testing/random_history.hpp>
#include <wire/codec.hpp>

namespace joinery::testing {

/// What the bytes of a state keep.
template <class T>
struct codec_laws {
    using history = random_history<T>;

    /// decode(encode(a)) == a
    static bool round_trip(const history& h, rng& random) {
        for (const T* a : {&h.replicas[0], &lattice_laws<T>::any_delta(h, random)})
            if (wire::decode<T>(wire::encode(*a)) != *a) return false;
        const auto nested = wire::encode_nested(h.replicas[0]);
        return nested.size() == wire::encoded_size(h.replicas[0]);
    }

    /// Equal states have equal bytes whatever led to them; unequal states unequal bytes.
    static bool canonical(const history& h, rng&) {
        const auto& [a, b, c] = h.replicas;
        const T left = crdt::join(crdt::join(a, b), c), right = crdt::join(c, crdt::join(b, a));
        const auto bytes = wire::encode(left);
        T decoded = wire::decode<T>(wire::encode(b));
        crdt::merge(decoded, c);
        crdt::merge(decoded, a);
        return bytes == wire::encode(right) && bytes == wire::encode(decoded) &&
               (wire::encode(a) == wire::encode(b)) == (a == b);
    }

    /// Damaged bytes are refused, or are the one encoding of a value that keeps the laws.
    static bool damaged(const history& h, rng& random) {
        const auto& [a, b, c] = h.replicas;
        auto bytes = wire::encode(crdt::join(a, c));
        for (auto flips = 1 + random.below(2); flips > 0; --flips) {
            const auto at = static_cast<std::size_t>(random.below(bytes.size()));
            bytes[at] ^= static_cast<std::byte>(1U << random.below(8));
        }
        if (random.chance(1, 4)) bytes.resize(static_cast<std::size_t>(random.below(bytes.size())));
        wire::error error;
        const std::optional<T> x = wire::try_decode<T>(bytes, wire::limits{}, error);
        if (!x) return error.code != wire::errc::none;
        if (wire::encode(*x) != bytes) return false;
        return crdt::join(*x, b) == crdt::join(b, *x) && crdt::join(*x, *x) == *x &&
               crdt::join(crdt::join(a, *x), b) == crdt::join(a, crdt::join(*x, b)) &&
               crdt::join(b, crdt::difference(*x, b)) == crdt::join(b, *x);
    }
};

} // namespace joinery::testing
