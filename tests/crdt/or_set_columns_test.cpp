// SPDX-License-Identifier: Apache-2.0
// or_set in each of its shapes in memory: what is in the object itself, one chunk, many chunks.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <functional>
#include <initializer_list>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/detail/element_index.hpp>
#include <crdt/entries.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <testing/random_history.hpp>

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace or_set_columns_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;
using joinery::testing::rng;

namespace {

using set = crdt::or_set<std::uint64_t>;
const crdt::replica_id a{1}, b{2};

// The golden ratio: multiples of it are a usual pattern of test data and of hashing.
constexpr std::uint64_t golden = 0x9e3779b97f4a7c15U;

// The inverse of the finaliser.
std::uint64_t unmix(std::uint64_t x) {
    x = (x ^ (x >> 31) ^ (x >> 62)) * 0x319642b2d24d8ec3U;
    x = (x ^ (x >> 27) ^ (x >> 54)) * 0x96de1b173f119089U;
    return x ^ (x >> 30) ^ (x >> 60);
}

set of_dots(crdt::replica_id self, const std::vector<std::uint64_t>& values) {
    set s;
    for (const auto value : values) s.add(self, value);
    return s;
}

// Elements come, get more places, lose some and go, at random; a map says what must be found.
template <bool ExactHash, class Hash>
void follow(Hash hash, rng& random) {
    constexpr std::uint64_t values = 2000, each = 3, free = ~std::uint64_t{0};
    constexpr unsigned shift = 21; // so that places use all their bits
    crdt::detail::element_index<std::uint64_t, ExactHash> index;
    std::map<std::uint64_t, std::set<std::uint64_t>> model; // value -> its places
    std::vector<std::uint64_t> at(values * each, free);
    const auto standing = [&](std::uint64_t place) -> const std::uint64_t& {
        return at[place >> shift];
    };
    for (int i = 0; i < 8000; ++i) {
        const auto which = random.below(random.chance(1, 2) ? at.size() : at.size() / 20);
        const auto value = which / each, place = which << shift;
        if (at[which] == free) {
            at[which] = value;
            index.insert(hash(value), value, place, standing);
            model[value].insert(place);
        } else {
            index.erase(hash(value), value, place, standing);
            at[which] = free;
            model[value].erase(place);
            if (model[value].empty()) model.erase(value);
        }
    }
    const auto copy = index;
    CHECK(copy.size() == model.size());
    for (std::uint64_t value = 0; value < values; ++value) {
        std::set<std::uint64_t> found;
        copy.for_places(hash(value), value, standing, [&](auto place) { found.insert(place); });
        REQUIRE(found == (model.contains(value) ? model.at(value) : std::set<std::uint64_t>()));
        REQUIRE(copy.contains(hash(value), value, standing) == model.contains(value));
        if (!found.empty()) REQUIRE(found.contains(copy.place_for(hash(value), value, standing)));
    }
}

} // namespace

TEST_CASE("payloads that change places along a pattern are still told apart") {
    for (std::uint64_t x = 10; x < 100; ++x)
        for (const std::uint64_t step : {std::uint64_t{1}, golden}) {
            set one = of_dots(a, {(x + 10) * step, (x + 7) * step, 7});
            const set two = of_dots(a, {(x + 8) * step, (x + 9) * step, 7});
            crdt::report found;
            one.merge(two, &found);
            CHECK(found.double_spent.size() == 2);
        }
}

TEST_CASE("payloads chosen to have the same sum are still told apart") {
    const auto term = [](unsigned offset, std::uint64_t value) {
        return crdt::detail::element_chunk<std::uint64_t>::term(offset, wire::mix(value));
    };
    const std::uint64_t wanted = term(1, 10) + term(2, 20) - term(1, 11);
    const auto chosen = unmix(unmix(wanted) - 3 * golden);
    REQUIRE(term(2, chosen) == wanted);
    // Deltas as they come off the wire.
    const auto received = [](std::uint64_t first, std::uint64_t second) {
        set author, reader;
        for (const auto value : {first, second})
            reader.merge(wire::decode<set>(wire::encode(author.add(a, value))));
        return reader;
    };
    const set one = received(10, 20), two = received(11, chosen);
    CHECK(crdt::join(one, two) == crdt::join(two, one));
    CHECK(crdt::join(one, crdt::difference(two, one)) == crdt::join(one, two));
    set reported = one;
    crdt::report found;
    reported.merge(two, &found);
    CHECK(found.double_spent.size() == 2);
}

TEST_CASE("payloads are told apart wherever either side lacks their neighbours") {
    const std::uint64_t seed = 41;
    INFO("seed ", seed);
    rng random(seed);
    for (int round = 0; round < 60; ++round) {
        set one, two;
        std::vector<crdt::dot> different;
        const auto rare = 2 + random.below(60);
        for (std::uint64_t i = 1; i <= 700; ++i) {
            const bool other = random.chance(1, 50);
            one.add(a, i);
            two.add(a, other ? 1000 + i : i);
            const bool gone = random.chance(1, rare), gone_there = random.chance(1, rare);
            if (gone) one.remove(b, i);
            if (gone_there) two.remove(b, other ? 1000 + i : i);
            if (other && !gone && !gone_there) different.push_back({a, i});
        }
        const auto received = wire::decode<set>(wire::encode(two));
        for (const set* theirs : std::initializer_list<const set*>{&two, &received}) {
            set joined = one;
            crdt::report found;
            joined.merge(*theirs, &found);
            CHECK(found.double_spent == different);
            CHECK(joined == crdt::join(*theirs, one));
        }
    }
}

TEST_CASE("a set of many chunks is what a map of sets says") {
    const std::uint64_t seed = 17;
    INFO("seed ", seed);
    rng random(seed);
    set s;
    std::map<std::uint64_t, std::set<std::uint64_t>> model; // element -> its dots at a
    std::uint64_t minted = 0;
    for (int i = 0; i < 20'000; ++i) {
        const auto value = random.below(3000);
        if (random.chance(2, 5)) {
            s.remove(a, value);
            model.erase(value);
        } else {
            s.add(a, value);
            model[value] = {++minted};
        }
    }
    CHECK(s.size() == model.size());
    for (std::uint64_t value = 0; value < 3000; ++value) {
        REQUIRE(s.contains(value) == model.contains(value));
        const auto dots = s.dots_of(value);
        REQUIRE(dots.size() == (model.contains(value) ? 1 : 0));
        if (!dots.empty()) REQUIRE(dots[0].counter == *model.at(value).begin());
    }
    const auto again = wire::decode<set>(wire::encode(s));
    CHECK(again == s);
    CHECK(again.elements() == s.elements());
    CHECK(again.size() == s.size());
}

TEST_CASE("large sets that grew apart join as small ones do") {
    rng random(23);
    set x, y, big;
    for (std::uint64_t i = 0; i < 5000; ++i) big.add(a, i);
    x = big;
    y = big;
    std::set<std::uint64_t> gone;
    for (int i = 0; i < 300; ++i) {
        const auto value = random.below(5000);
        x.remove(a, value);
        gone.insert(value);
        y.add(b, 10'000 + random.below(1000));
    }
    const set theirs = crdt::difference(y, x), ours = crdt::difference(x, y);
    set joined = x;
    CHECK(joined.merge(y));
    CHECK(!joined.merge(y));
    CHECK(joined == crdt::join(y, x));
    CHECK(joined == crdt::join(x, theirs));
    CHECK(joined == crdt::join(y, ours));
    for (const auto value : gone) CHECK(!joined.contains(value));
    CHECK(joined.size() == 5000 - gone.size() + crdt::difference(y, big).size());
    const auto received = wire::decode<set>(wire::encode(y));
    CHECK(joined == crdt::join(x, received));
}

TEST_CASE("an element under many dots is one element until the last dot goes") {
    set all;
    std::vector<set> one_each;
    for (std::uint64_t r = 1; r <= 40; ++r) {
        set s;
        s.add({r}, 5);
        s.add({r}, 100 + r);
        one_each.push_back(s);
        all.merge(s);
    }
    CHECK(all.size() == 41);
    const auto dots = all.dots_of(5);
    CHECK(dots.size() == 40);
    CHECK(std::is_sorted(dots.begin(), dots.end()));
    for (std::size_t i = 0; i < one_each.size(); ++i) {
        all.merge(one_each[i].remove({99}, 5));
        CHECK(all.dots_of(5).size() == 39 - i);
        CHECK(all.contains(5) == (i != 39));
    }
    CHECK(all.size() == 40);
}

TEST_CASE("an element under many dots costs no more than as many elements") {
    // Every second counter, the chunks in falling order.
    constexpr std::uint64_t chunks = 1000 / JOINERY_CASES_DIVISOR, each = 20;
    set s;
    for (auto i = chunks; i-- > 0;) {
        wire::writer w;
        w.varint(1); // the context: 512 i + 1, 512 i + 3, ...
        a.write(w);
        w.varint(each);
        for (std::uint64_t n = 0; n < each; ++n) {
            w.varint(n == 0 ? 512 * i : 0);
            w.varint(0);
        }
        w.varint(1); // the dots: one chunk
        a.write(w);
        w.varint(1);
        w.varint(i);
        w.varint(each);
        for (std::uint64_t n = 0; n < each; ++n) w.varint(1);
        for (std::uint64_t n = 0; n < each; ++n) w.fixed64(7);
        set part;
        REQUIRE(wire::decode_nested(w.bytes(), part));
        s.merge(part);
    }
    CHECK(s.size() == 1);
    std::size_t entries = 0;
    crdt::for_each_entry(s, [&](crdt::entry_id, const wire::digest&) { ++entries; });
    CHECK(entries == 1);
    CHECK(s.remove(a, 7).context().size() == chunks * each);
    CHECK(s.empty());
}

namespace {

// What every second of `n` replicas adds, who added nothing else.
template <class T, class Add>
T of_strangers(std::uint64_t n, std::uint64_t first, Add add) {
    T all;
    for (auto id = first; id < 2 * n; id += 2) all.merge(add(T{}, crdt::replica_id{id}));
    return all;
}

double seconds(const std::function<void()>& work) {
    const auto start = std::clock();
    work();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

struct cost {
    double merge = 1e9, removal = 1e9;
};
// The least of three: merging what lies between all that is here, and taking all of it away.
template <class T, class Add>
cost of_merging(std::uint64_t n, Add add) {
    const T x = of_strangers<T>(n, 0, add), y = of_strangers<T>(n, 1, add);
    cost least;
    for (int i = 0; i < 3; ++i) {
        T all = x;
        least.merge = std::min(least.merge, seconds([&] { all.merge(y); }));
        T copy = all;
        const T none = copy.clear(a);
        least.removal = std::min(least.removal, seconds([&] { all.merge(none); }));
        CHECK(all.empty());
        CHECK(all == none);
    }
    return least;
}

template <class T, class Add>
void check_cost(Add add) {
    constexpr std::uint64_t n = JOINERY_CASES_DIVISOR > 1 ? 500 : 2000, times = 8;
    const auto few = of_merging<T>(n, add), many = of_merging<T>(n * times, add);
    MESSAGE(times << " times as much: merge " << many.merge / few.merge << ", removal "
                  << many.removal / few.removal);
    CHECK(many.merge < 3 * times * few.merge);
    CHECK(many.removal < 3 * times * few.removal);
}

} // namespace

TEST_CASE("merging a chunk from each of many replicas costs each the same") {
    check_cost<set>([](set s, crdt::replica_id id) { return s.add(id, id.value); });
    using map = crdt::or_map<std::uint64_t, set>;
    check_cost<map>([](map m, crdt::replica_id id) {
        return m.update(id, 1,
                        [](set& s, crdt::replica_id self) { return s.add(self, self.value); });
    });
}

TEST_CASE("chunks that come and go between others are found like all") {
    const std::uint64_t seed = 29;
    INFO("seed ", seed);
    rng random(seed);
    constexpr std::uint64_t replicas = 40, values = JOINERY_CASES_DIVISOR > 1 ? 120 : 1200;
    // Each value has one dot, in a chunk where nothing else is alive.
    std::vector<set> added, removed;
    {
        std::vector<set> of(replicas);
        for (std::uint64_t value = 0; value < values; ++value) {
            const crdt::replica_id self{value % replicas + 1};
            set& s = of[value % replicas];
            for (int i = 1; i < 512; ++i) s.add(self, values);
            added.push_back(s.add(self, value));
            set lone = added.back();
            removed.push_back(lone.remove(self, value));
        }
    }
    set s;
    std::map<std::uint64_t, bool> model; // value -> whether it is there yet
    for (std::uint64_t i = 0; i < values / 3; ++i) {
        set part;
        for (std::uint64_t n = random.below(20); n > 0; --n) {
            const auto value = random.below(values);
            const bool removal = random.chance(1, 3);
            part.merge((removal ? removed : added)[value]);
            model[value] = !removal && (!model.contains(value) || model.at(value));
        }
        s.merge(part);
    }
    set again;
    std::size_t live = 0;
    for (const auto& [value, there] : model) {
        REQUIRE(s.contains(value) == there);
        REQUIRE(s.dots_of(value).size() == (there ? 1 : 0));
        again.merge((there ? added : removed)[value]);
        live += there;
    }
    CHECK(live > values / 12);
    CHECK(s.size() == live);
    CHECK(s == again);
    CHECK(wire::encode(s) == wire::encode(again));
    CHECK(wire::decode<set>(wire::encode(s)) == s);
}

TEST_CASE("an index finds what is in it, whatever was erased before") {
    rng random(31);
    for (int round = 0; round < 20; ++round) {
        // Few distinct hashes, so that groups overflow; or one, so that most elements stand beside.
        const std::uint64_t alike = round % 3 == 0 ? 1 : round % 3 == 1 ? 16 : 1'000'000;
        CAPTURE(alike);
        follow<false>([&](std::uint64_t value) { return wire::mix(value / alike); }, random);
        // The same, but for bits that tell them apart and say nothing of where they belong.
        follow<true>(
            [&](std::uint64_t value) {
                return wire::mix(value / alike) >> 32 << 32 | value << (round % 2 * 10);
            },
            random);
    }
}

TEST_CASE("elements made to fall into one place do not stay there") {
    REQUIRE(wire::mix(unmix(12345)) == 12345);
    // Values whose hashes share all upper bits.
    set s;
    for (std::uint64_t i = 0; i < 20'000; ++i) s.add(a, unmix(i));
    CHECK(s.size() == 20'000);
    const auto again = wire::decode<set>(wire::encode(s));
    CHECK(again.size() == 20'000);
    CHECK(again.contains(unmix(77)));
    CHECK(!again.contains(unmix(20'001)));
}

TEST_CASE("texts made to have one hash are found and removed like others") {
    // A block that begins as the published secret adds nothing to the hash, whatever follows.
    const auto text = [](std::uint64_t i) {
        std::string made(32, 'x');
        std::memcpy(made.data(), wire::detail::content_secret.data(), 8);
        std::memcpy(made.data() + 8, &i, 8);
        return made;
    };
    REQUIRE(crdt::detail::element_hash(text(1)) == crdt::detail::element_hash(text(2)));
    using texts = crdt::or_set<std::string>;
    constexpr std::uint64_t n = 1500;
    std::vector<texts> adds;
    texts s;
    for (std::uint64_t i = 0; i < n; ++i) adds.push_back(s.add(a, text(i)));
    for (std::uint64_t i = 0; i < n; i += 5) {
        adds[i].merge(texts().add({10 + i}, text(i)));
        s.merge(adds[i]);
    }
    auto peer = wire::decode<texts>(wire::encode(s));
    CHECK(peer.size() == n);
    std::size_t found = 0;
    for (std::uint64_t i = 0; i < n + 100; ++i) found += peer.contains(text(i));
    CHECK(found == n);
    CHECK(peer.dots_of(text(5)).size() == 2);
    for (std::uint64_t i = 0; i < n; i += 3) {
        peer.merge(adds[i].remove(a, text(i)));
        REQUIRE(!peer.contains(text(i)));
        REQUIRE(peer.contains(text(i + 1)));
    }
    CHECK(peer.size() == n - n / 3);
    CHECK(peer.elements().size() == n - n / 3);
    CHECK(!peer.remove(b, text(n - 2)).context().empty());
}

} // namespace or_set_columns_test
