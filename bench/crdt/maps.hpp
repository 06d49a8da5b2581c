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

inline crdt::replica_id replica(std::uint64_t n) { return {wire::mix(200 + n)}; }

inline std::string text_of(const sixteen_bytes& words) {
    std::string text(16, '\0');
    std::memcpy(text.data(), words.data(), 16);
    return text;
}

inline std::vector<sixteen_bytes> random_words(std::size_t n, std::uint64_t seed) {
    numbers random(seed);
    std::vector<sixteen_bytes> all(n);
    for (auto& words : all) words = {random.next(), random.next()};
    return all;
}

inline void counter_maps(rows& table) {
    const auto keys = random_words(100'000, 51);
    const auto ours = [&](std::uint64_t seed) {
        numbers random(seed);
        crdt::g_map<sixteen_bytes, crdt::g_counter> map;
        for (const auto& key : keys)
            for (std::uint64_t r = 0; r < 3; ++r)
                map.update(replica(r), key, [&](crdt::g_counter& c, crdt::replica_id self) {
                    return c.increment(self, 1 + random.below(1000));
                });
        return map;
    };
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
    const auto a = ours(1), b = ours(2);
    const auto base_a = base(1), base_b = base(2);
    auto& merge = g.fresh("g_map", count, 1, a, [&](auto& m) { m.merge(b); });
    auto& base_merge = g.fresh("base", count, 1, base_a, [&](auto& m) { m.merge(base_b); });
    g.run();
    table.faster("g_map of 100k counters merge", base_merge, merge, {7, 10});
}

inline void written_maps(rows& table) {
    const auto keys = random_words(100'000, 52);
    const auto ours = [&](std::uint64_t seed) {
        numbers random(seed);
        crdt::lww_map<sixteen_bytes, sixteen_bytes> map;
        for (const auto& key : keys)
            map.put(replica(seed), random.next() >> 8, key, {random.next(), random.next()});
        return map;
    };
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
    const auto a = ours(1), b = ours(2);
    const auto base_a = base(1), base_b = base(2);
    auto& merge = g.fresh("lww_map", count, 1, a, [&](auto& m) { m.merge(b); });
    auto& base_merge = g.fresh("base", count, 1, base_a, [&](auto& m) { m.merge(base_b); });
    g.run();
    table.faster("lww_map 100k merge", base_merge, merge, {7, 10});
}

inline void registers(rows& table) {
    const std::size_t n = 1'000'000;
    const auto ours = [&](std::uint64_t seed) {
        numbers random(seed);
        std::vector<crdt::lww_register<sixteen_bytes>> all(n);
        for (auto& r : all)
            r.assign(replica(seed), random.next() >> 8, {random.next(), random.next()});
        return all;
    };
    const auto base = [&](std::uint64_t seed) {
        numbers random(seed);
        std::vector<baseline::lww_register> all(n);
        for (auto& r : all)
            r = {random.next() >> 8, baseline::node_name(seed),
                 text_of({random.next(), random.next()})};
        return all;
    };
    const auto merge_all = [](auto& mine, const auto& theirs) {
        for (std::size_t i = 0; i < mine.size(); ++i) mine[i].merge(theirs[i]);
    };
    group g;
    const auto a = ours(1), b = ours(2);
    const auto base_a = base(1), base_b = base(2);
    auto& merge = g.fresh("lww_register", n, 1, a, [&](auto& all) { merge_all(all, b); });
    auto& base_merge = g.fresh("base", n, 1, base_a, [&](auto& all) { merge_all(all, base_b); });
    g.run();
    table.faster("lww_register merge, 1M array", base_merge, merge, {2, 2.4});
}

inline void logs(rows& table) {
    using log = crdt::event_log<std::uint64_t>;
    const auto filled = [](std::size_t n) {
        log l;
        for (std::size_t i = 0; i < n; ++i) l.append(replica(i % 8), i << 16, i);
        return l;
    };
    const std::size_t appended = 100'000;
    const auto state = filled(1'000'000);
    log author = state, before, delta;
    for (std::size_t i = 0; i < 1000; ++i)
        before.merge(author.append(replica(i % 8), (2'000'000 + i) << 16, i));
    for (std::size_t i = 0; i < 1000; ++i)
        delta.merge(author.append(replica(i % 8), (3'000'000 + i) << 16, i));
    group g;
    auto& anchor = hash_anchor(g);
    auto& append = g.once("append", appended, [&] {
        log l;
        const auto start = thread_ns();
        for (std::size_t i = 0; i < appended; ++i) {
            auto d = l.append(replica(i % 8), i << 16, i);
            benchmark::DoNotOptimize(d);
        }
        return thread_ns() - start;
    });
    // A copy has room for what it holds and no more: the first merge makes room for the second.
    auto& merge = g.once("merge", 1000, [&] {
        log l = state;
        l.merge(before);
        const auto start = thread_ns();
        l.merge(delta);
        return thread_ns() - start;
    });
    g.run();
    table.scaled("event_log append", append, anchor, reference::hash_32_bytes, {30, 10});
    table.scaled("event_log merge of 1,000 new into 1M entries, per entry", merge, anchor,
                 reference::hash_32_bytes, {60, 20});
}

inline void nested(rows& table) {
    using map = crdt::or_map<std::string, crdt::or_set<std::uint64_t>>;
    const std::size_t n = 100'000;
    const auto name = [](std::size_t i) { return "key-" + std::to_string(1'000'000 + i); };
    const auto put = [&](map& m, std::size_t i, std::uint64_t value) {
        return m.update(replica(1), name(i),
                        [&](auto& set, crdt::replica_id self) { return set.add(self, value); });
    };
    map state;
    for (std::size_t i = 0; i < n; ++i) put(state, i, i);
    map author = state;
    numbers random(53);
    std::vector<map> deltas;
    for (std::size_t i = 0; i < 2000; ++i) deltas.push_back(put(author, random.below(n), n + i));
    group g;
    auto& anchor = find_anchor(g);
    auto& merge = g.fresh("or_map", static_cast<double>(deltas.size()), 1, state, [&](map& m) {
        for (const auto& delta : deltas) m.merge(delta);
    });
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
