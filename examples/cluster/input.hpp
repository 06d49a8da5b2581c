// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "failure.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include "descriptor.hpp"

namespace cluster {

// One file as README.md names it, and where it lies.
struct input_file {
    std::string name; // INDEX/PATH
    std::string path;
};

// A piece of one file: whole lines. A record of an unreadable file has no bytes.
struct input_record {
    std::size_t file = 0;
    std::size_t begin = 0;
    std::size_t size = 0;
    bool unreadable = false;
};

namespace detail {

namespace fs = std::filesystem;

inline bool counts_as_file(const fs::directory_entry& entry) {
    std::error_code failed;
    if (entry.is_symlink(failed)) {
        const bool leads_nowhere = !fs::exists(entry.path(), failed) || failed;
        return leads_nowhere || fs::is_regular_file(entry.path(), failed);
    }
    return entry.is_regular_file(failed);
}

inline bool list_into(std::vector<input_file>& files, const fs::path& below,
                      const std::string& name, int& reason) {
    std::error_code failed;
    for (fs::directory_iterator at(below, failed), end; !failed && at != end;
         at.increment(failed)) {
        const std::string inner = name + "/" + at->path().filename().string();
        std::error_code ignored;
        if (!at->is_symlink(ignored) && at->is_directory(ignored)) {
            // A directory that cannot be listed stays in the list and fails to open as a file.
            int unused = 0;
            if (!list_into(files, at->path(), inner, unused)) {
                files.push_back({inner, at->path().string()});
            }
        } else if (counts_as_file(*at)) {
            files.push_back({inner, at->path().string()});
        }
    }
    reason = failed.value();
    return !failed;
}

} // namespace detail

// All files below the roots, sorted by name. Throws failure if a root cannot be listed.
inline std::vector<input_file> list_files(const std::vector<std::string>& roots) {
    std::vector<input_file> files;
    for (std::size_t i = 0; i < roots.size(); ++i) {
        int reason = 0;
        if (!detail::list_into(files, roots[i], std::to_string(i), reason)) {
            throw failure("cannot list the directory " + roots[i] + ": " + std::strerror(reason));
        }
    }
    std::sort(files.begin(), files.end(),
              [](const input_file& a, const input_file& b) { return a.name < b.name; });
    return files;
}

// The bytes of a file; nothing, with the reason in errno, if it cannot be read to its end.
inline std::optional<std::string> read_file(const std::string& path) {
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.valid()) return std::nullopt;
    std::string bytes;
    std::size_t used = 0;
    for (;;) {
        if (bytes.size() < used + 65536) bytes.resize(std::max(2 * used, std::size_t{131072}));
        const ssize_t got = ::read(file.get(), bytes.data() + used, bytes.size() - used);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return std::nullopt;
        if (got == 0) break;
        used += static_cast<std::size_t>(got);
    }
    bytes.resize(used);
    return bytes;
}

inline std::size_t partition_of(std::string_view name, std::size_t partitions) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char each : name) {
        hash = (hash ^ static_cast<unsigned char>(each)) * 0x100000001b3U;
    }
    return static_cast<std::size_t>((hash ^ (hash >> 32U)) % partitions);
}

// The files of one partition, cut into records; the bytes of the file being read are kept.
class partition_input {
public:
    partition_input(const std::vector<input_file>& files, std::size_t partition,
                    std::size_t partitions) {
        for (const input_file& each : files) {
            if (partition_of(each.name, partitions) == partition) cut(each);
        }
    }

    std::size_t records() const { return records_.size(); }
    const input_record& record(std::size_t offset) const { return records_[offset]; }
    const input_file& file_of(const input_record& record) const { return files_[record.file]; }
    std::uint64_t bytes() const { return bytes_; }

    // The bytes of a record. Throws failure if the file is no longer the one that was cut.
    std::string_view text(const input_record& record) {
        if (record.unreadable) return {};
        if (loaded_ != record.file || !content_) {
            content_ = read_file(files_[record.file].path);
            loaded_ = record.file;
        }
        if (!content_ || content_->size() != sizes_[record.file]) {
            throw failure("changed while it was counted: " + files_[record.file].path);
        }
        return std::string_view(*content_).substr(record.begin, record.size);
    }

private:
    static constexpr std::size_t record_bytes = 4096;

    void cut(const input_file& file) {
        const std::size_t index = files_.size();
        const auto content = read_file(file.path);
        files_.push_back(file);
        sizes_.push_back(content ? content->size() : 0);
        bytes_ += sizes_.back();
        if (!content) {
            records_.push_back({index, 0, 0, true});
            return;
        }
        for (std::size_t begin = 0; begin < content->size();) {
            const std::size_t line = content->find('\n', begin + record_bytes - 1);
            const std::size_t end = line == std::string::npos ? content->size() : line + 1;
            records_.push_back({index, begin, end - begin, false});
            begin = end;
        }
    }

    std::vector<input_file> files_;
    std::vector<std::size_t> sizes_;
    std::vector<input_record> records_;
    std::uint64_t bytes_ = 0;
    std::size_t loaded_ = 0;
    std::optional<std::string> content_;
};

} // namespace cluster
