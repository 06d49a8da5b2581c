// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "durable_file.hpp"

#include <crdt/replica_id.hpp>
#include <merkle/chunks.hpp>
#include <stream/certificate.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace cluster {

namespace crdt = joinery::crdt;
namespace merkle = joinery::merkle;
namespace stream = joinery::stream;

inline std::string hex(std::uint64_t value) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text(16, '0');
    for (std::size_t i = 16; i-- > 0; value >>= 4U) text[i] = digits[value & 15U];
    return text;
}
inline std::string hex(const wire::digest& value) { return hex(value.hi) + hex(value.lo); }

// What a worker keeps on disk: its lease, parts of checkpoints named by their roots, and the
// certificate of the newest checkpoint of which it holds every part.
class checkpoint_store {
public:
    // Throws failure if the directory cannot be made.
    explicit checkpoint_store(std::filesystem::path directory) : directory_(std::move(directory)) {
        std::error_code failed;
        std::filesystem::create_directories(directory_ / "parts", failed);
        if (failed) {
            throw failure("cannot make the directory " + directory_.string() + ": " +
                          failed.message());
        }
    }

    std::optional<crdt::lease> lease() const { return load<crdt::lease>("lease"); }
    void save_lease(const crdt::lease& lease) { save("lease", lease); }

    std::optional<stream::certificate> certificate() const {
        return load<stream::certificate>("certificate");
    }
    // Precondition: every part that it names is stored.
    void save_certificate(const stream::certificate& certificate) {
        save("certificate", certificate);
    }

    bool has_part(const wire::digest& root) const {
        std::error_code ignored;
        return std::filesystem::exists(path_of(root), ignored);
    }
    void save_part(const wire::digest& root, std::span<const std::byte> bytes) {
        if (!has_part(root)) write_durably(path_of(root), bytes);
    }
    // The bytes with that root; nothing if they are missing or damaged.
    std::optional<std::vector<std::byte>> part(const wire::digest& root) const {
        auto bytes = read_durable(path_of(root));
        if (bytes && merkle::chunks::of(*bytes).root() != root) bytes.reset();
        return bytes;
    }
    void keep_only(const std::set<wire::digest>& roots) {
        std::set<std::string> names;
        for (const wire::digest& root : roots) names.insert(hex(root));
        std::error_code ignored;
        for (const auto& entry :
             std::filesystem::directory_iterator(directory_ / "parts", ignored)) {
            if (!names.contains(entry.path().filename().string())) {
                std::filesystem::remove(entry.path(), ignored);
            }
        }
    }

private:
    std::filesystem::path path_of(const wire::digest& root) const {
        return directory_ / "parts" / hex(root);
    }

    template <class T>
    std::optional<T> load(const char* name) const {
        const auto bytes = read_durable(directory_ / name);
        wire::error ignored;
        return bytes ? wire::try_decode<T>(*bytes, {}, ignored) : std::nullopt;
    }
    template <class T>
    void save(const char* name, const T& value) {
        write_durably(directory_ / name, wire::encode(value));
    }

    std::filesystem::path directory_;
};

} // namespace cluster
