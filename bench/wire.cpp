// SPDX-License-Identifier: Apache-2.0
// The rows of wire/: what bytes cost that are refused, and what a column costs over memcpy.
#include "anchors.hpp"
#include "measure.hpp"
#include "rows.hpp"

#include <crdt/event_log.hpp>
#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/g_set.hpp>
#include <crdt/hyperloglog.hpp>
#include <crdt/lww_map.hpp>
#include <crdt/mv_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/rw_set.hpp>
#include <crdt/two_p_set.hpp>
#include <wire/codec.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

namespace {

namespace bench = joinery::bench;
namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

using bytes = std::vector<std::byte>;
using string = std::string;

crdt::replica_id replica(std::uint64_t n) { return {wire::mix(n)}; }
string word(std::uint64_t n) { return "element " + std::to_string(n); }

// One step more of a value of each type that is decoded.
template <class T>
void grow(crdt::or_set<T>& s, std::uint64_t i) {
    if constexpr (std::same_as<T, string>)
        s.add(replica(i % 5), word(i));
    else
        s.add(replica(i % 5), wire::mix(i));
}
void grow(crdt::g_set<string>& s, std::uint64_t i) { s.add(replica(i % 5), word(i)); }
void grow(crdt::rw_set<string>& s, std::uint64_t i) { s.add(replica(i % 5), word(i)); }
void grow(crdt::two_p_set<string>& s, std::uint64_t i) { s.add(replica(i % 5), word(i)); }
void grow(crdt::g_counter& s, std::uint64_t i) { s.increment(replica(i), i + 1); }
void grow(crdt::pn_counter& s, std::uint64_t i) { s.decrement(replica(i), i + 1); }
void grow(crdt::causal_context& s, std::uint64_t i) { s.add(crdt::dot{replica(i % 5), 2 * i + 2}); }
void grow(crdt::g_map<string, crdt::g_counter>& s, std::uint64_t i) {
    s.update(replica(i % 5), word(i), [](auto& n, auto self) { return n.increment(self); });
}
void grow(crdt::or_map<string, crdt::or_set<string>>& s, std::uint64_t i) {
    s.update(replica(i % 5), word(i % 50), [&](auto& v, auto id) { return v.add(id, word(i)); });
}
void grow(crdt::or_map<string, crdt::mv_register<string>>& s, std::uint64_t i) {
    s.update(replica(i % 5), word(i), [&](auto& v, auto id) { return v.assign(id, word(i)); });
}
void grow(crdt::lww_map<string, string>& s, std::uint64_t i) {
    s.put(replica(i % 5), i, word(i), word(i));
}
void grow(crdt::event_log<string>& s, std::uint64_t i) { s.append(replica(i % 5), i, word(i)); }
void grow(crdt::hyperloglog<string>& s, std::uint64_t i) { s.add(replica(i % 5), word(i)); }
void grow(std::map<string, std::uint64_t>& s, std::uint64_t i) { s.emplace(word(i), i); }
void grow(std::vector<string>& s, std::uint64_t i) { s.push_back(word(i)); }

/// The framed bytes of a value, about this many; fewer where the type has no more.
template <class T>
bytes framed(std::size_t size) {
    T s{};
    for (std::uint64_t i = 0; i < size && (i % 16 != 0 || wire::encoded_size(s) < size); ++i)
        grow(s, i);
    return wire::encode(s);
}

/// Damaged copies: cut short, or one bit flipped, at places all over the message.
std::vector<bytes> damaged(const bytes& whole, std::size_t copies) {
    std::vector<bytes> all;
    for (std::size_t i = 0; i < copies; ++i) {
        bytes copy = whole;
        const auto at = whole.size() * (i + 1) / (copies + 1);
        if (i % 2 == 0)
            copy.resize(at);
        else
            copy[at] ^= std::byte{1} << (i % 8);
        all.push_back(std::move(copy));
    }
    return all;
}

/// The slowest of the damaged messages that are refused: one microsecond and two per KB.
template <class T>
void refusals(bench::rows& table, const std::string& name, std::size_t size) {
    if (!table.wanted(name)) return;
    const auto whole = framed<T>(size);
    const double bar = 1000 + 2000 * static_cast<double>(whole.size()) / 1024;
    std::vector<bytes> refused;
    for (auto& each : damaged(whole, 24)) {
        wire::error why;
        if (!wire::try_decode<T>(each, {}, why)) refused.push_back(std::move(each));
    }
    bench::group g;
    auto& anchor = bench::hash_anchor(g);
    std::vector<bench::timing*> times;
    for (const auto& each : refused)
        times.push_back(&g.once(name, 20, [&each] {
            const auto start = bench::thread_ns();
            for (int i = 0; i < 20; ++i) {
                wire::error why;
                auto value = wire::try_decode<T>(each, {}, why);
                benchmark::DoNotOptimize(value);
            }
            return bench::thread_ns() - start;
        }));
    g.run();
    const auto* slowest = times.front();
    for (const auto* each : times)
        if (each->ns() > slowest->ns()) slowest = each;
    table.scaled(name, *slowest, anchor, bench::reference::hash_32_bytes, {bar, bar / 2});
}

template <class T>
void refusals(bench::rows& table, const std::string& type) {
    refusals<T>(table, "refusing a damaged " + type + ", 1 KB", 1024);
    refusals<T>(table, "refusing a damaged " + type + ", 64 KB", 65536);
}

void columns(bench::rows& table) {
    const auto values = bench::random_keys(1 << 17, 5);
    bytes copy(values.size() * 8);
    bench::group g;
    auto& block = g.loop("memcpy", 1, [&] {
        std::memcpy(copy.data(), values.data(), copy.size());
        benchmark::DoNotOptimize(copy.data());
        benchmark::ClobberMemory();
    });
    wire::writer reused;
    auto& write = g.loop("write", 1, [&] {
        reused.clear();
        wire::put(reused, values);
        benchmark::DoNotOptimize(reused.size());
        benchmark::ClobberMemory();
    });
    const auto encoded = wire::encode_nested(values);
    std::vector<std::uint64_t> back;
    auto& read = g.loop("read", 1, [&] {
        wire::reader r(encoded);
        wire::get(r, back);
        benchmark::DoNotOptimize(back.data());
    });
    g.run();
    table.times("column of 1 MiB written over memcpy", write, block, {2, 1.3});
    table.times("column of 1 MiB read over memcpy", read, block, {3, 1.5});
}

} // namespace

int main(int argc, char** argv) {
    const auto given = bench::options::of(argc, argv);
    bench::pin();
    bench::rows table("wire", given);
    refusals<crdt::or_set<std::uint64_t>>(table, "or_set of numbers");
    refusals<crdt::or_set<string>>(table, "or_set of strings");
    refusals<crdt::g_set<string>>(table, "g_set of strings");
    refusals<crdt::rw_set<string>>(table, "rw_set of strings");
    refusals<crdt::two_p_set<string>>(table, "two_p_set of strings");
    refusals<crdt::g_counter>(table, "g_counter");
    refusals<crdt::pn_counter>(table, "pn_counter");
    refusals<crdt::causal_context>(table, "causal_context");
    refusals<crdt::g_map<string, crdt::g_counter>>(table, "g_map of counters");
    refusals<crdt::or_map<string, crdt::or_set<string>>>(table, "or_map of sets");
    refusals<crdt::or_map<string, crdt::mv_register<string>>>(table, "or_map of registers");
    refusals<crdt::lww_map<string, string>>(table, "lww_map");
    refusals<crdt::event_log<string>>(table, "event_log");
    refusals<crdt::hyperloglog<string>>(table, "hyperloglog");
    refusals<std::map<string, std::uint64_t>>(table, "map of the standard library");
    refusals<std::vector<string>>(table, "list of strings");
    columns(table);
    return table.finish();
}
