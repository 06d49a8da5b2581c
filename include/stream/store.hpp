// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/hash.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace joinery::stream {

/// A store could not do what it was asked to; what was durable before still is.
class store_failure : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What a worker needs of durable memory: objects by digest (chunks, leaves, whole checkpoints) and
/// records by name (its lease, the certificate it can restore).
///
///     put, save   durable when they return, at once or not at all; a record is replaced
///     get, load   exactly the bytes that were put or saved, or nothing: missing, torn or damaged
///                 is one thing. The digest is the caller's name for the bytes; it is not checked.
///     erase       of what is not there is fine
///     digests     of the objects, ascending, damaged ones included
///
/// All may throw store_failure. testing/store_suite.hpp checks a store, and
/// testing/store_crash.hpp kills processes that use it. The library itself opens no file; see
/// stream/directory_store.hpp for the store that comes with it.
template <class S>
concept store = requires(S& s, const S& c, const wire::digest& name_of, std::string_view name,
                         std::span<const std::byte> bytes) {
    s.put(name_of, bytes);
    { c.get(name_of) } -> std::same_as<std::optional<std::vector<std::byte>>>;
    { c.contains(name_of) } -> std::same_as<bool>;
    { c.digests() } -> std::same_as<std::vector<wire::digest>>;
    s.erase(name_of);
    s.save(name, bytes);
    { c.load(name) } -> std::same_as<std::optional<std::vector<std::byte>>>;
};

/// Whether every store takes `name` for a record: 1 to 64 of a-z, 0-9, '-' and '_'.
inline bool is_record_name(std::string_view name) {
    return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    });
}

} // namespace joinery::stream
