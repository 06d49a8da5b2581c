// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "checkpoint_store.hpp"
#include "state.hpp"

#include <stream/accumulator.hpp>
#include <stream/certificate.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace cluster {

// Joins the verified parts of the stable checkpoint in a worker's store into an empty state. Throws
// failure, naming the part, if one is missing or has not the root that the certificate names.
inline counts restore_counts(const checkpoint_store& store, stream::certificate& certificate) {
    auto found = store.certificates().stable;
    if (!found) throw failure("the store has no certificate");
    certificate = std::move(*found);
    stream::partitioned<counts> restored;
    for (const stream::submission& each : certificate.submissions) {
        const auto bytes = store.part(each.root);
        if (!bytes || !stream::verify(certificate, each.member, *bytes).ok()) {
            throw failure("the stored bytes of " + each.member + " are missing or wrong");
        }
        joinery::wire::error why;
        const auto part = stream::accumulator<counts>::resume(*bytes, why);
        if (!part) throw failure("the stored bytes of " + each.member + " do not decode");
        restored.advance(each.member, part->state());
        std::printf("verified partition=%s root=%s offset=%llu worker=%s incarnation=%llu\n",
                    each.member.c_str(), hex(each.root).c_str(),
                    static_cast<unsigned long long>(part->next()), each.worker.c_str(),
                    static_cast<unsigned long long>(each.incarnation));
    }
    return restored.total();
}

// The report that cluster_sequential writes, from the restored counts.
inline void write_report(const counts& total, const std::string& path) {
    std::FILE* out = std::fopen(path.c_str(), "wb");
    if (out == nullptr) throw system_failure("cannot write " + path);
    const auto line = [&](const std::string& label, std::uint64_t value) {
        std::fprintf(out, "%s %llu\n", label.c_str(), static_cast<unsigned long long>(value));
    };
    line("bytes", value_of(total.bytes));
    line("lines", value_of(total.lines));
    line("words", value_of(total.word_count));
    line("distinct_words", total.words.size());
    line("unreadable_files", value_of(total.unreadable_files));
    for (const auto& [start, in] : total.windows.entries()) {
        line("window " + std::to_string(start) + " words", value_of(in.words));
        line("window " + std::to_string(start) + " lines", value_of(in.lines));
    }
    for (const auto& [word, count] : total.words.entries()) line("word " + word, value_of(count));
    const bool written = std::ferror(out) == 0;
    if (std::fclose(out) != 0 || !written) throw system_failure("cannot write " + path);
}

inline void print_top_words(const counts& total) {
    constexpr std::size_t shown = 10;
    std::vector<std::pair<std::uint64_t, std::string>> words;
    for (const auto& [word, count] : total.words.entries()) {
        words.emplace_back(value_of(count), word);
    }
    const auto more = [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    };
    const std::size_t most = std::min(shown, words.size());
    std::partial_sort(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(most), words.end(),
                      more);
    words.resize(most);
    for (const auto& [count, word] : words) {
        std::printf("top word=%s count=%llu\n", word.c_str(),
                    static_cast<unsigned long long>(count));
    }
}

inline void restore(const std::string& store_directory, const std::string& out) {
    const checkpoint_store store(store_directory);
    stream::certificate certificate;
    const counts total = restore_counts(store, certificate);
    std::printf("restored epoch=%llu global_root=%s state_root=%s\n",
                static_cast<unsigned long long>(certificate.epoch),
                hex(certificate.global_root).c_str(), hex(certificate.state_root).c_str());
    const auto sketch = wire::encode(total.distinct);
    std::printf("sketch digest=%s bytes=%zu estimate=%.0f\n",
                hex(wire::content_digest(sketch)).c_str(), sketch.size(), total.distinct.value());
    print_top_words(total);
    write_report(total, out);
}

} // namespace cluster
