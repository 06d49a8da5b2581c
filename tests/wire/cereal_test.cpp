// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <variant>

#include <cereal/types/array.hpp>
#include <cereal/types/bitset.hpp>
#include <cereal/types/chrono.hpp>
#include <cereal/types/deque.hpp>
#include <cereal/types/list.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/optional.hpp>
#include <cereal/types/set.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/tuple.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/unordered_set.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/variant.hpp>
#include <cereal/types/vector.hpp>

#include "test_types.hpp"

namespace wire_test {

// Split functions, a version, and the containers that only cereal knows.
struct mixture {
    std::list<std::string> list;
    std::deque<std::uint64_t> deque;
    std::variant<std::int32_t, std::string> either;
    std::unique_ptr<std::uint32_t> pointer;
    std::bitset<70> bits;
    std::chrono::milliseconds time{};

    template <class Archive>
    void save(Archive& archive, std::uint32_t) const {
        archive(list, deque, either, pointer, bits, time);
    }
    template <class Archive>
    void load(Archive& archive, std::uint32_t) {
        archive(list, deque, either, pointer, bits, time);
    }
};

struct minimal {
    std::uint32_t value = 0;
    template <class Archive>
    std::uint32_t save_minimal(const Archive&) const {
        return value;
    }
    template <class Archive>
    void load_minimal(const Archive&, const std::uint32_t& read) {
        value = read;
    }
};

// Free functions.
struct external {
    std::string text;
    bool operator==(const external&) const = default;
};
template <class Archive>
void serialize(Archive& archive, external& e) {
    archive(e.text);
}

// Hana and cereal: the user's own functions win.
struct both {
    BOOST_HANA_DEFINE_STRUCT(both, (std::uint32_t, number));
    bool operator==(const both&) const = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(number);
    }
};

struct holder {
    both inner;
    external free;
    std::vector<person> people;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(inner, free, people);
    }
};

struct chain {
    std::unique_ptr<chain> next;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(next);
    }
};

struct throwing {
    template <class Archive>
    void save(Archive& archive) const {
        archive(std::uint8_t{1});
    }
    template <class Archive>
    void load(Archive&) {
        throw std::runtime_error("no");
    }
};

} // namespace wire_test

CEREAL_CLASS_VERSION(wire_test::mixture, 3)

using namespace wire_test;

TEST_CASE("a cereal type holds everything that cereal and this library know") {
    mixture m{{"a", "b"},
              {1, 300},
              std::string("text"),
              std::make_unique<std::uint32_t>(7),
              std::bitset<70>(0x55),
              std::chrono::milliseconds(-5)};
    const bytes in = wire::encode(m);
    const auto read = wire::decode<mixture>(in);
    CHECK(read.list == m.list);
    CHECK(read.deque == m.deque);
    CHECK(read.either == m.either);
    CHECK(*read.pointer == 7);
    CHECK(read.bits == m.bits);
    CHECK(read.time == m.time);
    for (std::size_t length = 0; length < in.size(); ++length) {
        wire::error why;
        CHECK_FALSE(wire::try_decode<mixture>(std::span(in).first(length), {}, why).has_value());
    }
}

TEST_CASE("names cost nothing and the bytes inside a cereal type are those of put") {
    const order o = some_order();
    wire::writer w;
    wire::put(w, o.number);
    wire::put(w, o.customer);
    wire::put(w, o.items);
    wire::put(w, o.prices);
    wire::put(w, o.flags);
    wire::put(w, o.window);
    wire::put(w, o.paid);
    wire::put(w, o.extra);
    wire::put(w, o.pair);
    wire::put(w, o.bits);
    wire::put(w, o.buyer);
    CHECK(wire::encode_nested(o) == w.take());
    CHECK(wire::decode<order>(wire::encode(o)) == o);
}

TEST_CASE("the archives are called like any cereal archive") {
    wire::writer w;
    w(std::uint16_t{300}, std::string("x"), some_person(), interval{1, 2});
    w << true;
    wire::reader r(w.bytes());
    std::uint16_t number = 0;
    std::string text;
    person someone;
    interval span;
    bool flag = false;
    r(number, text, someone, span);
    r >> flag;
    CHECK(r.ok());
    CHECK(r.left() == 0);
    CHECK(number == 300);
    CHECK(text == "x");
    CHECK(someone == some_person());
    CHECK(span == interval{1, 2});
    CHECK(flag);
}

TEST_CASE("minimal, free and doubly described types work") {
    CHECK(wire::decode<minimal>(wire::encode(minimal{300})).value == 300);
    CHECK(wire::encode_nested(minimal{300}) == wire::encode_nested(std::uint32_t{300}));
    CHECK(wire::decode<external>(wire::encode(external{"e"})) == external{"e"});
    CHECK(wire::encode_nested(both{5}) == bytes_of({5}));
    const holder h{both{5}, {"e"}, {some_person(), {}}};
    const auto read = wire::decode<holder>(wire::encode(h));
    CHECK(read.inner == h.inner);
    CHECK(read.free == h.free);
    CHECK(read.people == h.people);
}

TEST_CASE("an endless chain of pointers and a throwing load end in an error") {
    CHECK(why_refused<chain>(bytes(100000, std::byte{1})) == wire::errc::too_deep);
    wire::error why;
    CHECK_FALSE(wire::try_decode<throwing>(wire::encode(throwing{}), {}, why).has_value());
    CHECK(why.code == wire::errc::bad_value);
    const bytes bad_index = bytes_of({9, 0});
    std::variant<std::int32_t, std::string> either;
    CHECK_FALSE(wire::decode_nested(bad_index, either, {}, wire::unknown_fields::refuse));
}

TEST_CASE("a lying count inside a stock cereal container is refused") {
    wire::writer w;
    w.varint(std::uint64_t{1} << 60U);
    CHECK(why_refused<std::list<std::string>>(w.bytes()) == wire::errc::too_many);
    CHECK(why_refused<std::deque<std::uint64_t>>(w.bytes()) == wire::errc::too_many);
}
