// SPDX-License-Identifier: Apache-2.0
#include "seeds.hpp"

#include <gossip/detail/intervals.hpp>
#include <gossip/detail/reusing.hpp>
#include <gossip/detail/ring.hpp>
#include <gossip/random.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace reusing_test {

namespace gossip = joinery::gossip;
using joinery::gossip::detail::intervals;
using joinery::gossip::detail::reusing;
using joinery::gossip::detail::ring;

namespace {

constexpr int steps = 2000;

std::string text_of(std::uint64_t n) { return std::string(n % 40, 'x') + std::to_string(n); }

template <class T>
bool same(const ring<T>& one, const std::deque<T>& other) {
    if (one.size() != other.size() || one.empty() != other.empty()) return false;
    for (std::size_t each = 0; each < one.size(); ++each)
        if (one[each] != other[each]) return false;
    return true;
}

} // namespace

TEST_CASE("a ring is a queue, and copies of it go their own ways") {
    for (const std::uint64_t seed : gossip_test::seeds(20)) {
        INFO("seed " << seed);
        gossip::random chance(seed);
        ring<std::string> at;
        std::deque<std::string> model;
        for (int step = 0; step < steps; ++step) {
            // Up and down, so that it is empty again and again after it was long.
            if (chance.chance(step / 300 % 2 == 0 ? 7 : 3, 10)) {
                at.next() = text_of(chance.below(1000));
                model.push_back(at.next());
                at.push();
            } else if (!model.empty()) {
                REQUIRE(at.front() == model.front());
                std::string into;
                at.pop(into);
                REQUIRE(into == model.front());
                model.pop_front();
            }
            REQUIRE(same(at, model));
            if (step % 100 != 0) continue;
            const ring<std::string> before = at;
            ring<std::string> copy = at;
            while (!copy.empty()) copy.pop();
            REQUIRE(same(before, model));
            REQUIRE(same(at, model));
        }
    }
}

TEST_CASE("a slot of a ring keeps its memory, and a ring that was long does not") {
    ring<std::string> at;
    at.next() = std::string(100, 'x');
    at.push();
    const char* const place = at.front().data();
    at.pop();
    for (int each = 0; each < 3; ++each) { // once around
        at.next();
        at.push();
    }
    at.next() = std::string(1, 'y');
    at.next().assign(100, 'z');
    bool found = false;
    for (int each = 0; each < 4; ++each) {
        found = found || at.next().data() == place;
        at.push();
        at.pop();
    }
    CHECK(found);
    for (std::size_t each = 0; each <= 2 * ring<std::string>::max_spare; ++each) {
        at.next().assign(100, 'z');
        at.push();
    }
    while (!at.empty()) at.pop();
    for (int each = 0; each < 200; ++each) {
        REQUIRE(at.next().capacity() < 100);
        at.push();
        at.pop();
    }
}

TEST_CASE("a map that reuses its nodes is a map, and new values in it are new") {
    for (const std::uint64_t seed : gossip_test::seeds(20)) {
        INFO("seed " << seed);
        gossip::random chance(seed);
        reusing<std::map<std::string, std::string>, 8> at;
        std::map<std::string, std::string> model;
        for (int step = 0; step < steps; ++step) {
            const std::string key = text_of(chance.below(30));
            switch (chance.below(4)) {
                case 0: REQUIRE(at.erase(key) == model.erase(key)); break;
                case 1:
                    if (const auto found = at.find(key); found != at.end()) {
                        const auto next = at.erase(found);
                        const auto expected = model.erase(model.find(key));
                        REQUIRE((next == at.end()) == (expected == model.end()));
                        if (next != at.end()) REQUIRE(*next == *expected);
                    }
                    break;
                default:
                    REQUIRE(at[key] == model[key]);
                    at[key] = model[key] = text_of(chance.next());
            }
            REQUIRE(std::map<std::string, std::string>(at) == model);
            if (step % 100 != 0) continue;
            const auto copy = at;
            at.erase(key);
            REQUIRE(std::map<std::string, std::string>(copy) == model);
            model.erase(key);
        }
    }
}

TEST_CASE("a set that reuses its nodes is a set") {
    for (const std::uint64_t seed : gossip_test::seeds(20)) {
        INFO("seed " << seed);
        gossip::random chance(seed);
        reusing<std::set<std::uint64_t>, 8> at;
        std::set<std::uint64_t> model;
        for (int step = 0; step < steps; ++step) {
            const std::uint64_t key = chance.below(40);
            if (chance.chance(1, 2)) {
                at.insert(key);
                model.insert(key);
            } else {
                REQUIRE(at.erase(key) == model.erase(key));
            }
            REQUIRE(std::set<std::uint64_t>(at) == model);
        }
    }
}

TEST_CASE("a node is used again where it was erased, and at most so many wait for it") {
    reusing<std::map<int, std::string>, 2> at;
    for (int each = 0; each < 4; ++each) at[each] = std::string(100, 'x');
    const char* const place = at[3].data();
    at.erase(3);
    const auto [slot, fresh] = at.place(7);
    CHECK(fresh);
    CHECK(slot->first == 7);
    CHECK(slot->second.data() == place); // whatever was left in it
    CHECK(!at.place(7).second);
    for (int each = 0; each < 3; ++each) at.erase(each);
    std::size_t kept = 0;
    for (int each = 10; each < 13; ++each) kept += at.place(each).first->second.empty() ? 0 : 1;
    CHECK(kept == 2);
}

TEST_CASE("intervals hold what a set of numbers does") {
    for (const std::uint64_t seed : gossip_test::seeds(20)) {
        INFO("seed " << seed);
        gossip::random chance(seed);
        intervals at;
        std::set<std::uint64_t> model;
        constexpr std::uint64_t top = ~std::uint64_t{0} - 30; // up to the last number of all
        for (int step = 0; step < steps; ++step) {
            const std::uint64_t n = top + chance.below(31);
            if (chance.chance(1, 2)) {
                at.insert(n);
                model.insert(n);
            } else {
                at.erase(n);
                model.erase(n);
            }
            std::size_t spans = 0;
            for (const std::uint64_t each : model) spans += model.contains(each - 1) ? 0 : 1;
            REQUIRE(at.size() == spans);
            for (std::uint64_t each = 0; each <= 30; ++each)
                REQUIRE(at.contains(top + each) == model.contains(top + each));
        }
    }
}

} // namespace reusing_test
