// SPDX-License-Identifier: Apache-2.0
// The storage of maps beside std::map, in chunks so small that all shapes occur; and what is left
// when memory runs out at each place where it can.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <map>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include <doctest/doctest.h>

#include <crdt/detail/ordered_chunks.hpp>
#include <crdt/entries.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/lww_map.hpp>
#include <testing/random_history.hpp>

namespace ordered_chunks_test {
namespace {
constexpr auto unlimited = std::numeric_limits<std::size_t>::max();
std::size_t allocations_left = unlimited;
} // namespace
} // namespace ordered_chunks_test

// For the whole test program; only this file sets a limit. Not inlined, because g++ then takes the
// pair of malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    using ordered_chunks_test::allocations_left;
    if (allocations_left == 0) throw std::bad_alloc();
    if (allocations_left != ordered_chunks_test::unlimited) --allocations_left;
    if (void* place = std::malloc(size == 0 ? 1 : size)) return place;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* place) noexcept { std::free(place); }
[[gnu::noinline]] void operator delete(void* place, std::size_t) noexcept { std::free(place); }

namespace ordered_chunks_test {

namespace crdt = joinery::crdt;
using crdt::detail::boxed;
using crdt::detail::chunk_slot;
using crdt::detail::ordered_chunks;
using crdt::detail::unboxed;
using joinery::testing::rng;

namespace {

template <class K, class V, std::size_t ChunkRoom, std::size_t TwigRoom>
using chunks = ordered_chunks<K, V, chunk_slot<crdt::detail::map_entry<K, V>>, ChunkRoom, TwigRoom>;

// A key and a value whose moves are copies, which can fail.
struct heavy {
    heavy(std::uint64_t n = 0) : text(std::to_string(n) + " and so much that it does not fit in") {}
    heavy(const heavy&) = default;
    heavy& operator=(const heavy&) = default;
    ~heavy() = default;
    auto operator<=>(const heavy&) const = default;

    std::string text;
};

template <class T>
T made(std::uint64_t n) {
    if constexpr (std::is_same_v<T, std::string>)
        return std::to_string(n) + (n % 3 == 0 ? " in more than fifteen characters" : "");
    else
        return T(n);
}

template <class Map, class Model>
bool same(const Map& map, const Model& model) {
    if (map.size() != model.size() || map.empty() != model.empty()) return false;
    auto at = map.begin();
    for (const auto& [key, value] : model) {
        if (at == map.end() || !(at->first == key) || !(at->second == value)) return false;
        ++at;
    }
    return at == map.end() && (model.empty() || map.back().first == std::prev(model.end())->first);
}

template <class Map, class Model, class K>
void look_for(const Map& map, const Model& model, const K& key) {
    const auto at = map.lower_bound(key);
    const auto there = model.lower_bound(key);
    REQUIRE((at == map.end()) == (there == model.end()));
    if (at != map.end()) CHECK(at->first == there->first);
    CHECK(map.contains(key) == model.contains(key));
}

template <class K, class V, std::size_t ChunkRoom, std::size_t TwigRoom>
void compare_with_map(std::uint64_t seed, int steps, std::uint64_t keys) {
    INFO("seed ", seed, ", chunks of ", ChunkRoom);
    rng random(seed);
    chunks<K, V, ChunkRoom, TwigRoom> map;
    std::map<K, V> model;
    for (int i = 0; i < steps; ++i) {
        // Phases of growth and of decline.
        const bool grows = random.chance(i / (steps / 10) % 2 == 0 ? 9 : 2, 10);
        const K key = made<K>(random.below(keys));
        const V value = made<V>(random.below(100));
        look_for(map, model, key);
        const auto at = map.find(key);
        if (!grows && at != map.end()) {
            allocations_left = 0;
            map.erase(at);
            allocations_left = unlimited;
            model.erase(key);
        } else if (grows && at == map.end()) {
            CHECK(map.insert(map.lower_bound(key), {key, value})->second == value);
            model.emplace(key, value);
        } else if (grows) {
            at->second = value;
            model.at(key) = value;
        }
        if (i % 16 == 0) REQUIRE(same(map, model));
        if (i % 64 == 0) map = chunks<K, V, ChunkRoom, TwigRoom>(std::as_const(map));
    }
    const auto copy = map;
    CHECK(copy == map);
    CHECK(same(copy, model));
    for (const auto& [key, value] : model) map.erase(map.find(key));
    CHECK(map.empty());
    CHECK(same(copy, model));
}

template <class Map>
Map filled(std::uint64_t n) {
    Map map;
    using entry = typename Map::value_type;
    for (std::uint64_t i = 0; i < n; ++i) map.append(entry{2 * i, i});
    return map;
}

/// Calls f on a copy of `from` with 0, 1, 2... allocations until one call succeeds, and
/// check(copy) after each that failed.
template <class T, class F, class Check>
void with_little_memory(const T& from, F f, Check check) {
    for (std::size_t n = 0;; ++n) {
        T copy = from;
        allocations_left = n;
        try {
            f(copy);
            allocations_left = unlimited;
            return;
        } catch (const std::bad_alloc&) {
            allocations_left = unlimited;
            check(copy);
        }
    }
}

} // namespace

TEST_CASE("what moves without failing stands in the chunk, what does not behind a pointer") {
    using crdt::detail::map_entry;
    using counted = map_entry<std::string, crdt::g_counter>;
    CHECK(std::is_same_v<chunk_slot<counted>, unboxed<counted>>);
    CHECK(std::is_same_v<chunk_slot<heavy>, boxed<heavy>>);
    using large = std::array<std::uint64_t, 100>;
    CHECK(std::is_same_v<chunk_slot<large>, boxed<large>>);
}

TEST_CASE("a map in chunks is what a std::map is") {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
        compare_with_map<std::uint64_t, std::uint64_t, 2, 2>(seed, 2000, 300);
        compare_with_map<std::uint64_t, std::string, 4, 3>(seed, 2000, 300);
        compare_with_map<std::string, std::uint64_t, 8, 4>(seed, 4000, 500);
        compare_with_map<std::uint64_t, std::uint64_t, 2, 8>(seed, 8000, 200);
        compare_with_map<heavy, heavy, 4, 4>(seed, 1000, 200);
        compare_with_map<bool, std::uint64_t, 2, 2>(seed, 50, 2);
    }
    compare_with_map<std::uint64_t, std::uint64_t, 128, 64>(8, 60'000, 20'000);
}

TEST_CASE("a map can grow at either end") {
    chunks<std::uint64_t, std::uint64_t, 4, 3> up, down;
    std::map<std::uint64_t, std::uint64_t> model;
    for (std::uint64_t i = 0; i < 500; ++i) {
        up.append({i, i});
        down.insert(down.begin(), {499 - i, 499 - i});
        model.emplace(i, i);
        REQUIRE(same(up, model));
    }
    CHECK(same(down, model));
    CHECK(up == down);
}

namespace {

// A map made of a sequence, which was announced as this long, and then changed.
template <class K, class V>
void fill_in_order(std::uint64_t size, std::uint64_t more) {
    using map_type = chunks<K, V, 4, 3>;
    typename map_type::sequence all(size + more);
    std::map<K, V> model;
    for (std::uint64_t i = 0; i < size; ++i) model.emplace(made<K>(3 * i), made<V>(i));
    const void* first = nullptr;
    for (const auto& [key, value] : model) {
        auto& next = all.next();
        if (first == nullptr) first = &next;
        CHECK(next.first == K{});
        CHECK(next.second == V{});
        next.first = key;
        next.second = value;
    }
    if (more != 0) return; // given up
    map_type map(std::move(all));
    REQUIRE(same(map, model));
    if (size > 1) CHECK(first == &*map.begin());
    CHECK(same(map_type(map), model));
    for (std::uint64_t i = 0; i <= 3 * size; ++i) {
        const auto key = made<K>(i);
        look_for(map, model, key);
        if (i % 3 == 0 && i % 2 == 0 && model.erase(key) != 0)
            map.erase(map.find(key));
        else if (model.emplace(key, V{}).second)
            map.insert(map.lower_bound(key), {key, V{}});
    }
    CHECK(same(map, model));
}

} // namespace

TEST_CASE("a map can be made of entries that come in order") {
    for (std::uint64_t size = 0; size < 60; ++size) {
        CAPTURE(size);
        fill_in_order<std::uint64_t, std::string>(size, 0);
        fill_in_order<std::string, heavy>(size, 0);
        fill_in_order<std::string, std::uint64_t>(size, 1 + size % 7);
    }
}

TEST_CASE("what was moved from is empty") {
    using map = chunks<std::uint64_t, std::uint64_t, 4, 3>;
    for (const std::uint64_t n : {0U, 1U, 3U, 100U}) {
        map from = filled<map>(n);
        map to = std::move(from);
        CHECK(from.empty());
        CHECK(from.begin() == from.end());
        CHECK(to == filled<map>(n));
        from = std::move(to);
        CHECK(to.empty());
        CHECK(from == filled<map>(n));
        to.append({7, 7});
        CHECK(to.size() == 1);
    }
}

TEST_CASE("an insert without memory changes nothing, an erase needs none") {
    using map = chunks<std::uint64_t, heavy, 4, 3>;
    for (std::uint64_t n = 0; n < 60; ++n) {
        const map before = filled<map>(n);
        for (std::uint64_t key = 1; key < 2 * n + 2; key += 2) {
            const heavy value{key};
            with_little_memory(
                before,
                [&](map& m) {
                    m.insert(m.lower_bound(key), {key, value});
                },
                [&](const map& m) { CHECK(m == before); });
        }
        map less = before;
        allocations_left = 0;
        for (std::uint64_t i = 0; i < n; i += 2) less.erase(less.find(2 * i));
        allocations_left = unlimited;
        CHECK(less.size() == n / 2);
        for (std::uint64_t i = 1; i < n; i += 2) CHECK(less.contains(2 * i));
    }
}

namespace {

using counters = crdt::g_map<std::string, crdt::g_counter>;

const crdt::replica_id a{1}, b{2};

// Counts by so many replicas; five are more than fit into a counter itself.
counters counted(crdt::replica_id self, std::uint64_t replicas, std::uint64_t step,
                 std::uint64_t n) {
    counters m;
    for (std::uint64_t i = 0; i < n; ++i)
        for (std::uint64_t more = 0; more < replicas; ++more)
            m.update({self.value + 10 * more},
                     "a key beyond the short ones " + std::to_string(i * step),
                     [](crdt::g_counter& c, crdt::replica_id id) { return c.increment(id); });
    return m;
}

} // namespace

TEST_CASE("an update without memory changes nothing") {
    for (const std::uint64_t n : {0U, 1U, 2U, 60U, 200U}) {
        const counters before = counted(a, 1, 1, n);
        for (const auto* key : {"a key beyond the short ones 0", "a new key among the short ones"})
            with_little_memory(
                before,
                [&](counters& m) {
                    m.update(b, key, [](auto& c, auto id) { return c.increment(id); });
                },
                [&](const counters& m) { CHECK(m == before); });
    }
}

TEST_CASE("a merge without memory has joined whole entries") {
    for (const std::uint64_t n : {1U, 2U, 60U, 200U}) {
        const counters mine = counted(a, 5, 2, n), theirs = counted(b, 5, 3, n);
        const counters both = crdt::join(mine, theirs);
        with_little_memory(
            mine, [&](counters& m) { m.merge(theirs); },
            [&](const counters& m) {
                CHECK(crdt::leq(mine, m));
                CHECK(crdt::join(m, theirs) == both);
                for (const auto& [key, value] : m.entries()) {
                    const auto* before = mine.find(key);
                    CHECK((value == *both.find(key) || (before != nullptr && value == *before)));
                }
            });
    }
}

TEST_CASE("a merge without memory keeps count of what lives") {
    using map = crdt::lww_map<std::uint64_t, std::string>;
    const auto written = [](std::uint64_t step, crdt::stamp_t stamp) {
        map m;
        for (std::uint64_t i = 0; i < 100; ++i) {
            m.put(a, stamp, step * i, "a value that is not among the short ones");
            if (i % 7 == 0) m.erase(a, stamp + 1, step * i);
        }
        return m;
    };
    const map mine = written(2, 5), theirs = written(3, 9);
    with_little_memory(
        mine, [&](map& m) { m.merge(theirs); },
        [&](const map& m) { CHECK(m.size() == m.entries().size()); });
}

TEST_CASE("a delta of one entry asks for no memory") {
    crdt::lww_map<std::uint64_t, std::uint64_t> written;
    for (std::uint64_t i = 0; i < 1000; ++i) written.put(a, 1, i, i);
    crdt::g_map<int, crdt::g_counter> counts;
    for (int i = 0; i < 1000; ++i)
        counts.update(a, i, [](auto& c, crdt::replica_id id) { return c.increment(id); });
    allocations_left = 0;
    const auto change =
        counts.update(a, 17, [](auto& c, crdt::replica_id id) { return c.increment(id); });
    const auto delta = written.put(a, 2, 17, 1);
    allocations_left = unlimited;
    CHECK(change.size() == 1);
    CHECK(delta.size() == 1);
}

} // namespace ordered_chunks_test
