// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element_codec.hpp>

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// A column of integers that stays in the bytes where it was found, at any address.
template <class T>
class packed_column {
public:
    packed_column() = default;
    packed_column(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::size_t size() const { return bytes_.size() / sizeof(T); }
    const std::byte* data() const { return bytes_.data(); }
    T operator[](std::size_t i) const {
        T value;
        std::memcpy(&value, bytes_.data() + i * sizeof(T), sizeof(T));
        return value;
    }
    void copy_to(std::vector<T>& column) const {
        column.resize(size());
        std::memcpy(column.data(), bytes_.data(), bytes_.size());
    }

private:
    std::span<const std::byte> bytes_;
};

/// What element_store reads, but the elements stay in the bytes, which must outlive it: to be
/// merged and forgotten.
///
/// State      one element, or chunks per replica whose columns are views.
/// Cost       reads the dots and nothing of the elements.
template <class T>
struct packed_elements {
    using body = element_body<T, packed_column<T>>;

    /// Whether bytes and memory have one form of these elements.
    static constexpr bool possible = element_codec<T>::block && wire::detail::little_endian;

    lone_element<T> only;
    std::optional<body> all;

    /// As element_store::read(), with the same verdict.
    void read(wire::reader& r, const causal_context& seen) {
        auto chunks = element_codec<T>::template read<packed_column<T>>(r, seen);
        if (!r.ok() || chunks.empty()) return;
        if (chunks.size() == 1 && chunks[0].items.size() == 1)
            only.emplace(chunks[0].first_dot(), chunks[0].items[0], true);
        else
            all.emplace(std::move(chunks));
    }

    /// Calls f(dot, element) in dot order.
    template <class F>
    void for_each(F f) const {
        if (all)
            all->for_each(f);
        else if (only)
            f(only.first, only.second);
    }
};

/// A causal state that was read so.
template <class T>
struct packed_state {
    packed_elements<T> elements;
    causal_context context;

    void read(wire::reader& r) {
        context.read(r);
        elements.read(r, context);
    }
};

} // namespace joinery::crdt::detail
