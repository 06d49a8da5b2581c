// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <crdt/lattice.hpp>
#include <wire/codec.hpp>

#include "show.hpp"

namespace golden {

/// How one type is read from bytes, by the name that the vectors give it.
struct codec {
    std::string type;
    /// The bytes of the value that `in` is the encoding of, or nothing and why.
    std::optional<bytes> (*recode)(std::span<const std::byte> in, wire::error& why);
    /// That value as JSON. Precondition: recode accepts `in`.
    std::string (*show)(std::span<const std::byte> in);
    /// Whether the values of two accepted encodings join by the laws; null if they do not join.
    bool (*joins)(std::span<const std::byte> a, std::span<const std::byte> b) = nullptr;
    /// Decoding n bytes, and encoding the value, takes at most 64 KiB and this many times n.
    std::size_t memory_multiple = 4;
    /// Whether `in` is the encoding of a value, within limits of the caller; null if there is no
    /// such decoder.
    bool (*accepts)(std::span<const std::byte> in, const wire::limits& allowed) = nullptr;
    bool framed = true;
    /// Whether equal values have equal bytes; if not, what is encoded again is the canonical form.
    bool canonical = true;
};

struct vector {
    std::string type;
    bytes encoding;
    std::string value;
};

/// Types that belong together, and some values of each.
class family {
public:
    explicit family(std::string called) : name(std::move(called)) {}

    /// Enrols a type with values. `type` is its name in the grammar of docs/wire-format.md.
    template <class T>
    void add(const std::string& type, const std::vector<T>& values) {
        codec how{type, recode<T>, show_bytes<T>};
        how.memory_multiple = memory_multiple;
        how.accepts = accepts<T>;
        codecs.push_back(how);
        for (const T& value : values) vectors.push_back({type, wire::encode(value), show(value)});
    }

    /// The same for a type whose values join.
    template <class T>
    void add_lattice(const std::string& type, const std::vector<T>& values) {
        add<T>(type, values);
        codecs.back().joins = joins<T>;
    }

    /// Adds one value of a type whose codec has no frame.
    void add(const codec& how, const bytes& encoding) {
        if (codecs.empty() || codecs.back().type != how.type) {
            codecs.push_back(how);
            codecs.back().memory_multiple = memory_multiple;
        }
        vectors.push_back({how.type, encoding, how.show(encoding)});
    }

    const codec* find(const std::string& type) const {
        for (const codec& each : codecs)
            if (each.type == type) return &each;
        return nullptr;
    }

    std::string name;
    std::size_t memory_multiple = 4; ///< of the types added next
    std::vector<codec> codecs;
    std::vector<vector> vectors;

private:
    template <class T>
    static std::optional<bytes> recode(std::span<const std::byte> in, wire::error& why) {
        const auto value = wire::try_decode<T>(in, wire::limits{}, why);
        if (!value) return std::nullopt;
        return wire::encode(*value);
    }
    template <class T>
    static bool accepts(std::span<const std::byte> in, const wire::limits& allowed) {
        wire::error why;
        return wire::try_decode<T>(in, allowed, why).has_value();
    }
    template <class T>
    static std::string show_bytes(std::span<const std::byte> in) {
        return show(wire::decode<T>(in));
    }
    template <class T>
    static bool joins(std::span<const std::byte> first, std::span<const std::byte> second) {
        namespace crdt = joinery::crdt;
        const T a = wire::decode<T>(first), b = wire::decode<T>(second);
        const T joined = crdt::join(a, b);
        T grown = a;
        const bool grew = crdt::merge(grown, b);
        return joined == crdt::join(b, a) && grown == joined && grew == !(joined == a) &&
               crdt::join(a, a) == a && crdt::leq(b, joined) && crdt::leq(b, a) == !grew &&
               crdt::join(b, crdt::difference(a, b)) == joined &&
               wire::decode<T>(wire::encode(joined)) == joined;
    }
};

// One function per source file, and all of them.
family wire_family();
family counters_family();
family sets_family();
family maps_family();
family registers_family();
family causal_family();
family logs_family();
family stream_family();
family gossip_family();
const std::vector<family>& all_families();

/// What the digests of some inputs are, one JSON object a line.
std::vector<std::string> digest_lines();

} // namespace golden
