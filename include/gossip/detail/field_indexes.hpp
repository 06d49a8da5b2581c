// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <merkle/digest.hpp>
#include <merkle/index.hpp>
#include <wire/fields.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace joinery::gossip::detail {

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
        visit(parts_, f);
    }
    template <class F>
    void for_each(F f) const {
        visit(parts_, f);
    }

    /// The sum of the roots of all fields, which tells two states apart as one root would.
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
    /// The entries of a field; null if there is no such field.
    const merkle::index* find(std::uint32_t field) const {
        const auto& ids = fields();
        const auto at = std::find(ids.begin(), ids.end(), field);
        return at == ids.end() ? nullptr : &parts_[static_cast<std::size_t>(at - ids.begin())];
    }
    void clear() {
        for (auto& part : parts_) part.clear();
    }

private:
    template <class Parts, class F>
    static void visit(Parts& parts, F& f) {
        if constexpr (wire::reflected<State>) {
            std::size_t at = 0;
            wire::for_each_field<State>([&]<class Field>(Field) {
                f(
                    parts[at++], [](auto& s) -> auto& { return Field::get(s); },
                    wire::mix(0, Field::id));
            });
        } else {
            f(
                parts[0], [](auto& s) -> auto& { return s; }, crdt::entry_id{0});
        }
    }

    std::vector<merkle::index> parts_;
};

} // namespace joinery::gossip::detail
