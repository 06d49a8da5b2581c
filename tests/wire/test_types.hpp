// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/hana/define_struct.hpp>
#include <cereal/cereal.hpp>

#include <wire.hpp>

namespace wire_test {

namespace wire = joinery::wire;
using bytes = std::vector<std::byte>;

inline bytes bytes_of(std::initializer_list<unsigned> values) {
    bytes result;
    for (const unsigned value : values) result.push_back(static_cast<std::byte>(value));
    return result;
}

inline bytes bytes_of(std::string_view text) {
    const auto view = std::as_bytes(std::span(text.data(), text.size()));
    return {view.begin(), view.end()};
}

// A native type with an invariant: the two numbers ascend.
struct interval {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
    static constexpr std::string_view schema_name = "interval";

    bool operator==(const interval&) const = default;
    void write(wire::writer& w) const {
        wire::put(w, from);
        wire::put(w, to);
    }
    void read(wire::reader& r) {
        wire::get(r, from);
        wire::get(r, to);
        if (from > to) r.fail(wire::errc::bad_value);
    }
};

enum class colour : std::uint16_t { red = 1, blue = 300 };

struct person {
    BOOST_HANA_DEFINE_STRUCT(person, (std::string, name), (std::uint32_t, age),
                             (std::vector<std::uint16_t>, scores), (interval, hours));
    bool operator==(const person&) const = default;
};

// The same with one field more.
struct person_v2 {
    BOOST_HANA_DEFINE_STRUCT(person_v2, (std::string, name), (std::string, mail),
                             (std::uint32_t, age), (std::vector<std::uint16_t>, scores),
                             (interval, hours));
    bool operator==(const person_v2&) const = default;
};

struct team {
    BOOST_HANA_DEFINE_STRUCT(team, (std::string, title), (person, lead));
    bool operator==(const team&) const = default;
};

struct team_v2 {
    BOOST_HANA_DEFINE_STRUCT(team_v2, (std::string, title), (person_v2, lead));
    bool operator==(const team_v2&) const = default;
};

struct nothing {
    BOOST_HANA_DEFINE_STRUCT(nothing);
    bool operator==(const nothing&) const = default;
};

// A user's type that knows cereal and holds everything of ours.
struct order {
    std::uint64_t number = 0;
    std::string customer;
    std::vector<std::uint32_t> items;
    std::map<std::string, std::int64_t> prices;
    std::set<std::uint16_t> flags;
    std::optional<interval> window;
    std::pair<bool, double> paid;
    std::tuple<std::int8_t, colour> extra;
    std::array<std::uint16_t, 2> pair{};
    std::vector<bool> bits;
    person buyer;

    bool operator==(const order&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(CEREAL_NVP(number), CEREAL_NVP(customer), CEREAL_NVP(items), CEREAL_NVP(prices),
                CEREAL_NVP(flags), CEREAL_NVP(window), CEREAL_NVP(paid), CEREAL_NVP(extra),
                CEREAL_NVP(pair), CEREAL_NVP(bits), CEREAL_NVP(buyer));
    }
};

inline person some_person() { return {"Ada", 36, {1, 2, 515}, {9, 17}}; }

inline order some_order() {
    return {.number = 70000,
            .customer = "Grace",
            .items = {1, 0x01020304},
            .prices = {{"a", -5}, {"b", 6}},
            .flags = {3, 400},
            .window = interval{2, 300},
            .paid = {true, 2.5},
            .extra = {std::int8_t{-1}, colour::blue},
            .pair = {1, 0x0203},
            .bits = {true, false, true},
            .buyer = some_person()};
}

// A tree of any depth, by cereal.
struct tree {
    std::vector<tree> children;

    bool operator==(const tree&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(CEREAL_NVP(children));
    }
};

template <class T>
wire::errc why_refused(std::span<const std::byte> nested, const wire::limits& allowed = {}) {
    wire::reader r(nested, allowed);
    T value{};
    wire::get(r, value);
    if (r.ok() && r.left() != 0) r.fail(wire::errc::trailing_bytes);
    return r.error().code;
}

} // namespace wire_test
