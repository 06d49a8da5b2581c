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
#include <stdexcept>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// An index for each field of a state, so that two whose types differ can compare the fields that
/// both have. Fields of structs inside are told apart, also of those in the values of a container
/// that names their type as `fields_of`. A state without any is one field with the id 0.
template <class State>
class field_indexes {
public:
    explicit field_indexes(const wire::keyed_hasher& hasher)
        : parts_(fields().size(), merkle::index(hasher)) {}

    /// The ids of the fields: of one of the outermost struct its own, below that a hash of those on
    /// the way.
    static const std::vector<std::uint32_t>& fields() {
        static const std::vector<std::uint32_t> ids = [] {
            std::vector<std::uint32_t> made;
            collect<State>(0, made);
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

    /// A visitor of entries that calls f(index, field, entry id, versions...) for each.
    template <class F>
    auto visitor(F f) {
        return router<field_indexes, F>(*this, f);
    }
    template <class F>
    auto visitor(F f) const {
        return router<const field_indexes, F>(*this, f);
    }

    /// The contexts of one field alone.
    static State context_of(const State& state, std::uint32_t field) {
        return context_in(state, 0, field);
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
        const std::size_t at = position(field);
        return at == parts_.size() ? nullptr : &parts_[at];
    }
    void clear() {
        for (auto& part : parts_) part.clear();
    }

private:
    template <class Indexes, class F>
    class router {
    public:
        router(Indexes& of, F f) : of_(of), f_(std::move(f)) {}

        std::uint32_t enter(std::uint32_t id) { return go(below(field_, id)); }
        void leave(std::uint32_t outer) { go(outer); }

        void operator()(crdt::entry_id id, const wire::digest& version) {
            f_(index(), field_, id, version);
        }
        void operator()(crdt::entry_id id, const wire::digest& old, const wire::digest& now) {
            f_(index(), field_, id, old, now);
        }

    private:
        static constexpr std::size_t unknown = ~std::size_t{0};

        auto& index() {
            if (at_ == unknown) at_ = of_.position(field_);
            return of_.parts_[at_];
        }
        std::uint32_t go(std::uint32_t to) {
            at_ = unknown;
            return std::exchange(field_, to);
        }

        Indexes& of_;
        F f_;
        std::uint32_t field_ = 0;
        std::size_t at_ = unknown;
    };

    static std::uint32_t below(std::uint32_t outer, std::uint32_t id) {
        return outer == 0 ? id : static_cast<std::uint32_t>(wire::mix(outer, id));
    }

    /// Whether there are structs in it.
    template <class S>
    static consteval bool has_fields() {
        if constexpr (wire::reflected<S>)
            return true;
        else if constexpr (requires { typename S::fields_of; })
            return has_fields<typename S::fields_of>();
        else
            return false;
    }

    static void add(std::uint32_t field, std::vector<std::uint32_t>& into) {
        if (std::find(into.begin(), into.end(), field) != into.end())
            throw std::logic_error("gossip: two fields have one id: rename one");
        into.push_back(field);
    }
    template <class S>
    static void collect(std::uint32_t field, std::vector<std::uint32_t>& into) {
        if constexpr (wire::reflected<S>) {
            wire::for_each_field<S>([&]<class Field>(Field) {
                collect<typename Field::template type<S>>(below(field, Field::id), into);
            });
        } else if constexpr (has_fields<S>()) {
            if constexpr (requires { S::own_entries; }) add(field, into);
            collect<typename S::fields_of>(field, into);
        } else {
            add(field, into);
        }
    }

    template <class S>
    static S context_in(const S& s, std::uint32_t field, std::uint32_t wanted) {
        if constexpr (!crdt::detail::is_causal<S>()) {
            return S{};
        } else if constexpr (wire::reflected<S>) {
            S part{};
            wire::for_each_field<S>([&]<class Field>(Field) {
                Field::get(part) = context_in(Field::get(s), below(field, Field::id), wanted);
            });
            return part;
        } else if constexpr (has_fields<S>()) {
            return s.map_values([&](const auto&, const typename S::fields_of& value) {
                return context_in(value, field, wanted);
            });
        } else {
            return field == wanted ? crdt::context(s) : S{};
        }
    }

    std::size_t position(std::uint32_t field) const {
        const auto& ids = fields();
        return static_cast<std::size_t>(std::find(ids.begin(), ids.end(), field) - ids.begin());
    }

    std::vector<merkle::index> parts_;
};

} // namespace joinery::gossip::detail
