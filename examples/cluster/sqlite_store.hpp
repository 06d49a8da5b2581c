// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stream/store.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <sqlite3.h>
#include <string>
#include <string_view>
#include <vector>

namespace cluster {

namespace stream = joinery::stream;
namespace wire = joinery::wire;

// The store of a worker that already has a database: one table of objects and one of records, each
// row with the digest of its bytes, because SQLite itself keeps no checksums. Every change is a
// transaction that is synced before it returns.
class sqlite_store {
public:
    explicit sqlite_store(const std::filesystem::path& file) {
        sqlite3* opened = nullptr;
        const int result = ::sqlite3_open(file.c_str(), &opened);
        database_.reset(opened);
        if (result != SQLITE_OK) fail("open");
        run("PRAGMA journal_mode = WAL");
        run("PRAGMA synchronous = FULL");
        run("CREATE TABLE IF NOT EXISTS objects (name BLOB PRIMARY KEY, digest BLOB, bytes BLOB)");
        run("CREATE TABLE IF NOT EXISTS records (name BLOB PRIMARY KEY, digest BLOB, bytes BLOB)");
    }

    void put(const wire::digest& name, std::span<const std::byte> bytes) {
        replace("INSERT OR REPLACE INTO objects VALUES (?, ?, ?)", bytes_of(name), bytes);
    }
    std::optional<std::vector<std::byte>> get(const wire::digest& name) const {
        return content("SELECT digest, bytes FROM objects WHERE name = ?", bytes_of(name));
    }
    bool contains(const wire::digest& name) const { return get(name).has_value(); }
    std::vector<wire::digest> digests() const {
        statement all(*this, "SELECT name FROM objects ORDER BY name");
        std::vector<wire::digest> found;
        while (all.step()) found.push_back(digest_of(all.column(0)));
        return found;
    }
    void erase(const wire::digest& name) {
        statement gone(*this, "DELETE FROM objects WHERE name = ?");
        gone.bind(1, bytes_of(name));
        gone.step();
    }

    void save(std::string_view name, std::span<const std::byte> bytes) {
        if (!stream::is_record_name(name))
            throw stream::store_failure("no name for a record: " + std::string(name));
        replace("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", std::as_bytes(std::span(name)),
                bytes);
    }
    std::optional<std::vector<std::byte>> load(std::string_view name) const {
        return content("SELECT digest, bytes FROM records WHERE name = ?",
                       std::as_bytes(std::span(name)));
    }

private:
    // One use of a prepared statement.
    class statement {
    public:
        statement(const sqlite_store& of, const char* text) : of_(of) {
            sqlite3_stmt* made = nullptr;
            if (::sqlite3_prepare_v2(of.database_.get(), text, -1, &made, nullptr) != SQLITE_OK)
                of.fail("prepare");
            prepared_.reset(made);
        }
        void bind(int place, std::span<const std::byte> bytes) {
            // A null pointer would be NULL, not the empty blob.
            const void* data = bytes.empty() ? "" : static_cast<const void*>(bytes.data());
            if (::sqlite3_bind_blob64(prepared_.get(), place, data, bytes.size(),
                                      SQLITE_TRANSIENT) != SQLITE_OK)
                of_.fail("bind");
        }
        bool step() {
            const int result = ::sqlite3_step(prepared_.get());
            if (result == SQLITE_ROW) return true;
            if (result != SQLITE_DONE) of_.fail("step");
            return false;
        }
        std::vector<std::byte> column(int place) const {
            const auto* data =
                static_cast<const std::byte*>(::sqlite3_column_blob(prepared_.get(), place));
            const auto size =
                static_cast<std::size_t>(::sqlite3_column_bytes(prepared_.get(), place));
            return data == nullptr ? std::vector<std::byte>()
                                   : std::vector<std::byte>(data, data + size);
        }

    private:
        struct finish {
            void operator()(sqlite3_stmt* made) const { ::sqlite3_finalize(made); }
        };
        const sqlite_store& of_;
        std::unique_ptr<sqlite3_stmt, finish> prepared_;
    };

    [[noreturn]] void fail(const char* what) const {
        throw stream::store_failure(std::string("cannot ") + what + ": " +
                                    ::sqlite3_errmsg(database_.get()));
    }
    void run(const char* text) { statement(*this, text).step(); }

    // Big-endian, so that SQLite's order of blobs is that of digests.
    static std::vector<std::byte> bytes_of(const wire::digest& name) {
        std::vector<std::byte> bytes;
        for (const std::uint64_t half : {name.hi, name.lo})
            for (unsigned shift = 64; shift > 0; shift -= 8)
                bytes.push_back(static_cast<std::byte>((half >> (shift - 8)) & 0xffU));
        return bytes;
    }
    static wire::digest digest_of(const std::vector<std::byte>& bytes) {
        wire::digest read;
        for (std::size_t i = 0; i < bytes.size() && i < 16; ++i) {
            std::uint64_t& half = i < 8 ? read.hi : read.lo;
            half = half << 8U | std::to_integer<std::uint64_t>(bytes[i]);
        }
        return read;
    }

    void replace(const char* text, std::span<const std::byte> name,
                 std::span<const std::byte> bytes) {
        statement change(*this, text);
        change.bind(1, name);
        change.bind(2, bytes_of(wire::content_digest(bytes)));
        change.bind(3, bytes);
        change.step();
    }
    std::optional<std::vector<std::byte>> content(const char* text,
                                                  std::span<const std::byte> name) const {
        statement found(*this, text);
        found.bind(1, name);
        if (!found.step()) return std::nullopt;
        auto bytes = found.column(1);
        if (wire::content_digest(bytes) != digest_of(found.column(0))) return std::nullopt;
        return bytes;
    }

    struct close {
        void operator()(sqlite3* opened) const { ::sqlite3_close(opened); }
    };
    std::unique_ptr<sqlite3, close> database_;
};

static_assert(stream::store<sqlite_store>);

} // namespace cluster
