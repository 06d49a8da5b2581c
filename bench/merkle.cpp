// SPDX-License-Identifier: Apache-2.0
#include "anchors.hpp"
#include "measure.hpp"
#include "rows.hpp"

#include <merkle/chunks.hpp>
#include <merkle/index.hpp>
#include <merkle/reconciler.hpp>
#include <merkle/responder.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace merkle = joinery::merkle;
namespace wire = joinery::wire;
namespace bench = joinery::bench;
using index = merkle::keyed_index;
using entries = std::vector<std::pair<std::uint64_t, wire::digest>>;

enum class spread { uniform, clustered, one_sided };

struct settings {
    std::size_t n = 1'000'000;
    std::uint64_t d = 0; // an extra session of this size
    std::uint64_t seed = 1;
    spread where = spread::uniform;
    std::size_t sessions = 24;
    std::string json;
};

wire::keyed_hasher hasher_of(std::uint64_t seed) {
    const std::uint64_t words[2]{seed, 0x6d65726b6c65};
    return wire::keyed_hasher(std::as_bytes(std::span(words)));
}

std::pair<std::uint64_t, wire::digest> entry(std::uint64_t number, std::uint64_t seed) {
    const std::uint64_t id = wire::mix(number, seed);
    return {id, {wire::mix(id, 1), wire::mix(id, 2)}};
}

entries some(std::uint64_t from, std::uint64_t count, std::uint64_t seed) {
    entries made;
    made.reserve(count);
    for (std::uint64_t i = from; i < from + count; ++i) made.push_back(entry(i, seed));
    return made;
}

/// What both sides hold, and d differences that sessions put in and take out again.
struct pair_of {
    index a, b;

    pair_of(std::size_t n, std::uint64_t seed) : a(hasher_of(seed)), b(hasher_of(seed)) {
        a.assign(some(0, n, seed));
        b = a;
    }

    entries differ(std::uint64_t d, std::uint64_t session, const settings& how) {
        auto made = some((session + 1) << 32U, d, how.seed);
        if (how.where == spread::clustered)
            for (std::uint64_t i = 0; i < d; ++i) made[i].first = (session << 20U) + i;
        for (std::uint64_t i = 0; i < d; ++i) side(i, how).set(made[i].first, made[i].second);
        return made;
    }
    void agree(const entries& all, const settings& how) {
        for (std::uint64_t i = 0; i < all.size(); ++i) side(i, how).erase(all[i].first);
    }

private:
    index& side(std::uint64_t i, const settings& how) {
        return i % 2 == 0 || how.where == spread::one_sided ? a : b;
    }
};

constexpr std::size_t large = 60'000; // bytes of a frame that hardly cuts anything

struct session_cost {
    double bytes = 0, messages = 0, knowing = 0, cpu_ms = 0;
    bool right = false;
};

session_cost run(const index& a, const index& b, std::size_t d, std::size_t frame,
                 std::uint64_t salt) {
    merkle::options allowed;
    allowed.frame_limit = frame;
    merkle::reconciler<index> asking(salt, allowed);
    const merkle::responder answering(wire::mix(salt), allowed);
    session_cost made;
    // The responder keeps nothing and may tell an entry twice.
    std::vector<std::uint64_t> found;
    const auto all_found = [&] {
        std::sort(found.begin(), found.end());
        found.erase(std::unique(found.begin(), found.end()), found.end());
        return found.size() == d;
    };
    double start = bench::thread_ns(), spent = 0;
    asking.start(a);
    for (;;) {
        std::vector<std::vector<std::byte>> questions, answers;
        while (auto frame_out = asking.poll(a)) questions.push_back(std::move(*frame_out));
        if (questions.empty()) break;
        made.messages += 1;
        for (const auto& each : questions) {
            made.bytes += static_cast<double>(each.size());
            auto got = answering.receive(b, each, 1);
            for (const auto& one : got.found) found.push_back(one.id);
            for (auto& frame_out : got.frames) answers.push_back(std::move(frame_out));
        }
        if (made.knowing == 0 && all_found()) made.knowing = made.messages;
        if (!answers.empty()) made.messages += 1;
        for (const auto& each : answers) {
            made.bytes += static_cast<double>(each.size());
            for (const auto& one : asking.receive(a, each).found) found.push_back(one.id);
        }
        if (made.knowing == 0 && all_found()) made.knowing = made.messages;
    }
    spent = bench::thread_ns() - start;
    made.cpu_ms = spent / 1e6;
    made.right = all_found() && asking.status() == merkle::reconciler<index>::state::done;
    return made;
}

/// The mean of some sessions with d differences. The probe that told of them is not counted.
session_cost mean(pair_of& sides, std::uint64_t d, std::size_t frame, const settings& how) {
    session_cost sum;
    sum.right = true;
    for (std::uint64_t each = 0; each < how.sessions; ++each) {
        const auto differing = sides.differ(d, each, how);
        const session_cost one = run(sides.a, sides.b, d, frame, wire::mix(each, how.seed));
        sides.agree(differing, how);
        sum.bytes += one.bytes / static_cast<double>(how.sessions);
        sum.messages += one.messages / static_cast<double>(how.sessions);
        sum.knowing += one.knowing / static_cast<double>(how.sessions);
        sum.cpu_ms += one.cpu_ms / static_cast<double>(how.sessions);
        sum.right = sum.right && one.right;
    }
    return sum;
}

/// Bytes that any protocol needs for both sides to learn which of their own the other lacks.
double minimum(double n, double d) {
    const double k = d / 2;
    const double nats = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
    return 2 * nats / std::log(2.0) / 8;
}

/// Prints what a row is to be compared with; a session that missed something is no measurement.
void beside(const char* name, double n, double d, const session_cost& of) {
    std::printf("    %s: minimum %.0f bytes; %.0f bytes in %.2f messages with the last "
                "acknowledgement%s\n",
                name, minimum(n, d), of.bytes, of.messages, of.right ? "" : "; NOT ALL FOUND");
    if (!of.right) std::exit(1);
}

/// Times on the reference machine by both anchors, whose rounds ran beside the measured ones.
class scale {
public:
    explicit scale(bench::group& of)
        : hash_(bench::hash_anchor(of)), sort_(bench::sort_anchor(of)) {}

    std::vector<double> of(const std::vector<double>& rounds) const {
        std::vector<double> made;
        for (std::size_t i = 0; i < rounds.size(); ++i) {
            made.push_back(rounds[i] *
                           std::sqrt(bench::reference::hash_32_bytes / hash_.rounds[i] *
                                     bench::reference::sort_an_element / sort_.rounds[i]));
        }
        return made;
    }
    void print() const {
        std::printf("anchors: hash %.2f ns (reference %.1f), sort %.1f ns (reference %.0f)\n",
                    hash_.ns(), bench::reference::hash_32_bytes, sort_.ns(),
                    bench::reference::sort_an_element);
    }

private:
    const bench::timing& hash_;
    const bench::timing& sort_;
};

void scaled(bench::rows& rows, const scale& by, const std::string& name, const std::string& unit,
            const bench::timing& of, double unit_ns, const bench::aim& to) {
    auto rounds = by.of(of.rounds);
    for (double& each : rounds) each /= unit_ns;
    rows.figure(name, unit, bench::median(rounds), to, bench::better::less, bench::spread(rounds));
}

void byte_rows(bench::rows& rows, const settings& how, pair_of& sides) {
    const auto n = static_cast<double>(how.n);
    merkle::reconciler<index> asking(3);
    const merkle::responder answering(4);
    const auto probe = asking.probe(sides.a);
    const auto reply = answering.receive(sides.b, probe, 1);
    asking.receive(sides.a, reply.frames.at(0));
    if (asking.status() != merkle::reconciler<index>::state::in_sync) std::exit(1);
    rows.figure("in-sync bytes", "B", static_cast<double>(probe.size() + reply.frames[0].size()),
                {24, 20});
    const auto d8 = mean(sides, 8, large, how);
    beside("d8", n, 8, d8);
    rows.figure("d8 bytes", "B", d8.bytes, {200, 200});
    rows.figure("d8 messages", "", d8.messages, {2, 2});
    const auto d100 = mean(sides, 100, large, how);
    beside("d100", n, 100, d100);
    rows.figure("d100 bytes", "B", d100.bytes, {1600, 1250});
    const auto d1000 = mean(sides, 1000, large, how);
    beside("d1000", n, 1000, d1000);
    rows.figure("d1000 bytes", "B", d1000.bytes, {12'000, 10'800});
    rows.figure("d1000 round trips", "", d1000.knowing / 2, {2.5, 2.1});
    const auto d10000 = mean(sides, 10'000, large, how);
    beside("d10000", n, 10'000, d10000);
    rows.figure("d10000 bytes", "B", d10000.bytes, {105'000, 93'000});
    rows.figure("d10000 round trips", "", d10000.knowing / 2, {3, 2.5});
    const auto framed = mean(sides, 1000, 1200, how);
    beside("d1000 in 1,200-byte frames", n, 1000, framed);
    rows.figure("d1000 with 1,200-byte frames, more bytes", "%",
                100 * (framed.bytes / d1000.bytes - 1), {5, 5});
    rows.figure("d1000 with 1,200-byte frames, more round trips", "",
                (framed.knowing - d1000.knowing) / 2, {0, 0});
    if (how.d != 0)
        beside("as asked", n, static_cast<double>(how.d), mean(sides, how.d, large, how));
}

void disjoint_row(bench::rows& rows, const settings& how) {
    constexpr std::size_t each = 100'000;
    index a(hasher_of(how.seed)), b(hasher_of(how.seed));
    a.assign(some(0, each, how.seed + 1));
    b.assign(some(each, each, how.seed + 1));
    const auto one = run(a, b, 2 * each, large, 5);
    beside("disjoint", 2 * each, 2 * each, one);
    rows.figure("disjoint 100k bytes per key of the smaller side", "B", one.bytes / each,
                {4.5, 3.5});
}

/// Nanoseconds per update of an index of n entries: an entry inserted, its version replaced or the
/// entry erased, in turn.
template <class Index>
double update_ns(Index& held, std::uint64_t round, const settings& how, std::size_t changes) {
    const auto fresh = some((round + 100) << 32U, changes, how.seed);
    const double start = bench::thread_ns();
    for (const auto& each : fresh) held.set(each.first, each.second);
    for (const auto& each : fresh) held.set(each.first, wire::digest{1, each.first});
    for (const auto& each : fresh) held.erase(each.first);
    return bench::thread_ns() - start;
}

/// The sums alone, without finding a leaf: four levels of cells of an index of 10^6 entries.
template <unsigned Width, bool Hashed>
double sums_ns(const wire::keyed_hasher& hasher, std::size_t changes) {
    std::vector<merkle::detail::cell<Width>> levels(4096 + 256 + 16 + 1);
    merkle::detail::estimator guess;
    const double start = bench::thread_ns();
    for (std::size_t i = 0; i < changes; ++i) {
        const std::uint64_t position = wire::mix(i, 5);
        const merkle::detail::record one{position, i};
        merkle::detail::cell<Width> change;
        if constexpr (Hashed) {
            merkle::detail::add_records(change, hasher, std::span(&one, 1),
                                        [&](const auto& element) { guess.add(element); });
        } else {
            change.sum = {position, i};
            change.count = 1;
        }
        levels[position >> 52U] += change;
        levels[4096 + (position >> 56U)] += change;
        levels[4096 + 256 + (position >> 60U)] += change;
        levels.back() += change;
    }
    const double made = bench::thread_ns() - start;
    benchmark::DoNotOptimize(levels.data());
    benchmark::DoNotOptimize(guess);
    return made;
}

void timed_rows(bench::rows& rows, const settings& how, pair_of& sides) {
    constexpr std::size_t changes = 20'000;
    const auto all = some(0, how.n, how.seed);
    const auto hasher = hasher_of(how.seed);
    index held(hasher), fresh(hasher);
    merkle::basic_index<0, merkle::by_key> plain(hasher);
    held.assign(all);
    plain.assign(all);
    std::uint64_t round = 0;
    bench::group g;
    const scale by(g);
    const auto sessions = [&](std::uint64_t d) {
        return [&, d] {
            const auto cost = mean(sides, d, large, how);
            return cost.cpu_ms * 1e6;
        };
    };
    const auto& d1000 = g.once("d1000", 1, sessions(1000));
    const auto& d10000 = g.once("d10000", 1, sessions(10'000));
    const auto& build = g.once("build", static_cast<double>(how.n), [&] {
        const double start = bench::thread_ns();
        fresh.assign(all);
        return bench::thread_ns() - start;
    });
    const auto& update =
        g.once("update", 3 * changes, [&] { return update_ns(held, ++round, how, changes); });
    const auto& update_plain = g.once("update of a plain index", 3 * changes,
                                      [&] { return update_ns(plain, ++round, how, changes); });
    const auto& digests =
        g.once("digests", 200'000, [&] { return sums_ns<8, true>(hasher, 200'000); });
    const auto& bare =
        g.once("plain sums", 400'000, [&] { return sums_ns<0, false>(hasher, 400'000); });
    g.run();
    by.print();
    scaled(rows, by, "d1000 CPU of both sides", "ms", d1000, 1e6, {8, 4.6});
    scaled(rows, by, "d10000 CPU of both sides", "ms", d10000, 1e6, {40, 20});
    scaled(rows, by, "build ns per key", "ns", build, 1, {350, 150});
    scaled(rows, by, "update ns all in", "ns", update, 1, {600, 250});
    scaled(rows, by, "update ns digests alone", "ns", digests, 1, {250, 170});
    scaled(rows, by, "update ns plain trie alone", "ns", bare, 1, {30, 10});
    std::printf("    update of an index without sketches, all in: %.0f ns\n",
                bench::median(by.of(update_plain.rounds)));
    const double bytes = static_cast<double>(held.memory()) / static_cast<double>(how.n);
    rows.figure("index bytes per key beside position and id", "B", bytes - 16, {4, 3});
}

// Both multipliers, as they are.
void field_lines() {
    std::vector<std::uint32_t> ids(1U << 12U);
    for (std::size_t i = 0; i < ids.size(); ++i)
        ids[i] = static_cast<std::uint32_t>(wire::mix(i)) | 1U;
    for (const auto* field : {merkle::detail::carryless_field(), &merkle::detail::table_field()}) {
        if (field == nullptr) continue;
        bench::group g;
        const scale by(g);
        const auto& powers = g.loop("powers", static_cast<double>(ids.size()), [&ids, field] {
            std::uint32_t sums[8]{};
            field->add_powers(ids.data(), ids.size(), sums, 8);
            benchmark::DoNotOptimize(sums[7]);
        });
        const auto& decode = g.loop("decode", 8 * 64, [&ids, field] {
            for (std::size_t i = 0; i < 64; ++i) {
                std::uint32_t sums[8]{};
                field->add_powers(ids.data() + 8 * i, 8, sums, 8);
                merkle::detail::sketch_roots roots;
                benchmark::DoNotOptimize(
                    merkle::detail::sketch_decoder(*field).decode(sums, 8, roots));
            }
        });
        g.run();
        std::printf("    %s multiplication: 8 power sums %.1f ns an element, decoding %.2f us a "
                    "difference\n",
                    field->name, bench::median(by.of(powers.rounds)),
                    bench::median(by.of(decode.rounds)) / 1000);
    }
}

bool parse(int count, char** words, settings& into) {
    for (int i = 1; i < count; ++i) {
        const std::string_view word = words[i];
        if (i + 1 == count) return false;
        const std::string value = words[++i];
        const auto number = std::strtoull(value.c_str(), nullptr, 10);
        if (word == "--json")
            into.json = value;
        else if (word == "--n")
            into.n = number;
        else if (word == "--d")
            into.d = number;
        else if (word == "--seed")
            into.seed = number;
        else if (word == "--sessions")
            into.sessions = number;
        else if (word == "--spread" && value == "uniform")
            into.where = spread::uniform;
        else if (word == "--spread" && value == "clustered")
            into.where = spread::clustered;
        else if (word == "--spread" && value == "one-sided")
            into.where = spread::one_sided;
        else
            return false;
    }
    return into.n > 0 && into.sessions > 0;
}

} // namespace

int main(int count, char** words) {
    settings how;
    if (!parse(count, words, how)) {
        std::cerr << "Usage: merkle [--json FILE] [--n N] [--d D] [--seed S] [--sessions K] "
                     "[--spread uniform|clustered|one-sided]\n";
        return 2;
    }
    bench::pin();
    bench::options given;
    given.json = how.json;
    bench::rows rows("merkle", given);
    {
        pair_of sides(how.n, how.seed);
        byte_rows(rows, how, sides);
        disjoint_row(rows, how);
        timed_rows(rows, how, sides);
    }
    field_lines();
    return rows.finish();
}
