// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "nats_client.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace broker {

// The input of one partition is one stream of the broker, so that its sequences are dense: the
// message at offset n has sequence n + 1. The last word of a subject says what a message is.
enum class input_kind { record, unreadable, cut };

inline constexpr std::string_view record_word = "record";         // whole lines of one file
inline constexpr std::string_view unreadable_word = "unreadable"; // a file that cannot be read
inline constexpr std::string_view cut_word = "cut";               // an epoch ends here

inline std::string stream_name(std::size_t partition) {
    return "input-" + std::to_string(partition);
}
inline std::string subject_of(std::size_t partition, std::string_view last_word) {
    return "input." + std::to_string(partition) + "." + std::string(last_word);
}

// Throws failure for a subject that the publisher does not use.
inline input_kind kind_of(std::string_view subject) {
    const std::string_view word = subject.substr(subject.rfind('.') + 1);
    if (word == record_word) return input_kind::record;
    if (word == unreadable_word) return input_kind::unreadable;
    if (word == cut_word) return input_kind::cut;
    throw failure("nothing is known of the subject " + std::string(subject));
}

inline void create_stream(nats_client& broker, std::size_t partition) {
    const std::string name = stream_name(partition);
    const std::string subject = subject_of(partition, "*");
    const char* subjects[] = {subject.c_str()};
    jsStreamConfig wanted;
    check(jsStreamConfig_Init(&wanted), "cannot configure a stream");
    wanted.Name = name.c_str();
    wanted.Subjects = subjects;
    wanted.SubjectsLen = 1;
    wanted.Storage = js_FileStorage;
    check(js_AddStream(nullptr, broker.streams(), &wanted, nullptr, nullptr),
          "cannot create the stream " + name);
}

// Messages in the stream, the cuts included.
inline std::uint64_t stream_length(nats_client& broker, std::size_t partition) {
    const std::string name = stream_name(partition);
    jsStreamInfo* found = nullptr;
    check(js_GetStreamInfo(&found, broker.streams(), name.c_str(), nullptr, nullptr),
          "cannot ask for the stream " + name);
    const owned<jsStreamInfo, jsStreamInfo_Destroy> kept(found);
    return kept->State.Msgs;
}

} // namespace broker
