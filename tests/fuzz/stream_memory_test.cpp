// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <stream/accumulator.hpp>
#include <stream/checkpoint.hpp>
#include <stream/frontier.hpp>
#include <stream/offset_filter.hpp>
#include <stream/partitioned.hpp>
#include <stream/source_keyed.hpp>
#include <stream/windowed.hpp>

#include "failing_merges.hpp"

namespace stream_memory_test {

namespace {

namespace crdt = joinery::crdt;
namespace stream = joinery::stream;
namespace testing = joinery::testing;
namespace wire = joinery::wire;
using memory::check;

// Names are too long to need no memory of their own.
std::string name(const char* of, std::uint64_t number) {
    return std::string(of) + " with a name that is long, number " + std::to_string(number);
}

/// A sum that takes memory.
struct histogram {
    static constexpr std::string_view schema_name = "histogram";
    std::vector<std::uint64_t> counts;

    void combine(const histogram& other) {
        if (counts.size() < other.counts.size()) counts.resize(other.counts.size());
        for (std::size_t i = 0; i < other.counts.size(); ++i) counts[i] += other.counts[i];
    }
    void write(wire::writer& w) const { wire::put(w, counts); }
    void read(wire::reader& r) { wire::get(r, counts); }
    friend bool operator==(const histogram&, const histogram&) = default;
};

using windows = stream::windowed<crdt::g_counter>;
using counts = stream::partitioned<crdt::g_counter>;
using histograms = stream::source_keyed<histogram>;

stream::submission said(std::uint64_t epoch, std::uint64_t member, testing::rng& random) {
    stream::submission made;
    made.epoch = epoch;
    made.member = name("member", member);
    made.root = wire::content_digest({});
    made.offsets[name("input", member)] = {epoch * 10, epoch * 10 + 10};
    made.records = random.chance(1, 4) ? random.below(3) : 0;
    made.worker = name("worker", random.below(3));
    made.incarnation = random.below(4);
    return made;
}

} // namespace

} // namespace stream_memory_test

namespace joinery::testing {

template <>
struct random_step<stream::checkpoint> {
    stream::checkpoint operator()(stream::checkpoint& state, crdt::replica_id, rng& random) const {
        const stream::plan both{
            1,
            {stream_memory_test::name("member", 0), stream_memory_test::name("member", 1)},
            0,
            {},
            stream::ack_policy::majority};
        const std::uint64_t epoch = random.below(3), member = random.below(2);
        if (state.plan_for(0) == nullptr) return state.set_plan(both);
        const auto what = random.below(8);
        if (what == 0) {
            const auto proof = state.latest();
            return proof ? state.raise_floor(*proof) : stream::checkpoint{};
        }
        if (what < 4)
            return state.acknowledge(epoch, both.id(), stream_memory_test::name("member", member))
                .second;
        return state.submit(stream_memory_test::said(epoch, member, random)).second;
    }
};

template <>
struct random_step<stream_memory_test::windows> {
    using windows = stream_memory_test::windows;

    windows operator()(windows& state, crdt::replica_id self, rng& random) const {
        const auto window = static_cast<std::int64_t>(random.below(12));
        const auto what = random.below(8);
        if (what == 0) return state.expire(window);
        if (what == 1) return state.emit(window, [](auto, const auto&) {});
        return state.update(self, window, [](crdt::g_counter& counter, crdt::replica_id id) {
            return counter.increment(id);
        });
    }
};

template <>
struct random_step<stream_memory_test::counts> {
    using counts = stream_memory_test::counts;

    counts operator()(counts& state, crdt::replica_id self, rng& random) const {
        crdt::g_counter counter;
        return state.advance(stream_memory_test::name("partition", random.below(4)),
                             counter.increment(self, 1 + random.below(5)));
    }
};

template <>
struct random_step<stream::frontier> {
    stream::frontier operator()(stream::frontier& state, crdt::replica_id, rng& random) const {
        const std::string member = stream_memory_test::name("member", random.below(4));
        const std::vector<std::string> of{stream_memory_test::name("member", 0),
                                          stream_memory_test::name("member", 1)};
        const auto what = random.below(6);
        if (what == 0) return state.hold(of);
        if (what == 1) return state.idle(member, random.below(3));
        return state.advance(member, random.below(3), static_cast<std::int64_t>(random.below(20)));
    }
};

template <>
struct random_step<stream::offset_filter> {
    stream::offset_filter operator()(stream::offset_filter& state, crdt::replica_id,
                                     rng& random) const {
        const std::string partition = stream_memory_test::name("partition", random.below(2));
        if (random.chance(1, 8)) return state.start_at(partition, random.below(8));
        return state.admit(partition, random.below(60)).second;
    }
};

template <>
struct random_step<stream_memory_test::histograms> {
    using histograms = stream_memory_test::histograms;

    histograms operator()(histograms& state, crdt::replica_id self, rng& random) const {
        return state.update(self, [&](stream_memory_test::histogram& own) {
            const std::size_t at = random.below(12);
            if (own.counts.size() <= at) own.counts.resize(at + 1);
            ++own.counts[at];
        });
    }
};

} // namespace joinery::testing

namespace stream_memory_test {

TEST_CASE_TEMPLATE("out of memory leaves entries of streams that are old or new", T,
                   stream::checkpoint, windows, counts, stream::frontier, stream::offset_filter,
                   histograms) {
    check<T>();
}

TEST_CASE("out of memory leaves an accumulator before or behind a step") {
    stream::accumulator<crdt::g_map<std::string, crdt::g_counter>> base("p0");
    const auto count = [](std::uint64_t offset) {
        return [offset](auto& state, crdt::replica_id self) {
            return state.update(self, name("word", offset % 5),
                                [](auto& counter, auto id) { return counter.increment(id); });
        };
    };
    for (std::uint64_t at = 0; at < 3; ++at) base.process(at, count(at));
    auto later = base;
    for (std::uint64_t at = 3; at < 20; ++at) later.process(at, count(at));
    const auto step = later.increment_bytes(base);
    std::uint64_t failures = 0;
    for (std::uint64_t n = 1;; ++n) {
        auto now = base;
        wire::error why;
        memory::arm(n);
        try {
            now.advance(step, why);
        } catch (const std::bad_alloc&) {}
        if (!memory::disarm()) break;
        ++failures;
        const bool whole = now == base || now == later;
        CHECK(whole);
    }
    CHECK(failures > 10);
}

} // namespace stream_memory_test
