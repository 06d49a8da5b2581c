// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stream/store.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

namespace joinery::stream {

namespace detail {

/// An open file that closes itself.
class file {
public:
    file(const std::filesystem::path& path, int flags)
        : path_(path), handle_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
    file(const file&) = delete;
    file& operator=(const file&) = delete;
    ~file() {
        if (handle_ >= 0) ::close(handle_);
    }

    bool is_open() const { return handle_ >= 0; }

    void write(std::span<const std::byte> bytes) {
        while (!bytes.empty()) {
            const ssize_t put = ::write(handle_, bytes.data(), bytes.size());
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) fail("write");
            bytes = bytes.subspan(static_cast<std::size_t>(put));
        }
    }
    void sync() {
        if (::fsync(handle_) != 0) fail("sync");
    }
    /// All that can be read; nothing after an error.
    std::optional<std::vector<std::byte>> read_all() {
        std::vector<std::byte> bytes;
        std::array<std::byte, 65536> part;
        for (;;) {
            const ssize_t got = ::read(handle_, part.data(), part.size());
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return std::nullopt;
            if (got == 0) return bytes;
            bytes.insert(bytes.end(), part.begin(), part.begin() + got);
        }
    }
    [[noreturn]] void fail(const char* what) const {
        throw store_failure("cannot " + std::string(what) + " " + path_.string() + ": " +
                            std::strerror(errno));
    }

private:
    std::filesystem::path path_;
    int handle_;
};

} // namespace detail

/// A store in a directory of a POSIX file system: an optional header, no part of <stream.hpp>.
///
/// State      the directory: objects/ named by digest, records/ named by record; each file is the
///            16-byte digest of its content, then the content.
/// Invariant  a file is written beside its place, synced, renamed over it, and the directory
///            synced: after a crash it is the old one or the new one. A file that is not what its
///            first 16 bytes say is as good as none.
/// Cost       two syncs a put; contains and get open one file.
/// Source     write, fsync, rename, fsync of the directory: Pillai et al., OSDI 2014.
/// One process at a time uses a directory.
class directory_store {
public:
    /// Makes the directory if need be, and drops what a crash left half written.
    explicit directory_store(std::filesystem::path directory) : directory_(std::move(directory)) {
        for (const char* part : {"objects", "records"}) {
            const auto path = directory_ / part;
            std::error_code failed;
            std::filesystem::create_directories(path, failed);
            if (failed)
                throw store_failure("cannot make the directory " + path.string() + ": " +
                                    failed.message());
            for (const auto& each : list(path))
                if (each.extension() == unfinished) std::filesystem::remove(each, failed);
            sync_directory(path);
        }
        sync_directory(directory_);
    }

    const std::filesystem::path& directory() const { return directory_; }

    void put(const wire::digest& name, std::span<const std::byte> bytes) {
        // What is there already is rewritten only if it is damaged.
        if (const auto kept = get(name); kept && std::ranges::equal(*kept, bytes)) return;
        replace(object(name), bytes);
    }
    std::optional<std::vector<std::byte>> get(const wire::digest& name) const {
        return content_of(object(name));
    }
    bool contains(const wire::digest& name) const { return get(name).has_value(); }
    std::vector<wire::digest> digests() const {
        std::vector<wire::digest> found;
        for (const auto& each : list(directory_ / "objects"))
            if (const auto name = parse(each.filename().string())) found.push_back(*name);
        std::sort(found.begin(), found.end());
        return found;
    }
    void erase(const wire::digest& name) {
        std::error_code failed;
        std::filesystem::remove(object(name), failed);
        if (failed)
            throw store_failure("cannot remove " + object(name).string() + ": " + failed.message());
    }

    void save(std::string_view name, std::span<const std::byte> bytes) {
        replace(record(name), bytes);
    }
    std::optional<std::vector<std::byte>> load(std::string_view name) const {
        return content_of(record(name));
    }

private:
    static constexpr const char* unfinished = ".new";
    static constexpr std::size_t digest_bytes = 16;

    std::filesystem::path object(const wire::digest& name) const {
        std::array<char, 33> text;
        std::snprintf(text.data(), text.size(), "%016llx%016llx",
                      static_cast<unsigned long long>(name.hi),
                      static_cast<unsigned long long>(name.lo));
        return directory_ / "objects" / text.data();
    }
    std::filesystem::path record(std::string_view name) const {
        if (!is_record_name(name))
            throw store_failure("no name for a record: " + std::string(name));
        return directory_ / "records" / name;
    }

    static std::optional<wire::digest> parse(const std::string& name) {
        if (name.size() != 32) return std::nullopt;
        wire::digest read;
        for (std::size_t i = 0; i < name.size(); ++i) {
            const auto digit = std::string_view("0123456789abcdef").find(name[i]);
            if (digit == std::string_view::npos) return std::nullopt;
            std::uint64_t& half = i < 16 ? read.hi : read.lo;
            half = half << 4U | digit;
        }
        return read;
    }

    static std::vector<std::filesystem::path> list(const std::filesystem::path& directory) {
        std::error_code failed;
        std::vector<std::filesystem::path> found;
        std::filesystem::directory_iterator at(directory, failed);
        for (; !failed && at != std::filesystem::directory_iterator(); at.increment(failed))
            found.push_back(at->path());
        if (failed)
            throw store_failure("cannot list " + directory.string() + ": " + failed.message());
        return found;
    }

    static void sync_directory(const std::filesystem::path& path) {
        detail::file directory(path, O_RDONLY | O_DIRECTORY);
        if (!directory.is_open()) directory.fail("open");
        directory.sync();
    }

    static void replace(const std::filesystem::path& path, std::span<const std::byte> bytes) {
        wire::writer head;
        wire::put(head, wire::content_digest(bytes));
        const std::filesystem::path beside = path.string() + unfinished;
        {
            detail::file made(beside, O_WRONLY | O_CREAT | O_TRUNC);
            if (!made.is_open()) made.fail("make");
            made.write(head.bytes());
            made.write(bytes);
            made.sync();
        }
        std::error_code failed;
        std::filesystem::rename(beside, path, failed);
        if (failed)
            throw store_failure("cannot rename " + beside.string() + ": " + failed.message());
        sync_directory(path.parent_path());
    }

    static std::optional<std::vector<std::byte>> content_of(const std::filesystem::path& path) {
        detail::file kept(path, O_RDONLY);
        if (!kept.is_open()) return std::nullopt;
        auto bytes = kept.read_all();
        if (!bytes || bytes->size() < digest_bytes) return std::nullopt;
        const auto all = std::span<const std::byte>(*bytes);
        wire::reader head(all.first(digest_bytes));
        wire::digest said;
        wire::get(head, said);
        if (wire::content_digest(all.subspan(digest_bytes)) != said) return std::nullopt;
        bytes->erase(bytes->begin(), bytes->begin() + digest_bytes);
        return bytes;
    }

    std::filesystem::path directory_;
};

static_assert(store<directory_store>);

} // namespace joinery::stream
