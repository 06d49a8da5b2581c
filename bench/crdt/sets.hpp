// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../anchors.hpp"
#include "../baseline/sets.hpp"
#include "../memory.hpp"
#include "../rows.hpp"

#include <crdt/merge_encoded.hpp>
#include <crdt/or_set.hpp>

#include <boost/unordered/unordered_flat_map.hpp>
#include <cereal/archives/binary.hpp>
#include <cereal/types/map.hpp>
#include <cereal/types/unordered_map.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

// or_set. Two sets that are 99 % equal: both hold 99 % of the elements; of the rest one has removed
// half, and each has added as many of its own.
namespace joinery::bench::sets {

using set = crdt::or_set<std::uint64_t>;
using base_set = baseline::or_set<std::uint64_t>;
using sixteen_bytes = std::array<std::uint64_t, 2>;

inline constexpr std::uint64_t replicas = 8;
inline crdt::replica_id replica(std::uint64_t n) { return {wire::mix(100 + n)}; }

/// n elements added at eight replicas in turn.
template <class Set>
Set filled(const std::vector<std::uint64_t>& keys) {
    Set s;
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if constexpr (std::same_as<Set, base_set>)
            s.add(replica(i % replicas).value, keys[i]);
        else
            s.add(replica(i % replicas), keys[i]);
    }
    return s;
}

/// A state that shares 99 % with `common`: `removed` of 1000 elements gone, 5 of 1000 new.
template <class Set>
Set apart(Set common, const std::vector<std::uint64_t>& keys, std::uint64_t who,
          std::uint64_t removed) {
    numbers random(who);
    const auto fresh = random_keys(keys.size() * 5 / 1000, 1000 + who);
    for (std::size_t i = 0; i < keys.size() * removed / 1000; ++i) {
        const auto gone = keys[random.below(keys.size())];
        if constexpr (std::same_as<Set, base_set>)
            common.remove(gone);
        else
            common.remove(replica(who), gone);
    }
    for (const auto key : fresh) {
        if constexpr (std::same_as<Set, base_set>)
            common.add(replica(who).value, key);
        else
            common.add(replica(who), key);
    }
    return common;
}

template <class Set>
struct pair_of {
    Set a, b;
    pair_of(const std::vector<std::uint64_t>& keys, const Set& common)
        : a(apart(common, keys, 1, 0)), b(apart(common, keys, 2, 5)) {}
};

inline void probes(rows& table, std::size_t n) {
    const auto keys = random_keys(n, 21);
    group g;
    auto& add = g.once("add", static_cast<double>(n), [&] {
        set s;
        const auto start = thread_ns();
        for (std::size_t i = 0; i < keys.size(); ++i) {
            one_at_a_time();
            auto delta = s.add(replica(i % replicas), keys[i]);
            benchmark::DoNotOptimize(delta);
        }
        return thread_ns() - start;
    });
    auto& insert = g.once("raw insert", static_cast<double>(n), [&] {
        boost::unordered_flat_map<std::uint64_t, std::uint64_t> map;
        const auto start = thread_ns();
        for (const auto key : keys) {
            one_at_a_time();
            map.emplace(key, 1);
        }
        benchmark::DoNotOptimize(map);
        return thread_ns() - start;
    });
    const auto s = filled<set>(keys);
    boost::unordered_flat_map<std::uint64_t, std::uint64_t> map;
    for (const auto key : keys) map.emplace(key, 0);
    auto& contains = g.loop("contains", 1000, [&, at = std::size_t{0}]() mutable {
        for (int i = 0; i < 1000; ++i, one_at_a_time())
            at = (at + 618'032 + static_cast<std::size_t>(s.contains(keys[at]))) % keys.size();
        benchmark::DoNotOptimize(at);
    });
    auto& find = g.loop("raw find", 1000, [&, at = std::size_t{0}]() mutable {
        for (int i = 0; i < 1000; ++i, one_at_a_time())
            at = (at + 618'032 + static_cast<std::size_t>(map.contains(keys[at]))) % keys.size();
        benchmark::DoNotOptimize(at);
    });
    g.run();
    table.times("or_set 1M u64 add over raw flat_map insert", add, insert, {1.8, 1.3});
    table.times("or_set 1M u64 contains over raw flat_map find", contains, find, {1.4, 1.0});
}

inline void merges(rows& table, std::size_t n) {
    const auto keys = random_keys(n, 22);
    const auto count = static_cast<double>(n);
    const auto common = filled<set>(keys);
    const auto base_common = filled<base_set>(keys);
    group g;
    {
        const pair_of<set> ours(keys, common);
        const pair_of<base_set> base(keys, base_common);
        auto& merge = g.fresh("merge", count, 1, ours.a, [&](set& s) { s.merge(ours.b); });
        auto& base_merge =
            g.fresh("base merge", count, 1, base.a, [&](base_set& s) { s.merge(base.b); });
        auto& difference = g.loop("difference", count, [&] {
            auto delta = ours.b.difference(ours.a);
            benchmark::DoNotOptimize(delta);
        });
        auto& base_difference = g.loop("base difference", count, [&] {
            auto delta = base.b.difference(base.a);
            benchmark::DoNotOptimize(delta);
        });
        // Equal, but not the same object and not copied chunk by chunk.
        const auto again = filled<set>(keys);
        auto& equal = g.fresh("equal", count, 1, common, [&](set& s) { s.merge(again); });
        auto& base_equal = g.fresh("base equal", count, 1, base_common,
                                   [&](base_set& s) { s.merge(base_common); });
        g.run();
        table.faster("or_set 1M merge 99 % equal", base_merge, merge, {40, 80});
        table.faster("or_set 1M merge equal", base_equal, equal, {200, 1500});
        table.faster("or_set difference of two 1M sets 99 % equal", base_difference, difference,
                     {30, 80});
    }
}

/// Deltas of `each` new elements by another replica.
inline std::vector<set> deltas(const set& state, std::size_t n, std::size_t each) {
    set author = state;
    const auto keys = random_keys(n * each, 31);
    std::vector<set> made;
    for (std::size_t i = 0; i < n; ++i) {
        set delta;
        for (std::size_t k = 0; k < each; ++k)
            delta.merge(author.add(replica(3), keys[i * each + k]));
        made.push_back(std::move(delta));
    }
    return made;
}

inline void small_merges(rows& table, std::size_t n) {
    const auto state = filled<set>(random_keys(n, 23));
    const auto ones = deltas(state, 5000, 1), hundreds = deltas(state, 50, 100);
    const auto merge_all = [&](const std::vector<set>& all) {
        return [&all](set& s) {
            for (const auto& delta : all) s.merge(delta);
        };
    };
    group g;
    auto& anchor = find_anchor(g);
    auto& one = g.fresh("delta of 1", 5000, 1, state, merge_all(ones));
    auto& hundred = g.fresh("delta of 100", 5000, 1, state, merge_all(hundreds));
    g.run();
    table.scaled("or_set delta of 1 into 1M", one, anchor, reference::find_in_million, {200, 100});
    table.scaled("or_set delta of 100 per element into 1M", hundred, anchor,
                 reference::find_in_million, {200, 100});
}

/// An element of a record as one would hand it to a stock archive.
struct record {
    std::uint64_t replica, counter, value;
    template <class Archive>
    void serialize(Archive& archive) {
        archive(replica, counter, value);
    }
};

template <class T>
std::string archived(const T& value) {
    std::ostringstream out;
    cereal::BinaryOutputArchive archive(out);
    archive(value);
    return out.str();
}

inline void bytes(rows& table) {
    const std::size_t n = 100'000;
    const auto keys = random_keys(n, 24);
    const auto common = filled<set>(keys);
    const auto base_common = filled<base_set>(keys);
    const pair_of<set> ours(keys, common);
    const pair_of<base_set> base(keys, base_common);
    std::vector<record> records;
    common.for_each_dot([&](const crdt::dot& d, std::uint64_t value) {
        records.push_back({d.replica.value, d.counter, value});
    });
    const auto received = wire::encode(ours.b);
    const auto base_received = archived(base.b);

    group g;
    const auto count = static_cast<double>(n);
    auto& encode = g.loop("encode", count, [&] {
        auto out = wire::encode(common);
        benchmark::DoNotOptimize(out.data());
    });
    auto& cereal_encode = g.loop("cereal", count, [&] {
        auto out = archived(records);
        benchmark::DoNotOptimize(out.data());
    });
    auto& receive = g.fresh("receive", count, 8, ours.a, [&](set& s) {
        wire::error why;
        crdt::merge_encoded(s, received, {}, why);
    });
    auto& base_receive = g.fresh("base receive", count, 1, base.a, [&](base_set& s) {
        std::istringstream in(base_received);
        cereal::BinaryInputArchive archive(in);
        base_set other;
        archive(other);
        s.merge(other);
    });
    g.run();
    table.faster("or_set 100k encode over cereal's binary archive of a vector", cereal_encode,
                 encode, {40, 60});
    table.figure("or_set 100k encoded bytes per element", "B",
                 static_cast<double>(wire::encode(common).size()) / count, {8.5, 8.3});
    table.faster("or_set 100k from received bytes merged into a live set", base_receive, receive,
                 {150, 350});
}

/// Ten times as many adds and removes as there are elements.
inline set churned(std::size_t n) {
    numbers random(41);
    std::vector<std::uint64_t> live = random_keys(n, 42);
    set s = filled<set>(live);
    for (std::size_t i = 0; i < 9 * n; ++i) {
        auto& place = live[random.below(n)];
        s.remove(replica(i % replicas), place);
        place = random.next();
        s.add(replica(i % replicas), place);
    }
    return s;
}

inline void resident(rows& table, std::size_t n) {
    const auto per_element = [n](auto make) {
        return static_cast<double>(resident_bytes(make)) / static_cast<double>(n);
    };
    if (table.wanted("or_set resident bytes per u64 element"))
        table.figure("or_set resident bytes per u64 element", "B", per_element([n] {
                         set s;
                         numbers random(43);
                         for (std::size_t i = 0; i < n; ++i)
                             s.add(replica(i % replicas), random.next());
                         return s;
                     }),
                     {40, 30});
    if (table.wanted("or_set resident bytes per 16-byte element"))
        table.figure("or_set resident bytes per 16-byte element", "B", per_element([n] {
                         crdt::or_set<sixteen_bytes> s;
                         numbers random(44);
                         for (std::size_t i = 0; i < n; ++i)
                             s.add(replica(i % replicas), {random.next(), random.next()});
                         return s;
                     }),
                     {52, 42});
    if (table.wanted("or_set resident bytes per u64 element after 10x churn"))
        table.figure("or_set resident bytes per u64 element after 10x churn", "B",
                     per_element([n] { return churned(n); }), {64, 48});
}

inline void run(rows& table) {
    const std::size_t n = 1'000'000;
    table.section({"or_set 1M u64 add over raw flat_map insert",
                   "or_set 1M u64 contains over raw flat_map find"},
                  [n](rows& t) { probes(t, n); });
    table.section({"or_set 1M merge 99 % equal", "or_set 1M merge equal",
                   "or_set difference of two 1M sets 99 % equal"},
                  [n](rows& t) { merges(t, n); });
    table.section({"or_set delta of 1 into 1M", "or_set delta of 100 per element into 1M"},
                  [n](rows& t) { small_merges(t, n); });
    table.section({"or_set 100k encode over cereal's binary archive of a vector",
                   "or_set 100k encoded bytes per element",
                   "or_set 100k from received bytes merged into a live set"},
                  bytes);
}

} // namespace joinery::bench::sets
