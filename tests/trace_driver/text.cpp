// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <limits>

#include "trace.hpp"

namespace trace_driver {

crdt::replica_id id_of(std::string_view name) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 8; ++i)
        value = value << 8U | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
    return {value};
}

std::string name_of(crdt::replica_id id) {
    std::string name;
    for (unsigned shift = 64; shift > 0; shift -= 8)
        if (const auto byte = id.value >> (shift - 8) & 0xffU; byte != 0)
            name.push_back(static_cast<char>(byte));
    return name;
}

std::string quoted(std::string_view text) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (byte < 0x20) {
            out += {'\\', 'u', '0', '0', digits[byte >> 4U], digits[byte & 15U]};
        } else {
            out += c;
        }
    }
    return out + "\"";
}

std::string list_of(const std::vector<std::string>& sorted) {
    std::string out = "[";
    for (const auto& text : sorted) out += (out.size() > 1 ? "," : "") + quoted(text);
    return out + "]";
}

std::string object_of(const std::map<std::string, std::string>& values) {
    std::string out = "{";
    for (const auto& [key, value] : values)
        out += (out.size() > 1 ? "," : "") + quoted(key) + ":" + value;
    return out + "}";
}

std::uint64_t number_of(std::string_view digits) {
    if (digits.starts_with('-')) {
        const bool zero = digits.size() > 1 && digits.find_first_not_of('0', 1) == digits.npos;
        if (!zero) throw refused("a negative number");
        return 0;
    }
    if (digits.empty()) throw refused("a number is missing");
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') throw refused("not a number");
        const auto digit = static_cast<std::uint64_t>(c - '0');
        value = value > (most - digit) / 10 ? most : value * 10 + digit;
    }
    return value;
}

} // namespace trace_driver
