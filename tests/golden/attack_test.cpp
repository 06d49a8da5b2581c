// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "family.hpp"

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

// Golden vectors, damaged: refused for a reason, or the one encoding of another value.

namespace {

using golden::bytes;

enum class outcome { refused, accepted, unlawful };

outcome judge(const golden::codec& how, const bytes& damaged) {
    golden::wire::error why;
    const std::optional<bytes> again = how.recode(damaged, why);
    if (again) {
        const bool kept = how.canonical ? *again == damaged : how.recode(*again, why) == again;
        return kept ? outcome::accepted : outcome::unlawful;
    }
    return why.code != golden::wire::errc::none ? outcome::refused : outcome::unlawful;
}

// Returns whether the bytes were accepted. Any other outcome than the two lawful ones fails.
bool lawful(const golden::codec& how, const bytes& damaged) {
    const outcome found = judge(how, damaged);
    if (found == outcome::unlawful) FAIL_CHECK(how.type << ": " << golden::hex(damaged));
    return found == outcome::accepted;
}

// Takes any byte for a flag, and any order of two numbers.
struct careless {
    static constexpr std::string_view schema_name = "careless";
    bool flag = false;
    std::uint8_t low = 0, high = 0;
    bool operator==(const careless&) const = default;
    void write(golden::wire::writer& w) const {
        w.u8(flag ? 1 : 0);
        w.u8(std::min(low, high));
        w.u8(std::max(low, high));
    }
    void read(golden::wire::reader& r) {
        flag = r.u8() != 0;
        low = r.u8();
        high = r.u8();
    }
};

template <class F>
void for_each_vector(F f) {
    for (const golden::family& family : golden::all_families())
        for (const golden::vector& v : family.vectors) f(*family.find(v.type), v);
}

} // namespace

TEST_CASE("a careless decoder is found out by flipped bits") {
    golden::family planted("planted");
    planted.codecs.push_back(
        {"careless",
         [](std::span<const std::byte> in, golden::wire::error& why) -> std::optional<bytes> {
             const auto value = golden::wire::try_decode<careless>(in, {}, why);
             if (!value) return std::nullopt;
             return golden::wire::encode(*value);
         },
         nullptr});
    const bytes good = golden::wire::encode(careless{true, 3, 5});
    REQUIRE(judge(planted.codecs[0], good) == outcome::accepted);
    std::size_t unlawful = 0;
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
        bytes damaged = good;
        damaged[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
        unlawful += judge(planted.codecs[0], damaged) == outcome::unlawful ? 1U : 0U;
    }
    CHECK(unlawful >= 8); // seven bits of the flag, and some of the numbers
}

TEST_CASE("no truncation of a golden vector is a value") {
    std::size_t cuts = 0;
    for_each_vector([&](const golden::codec& how, const golden::vector& v) {
        for (std::size_t n = 0; n < v.encoding.size(); ++n, ++cuts) {
            const bytes cut(v.encoding.begin(),
                            v.encoding.begin() + static_cast<std::ptrdiff_t>(n));
            CHECK_FALSE(lawful(how, cut));
        }
    });
    CHECK(cuts > 5000);
}

TEST_CASE("a golden vector with one more byte is no value") {
    for_each_vector([&](const golden::codec& how, const golden::vector& v) {
        for (const unsigned last : {0U, 1U, 255U}) {
            bytes longer = v.encoding;
            longer.push_back(static_cast<std::byte>(last));
            CHECK_FALSE(lawful(how, longer));
        }
    });
}

TEST_CASE("a golden vector with one flipped bit is refused or canonical") {
    std::size_t accepted = 0, refused = 0;
    for_each_vector([&](const golden::codec& how, const golden::vector& v) {
        bytes damaged = v.encoding;
        for (std::size_t bit = 0; bit < damaged.size() * 8; ++bit) {
            const auto flip = static_cast<std::byte>(1U << bit % 8);
            damaged[bit / 8] ^= flip;
            ++(lawful(how, damaged) ? accepted : refused);
            damaged[bit / 8] ^= flip;
        }
    });
    // an id, a stamp or a letter may be any other; a frame may not
    CHECK(accepted > 1000);
    CHECK(refused > 1000);
}

TEST_CASE("every byte value at every place of a golden vector is refused or canonical") {
    for_each_vector([&](const golden::codec& how, const golden::vector& v) {
        if (v.encoding.size() > 100) return;
        bytes damaged = v.encoding;
        for (std::size_t at = 0; at < damaged.size(); ++at) {
            for (auto value = static_cast<unsigned>(at % JOINERY_CASES_DIVISOR); value < 256;
                 value += JOINERY_CASES_DIVISOR) {
                damaged[at] = static_cast<std::byte>(value);
                lawful(how, damaged);
            }
            damaged[at] = v.encoding[at];
        }
    });
}

TEST_CASE("damage anywhere in a frame is refused") {
    for_each_vector([&](const golden::codec& how, const golden::vector& v) {
        if (!how.framed) return;
        bytes damaged = v.encoding;
        for (std::size_t bit = 0; bit < 7 * 8; ++bit) {
            const auto flip = static_cast<std::byte>(1U << bit % 8);
            damaged[bit / 8] ^= flip;
            CHECK_FALSE(lawful(how, damaged));
            damaged[bit / 8] ^= flip;
        }
    });
}

TEST_CASE("a value is never taken for one of another type") {
    std::map<std::string, bytes> heads; // by type, the frame
    for_each_vector([&](const golden::codec& how, const golden::vector& v) {
        if (how.framed) heads[how.type] = {v.encoding.begin(), v.encoding.begin() + 7};
    });
    for_each_vector([&](const golden::codec&, const golden::vector& v) {
        for (const golden::family& family : golden::all_families())
            for (const golden::codec& other : family.codecs) {
                const bool own =
                    other.framed && std::equal(heads[other.type].begin(), heads[other.type].end(),
                                               v.encoding.begin());
                if (other.framed && !own) CHECK_FALSE(lawful(other, v.encoding));
            }
    });
    std::map<bytes, std::string> by_head;
    for (const auto& [type, head] : heads) {
        const auto [at, fresh] = by_head.emplace(head, type);
        CHECK_MESSAGE(fresh, type << " and " << at->second << " have one id");
    }
}
