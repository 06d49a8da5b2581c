// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <merkle/digest.hpp>
#include <merkle/index.hpp>
#include <wire/fields.hpp>
#include <wire/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// The entries of some fields, read as one index. Valid until these change.
class entries_view {
public:
    using range = merkle::index::range;

    explicit entries_view(std::span<const merkle::index> parts) : parts_(parts) {}

    wire::digest root() const {
        wire::digest sum;
        for (const auto& part : parts_) sum += part.root();
        return sum;
    }
    std::size_t size() const {
        std::size_t all = 0;
        for (const auto& part : parts_) all += part.size();
        return all;
    }
    wire::digest sum(const range& of) const {
        wire::digest sum;
        for (const auto& part : parts_) sum += part.sum(of);
        return sum;
    }
    std::size_t count(const range& of) const {
        std::size_t all = 0;
        for (const auto& part : parts_) all += part.count(of);
        return all;
    }
    std::optional<wire::digest> find(std::uint64_t id) const {
        for (const auto& part : parts_)
            if (const auto found = part.find(id)) return found;
        return std::nullopt;
    }
    /// Calls f(id, version) until it returns false, field by field.
    template <class F>
    void for_each_while(const range& of, F f) const {
        bool more = true;
        for (const auto& part : parts_) {
            if (!more) return;
            part.for_each_while(of, [&](std::uint64_t id, const wire::digest& version) {
                return more = f(id, version);
            });
        }
    }

private:
    std::span<const merkle::index> parts_;
};

/// An index for each field of a state, so that two whose types differ can compare the fields that
/// both have. A state that is no struct is one field with the id 0.
template <class State>
class field_indexes {
public:
    explicit field_indexes(const wire::keyed_hasher& hasher)
        : parts_(fields().size(), merkle::index(hasher)) {}

    /// The ids of the fields.
    static const std::vector<std::uint32_t>& fields() {
        static const std::vector<std::uint32_t> ids = [] {
            std::vector<std::uint32_t> made;
            if constexpr (wire::reflected<State>)
                wire::for_each_field<State>([&]<class Field>(Field) { made.push_back(Field::id); });
            else
                made.push_back(0);
            return made;
        }();
        return ids;
    }

    /// Tells types with other fields apart.
    static std::uint64_t schema() {
        std::uint64_t sum = 0;
        for (const auto id : fields()) sum += wire::mix(0, id);
        return sum;
    }

    /// Calls f(index, field of, path) with each index and what takes its field out of a state.
    template <class F>
    void for_each(F f) {
        if constexpr (wire::reflected<State>) {
            std::size_t at = 0;
            wire::for_each_field<State>([&]<class Field>(Field) {
                f(
                    parts_[at++], [](auto& s) -> auto& { return Field::get(s); },
                    wire::mix(0, Field::id));
            });
        } else {
            f(
                parts_[0], [](auto& s) -> auto& { return s; }, crdt::entry_id{0});
        }
    }

    entries_view all() const { return entries_view(parts_); }
    /// The entries of the field at a position of fields().
    entries_view of(std::size_t position) const {
        return entries_view(std::span(parts_).subspan(position, 1));
    }
    void clear() {
        for (auto& part : parts_) part.clear();
    }

private:
    std::vector<merkle::index> parts_;
};

} // namespace joinery::gossip::detail
