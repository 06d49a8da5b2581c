// SPDX-License-Identifier: Apache-2.0
// The rows of wire/: what bytes cost that are refused, and what a column costs over memcpy.
#include "anchors.hpp"
#include "measure.hpp"
#include "rows.hpp"

#include <crdt/g_counter.hpp>
#include <crdt/or_set.hpp>
#include <wire/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace {

namespace bench = joinery::bench;
namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

using bytes = std::vector<std::byte>;
using set = crdt::or_set<std::uint64_t>;
using names = crdt::or_set<std::string>;

crdt::replica_id replica(std::uint64_t n) { return {wire::mix(n)}; }

/// The framed bytes of a set, about this many.
template <class Set>
bytes framed(std::size_t size) {
    Set s;
    for (std::uint64_t i = 0; wire::encoded_size(s) < size; ++i)
        if constexpr (std::same_as<Set, names>)
            s.add(replica(i % 5), "element " + std::to_string(i));
        else
            s.add(replica(i % 5), wire::mix(i));
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
template <class Set>
void refusals(bench::rows& table, const std::string& name, std::size_t size) {
    const double bar = 1000 + 2000 * static_cast<double>(size) / 1024;
    const auto whole = framed<Set>(size);
    std::vector<bytes> refused;
    for (auto& each : damaged(whole, 24)) {
        wire::error why;
        if (!wire::try_decode<Set>(each, {}, why)) refused.push_back(std::move(each));
    }
    bench::group g;
    auto& anchor = bench::hash_anchor(g);
    std::vector<bench::timing*> times;
    for (const auto& each : refused)
        times.push_back(&g.once(name, 20, [&each] {
            const auto start = bench::thread_ns();
            for (int i = 0; i < 20; ++i) {
                wire::error why;
                auto value = wire::try_decode<Set>(each, {}, why);
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
    for (const std::size_t size : {1024U, 65536U}) {
        const auto kb = std::to_string(size / 1024) + " KB";
        refusals<set>(table, "refusing a damaged or_set of numbers, " + kb, size);
        refusals<names>(table, "refusing a damaged or_set of strings, " + kb, size);
    }
    columns(table);
    return table.finish();
}
