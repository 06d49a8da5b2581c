// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "descriptor.hpp"
#include "failure.hpp"
#include "input.hpp"

#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

namespace cluster {

namespace wire = joinery::wire;

namespace detail {

inline void sync_directory(const std::filesystem::path& path) {
    const descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory.valid() || ::fsync(directory.get()) != 0) {
        throw system_failure("cannot sync the directory " + path.string());
    }
}

inline void write_all(const descriptor& file, std::span<const std::byte> bytes,
                      const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(file.get(), bytes.data(), bytes.size());
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) throw system_failure("cannot write " + path);
        bytes = bytes.subspan(static_cast<std::size_t>(put));
    }
}

} // namespace detail

// Replaces the file at once or not at all: 16 bytes of digest, then the bytes, written beside it,
// synced, renamed over it, and the directory synced. Throws failure.
inline void write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes) {
    wire::writer head;
    wire::put(head, wire::content_digest(bytes));
    const std::string beside = path.string() + ".new";
    {
        const descriptor file(
            ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
        if (!file.valid()) throw system_failure("cannot write " + beside);
        detail::write_all(file, head.bytes(), beside);
        detail::write_all(file, bytes, beside);
        if (::fsync(file.get()) != 0) throw system_failure("cannot sync " + beside);
    }
    if (std::rename(beside.c_str(), path.c_str()) != 0) {
        throw system_failure("cannot rename " + beside);
    }
    detail::sync_directory(path.parent_path());
}

// The bytes of a file that write_durably wrote; nothing if it is missing or damaged.
inline std::optional<std::vector<std::byte>> read_durable(const std::filesystem::path& path) {
    const auto content = read_file(path.string());
    constexpr std::size_t digest_bytes = 16;
    if (!content || content->size() < digest_bytes) return std::nullopt;
    const auto all = std::as_bytes(std::span(*content));
    wire::reader head(all.first(digest_bytes));
    wire::digest expected;
    wire::get(head, expected);
    const auto bytes = all.subspan(digest_bytes);
    if (!head.ok() || wire::content_digest(bytes) != expected) return std::nullopt;
    return std::vector<std::byte>(bytes.begin(), bytes.end());
}

} // namespace cluster
