// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <gossip/random.hpp>
#include <merkle/chunks.hpp>
#include <stream/checkpoint.hpp>
#include <stream/partitioned.hpp>
#include <wire/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

// What the stream tests share.
namespace stream_test {

namespace crdt = joinery::crdt;
namespace merkle = joinery::merkle;
namespace stream = joinery::stream;
namespace wire = joinery::wire;
using rng = joinery::gossip::random;

using word_counts = crdt::g_map<std::string, crdt::g_counter>;

// JOINERY_LONG=n runs n times as many generated cases, JOINERY_CASES_DIVISOR the n-th part.
inline std::uint64_t cases_of(std::uint64_t count) {
    const char* times = std::getenv("JOINERY_LONG");
    const auto factor = times == nullptr ? 1 : std::strtoull(times, nullptr, 0);
    return count * (factor == 0 ? 1 : factor) / JOINERY_CASES_DIVISOR;
}

// The seeds to run: the one that JOINERY_SEED names, or 1 to count.
inline std::vector<std::uint64_t> seeds(std::uint64_t count) {
    if (const char* named = std::getenv("JOINERY_SEED"); named != nullptr && *named != '\0')
        return {std::strtoull(named, nullptr, 0)};
    std::vector<std::uint64_t> all;
    for (std::uint64_t seed = 1; seed <= cases_of(count) || seed <= 2; ++seed) all.push_back(seed);
    return all;
}

template <class T>
std::vector<T> shuffled(std::vector<T> all, rng& chance) {
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[static_cast<std::size_t>(chance.below(i))]);
    return all;
}

inline std::vector<std::byte> bytes_of(std::string_view text) {
    const auto view = std::as_bytes(std::span(text));
    return {view.begin(), view.end()};
}

inline wire::digest root_of(std::string_view text) {
    return merkle::chunks::of(std::as_bytes(std::span(text))).root();
}

// Ten records an epoch; `content` stands for the checkpoint bytes.
inline stream::submission said(std::uint64_t epoch, std::string member, std::string_view content,
                               std::string worker = "worker-a", std::uint64_t incarnation = 1) {
    stream::submission made;
    made.epoch = epoch;
    made.offsets[member] = {epoch * 10, epoch * 10 + 10};
    made.member = std::move(member);
    made.root = root_of(content);
    made.bytes = content.size();
    made.records = 10;
    made.worker = std::move(worker);
    made.incarnation = incarnation;
    return made;
}

inline stream::plan plan_of(std::uint64_t generation, std::vector<std::string> members,
                            std::uint64_t from = 0,
                            stream::ack_policy acks = stream::ack_policy::all) {
    stream::plan made;
    made.generation = generation;
    made.members = std::move(members);
    made.from = from;
    made.acks = acks;
    return made;
}

inline stream::checkpoint with_plan(std::vector<std::string> members,
                                    stream::ack_policy acks = stream::ack_policy::all) {
    stream::checkpoint made;
    made.set_plan(plan_of(1, std::move(members), 0, acks));
    return made;
}

// The newest checkpoint, acknowledged or not.
inline auto newest(const stream::checkpoint& state) {
    return state.latest(stream::restore_policy::complete);
}

// Every member says its epoch.
inline void complete(stream::checkpoint& state, std::uint64_t epoch,
                     const std::vector<std::string>& members) {
    for (const std::string& member : members) state.submit(said(epoch, member, member));
}

// Every member acknowledges it too.
inline void acknowledge(stream::checkpoint& state, std::uint64_t epoch,
                        const std::vector<std::string>& members) {
    const auto plan_id = state.plan_for(epoch)->id();
    for (const std::string& member : members) state.acknowledge(epoch, plan_id, member);
}
inline void stabilise(stream::checkpoint& state, std::uint64_t epoch,
                      const std::vector<std::string>& members) {
    complete(state, epoch, members);
    acknowledge(state, epoch, members);
}

} // namespace stream_test
