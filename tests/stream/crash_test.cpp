// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <stream/transfer.hpp>

#include <array>
#include <map>
#include <optional>

namespace crash_test {

using namespace stream_test;

namespace {

using accumulator = stream::accumulator<word_counts>;
using partitioned = stream::partitioned<word_counts>;

constexpr std::size_t partitions = 3;
constexpr std::size_t workers = 3;
constexpr std::uint64_t epochs = 5;

struct tally {
    std::uint64_t replayed = 0, crashes = 0, takeovers = 0, resumed = 0, from_nothing = 0;
    std::uint64_t lost = 0, repeated = 0, corrupt_refused = 0, duplicates = 0;
};

enum class resume_from : std::uint8_t { verified_bytes, gossiped_state };

// An accumulator's bytes with any content, for the run that does what must not be done.
struct forged {
    static constexpr std::string_view schema_name = "accumulator";
    using schema_parameters = std::tuple<word_counts>;
    std::string partition;
    std::uint64_t next = 0;
    word_counts state;
    void write(wire::writer& w) const {
        wire::put(w, partition);
        w.varint(next);
        wire::put(w, state);
    }
    void read(wire::reader&) {}
};

// Workers that process partitions, gossip deltas over a network that loses, repeats and reorders
// them, cut checkpoints at offsets that the input decides, and crash with all they know.
class simulation {
public:
    simulation(std::uint64_t seed, resume_from how, tally& count)
        : chance_(seed), how_(how), count_(count) {
        for (std::size_t p = 0; p < partitions; ++p) {
            std::vector<std::string> words;
            for (auto n = 10 + chance_.below(30); n > 0; --n)
                words.push_back("word-" + std::to_string(chance_.below(6)));
            seen_[name(p)] = 0;
            inputs_.emplace(name(p), std::move(words));
        }
        for (worker& each : all_) each.checkpoints = with_plan(names(), stream::ack_policy::nobody);
        for (std::size_t p = 0; p < partitions; ++p) take_over(p % workers, name(p));
    }

    void run() {
        for (int steps = 0; steps < 400; ++steps) act();
        // Every partition runs to its end somewhere; then all replicas repair.
        for (const auto& [partition, words] : inputs_) {
            const std::size_t at = owner(partition);
            while (all_[at].runs.at(partition).counted.next() < words.size()) step(at, partition);
        }
        for (int rounds = 0; rounds < 2; ++rounds)
            for (std::size_t to = 0; to < workers; ++to)
                for (std::size_t from = 0; from < workers; ++from) repair(to, from);
    }

    bool totals_are_exact() const {
        std::map<std::string, std::uint64_t> expected;
        for (const auto& [partition, words] : inputs_)
            for (const std::string& word : words) ++expected[word];
        for (const worker& each : all_) {
            std::map<std::string, std::uint64_t> actual;
            const word_counts total = each.shared.total();
            for (const auto& [word, counter] : total.entries())
                actual[word] = static_cast<std::uint64_t>(counter.value());
            if (actual != expected) return false;
            if (wire::encode(each.shared) != wire::encode(all_[0].shared)) return false;
        }
        return true;
    }

    bool checkpoints_are_exact() const {
        const auto newest = stream_test::newest(all_[0].checkpoints);
        if (!newest || newest->epoch + 1 != epochs) return false;
        for (const worker& each : all_)
            if (stream_test::newest(each.checkpoints) != newest ||
                !each.checkpoints.evidence().empty())
                return false;
        for (const auto& said : newest->submissions)
            if (said.root !=
                merkle::chunks::of(prefix(said.member, said.offsets.at(said.member).end)).root())
                return false;
        return true;
    }

private:
    struct run_of {
        accumulator counted;
        std::uint64_t epoch = 0;
    };
    struct worker {
        std::uint64_t incarnation = 1;
        partitioned shared;
        stream::checkpoint checkpoints;
        stream::transfer store;
        std::map<std::string, run_of> runs;
    };
    struct message {
        std::size_t to = 0;
        partitioned counts;
        stream::checkpoint checkpoints;
    };

    static std::string name(std::size_t p) { return "partition-" + std::to_string(p); }
    static std::vector<std::string> names() {
        std::vector<std::string> all;
        for (std::size_t p = 0; p < partitions; ++p) all.push_back(name(p));
        return all;
    }
    std::size_t any_worker() { return static_cast<std::size_t>(chance_.below(workers)); }

    // Where an epoch of a partition begins; the last but one is empty.
    std::uint64_t cut(const std::string& partition, std::uint64_t epoch) const {
        const std::uint64_t size = inputs_.at(partition).size();
        if (epoch >= epochs) return size;
        return size * (epoch == epochs - 1 ? epoch - 1 : epoch) / epochs;
    }

    static word_counts count(accumulator& into, const std::string& word) {
        return into.process(into.next(), [&](word_counts& state, crdt::replica_id actor) {
            return state.update(actor, word, [](crdt::g_counter& counter, crdt::replica_id id) {
                return counter.increment(id);
            });
        });
    }

    std::vector<std::byte> prefix(const std::string& partition, std::uint64_t end) const {
        accumulator counted(partition);
        while (counted.next() < end)
            count(counted, inputs_.at(partition)[static_cast<std::size_t>(counted.next())]);
        return counted.checkpoint_bytes();
    }

    void act() {
        const auto what = chance_.below(100);
        if (what < 45) {
            const std::size_t at = any_worker();
            const std::string partition = name(static_cast<std::size_t>(chance_.below(partitions)));
            if (all_[at].runs.contains(partition)) step(at, partition);
        } else if (what < 80) {
            deliver();
        } else if (what < 84) {
            repair(any_worker(), any_worker());
        } else if (what < 92) {
            fetch(any_worker(), ~std::uint64_t{0});
        } else if (what < 94) {
            const std::size_t at = any_worker();
            if (const auto newest = stream_test::newest(all_[at].checkpoints);
                newest && newest->epoch > 1) {
                all_[at].checkpoints.raise_floor(*newest, newest->epoch - 1);
                all_[at].store.forget_below(all_[at].checkpoints);
            }
        } else if (what < 97) {
            crash(any_worker());
        } else {
            // Another worker takes a partition over while the first still runs it.
            take_over(any_worker(), name(static_cast<std::size_t>(chance_.below(partitions))));
        }
    }

    void step(std::size_t at, const std::string& partition) {
        run_of& run = all_[at].runs.at(partition);
        const auto& words = inputs_.at(partition);
        partitioned news;
        stream::checkpoint said = cut_here(at, partition, run); // an empty epoch, after resuming
        const std::uint64_t offset = run.counted.next();
        if (offset < words.size()) {
            count_.replayed += offset < seen_[partition] ? 1U : 0U;
            seen_[partition] = std::max(seen_[partition], offset + 1);
            const word_counts delta = count(run.counted, words[static_cast<std::size_t>(offset)]);
            news = all_[at].shared.advance(partition, delta);
        }
        said.merge(cut_here(at, partition, run));
        send(at, news, said);
    }

    stream::checkpoint cut_here(std::size_t at, const std::string& partition, run_of& run) {
        stream::checkpoint said;
        while (run.epoch < epochs && cut(partition, run.epoch + 1) == run.counted.next())
            said.merge(submit(all_[at], at, partition, run));
        return said;
    }

    stream::checkpoint submit(worker& here, std::size_t at, const std::string& partition,
                              run_of& run) {
        const auto bytes = run.counted.checkpoint_bytes();
        const std::uint64_t begin = cut(partition, run.epoch), end = run.counted.next();
        const auto root = here.store.add_local(bytes, run.epoch);
        stream::submission said;
        said.epoch = run.epoch++;
        said.member = partition;
        said.root = root;
        said.bytes = bytes.size();
        said.offsets[partition] = {begin, end};
        said.records = end - begin;
        said.worker = "worker-" + std::to_string(at);
        said.incarnation = here.incarnation;
        auto [how, delta] = here.checkpoints.submit(said);
        count_.duplicates += how == stream::verdict::duplicate ? 1U : 0U;
        if (how_ == resume_from::verified_bytes)
            REQUIRE((how == stream::verdict::accepted || how == stream::verdict::duplicate ||
                     how == stream::verdict::stale));
        return delta;
    }

    void send(std::size_t from, const partitioned& counts, const stream::checkpoint& checkpoints) {
        for (std::size_t to = 0; to < workers; ++to) {
            if (to == from) continue;
            if (chance_.chance(1, 4))
                ++count_.lost;
            else
                net_.push_back({to, counts, checkpoints});
        }
    }

    void deliver() {
        if (net_.empty()) return;
        const auto at = static_cast<std::size_t>(chance_.below(net_.size()));
        std::swap(net_[at], net_.back());
        worker& to = all_[net_.back().to];
        to.shared.merge(net_.back().counts);
        to.checkpoints.merge(net_.back().checkpoints);
        if (chance_.chance(1, 4))
            ++count_.repeated;
        else
            net_.pop_back();
    }

    void repair(std::size_t to, std::size_t from) {
        all_[to].shared.merge(all_[from].shared);
        all_[to].checkpoints.merge(all_[from].checkpoints);
    }

    // Fetches what the newest certificate at or below an epoch names from whoever has it; on the
    // way some bytes are damaged, and none of those is taken.
    std::optional<stream::certificate> fetch(std::size_t to, std::uint64_t at_most) {
        worker& here = all_[to];
        const auto certificate =
            here.checkpoints.latest_until(at_most, stream::restore_policy::complete);
        if (!certificate) return std::nullopt;
        for (const stream::want& want : here.store.wants(*certificate)) {
            for (const worker& from : all_) {
                const auto served = from.store.serve(want.root);
                if (!served || here.store.serve(want.root)) continue;
                std::vector<std::byte> bytes(served->begin(), served->end());
                if (chance_.chance(1, 4)) {
                    const auto at = static_cast<std::size_t>(chance_.below(bytes.size()));
                    bytes[at] ^= static_cast<std::byte>(1U << chance_.below(8));
                    REQUIRE(here.store.accept(bytes) == stream::accept_result::wrong);
                    ++count_.corrupt_refused;
                } else {
                    REQUIRE(here.store.accept(bytes) == stream::accept_result::accepted);
                }
            }
        }
        return certificate;
    }

    void take_over(std::size_t at, const std::string& partition) {
        ++count_.takeovers;
        worker& here = all_[at];
        run_of run{accumulator(partition), 0};
        bool found = false;
        for (std::uint64_t at_most = epochs; !found;) {
            const auto certificate = fetch(at, at_most);
            if (!certificate) break;
            const stream::submission& said = *certificate->find(partition);
            if (const auto bytes = here.store.serve(said.root)) {
                REQUIRE(stream::verify(*certificate, partition, *bytes).ok());
                run.counted = resume(here, partition, said, *bytes);
                run.epoch = certificate->epoch + 1;
                found = true;
                // All who heard the deltas of that prefix may be gone: the bytes still have them.
                send(at, here.shared.advance(partition, run.counted.state()), {});
            }
            if (certificate->epoch == 0) break;
            at_most = certificate->epoch - 1;
        }
        ++(found ? count_.resumed : count_.from_nothing);
        here.runs.insert_or_assign(partition, std::move(run));
    }

    accumulator resume(const worker& here, const std::string& partition,
                       const stream::submission& said, std::span<const std::byte> bytes) const {
        wire::error error;
        const word_counts* gossiped = here.shared.find(partition);
        if (how_ == resume_from::gossiped_state && gossiped != nullptr)
            return accumulator::resume(
                       wire::encode(forged{partition, said.offsets.at(partition).end, *gossiped}),
                       error)
                .value();
        auto resumed = accumulator::resume(bytes, error);
        REQUIRE(resumed.has_value());
        REQUIRE(resumed->partition() == partition);
        REQUIRE(resumed->next() == said.offsets.at(partition).end);
        return std::move(*resumed);
    }

    // All that the worker knew is gone; each of its partitions goes to some worker, which has
    // heard of the others at least once, as a new member has.
    void crash(std::size_t at) {
        ++count_.crashes;
        worker fresh;
        fresh.incarnation = all_[at].incarnation + 1;
        fresh.checkpoints = with_plan(names(), stream::ack_policy::nobody);
        const auto lost = std::exchange(all_[at], std::move(fresh)).runs;
        if (chance_.chance(1, 2)) repair(at, (at + 1) % workers);
        for (const auto& [partition, run] : lost) {
            bool runs_elsewhere = false;
            for (const worker& each : all_) runs_elsewhere |= each.runs.contains(partition);
            if (!runs_elsewhere) take_over(any_worker(), partition);
        }
    }

    std::size_t owner(const std::string& partition) const {
        for (std::size_t at = 0; at < workers; ++at)
            if (all_[at].runs.contains(partition)) return at;
        FAIL("nobody runs a partition");
        return 0;
    }

    rng chance_;
    resume_from how_;
    tally& count_;
    std::map<std::string, std::vector<std::string>> inputs_;
    std::map<std::string, std::uint64_t> seen_;
    std::array<worker, workers> all_;
    std::vector<message> net_;
};

} // namespace

TEST_CASE("after any crashes the joined total equals the sequential pass exactly") {
    tally count;
    const auto all = seeds(1000);
    for (const std::uint64_t seed : all) {
        INFO("JOINERY_SEED=" << seed);
        simulation played(seed, resume_from::verified_bytes, count);
        played.run();
        REQUIRE(played.totals_are_exact());
        REQUIRE(played.checkpoints_are_exact());
    }
    MESSAGE(all.size() << " runs: " << count.crashes << " crashes, " << count.takeovers
                       << " takeovers, " << count.replayed << " records replayed, " << count.lost
                       << " messages lost, " << count.repeated << " repeated");
    if (all.size() < 20) return; // too few to meet everything
    CHECK(count.crashes > 0);
    CHECK(count.resumed > 0);
    CHECK(count.from_nothing > 0);
    CHECK(count.replayed > 0);
    CHECK(count.duplicates > 0);
    CHECK(count.lost > 0);
    CHECK(count.repeated > 0);
    CHECK(count.corrupt_refused > 0);
}

TEST_CASE("resuming from gossiped state instead of verified bytes counts wrong") {
    tally count;
    const auto all = seeds(1000);
    std::uint64_t exact = 0;
    for (const std::uint64_t seed : all) {
        INFO("JOINERY_SEED=" << seed);
        simulation played(seed, resume_from::gossiped_state, count);
        played.run();
        exact += played.totals_are_exact() ? 1U : 0U;
    }
    MESSAGE("exact in " << exact << " of " << all.size() << " runs");
    if (all.size() >= 20) CHECK(exact < all.size());
}

} // namespace crash_test
