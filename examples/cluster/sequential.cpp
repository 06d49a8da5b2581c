// SPDX-License-Identifier: Apache-2.0
// One pass over the directories, as README.md defines it: the answer that the cluster must equal.
// Usage: cluster_sequential OUTPUT_FILE DIRECTORY...

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <map>
#include <string>
#include <sys/stat.h>

namespace {

struct totals {
    std::map<std::string, std::uint64_t> words;
    std::uint64_t word_count = 0;
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
    std::uint64_t unreadable_files = 0;

    void add_word(const std::string& word) {
        ++words[word];
        ++word_count;
    }
};

void note_unreadable(totals& sum, const std::string& path, int reason) {
    std::fprintf(stderr, "cluster_sequential: unreadable: %s: %s\n", path.c_str(),
                 std::strerror(reason));
    ++sum.unreadable_files;
}

bool in_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The counts of one file, streamed byte by byte; `word` holds the run being read.
struct file_scan {
    totals found;
    std::string word;
    char last = '\n';

    void take(char c) {
        if (in_word(c)) {
            if (word.size() < 64) word.push_back(c);
        } else {
            finish_word();
        }
        if (c == '\n') ++found.lines;
        ++found.bytes;
        last = c;
    }
    void finish_word() {
        if (!word.empty()) found.add_word(word);
        word.clear();
    }
    void finish() {
        finish_word();
        if (last != '\n') ++found.lines;
    }
};

void count_file(totals& sum, const std::string& path) {
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
    for (const auto& [word, count] : scan.found.words) sum.words[word] += count;
    sum.word_count += scan.found.word_count;
    sum.lines += scan.found.lines;
    sum.bytes += scan.found.bytes;
}

bool count_directory(totals& sum, const std::string& path);

void count_entry(totals& sum, const std::string& path) {
    struct stat itself {};
    if (::lstat(path.c_str(), &itself) != 0) return note_unreadable(sum, path, errno);
    if (S_ISDIR(itself.st_mode)) {
        if (!count_directory(sum, path)) note_unreadable(sum, path, errno);
        return;
    }
    struct stat target = itself;
    if (S_ISLNK(itself.st_mode) && ::stat(path.c_str(), &target) != 0) {
        return note_unreadable(sum, path, errno);
    }
    if (S_ISREG(target.st_mode)) count_file(sum, path);
}

bool count_directory(totals& sum, const std::string& path) {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return false;
    while (const dirent* entry = ::readdir(directory)) {
        const std::string name = entry->d_name;
        if (name != "." && name != "..") count_entry(sum, path + "/" + name);
    }
    ::closedir(directory);
    return true;
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
    for (const auto& [word, count] : sum.words) line(("word " + word).c_str(), count);
    const bool written = std::ferror(out) == 0;
    return std::fclose(out) == 0 && written;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: cluster_sequential OUTPUT_FILE DIRECTORY...\n");
        return 2;
    }
    totals sum;
    for (int i = 2; i < argc; ++i) {
        if (!count_directory(sum, argv[i])) {
            std::fprintf(stderr, "cluster_sequential: cannot list the directory %s: %s\n", argv[i],
                         std::strerror(errno));
            return 2;
        }
    }
    if (!write_report(sum, argv[1])) {
        std::fprintf(stderr, "cluster_sequential: cannot write %s: %s\n", argv[1],
                     std::strerror(errno));
        return 2;
    }
    return 0;
}
