// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cluster {

// What one record adds to the counts of its partition.
struct tally {
    std::map<std::string_view, std::uint64_t> words; // views of the record
    std::vector<std::uint64_t> words_of_line;
    std::uint64_t word_count = 0;
    std::uint64_t bytes = 0;
    std::uint64_t unreadable_files = 0;
};

inline bool is_word_byte(unsigned char byte) {
    const unsigned lower = byte | 0x20U;
    return lower - 'a' < 26U || byte - unsigned{'0'} < 10U || byte == '_';
}

// The tally of whole lines, as README.md defines words and lines.
inline tally tally_of(std::string_view text) {
    constexpr std::size_t longest = 64;
    constexpr std::size_t none = std::string_view::npos;
    tally found;
    found.bytes = text.size();
    std::uint64_t in_line = 0;
    std::size_t begin = none;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        const bool inside = at < text.size() && is_word_byte(static_cast<unsigned char>(text[at]));
        if (inside && begin == none) {
            begin = at;
        } else if (!inside && begin != none) {
            ++found.words[text.substr(begin, std::min(at - begin, longest))];
            ++found.word_count;
            ++in_line;
            begin = none;
        }
        const bool cut_short = at == text.size() && at > 0 && text[at - 1] != '\n';
        if (cut_short || (at < text.size() && text[at] == '\n')) {
            found.words_of_line.push_back(std::exchange(in_line, 0));
        }
    }
    return found;
}

inline tally unreadable_tally() {
    tally found;
    found.unreadable_files = 1;
    return found;
}

// Adds the lines of a tally to their windows and returns the delta.
inline stream::windowed<window_counts> apply_to_windows(stream::windowed<window_counts>& into,
                                                        crdt::replica_id actor, const tally& found,
                                                        std::int64_t first_time) {
    std::map<std::int64_t, std::pair<std::uint64_t, std::uint64_t>> sums; // lines and words
    for (const std::uint64_t words : found.words_of_line) {
        auto& [lines, all_words] = sums[stream::window_of(first_time++, window_size)];
        ++lines;
        all_words += words;
    }
    stream::windowed<window_counts> delta;
    for (const auto& [window, sum] : sums) {
        const auto count = [&, sum = sum](window_counts& counted, crdt::replica_id self) {
            window_counts more;
            more.lines = counted.lines.increment(self, sum.first);
            more.words = counted.words.increment(self, sum.second);
            return more;
        };
        delta.merge(into.update(actor, window, count));
    }
    return delta;
}

// Counts a tally into `into` under the actor's slots and returns the delta.
inline counts apply(counts& into, crdt::replica_id actor, const tally& found) {
    counts delta;
    for (const auto& [word, count] : found.words) {
        delta.words.merge(into.words.update(actor, std::string(word),
                                            [&, count = count](crdt::g_counter& slot, auto self) {
                                                return slot.increment(self, count);
                                            }));
        delta.distinct.merge(into.distinct.add(actor, std::string(word)));
    }
    delta.windows = apply_to_windows(into.windows, actor, found, event_time(into));
    delta.word_count = into.word_count.increment(actor, found.word_count);
    delta.lines = into.lines.increment(actor, found.words_of_line.size());
    delta.bytes = into.bytes.increment(actor, found.bytes);
    delta.unreadable_files = into.unreadable_files.increment(actor, found.unreadable_files);
    return delta;
}

} // namespace cluster
