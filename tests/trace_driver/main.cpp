// SPDX-License-Identifier: Apache-2.0
// Reads traces from standard input and answers on standard output.
#include <cstddef>
#include <exception>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

// cereal brings its own rapidjson; some distributions take it out and depend on the package.
#if __has_include(<cereal/external/rapidjson/document.h>)
#include <cereal/external/rapidjson/document.h>
#else
#include <rapidjson/document.h>
#endif

#include "trace.hpp"

namespace trace_driver {
namespace {

using json = rapidjson::Value;

std::string text(const json& object, const char* name) {
    const auto at = object.FindMember(name);
    if (at == object.MemberEnd() || !at->value.IsString()) return {};
    return {at->value.GetString(), at->value.GetStringLength()};
}

std::size_t number(const json& object, const char* name, std::size_t absent) {
    const auto at = object.FindMember(name);
    if (at == object.MemberEnd()) return absent;
    if (at->value.IsUint64()) return at->value.GetUint64();
    return static_cast<std::size_t>(number_of(text(object, name)));
}

std::vector<std::string> texts(const json& object, const char* name) {
    std::vector<std::string> all;
    const auto at = object.FindMember(name);
    if (at == object.MemberEnd() || !at->value.IsArray()) return all;
    for (const auto& each : at->value.GetArray())
        if (each.IsString()) all.emplace_back(each.GetString(), each.GetStringLength());
    return all;
}

header header_of(const json& object) {
    header begins{text(object, "type"), texts(object, "replicas"), {}};
    const auto alias = object.FindMember("alias");
    if (alias == object.MemberEnd() || !alias->value.IsObject()) return begins;
    for (const auto& member : alias->value.GetObject())
        if (member.value.IsString())
            begins.alias.emplace(
                std::string(member.name.GetString(), member.name.GetStringLength()),
                std::string(member.value.GetString(), member.value.GetStringLength()));
    return begins;
}

line line_of(const json& object) {
    line what;
    what.kind = text(object, "k");
    what.replica = text(object, "r");
    what.from = text(object, "from");
    what.to = text(object, "to");
    what.left = text(object, "l");
    what.right = text(object, "r");
    what.context_of = text(object, "ctx_of");
    what.as = text(object, "as");
    what.at = text(object, "at");
    what.first = number(object, "n", 0);
    what.count = number(object, "m", 1);
    const auto stamp = text(object, "t");
    what.operation = {text(object, "f"), text(object, "v"), stamp.empty() ? 0 : number_of(stamp),
                      texts(object, "path")};
    return what;
}

std::unique_ptr<trace> make(const header& begins) {
    for (const auto maker : {make_counters, make_sets, make_registers, make_maps})
        if (auto made = maker(begins)) return made;
    return nullptr;
}

// What answers a line of a trace.
class driver {
public:
    std::optional<std::string> take(const json& object) {
        const bool begins = text(object, "k") == "hdr";
        if (!begins && skipping_) return std::nullopt;
        if (begins) number_ = 0;
        const auto i = "{\"i\":" + std::to_string(number_++);
        try {
            if (begins) return begin(object, i);
            // Whether such an exchange goes one way or both is left open.
            if (text(object, "k") == "part") return skip(i, "part");
            if (!trace_) return std::nullopt;
            const auto answer = trace_->run(line_of(object));
            return answer ? std::optional(i + "," + *answer + "}") : std::nullopt;
        } catch (const std::exception& why) {
            std::cerr << i << "}: " << why.what() << '\n';
            return i + ",\"err\":true}";
        }
    }

private:
    std::string begin(const json& object, const std::string& i) {
        skipping_ = false;
        const auto begins = header_of(object);
        trace_ = make(begins);
        return trace_ ? i + "}" : skip(i, "type");
    }

    std::string skip(const std::string& i, const char* why) {
        skipping_ = true;
        return i + ",\"skip\":" + quoted(why) + "}";
    }

    std::unique_ptr<trace> trace_;
    std::size_t number_ = 0;
    bool skipping_ = false;
};

} // namespace
} // namespace trace_driver

int main() {
    std::ios::sync_with_stdio(false);
    trace_driver::driver driver;
    for (std::string line; std::getline(std::cin, line);) {
        if (line.find_first_not_of(" \t\r") == line.npos) continue;
        rapidjson::Document document;
        document.Parse(line.data(), line.size());
        if (document.HasParseError() || !document.IsObject()) {
            std::cerr << "not a JSON object: " << line << '\n';
            continue;
        }
        if (const auto answer = driver.take(document)) std::cout << *answer << '\n';
    }
    return 0;
}
