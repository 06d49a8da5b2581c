// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace joinery::wire {

/// State: what one message may cost its reader. There is no "0 = unlimited".
/// Invariant: a reader reserves nothing for a count that these and the bytes left do not allow.
struct limits {
    std::size_t max_bytes = std::size_t{64} << 20; ///< of the whole message
    std::size_t max_items = std::size_t{1} << 24;  ///< elements of all containers together
    /// Memory of all elements together, beyond 64 KiB and 4 times the bytes of the message.
    std::size_t max_memory = (std::size_t{1} << 24) * (sizeof(std::size_t) > 4 ? 256 : 64);
    std::size_t max_depth = 32; ///< containers, structs and objects nested
};

/// What a reader does with a field of a struct that this build does not know.
enum class unknown_fields : std::uint8_t {
    refuse, ///< errc::unknown_field: files and checkpoints
    skip,   ///< pass over and count it: received deltas
};

} // namespace joinery::wire
