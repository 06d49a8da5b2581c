// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "failure.hpp"

#include <crdt/replica_id.hpp>
#include <merkle/chunks.hpp>
#include <stream/certificate.hpp>
#include <stream/directory_store.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cluster {

namespace crdt = joinery::crdt;
namespace merkle = joinery::merkle;
namespace stream = joinery::stream;
namespace wire = joinery::wire;

inline std::string hex(std::uint64_t value) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; value >>= 4U) text[i] = digits[value & 15U];
    return text;
}
inline std::string hex(const wire::digest& value) { return hex(value.hi) + hex(value.lo); }

// The checkpoints of which every part is stored: the newest stable one, and by ascending epoch
// complete ones after it.
struct held_certificates {
    static constexpr std::string_view schema_name = "cluster.held_certificates";

    std::optional<stream::certificate> stable;
    std::vector<stream::certificate> complete;

    void write(wire::writer& w) const {
        wire::put(w, stable);
        wire::put(w, complete);
    }
    void read(wire::reader& r) {
        wire::get(r, stable);
        wire::get(r, complete);
    }
};

// What a worker keeps on disk: its lease, parts of checkpoints named by their roots, and the
// certificates of those of which it holds every part. Every member function throws
// stream::store_failure if the disk does not do what it should.
class checkpoint_store {
public:
    explicit checkpoint_store(const std::filesystem::path& directory) : store_(directory) {}

    std::optional<crdt::lease> lease() const { return load<crdt::lease>("lease"); }
    void save_lease(const crdt::lease& lease) { store_.save("lease", wire::encode(lease)); }

    held_certificates certificates() const {
        return load<held_certificates>("certificates").value_or(held_certificates{});
    }
    // Precondition: every part that they name is stored.
    void save_certificates(const held_certificates& held) {
        store_.save("certificates", wire::encode(held));
    }

    void save_part(const wire::digest& root, std::span<const std::byte> bytes) {
        store_.put(root, bytes);
    }
    // The bytes with that root; nothing if they are missing or damaged.
    std::optional<std::vector<std::byte>> part(const wire::digest& root) const {
        auto bytes = store_.get(root);
        if (bytes && merkle::chunks::of(*bytes).root() != root) bytes.reset();
        return bytes;
    }
    void keep_only(const std::set<wire::digest>& roots) {
        for (const wire::digest& each : store_.digests())
            if (!roots.contains(each)) store_.erase(each);
    }

private:
    template <class T>
    std::optional<T> load(const char* name) const {
        const auto bytes = store_.load(name);
        wire::error ignored;
        return bytes ? wire::try_decode<T>(*bytes, {}, ignored) : std::nullopt;
    }

    stream::directory_store store_;
};

} // namespace cluster
