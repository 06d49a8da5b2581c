// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/hana/accessors.hpp>
#include <boost/hana/concept/struct.hpp>
#include <boost/hana/pair.hpp>
#include <boost/hana/string.hpp>
#include <boost/hana/unpack.hpp>

#include <wire/detail/traits.hpp>
#include <wire/schema.hpp>

namespace joinery::wire {

/// A struct that Boost.Hana knows the fields of (BOOST_HANA_DEFINE_STRUCT, _ADAPT_STRUCT).
template <class T>
concept reflected = boost::hana::Struct<T>::value && !native<T>;

/// One field of a struct, a stateless type.
/// Value: its name, and an id that is the 32-bit hash of the name.
template <class Name, class Getter>
struct field {
    static constexpr std::uint32_t id = fnv1a(std::string_view(Name::c_str()));

    static constexpr const char* name() { return Name::c_str(); }

    template <class T>
    static constexpr decltype(auto) get(T& object) {
        return Getter{}(object);
    }

    template <class T>
    using type = std::remove_cvref_t<decltype(Getter{}(std::declval<T&>()))>;
};

/// The fields of a struct, in the order of declaration.
template <class... Field>
struct fields {
    static constexpr std::size_t size = sizeof...(Field);
};

namespace detail {

template <class Pair>
struct to_field;
template <class Name, class Getter>
struct to_field<boost::hana::pair<Name, Getter>> {
    using type = field<Name, Getter>;
};

struct to_fields {
    template <class... Pair>
    constexpr fields<typename to_field<Pair>::type...> operator()(Pair...) const {
        return {};
    }
};

template <class List>
struct ordered;
template <class... Field>
struct ordered<fields<Field...>> {
    static constexpr std::size_t size = sizeof...(Field);
    static constexpr std::array<std::uint32_t, size> ids{Field::id...};
    static constexpr std::array<std::size_t, size> order = [] {
        std::array<std::size_t, size> result{};
        for (std::size_t i = 0; i < size; ++i) result[i] = i;
        std::sort(result.begin(), result.end(),
                  [](std::size_t a, std::size_t b) { return ids[a] < ids[b]; });
        return result;
    }();
    static constexpr bool distinct = [] {
        for (std::size_t i = 1; i < size; ++i) {
            if (ids[order[i - 1]] == ids[order[i]]) return false;
        }
        return true;
    }();
    static_assert(distinct, "two field names of this struct have the same id: rename one");

    template <std::size_t... I>
    static auto sorted(std::index_sequence<I...>)
        -> fields<std::tuple_element_t<order[I], std::tuple<Field...>>...>;
    using type = decltype(sorted(std::make_index_sequence<size>{}));
};

template <>
struct ordered<fields<>> {
    using type = fields<>;
};

} // namespace detail

/// The fields in the order of declaration; Hana's machinery runs once per struct.
template <class T>
using fields_of = decltype(boost::hana::unpack(boost::hana::accessors<T>(), detail::to_fields{}));

/// The fields by ascending id: the order of their bytes.
template <class T>
using fields_by_id = typename detail::ordered<fields_of<T>>::type;

/// Calls f(field<Name, Getter>{}) for each field in the order of declaration.
template <class T, class F>
constexpr void for_each_field(F&& f) {
    [&]<class... Field>(fields<Field...>) { (f(Field{}), ...); }(fields_of<T>{});
}

} // namespace joinery::wire
