// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "state.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace cluster {

// What one record adds to the counts of its partition.
struct tally {
    std::map<std::string_view, std::uint64_t> words; // views of the record
    std::uint64_t word_count = 0;
    std::uint64_t lines = 0;
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
    std::size_t begin = none;
    for (std::size_t at = 0; at <= text.size(); ++at) {
        const bool inside = at < text.size() && is_word_byte(static_cast<unsigned char>(text[at]));
        if (inside && begin == none) {
            begin = at;
        } else if (!inside && begin != none) {
            ++found.words[text.substr(begin, std::min(at - begin, longest))];
            ++found.word_count;
            begin = none;
        }
        if (at < text.size() && text[at] == '\n') ++found.lines;
    }
    if (!text.empty() && text.back() != '\n') ++found.lines;
    return found;
}

inline tally unreadable_tally() {
    tally found;
    found.unreadable_files = 1;
    return found;
}

// Counts a tally into `into` under the actor's slots and returns the delta.
inline counts apply(counts& into, crdt::replica_id actor, const tally& found) {
    counts delta;
    for (const auto& [word, count] : found.words) {
        delta.words.merge(into.words.update(actor, std::string(word),
                                            [&, count = count](crdt::g_counter& slot, auto self) {
                                                return slot.increment(self, count);
                                            }));
    }
    delta.word_count = into.word_count.increment(actor, found.word_count);
    delta.lines = into.lines.increment(actor, found.lines);
    delta.bytes = into.bytes.increment(actor, found.bytes);
    delta.unreadable_files = into.unreadable_files.increment(actor, found.unreadable_files);
    return delta;
}

} // namespace cluster
