// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "failure.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace cluster {

inline std::uint64_t parse_number(std::string_view what, std::string_view text,
                                  std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value > most) {
        throw failure(std::string(what) + " needs a number up to " + std::to_string(most) +
                      ", not '" + std::string(text) + "'");
    }
    return value;
}

inline std::vector<std::string> split_at(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        const std::size_t end = text.find(separator);
        parts.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parts;
}

// Adds one more to a text that lists things with commas.
inline void append_to_list(std::string& list, const std::string& each) {
    if (!list.empty()) list += ',';
    list += each;
}

// "key=value" pairs between blanks, as the processes tell each other.
inline std::string field_of(std::string_view line, std::string_view key) {
    for (const std::string& word : split_at(line, ' ')) {
        if (word.size() > key.size() && word[key.size()] == '=' && word.starts_with(key)) {
            return word.substr(key.size() + 1);
        }
    }
    return {};
}

// The arguments of a program, read from left to right.
class arguments {
public:
    arguments(int count, char** values) : words_(values + 1, values + count) {}

    bool more() const { return at_ < words_.size(); }
    const std::string& next() { return words_[at_++]; }
    // The value of the option that was just read. Throws failure if there is none.
    const std::string& value() {
        if (!more()) throw failure("option " + words_[at_ - 1] + " needs a value");
        return next();
    }
    std::uint64_t number(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
        const std::string option = words_[at_ - 1];
        return parse_number(option, value(), most);
    }

private:
    std::vector<std::string> words_;
    std::size_t at_ = 0;
};

} // namespace cluster
