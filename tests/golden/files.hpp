// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "family.hpp"

// The files of golden vectors: a JSON array with one vector a line, its members in this order.
namespace golden {

inline std::string to_line(const vector& v) {
    return "{\"type\": " + json_text(v.type) + ", \"bytes\": " + json_text(hex(v.encoding)) +
           ", \"value\": " + v.value + "}";
}

inline vector from_line(std::string_view line) {
    const auto take = [&](std::string_view before, std::string_view after) {
        if (!line.starts_with(before)) throw std::runtime_error("no vector: " + std::string(line));
        line.remove_prefix(before.size());
        const auto end = after.empty() ? line.size() - 1 : line.find(after);
        const std::string_view found = line.substr(0, end);
        line.remove_prefix(end);
        return std::string(found);
    };
    vector v;
    v.type = take("{\"type\": \"", "\", \"bytes\"");
    v.encoding = from_hex(take("\", \"bytes\": \"", "\", \"value\""));
    v.value = take("\", \"value\": ", "");
    return v;
}

inline std::vector<std::string> read_lines(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("cannot read " + path);
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) {
        if (line.ends_with(',')) line.pop_back();
        if (line.starts_with('{')) lines.push_back(line);
    }
    return lines;
}

inline void write_lines(const std::string& path, const std::vector<std::string>& lines) {
    std::ofstream out(path);
    out << "[\n";
    for (std::size_t i = 0; i < lines.size(); ++i)
        out << lines[i] << (i + 1 < lines.size() ? ",\n" : "\n");
    out << "]\n";
    if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

} // namespace golden
