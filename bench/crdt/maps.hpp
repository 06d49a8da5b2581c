// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../anchors.hpp"
#include "../baseline/maps.hpp"
#include "../rows.hpp"

#include <crdt/event_log.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/lww_map.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

// Maps, registers and logs. Keys and values have 16 bytes: an array here, a string in the baseline.
namespace joinery::bench::maps {

using sixteen_bytes = std::array<std::uint64_t, 2>;
using words = std::vector<sixteen_bytes>;

inline crdt::replica_id replica(std::uint64_t n) { return {wire::mix(200 + n)}; }

inline std::string text_of(const sixteen_bytes& pair) {
    std::string text(16, '\0');
    std::memcpy(text.data(), pair.data(), 16);
    return text;
}

inline words random_words(std::size_t n, std::uint64_t seed) {
    numbers random(seed);
    words all(n);
    for (auto& pair : all) pair = {random.next(), random.next()};
    return all;
}

inline auto counted(const words& keys, std::uint64_t seed) {
    numbers random(seed);
    crdt::g_map<sixteen_bytes, crdt::g_counter> map;
    for (const auto& key : keys)
        for (std::uint64_t r = 0; r < 3; ++r)
            map.update(replica(r), key, [&](crdt::g_counter& c, crdt::replica_id self) {
                return c.increment(self, 1 + random.below(1000));
            });
    return map;
}

inline void counter_maps(rows& table) {
    const auto keys = random_words(100'000, 51);
    const auto base = [&](std::uint64_t seed) {
        numbers random(seed);
        baseline::map<baseline::g_counter> map;
        for (const auto& key : keys)
            for (std::uint64_t r = 0; r < 3; ++r)
                map.values[text_of(key)].increment(baseline::node_name(r), 1 + random.below(1000));
        return map;
    };
    group g;
    const auto count = static_cast<double>(keys.size());
    const auto a = counted(keys, 1), b = counted(keys, 2);
    const auto base_a = base(1), base_b = base(2);
    auto& merge = g.fresh("g_map", count, 1, a, [&](auto& m) { m.merge(b); });
    auto& base_merge = g.fresh("base", count, 1, base_a, [&](auto& m) { m.merge(base_b); });
    g.run();
    table.faster("g_map of 100k counters merge", base_merge, merge, {7, 10});
}

inline auto written(const words& keys, std::uint64_t seed) {
    numbers random(seed);
    crdt::lww_map<sixteen_bytes, sixteen_bytes> map;
    for (const auto& key : keys)
        map.put(replica(seed), random.next() >> 8, key, {random.next(), random.next()});
    return map;
}

inline void written_maps(rows& table) {
    const auto keys = random_words(100'000, 52);
    const auto base = [&](std::uint64_t seed) {
        numbers random(seed);
        baseline::map<baseline::lww_register> map;
        for (const auto& key : keys)
            map.values[text_of(key)] = {random.next() >> 8, baseline::node_name(seed),
                                        text_of({random.next(), random.next()})};
        return map;
    };
    group g;
    const auto count = static_cast<double>(keys.size());
    const auto a = written(keys, 1), b = written(keys, 2);
    const auto base_a = base(1), base_b = base(2);
    auto& merge = g.fresh("lww_map", count, 1, a, [&](auto& m) { m.merge(b); });
    auto& base_merge = g.fresh("base", count, 1, base_a, [&](auto& m) { m.merge(base_b); });
    g.run();
    table.faster("lww_map 100k merge", base_merge, merge, {7, 10});
}

inline auto assigned(std::size_t n, std::uint64_t seed) {
    numbers random(seed);
    std::vector<crdt::lww_register<sixteen_bytes>> all(n);
    for (auto& r : all) r.assign(replica(seed), random.next() >> 8, {random.next(), random.next()});
    return all;
}

/// Each of ours with the one of theirs in its place.
template <class All>
void merge_all(All& mine, const All& theirs) {
    for (std::size_t i = 0; i < mine.size(); ++i) mine[i].merge(theirs[i]);
}

inline void registers(rows& table) {
    const std::size_t n = 1'000'000;
    const auto base = [&](std::uint64_t seed) {
        numbers random(seed);
        std::vector<baseline::lww_register> all(n);
        for (auto& r : all)
            r = {random.next() >> 8, baseline::node_name(seed),
                 text_of({random.next(), random.next()})};
        return all;
    };
    group g;
    const auto a = assigned(n, 1), b = assigned(n, 2);
    const auto base_a = base(1), base_b = base(2);
    auto& merge = g.fresh("lww_register", n, 1, a, [&](auto& all) { merge_all(all, b); });
    auto& base_merge = g.fresh("base", n, 1, base_a, [&](auto& all) { merge_all(all, base_b); });
    g.run();
    table.faster("lww_register merge, 1M array", base_merge, merge, {2, 2.4});
}

using log = crdt::event_log<std::uint64_t>;

/// n events of eight origins in turn.
inline log filled_log(std::size_t n) {
    log l;
    for (std::size_t i = 0; i < n; ++i) l.append(replica(i % 8), i << 16, i);
    return l;
}

inline timing& time_append(group& g, std::size_t n) {
    return g.once("append", static_cast<double>(n), [n] {
        log l;
        const auto start = thread_ns();
        for (std::size_t i = 0; i < n; ++i) {
            auto d = l.append(replica(i % 8), i << 16, i);
            benchmark::DoNotOptimize(d);
        }
        return thread_ns() - start;
    });
}

/// A log, and 1,000 entries that come to it after `before`.
struct growing_log {
    log state, before, delta;

    explicit growing_log(std::size_t n) : state(filled_log(n)) {
        log author = state;
        for (std::size_t i = 0; i < 1000; ++i)
            before.merge(author.append(replica(i % 8), (2'000'000 + i) << 16, i));
        for (std::size_t i = 0; i < 1000; ++i)
            delta.merge(author.append(replica(i % 8), (3'000'000 + i) << 16, i));
    }

    // A copy has room for what it holds and no more: the first merge makes room for the second.
    timing& time_merge(group& g) const {
        return g.once("merge", 1000, [this] {
            log l = state;
            l.merge(before);
            const auto start = thread_ns();
            l.merge(delta);
            return thread_ns() - start;
        });
    }
};

inline void logs(rows& table) {
    const growing_log grows(1'000'000);
    group g;
    auto& anchor = hash_anchor(g);
    auto& append = time_append(g, 100'000);
    auto& merge = grows.time_merge(g);
    g.run();
    table.scaled("event_log append", append, anchor, reference::hash_32_bytes, {30, 10});
    table.scaled("event_log merge of 1,000 new into 1M entries, per entry", merge, anchor,
                 reference::hash_32_bytes, {60, 20});
}

/// A map of n keys with a set each, and deltas of single keys.
struct nested_map {
    using map = crdt::or_map<std::string, crdt::or_set<std::uint64_t>>;
    map state;
    std::vector<map> deltas;

    explicit nested_map(std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) put(state, i, i);
        map author = state;
        numbers random(53);
        for (std::size_t i = 0; i < 2000; ++i)
            deltas.push_back(put(author, random.below(n), n + i));
    }

    static map put(map& m, std::size_t i, std::uint64_t value) {
        const std::string key = "key-" + std::to_string(1'000'000 + i);
        return m.update(replica(1), key,
                        [&](auto& set, crdt::replica_id self) { return set.add(self, value); });
    }

    timing& time_deltas(group& g) const {
        return g.fresh("or_map", static_cast<double>(deltas.size()), 1, state, [this](map& m) {
            for (const auto& delta : deltas) m.merge(delta);
        });
    }
};

inline void nested(rows& table) {
    const nested_map maps(100'000);
    group g;
    auto& anchor = find_anchor(g);
    auto& merge = maps.time_deltas(g);
    g.run();
    table.scaled("or_map<string, or_set> 100k keys, delta of one key", merge, anchor,
                 reference::find_in_million, {500, 200});
}

inline void run(rows& table) {
    table.section({"g_map of 100k counters merge"}, counter_maps);
    table.section({"lww_map 100k merge"}, written_maps);
    table.section({"lww_register merge, 1M array"}, registers);
    table.section({"event_log append", "event_log merge of 1,000 new into 1M entries, per entry"},
                  logs);
    table.section({"or_map<string, or_set> 100k keys, delta of one key"}, nested);
}

} // namespace joinery::bench::maps
