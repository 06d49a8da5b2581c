// SPDX-License-Identifier: Apache-2.0
// One pass over the directories, as README.md defines it: the answer that the cluster must equal.
// Usage: cluster_sequential OUTPUT_FILE PARTITIONS DIRECTORY...

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <map>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace {

constexpr std::uint64_t window_size = 1000;

struct window {
    std::uint64_t words = 0;
    std::uint64_t lines = 0;
};

struct totals {
    std::map<std::string, std::uint64_t> words;
    std::map<std::uint64_t, window> windows; // by their first event time
    std::uint64_t word_count = 0;
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
    std::uint64_t unreadable_files = 0;
};

// All files by name, INDEX/PATH, and where they lie.
using file_list = std::map<std::string, std::string>;

void note_unreadable(totals& sum, const std::string& path, int reason) {
    std::fprintf(stderr, "cluster_sequential: unreadable: %s: %s\n", path.c_str(),
                 std::strerror(reason));
    ++sum.unreadable_files;
}

std::size_t partition_of(const std::string& name, std::size_t partitions) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char each : name) {
        hash ^= static_cast<unsigned char>(each);
        hash *= 0x100000001b3U;
    }
    return static_cast<std::size_t>((hash ^ (hash >> 32U)) % partitions);
}

bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The counts of one file, streamed byte by byte; `word` holds the run being read.
struct file_scan {
    std::map<std::string, std::uint64_t> words;
    std::vector<std::uint64_t> words_of_line;
    std::uint64_t bytes = 0;
    std::uint64_t in_line = 0;
    std::string word;
    char last = '\n';

    void take(char c) {
        if (in_word(c)) {
            if (word.size() < 64) word.push_back(c);
        } else {
            finish_word();
        }
        if (c == '\n') finish_line();
        ++bytes;
        last = c;
    }
    void finish_word() {
        if (word.empty()) return;
        ++words[word];
        ++in_line;
        word.clear();
    }
    void finish_line() {
        words_of_line.push_back(in_line);
        in_line = 0;
    }
    void finish() {
        finish_word();
        if (last != '\n') finish_line();
    }
};

// `time` is the event time of the file's first line, and then of the one after its last.
void count_file(totals& sum, const std::string& path, std::uint64_t& time) {
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) return note_unreadable(sum, path, errno);
    file_scan scan;
    errno = 0;
    for (int c = std::getc(file); c != EOF; c = std::getc(file)) scan.take(static_cast<char>(c));
    const int reason = std::ferror(file) != 0 ? (errno == 0 ? EIO : errno) : 0;
    std::fclose(file);
    // What was read of a file that failed half way does not count.
    if (reason != 0) return note_unreadable(sum, path, reason);
    scan.finish();
    for (const auto& [word, count] : scan.words) sum.words[word] += count;
    for (const std::uint64_t words : scan.words_of_line) {
        window& in = sum.windows[time++ / window_size * window_size];
        ++in.lines;
        in.words += words;
        sum.word_count += words;
    }
    sum.lines += scan.words_of_line.size();
    sum.bytes += scan.bytes;
}

bool list_directory(file_list& files, const std::string& name, const std::string& path);

void list_entry(file_list& files, const std::string& name, const std::string& path) {
    struct stat itself {};
    struct stat target {};
    const bool exists = ::lstat(path.c_str(), &itself) == 0;
    if (exists && S_ISDIR(itself.st_mode)) {
        // One that cannot be listed stays in the list, and cannot be read as a file either.
        if (!list_directory(files, name, path)) files[name] = path;
        return;
    }
    target = itself;
    const bool leads_nowhere =
        !exists || (S_ISLNK(itself.st_mode) && ::stat(path.c_str(), &target) != 0);
    if (leads_nowhere || S_ISREG(target.st_mode)) files[name] = path;
}

bool list_directory(file_list& files, const std::string& name, const std::string& path) {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return false;
    while (const dirent* entry = ::readdir(directory)) {
        const std::string each = entry->d_name;
        if (each != "." && each != "..") list_entry(files, name + "/" + each, path + "/" + each);
    }
    ::closedir(directory);
    return true;
}

totals count_all(const file_list& files, std::size_t partitions) {
    totals sum;
    std::vector<std::uint64_t> times(partitions); // event time reached, by partition
    for (const auto& [name, path] : files) {
        count_file(sum, path, times[partition_of(name, partitions)]);
    }
    return sum;
}

bool write_report(const totals& sum, const char* path) {
    std::FILE* out = std::fopen(path, "wb");
    if (out == nullptr) return false;
    const auto line = [&](const char* label, std::uint64_t value) {
        std::fprintf(out, "%s %llu\n", label, static_cast<unsigned long long>(value));
    };
    line("bytes", sum.bytes);
    line("lines", sum.lines);
    line("words", sum.word_count);
    line("distinct_words", sum.words.size());
    line("unreadable_files", sum.unreadable_files);
    for (const auto& [start, in] : sum.windows) {
        const std::string label = "window " + std::to_string(start);
        line((label + " words").c_str(), in.words);
        line((label + " lines").c_str(), in.lines);
    }
    for (const auto& [word, count] : sum.words) line(("word " + word).c_str(), count);
    const bool written = std::ferror(out) == 0;
    return std::fclose(out) == 0 && written;
}

} // namespace

int main(int argc, char** argv) {
    const unsigned long partitions = argc < 4 ? 0 : std::strtoul(argv[2], nullptr, 10);
    if (partitions == 0) {
        std::fprintf(stderr, "usage: cluster_sequential OUTPUT_FILE PARTITIONS DIRECTORY...\n");
        return 2;
    }
    file_list files;
    for (int i = 3; i < argc; ++i) {
        if (!list_directory(files, std::to_string(i - 3), argv[i])) {
            std::fprintf(stderr, "cluster_sequential: cannot list the directory %s: %s\n", argv[i],
                         std::strerror(errno));
            return 2;
        }
    }
    if (!write_report(count_all(files, partitions), argv[1])) {
        std::fprintf(stderr, "cluster_sequential: cannot write %s: %s\n", argv[1],
                     std::strerror(errno));
        return 2;
    }
    return 0;
}
