// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

namespace joinery::wire {

/// Why bytes were refused. The numbers are stable; new reasons are added at the end.
enum class errc : std::uint8_t {
    none,
    truncated,           ///< the bytes end before the value does
    too_many,            ///< a count is above the budget of items
    too_large,           ///< above the limit of bytes, or memory ran out
    too_deep,            ///< nested beyond the limit of depth
    overlong,            ///< a varint that is not the shortest form, or has more than 64 bits
    non_canonical,       ///< a second spelling of a value: unsorted keys, encoded bottom, NaN
    bad_value,           ///< no value of the type has this form
    trailing_bytes,      ///< bytes are left after the value
    bad_magic,           ///< not a framed Joinery value
    unsupported_version, ///< framed by a format this library does not know
    wrong_type,          ///< framed, but of another type
    unknown_field,       ///< a struct has a field that this build does not know
};

/// State: the reason and the offset in bytes from the start of the message where it was noticed.
/// Value: a default error means success.
struct error {
    errc code = errc::none;
    std::size_t offset = 0;

    friend bool operator==(const error&, const error&) = default;
};

/// A short English sentence without a full stop; never null.
inline const char* message(errc code) {
    switch (code) {
        case errc::none: return "no error";
        case errc::truncated: return "the bytes end inside a value";
        case errc::too_many: return "a count exceeds the limit of items";
        case errc::too_large: return "the value exceeds the limit of bytes or memory";
        case errc::too_deep: return "the value is nested too deeply";
        case errc::overlong: return "an integer is not in its shortest form";
        case errc::non_canonical: return "the bytes are not the canonical form of a value";
        case errc::bad_value: return "the bytes are no value of the type";
        case errc::trailing_bytes: return "bytes are left after the value";
        case errc::bad_magic: return "the bytes are not a framed value";
        case errc::unsupported_version: return "the format version is unknown";
        case errc::wrong_type: return "the frame holds a value of another type";
        case errc::unknown_field: return "a struct has an unknown field";
    }
    return "unknown error";
}

/// State: the reason and the offset of a refused message.
/// Source: thrown by decode() only; nothing that an engine runs throws it.
class decode_error : public std::runtime_error {
public:
    explicit decode_error(wire::error e)
        : std::runtime_error(std::string(message(e.code)) + " at byte " + std::to_string(e.offset)),
          error_(e) {}

    errc code() const noexcept { return error_.code; }
    std::size_t offset() const noexcept { return error_.offset; }

private:
    wire::error error_;
};

} // namespace joinery::wire
