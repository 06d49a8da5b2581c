// SPDX-License-Identifier: Apache-2.0
#include "anchors.hpp"
#include "measure.hpp"
#include "rows.hpp"
#include "stream/load.hpp"

#include <crdt/g_counter.hpp>
#include <gossip/random.hpp>
#include <stream/accumulator.hpp>
#include <stream/byte_image.hpp>
#include <stream/checkpoint.hpp>
#include <stream/transfer.hpp>
#include <stream/windowed.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace bench = joinery::bench;
namespace crdt = joinery::crdt;
namespace merkle = joinery::merkle;
namespace stream = joinery::stream;
namespace wire = joinery::wire;
using rng = joinery::gossip::random;

std::vector<std::string> members_of(std::size_t count) {
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i) all.push_back("node-" + std::to_string(i));
    return all;
}

stream::submission said(std::uint64_t epoch, const std::string& member) {
    stream::submission what;
    what.epoch = epoch;
    what.member = member;
    what.root = {wire::mix(epoch, member.size()), wire::mix(epoch, 7)};
    what.bytes = 1 << 20;
    what.offsets[member] = {epoch * 1000, epoch * 1000 + 1000};
    what.records = 1000;
    what.worker = member;
    what.incarnation = 3;
    return what;
}

stream::checkpoint with_plan(std::size_t members, stream::ack_policy acks) {
    stream::checkpoint made;
    stream::plan all;
    all.generation = 1;
    all.members = members_of(members);
    all.acks = acks;
    made.set_plan(all);
    return made;
}

struct dissemination {
    int rounds = 0;
    double bytes_per_node = 0;
};

// Once a round, in any order, each node exchanges with two others what either lacks: a bit per
// member tells what one has, and the answer is the encoded difference.
dissemination disseminate(std::size_t count, std::uint64_t seed, bool encoded) {
    rng chance(seed);
    const auto names = members_of(count);
    std::vector<std::vector<bool>> has(count, std::vector<bool>(count));
    std::vector<stream::checkpoint> nodes(encoded ? count : 0);
    for (std::size_t i = 0; i < count; ++i) {
        has[i][i] = true;
        if (!encoded) continue;
        nodes[i] = with_plan(count, stream::ack_policy::majority);
        nodes[i].submit(said(1, names[i]));
    }
    const double digest = static_cast<double>(count) / 8 + 16;
    dissemination done;
    std::vector<std::size_t> order(count);
    for (std::size_t i = 0; i < count; ++i) order[i] = i;
    const auto tell = [&](std::size_t from, std::size_t to) {
        done.bytes_per_node += digest;
        if (encoded) {
            const auto news = nodes[from].difference(nodes[to]);
            if (!(news == stream::checkpoint{}))
                done.bytes_per_node += static_cast<double>(wire::encode(news).size());
            nodes[to].merge(news);
        }
        for (std::size_t i = 0; i < count; ++i)
            if (has[from][i]) has[to][i] = true;
    };
    const auto complete = [&] {
        return std::all_of(has.begin(), has.end(), [](const auto& each) {
            return std::find(each.begin(), each.end(), false) == each.end();
        });
    };
    for (; !complete(); ++done.rounds) {
        for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[chance.below(i)]);
        for (const std::size_t self : order) {
            for (int contact = 0; contact < 2; ++contact) {
                const std::size_t other = (self + 1 + chance.below(count - 1)) % count;
                tell(self, other);
                tell(other, self);
            }
        }
    }
    done.bytes_per_node /= static_cast<double>(count);
    return done;
}

void dissemination_rows(bench::rows& rows) {
    struct size {
        std::size_t count;
        bench::aim rounds, kilobytes;
    };
    const size sizes[]{{16, {5, 4}, {3, 2.4}},
                       {64, {6, 5}, {10, 8.5}},
                       {256, {7, 6}, {38, 32}},
                       {1024, {8, 7}, {0, 0}}};
    for (const auto& [count, rounds_to, kilobytes_to] : sizes) {
        const auto n = std::to_string(count);
        const int seeds = count > 256 ? 3 : count > 64 ? 5 : 50;
        double most = 0, bytes = 0;
        for (int seed = 1; seed <= seeds; ++seed) {
            const auto done = disseminate(count, static_cast<std::uint64_t>(seed), count <= 256);
            most = std::max(most, static_cast<double>(done.rounds));
            bytes += done.bytes_per_node / seeds;
        }
        rows.figure("rounds to complete everywhere, N = " + n, "rounds", most, rounds_to);
        if (count <= 256)
            rows.figure("KB per node and epoch, N = " + n, "KB", bytes / 1000, kilobytes_to);
    }
}

constexpr std::size_t keys = 1'000'000;
constexpr std::size_t slot_bytes = 24;
constexpr std::size_t events = 1U << 20;

// Keyed state as a stream processor has it: an index from key to slot, and the slots in place.
struct keyed_counts {
    boost::unordered_flat_map<std::uint64_t, std::uint32_t> slot_of;
    std::vector<std::uint64_t> all_keys = bench::random_keys(keys, 3);
    std::vector<std::uint64_t> many,
        few; // the keys of the events: any, and any of 1 % of the slots
    std::vector<std::byte> plain = std::vector<std::byte>(keys * slot_bytes);
    stream::byte_image image{plain};

    keyed_counts() {
        for (std::uint32_t i = 0; i < keys; ++i) slot_of.emplace(all_keys[i], i);
        bench::numbers random(5);
        for (std::size_t i = 0; i < events; ++i) {
            many.push_back(all_keys[random.below(keys)]);
            few.push_back(all_keys[random.below(keys / 100)]);
        }
    }

    static void count_at(std::span<std::byte> slot) {
        std::uint64_t count = 0;
        std::memcpy(&count, slot.data(), sizeof count);
        ++count;
        std::memcpy(slot.data(), &count, sizeof count);
    }
    void count(const std::vector<std::uint64_t>& of) {
        for (const auto key : of)
            count_at(std::span(plain).subspan(slot_of.find(key)->second * slot_bytes, slot_bytes));
        benchmark::DoNotOptimize(plain.data());
    }
    void count_one_by_one(const std::vector<std::uint64_t>& of, bool tracked) {
        for (const auto key : of) {
            bench::one_at_a_time();
            const std::size_t at = slot_of.find(key)->second * slot_bytes;
            count_at(tracked ? image.edit(at, slot_bytes)
                             : std::span(plain).subspan(at, slot_bytes));
        }
        benchmark::DoNotOptimize(plain.data());
    }
    void count_tracked(const std::vector<std::uint64_t>& of) {
        for (const auto key : of)
            count_at(image.edit(slot_of.find(key)->second * slot_bytes, slot_bytes));
        benchmark::DoNotOptimize(image.bytes().data());
    }
};

void hot_path_rows(bench::rows& rows) {
    auto table = std::make_shared<keyed_counts>();
    bench::group g;
    auto& all_plain = g.loop("counting", events, [=] { table->count(table->many); });
    auto& all_tracked =
        g.loop("counting, tracked", events, [=] { table->count_tracked(table->many); });
    auto& few_plain = g.loop("counting 1 %", events, [=] { table->count(table->few); });
    auto& few_tracked =
        g.loop("counting 1 %, tracked", events, [=] { table->count_tracked(table->few); });
    auto& each_plain = g.loop("counting one at a time", events,
                              [=] { table->count_one_by_one(table->many, false); });
    auto& each_tracked = g.loop("counting one at a time, tracked", events,
                                [=] { table->count_one_by_one(table->many, true); });
    const auto root_after = [=](const auto& at) {
        table->count_tracked(at);
        const auto start = bench::thread_ns();
        benchmark::DoNotOptimize(table->image.root());
        return bench::thread_ns() - start;
    };
    auto& root_all = g.once("root of all", 1, [=] { return root_after(table->many); });
    auto& root_few = g.once("root of 1 %", 1, [=] { return root_after(table->few); });
    g.run();
    for (const auto* each : {&all_plain, &all_tracked, &each_plain, &each_tracked, &few_plain,
                             &few_tracked, &root_all, &root_few})
        std::printf("  %s %.4g ns\n", each->name.c_str(), each->ns());
    const auto percent = [](const bench::timing& with, const bench::timing& without,
                            double root_ns) {
        // A second's events and one root, over the same events alone.
        const double a_second = 1e9 / without.ns();
        return 100 * ((with.ns() * a_second + root_ns) / 1e9 - 1);
    };
    rows.figure("hot path, 1M keys: tracking", "%", percent(all_tracked, all_plain, 0), {10, 5});
    rows.figure("hot path, 1M keys: tracking, one event at a time", "%",
                percent(each_tracked, each_plain, 0), {10, 5});
    rows.figure("hot path, 1M keys: tracking and a root each second", "%",
                percent(all_tracked, all_plain, root_all.ns()), {20, 10});
    rows.figure("hot path, 1M keys: the same with 1 % dirty", "%",
                percent(few_tracked, few_plain, root_few.ns()), {6, 3});
}

void root_rows(bench::rows& rows) {
    auto bytes = std::make_shared<std::vector<std::byte>>(std::size_t{24} << 20);
    auto image = std::make_shared<stream::byte_image>(*bytes);
    bench::group g;
    auto& anchor = bench::hash_anchor(g);
    auto at = std::make_shared<std::size_t>(0);
    auto& again = g.loop("re-root", 1, [=] {
        *at = (*at + 4096 * 577) % bytes->size();
        image->edit(*at, 1)[0] ^= std::byte{1};
        benchmark::DoNotOptimize(image->root());
    });
    auto& whole = g.loop("root of 24 MiB", 1,
                         [=] { benchmark::DoNotOptimize(merkle::chunks::of(*bytes).root()); });
    g.run();
    rows.scaled("re-root after 1 of 6,000 chunks changed", again, anchor,
                bench::reference::hash_32_bytes, {20'000, 5'000});
    rows.scaled("root of 24 MiB", whole, anchor, bench::reference::hash_32_bytes, {6e6, 2e6});
}

void restore_rows(bench::rows& rows) {
    auto state =
        std::make_shared<stream::checkpoint>(with_plan(1024, stream::ack_policy::majority));
    const auto names = members_of(1024);
    const auto plan_id = state->plan_for(1)->id();
    for (std::uint64_t epoch = 1; epoch <= 16; ++epoch) {
        for (const auto& member : names) state->submit(said(epoch, member));
        // The newest epochs are not stable, so that the choice has to look at them all.
        if (epoch == 1)
            for (const auto& member : names) state->acknowledge(epoch, plan_id, member);
    }
    auto manifest = std::make_shared<std::vector<std::byte>>(wire::encode(*state->latest()));
    bench::group g;
    auto& anchor = bench::hash_anchor(g);
    auto& choice = g.loop("latest()", 1, [=] { benchmark::DoNotOptimize(state->latest()); });
    auto& verified = g.loop("certificate", 1, [=] {
        benchmark::DoNotOptimize(wire::decode<stream::certificate>(*manifest));
    });
    g.run();
    rows.scaled("restore choice over 1024 members x 16 epochs", choice, anchor,
                bench::reference::hash_32_bytes, {3e6, 1e6});
    rows.scaled("verification of a manifest", verified, anchor, bench::reference::hash_32_bytes,
                {10e6, 5e6});
}

// An hour of windows of a minute, of which the oldest expires with each epoch; whole bytes every
// ninth epoch, increments between.
void retained_row(bench::rows& rows) {
    using counts = stream::windowed<crdt::g_map<std::uint64_t, crdt::g_counter>>;
    using accumulator = stream::accumulator<counts>;
    accumulator now("p0"), before("p0");
    stream::transfer kept;
    stream::checkpoint state = with_plan(1, stream::ack_policy::all);
    const std::string member = members_of(1).front();
    double most = 0;
    for (std::uint64_t epoch = 0; epoch < 130; ++epoch) {
        for (std::uint64_t i = 0; i < 500; ++i)
            now.process(now.next(), [&](counts& all, crdt::replica_id self) {
                const auto window = static_cast<std::int64_t>(epoch);
                return all.update(self, window, [&](auto& sums, crdt::replica_id id) {
                    return sums.update(id, wire::mix(i, epoch),
                                       [](auto& sum, auto who) { return sum.increment(who); });
                });
            });
        now.process(now.next(), [&](counts& all, crdt::replica_id) {
            return all.expire(static_cast<std::int64_t>(epoch) - 59);
        });
        const auto bytes = now.checkpoint_bytes();
        stream::submission what = said(epoch, member);
        what.root = merkle::chunks::of(bytes).root();
        what.bytes = bytes.size();
        what.offsets[member] = {before.next(), now.next()};
        const auto length = epoch % (stream::increment::max_chain + 1);
        if (length == 0) {
            kept.add_local(bytes, epoch);
        } else {
            const auto delta = now.increment_bytes(before);
            what.base = stream::increment{epoch - 1, state.find(epoch - 1, member)->root,
                                          kept.add_local(delta, epoch), delta.size(), length};
        }
        state.submit(what);
        state.acknowledge(epoch, state.plan_for(epoch)->id(), member);
        state.raise_floor(*state.latest());
        kept.forget_below(state);
        before = now;
        // Between two whole states the chain is longest.
        if (epoch >= 70)
            most = std::max(most, static_cast<double>(kept.bytes_held()) /
                                      static_cast<double>(bytes.size()));
    }
    rows.figure("retained bytes with incremental chains, sliding window", "x", most, {1.3, 1.1});
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::string_view(argv[1]) == "--load-worker")
        return bench::run_load_worker(argc, argv);
    const auto given = bench::options::of(argc, argv);
    bench::rows rows("stream", given);
    // Before this process keeps to one core, or its children would, too.
    rows.section({"load: updates lost", "load: p99 of an update, us",
                  "load: p99 of completion of an epoch, ms"},
                 bench::load_rows);
    bench::pin();
    dissemination_rows(rows);
    hot_path_rows(rows);
    root_rows(rows);
    restore_rows(rows);
    retained_row(rows);
    return rows.finish();
}
