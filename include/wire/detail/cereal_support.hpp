// SPDX-License-Identifier: Apache-2.0
#pragma once

// How cereal finds our codec: overloads for the two archives, found by argument-dependent lookup
// and more specialised than those of cereal/types, so that a cereal type may hold anything. Pairs
// and tuples are `serialize` because cereal's own are, and cereal refuses a type that has both.

#include <type_traits>

#include <wire/detail/traits.hpp>
#include <wire/fields.hpp>
#include <wire/reader.hpp>
#include <wire/writer.hpp>

namespace joinery::wire {

template <class T>
void put(writer& w, const T& value);
template <class T>
void get(reader& r, T& value);

namespace detail {

/// The user's own cereal functions win over the fields, in put() and inside cereal types alike.
template <class T>
concept own_cereal = cereal::traits::has_member_serialize<T, writer>::value ||
                     cereal::traits::has_non_member_serialize<T, writer>::value ||
                     cereal::traits::has_member_save<T, writer>::value;

template <class T>
concept field_coded = reflected<T> && !own_cereal<T>;

template <class T>
concept direct = std::is_arithmetic_v<T> || native<T> || field_coded<T>;

template <class T>
inline constexpr bool is_standard =
    std::is_arithmetic_v<T> || std::is_enum_v<T> || is_string<T> || is_vector<T> || is_array<T> ||
    is_tuple<T> || is_optional<T> || is_map<T> || is_set<T>;

/// A type that only cereal can serialize: an object for the limit of depth.
template <class T>
concept cereal_coded = !is_standard<T> && !native<T> && !field_coded<T>;

} // namespace detail

template <class T>
    requires detail::direct<T>
void save(writer& w, const T& value) {
    put(w, value);
}
template <class T>
    requires detail::direct<T>
void load(reader& r, T& value) {
    get(r, value);
}

template <class Traits, class Alloc>
void save(writer& w, const std::basic_string<char, Traits, Alloc>& value) {
    put(w, value);
}
template <class Traits, class Alloc>
void load(reader& r, std::basic_string<char, Traits, Alloc>& value) {
    get(r, value);
}

template <class T, class Alloc>
void save(writer& w, const std::vector<T, Alloc>& value) {
    put(w, value);
}
template <class T, class Alloc>
void load(reader& r, std::vector<T, Alloc>& value) {
    get(r, value);
}
template <class Alloc>
void save(writer& w, const std::vector<bool, Alloc>& value) {
    put(w, value);
}
template <class Alloc>
void load(reader& r, std::vector<bool, Alloc>& value) {
    get(r, value);
}

template <class T, std::size_t N>
void save(writer& w, const std::array<T, N>& value) {
    put(w, value);
}
template <class T, std::size_t N>
void load(reader& r, std::array<T, N>& value) {
    get(r, value);
}

template <class T>
void save(writer& w, const std::optional<T>& value) {
    put(w, value);
}
template <class T>
void load(reader& r, std::optional<T>& value) {
    get(r, value);
}

template <class K, class V, class C, class A>
void save(writer& w, const std::map<K, V, C, A>& value) {
    put(w, value);
}
template <class K, class V, class C, class A>
void load(reader& r, std::map<K, V, C, A>& value) {
    get(r, value);
}

template <class K, class C, class A>
void save(writer& w, const std::set<K, C, A>& value) {
    put(w, value);
}
template <class K, class C, class A>
void load(reader& r, std::set<K, C, A>& value) {
    get(r, value);
}

template <class A, class B>
void serialize(writer& w, std::pair<A, B>& value) {
    put(w, value);
}
template <class A, class B>
void serialize(reader& r, std::pair<A, B>& value) {
    get(r, value);
}
template <class... T>
void serialize(writer& w, std::tuple<T...>& value) {
    put(w, value);
}
template <class... T>
void serialize(reader& r, std::tuple<T...>& value) {
    get(r, value);
}

// Names cost nothing.
template <class T>
void serialize(writer& w, cereal::NameValuePair<T>& pair) {
    w(pair.value);
}
template <class T>
void serialize(reader& r, cereal::NameValuePair<T>& pair) {
    r(pair.value);
}

// The stock loads of list, deque, ... resize to this number, so that it is bounded as well.
template <class T>
void serialize(writer& w, cereal::SizeTag<T>& tag) {
    w.varint(static_cast<std::uint64_t>(tag.size));
}
template <class T>
void serialize(reader& r, cereal::SizeTag<T>& tag) {
    tag.size = static_cast<std::remove_cvref_t<T>>(r.count());
}

template <class T>
    requires detail::cereal_coded<T>
void prologue(writer&, const T&) {
    static_assert(!detail::is_unordered<T>,
                  "an unordered container has no canonical bytes: use std::map or std::set");
}
template <class T>
    requires detail::cereal_coded<T>
void prologue(reader& r, const T&) {
    static_assert(!detail::is_unordered<T>,
                  "an unordered container has no canonical bytes: use std::map or std::set");
    r.enter();
}
template <class T>
    requires detail::cereal_coded<T>
void epilogue(reader& r, const T&) {
    r.leave();
}
// cereal's wrappers are not objects.
template <class T>
void prologue(writer&, const cereal::NameValuePair<T>&) {}
template <class T>
void prologue(reader&, const cereal::NameValuePair<T>&) {}
template <class T>
void epilogue(reader&, const cereal::NameValuePair<T>&) {}
template <class T>
void prologue(writer&, const cereal::SizeTag<T>&) {}
template <class T>
void prologue(reader&, const cereal::SizeTag<T>&) {}
template <class T>
void epilogue(reader&, const cereal::SizeTag<T>&) {}

} // namespace joinery::wire
