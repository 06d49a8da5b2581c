// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <crdt/hyperloglog.hpp>
#include <stream/partitioned.hpp>
#include <stream/source_keyed.hpp>
#include <testing/laws.hpp>

#include <array>
#include <cmath>
#include <map>
#include <set>

namespace source_keyed_test {

using namespace stream_test;
namespace testing = joinery::testing;

namespace {

// Cormode and Muthukrishnan 2005: never too low. It adds up, so a repeated merge would count twice.
class count_min {
public:
    static constexpr std::string_view schema_name = "count_min";
    static constexpr std::size_t rows = 4, columns = 64;

    void add(const std::string& word, std::uint64_t times) {
        for (std::size_t row = 0; row < rows; ++row) cells_[place(row, word)] += times;
    }
    std::uint64_t estimate(const std::string& word) const {
        std::uint64_t least = ~std::uint64_t{0};
        for (std::size_t row = 0; row < rows; ++row)
            least = std::min(least, cells_[place(row, word)]);
        return least;
    }
    void combine(const count_min& other) {
        for (std::size_t i = 0; i < cells_.size(); ++i) cells_[i] += other.cells_[i];
    }

    void write(wire::writer& w) const {
        for (const auto each : cells_) w.varint(each);
    }
    void read(wire::reader& r) {
        for (auto& each : cells_) each = r.varint();
    }
    friend bool operator==(const count_min&, const count_min&) = default;

private:
    static std::size_t place(std::size_t row, const std::string& word) {
        const auto hash = wire::mix(row, wire::content_hash64(std::as_bytes(std::span(word))));
        return row * columns + hash % columns;
    }
    std::array<std::uint64_t, rows * columns> cells_{};
};

// A quantile sketch in the manner of DDSketch: counts per power of 1.02, so that a quantile is
// right within 1 %. It too only adds up.
class quantiles {
public:
    static constexpr std::string_view schema_name = "quantiles";

    void add(double value, std::uint64_t times) {
        counts_[static_cast<int>(std::ceil(std::log(value) / std::log(1.02)))] += times;
    }
    double at(double share) const {
        std::uint64_t all = 0, below = 0;
        for (const auto& [bucket, count] : counts_) all += count;
        for (const auto& [bucket, count] : counts_) {
            below += count;
            if (static_cast<double>(below) >= share * static_cast<double>(all))
                return 2 * std::pow(1.02, bucket) / 2.02;
        }
        return 0;
    }
    void combine(const quantiles& other) {
        for (const auto& [bucket, count] : other.counts_) counts_[bucket] += count;
    }

    void write(wire::writer& w) const { wire::put(w, counts_); }
    void read(wire::reader& r) { wire::get(r, counts_); }
    friend bool operator==(const quantiles&, const quantiles&) = default;

private:
    std::map<int, std::uint64_t> counts_;
};

// What a query asks of all partitions together.
struct sketches {
    BOOST_HANA_DEFINE_STRUCT(sketches, (stream::source_keyed<count_min>, words),
                             (stream::source_keyed<quantiles>, lengths));
    static constexpr std::string_view schema_name = "sketches";
    friend bool operator==(const sketches&, const sketches&) = default;
};

} // namespace

TEST_CASE("A17 sketches that only add up count once under repeated and reordered gossip") {
    for (const std::uint64_t seed : seeds(200)) {
        INFO("JOINERY_SEED=" << seed);
        rng chance(seed);
        count_min one_pass;
        quantiles lengths;
        std::vector<sketches> deltas;
        std::vector<sketches> parts(3);
        for (int batch = 0; batch < 12; ++batch) {
            const auto at = static_cast<std::size_t>(chance.below(3));
            const auto source = crdt::replica_id::of("partition-" + std::to_string(at), 0);
            const auto word = "word-" + std::to_string(chance.below(8));
            const auto times = 1 + chance.below(5);
            one_pass.add(word, times);
            lengths.add(static_cast<double>(word.size()), times);
            sketches delta;
            delta.words = parts[at].words.update(source, [&](auto& own) { own.add(word, times); });
            delta.lengths = parts[at].lengths.update(
                source, [&](auto& own) { own.add(static_cast<double>(word.size()), times); });
            for (auto copies = 1 + chance.below(3); copies > 0; --copies) deltas.push_back(delta);
        }
        sketches all;
        for (const auto& delta : shuffled(deltas, chance)) crdt::merge(all, delta);
        CHECK(all.words.total() == one_pass);
        CHECK(wire::decode<count_min>(wire::encode(one_pass)) == one_pass);
        CHECK(all.lengths.total() == lengths);
        for (const auto& part : parts) CHECK_FALSE(crdt::merge(all, part));
        CHECK(wire::decode<sketches>(wire::encode(all)) == all);
    }
}

TEST_CASE("A17 a hyperloglog has equal bytes for all orders of three inputs") {
    std::array<int, 3> order{0, 1, 2};
    std::set<std::vector<std::byte>> outcomes;
    do {
        std::array<crdt::hyperloglog<std::uint64_t>, 3> inputs;
        for (std::uint64_t i = 0; i < 9; ++i) inputs[i % 3].add({}, i * i);
        crdt::hyperloglog<std::uint64_t> all;
        for (const int i : order) all.merge(inputs[static_cast<std::size_t>(i)]);
        outcomes.insert(wire::encode(all));
    } while (std::next_permutation(order.begin(), order.end()));
    CHECK(outcomes.size() == 1);
}

TEST_CASE("a sketch answers what it promises") {
    stream::source_keyed<count_min> words;
    stream::source_keyed<quantiles> sizes;
    const std::array sources{crdt::replica_id::of("p0", 0), crdt::replica_id::of("p1", 0)};
    for (int value = 1; value <= 1000; ++value) {
        const auto source = sources[static_cast<std::size_t>(value % 2)];
        sizes.update(source, [&](quantiles& own) { own.add(value, 1); });
        words.update(source, [&](count_min& own) { own.add("w" + std::to_string(value % 10), 1); });
    }
    CHECK(words.total().estimate("w3") >= 100);
    CHECK(words.find(sources[1])->estimate("w3") >= 100);
    CHECK(words.find(crdt::replica_id::of("p2", 0)) == nullptr);
    CHECK(std::abs(sizes.total().at(0.5) - 500) < 11);
    CHECK(std::abs(sizes.total().at(0.99) - 990) < 21);
}

TEST_CASE("an update that throws has changed nothing") {
    stream::source_keyed<quantiles> sizes;
    const auto self = crdt::replica_id::of("p0", 0);
    sizes.update(self, [](quantiles& own) { own.add(3, 1); });
    const auto before = sizes;
    CHECK_THROWS(sizes.update(self, [](quantiles& own) {
        own.add(4, 1);
        throw std::runtime_error("bad record");
    }));
    CHECK(sizes == before);
}

TEST_CASE("a monoid made a lattice keeps every law") {
    using state = stream::source_keyed<quantiles>;
    const auto step = [](state& s, crdt::replica_id self, rng& chance) {
        return s.update(self, [&](quantiles& own) {
            own.add(1.0 + static_cast<double>(chance.below(9)), 1 + chance.below(3));
        });
    };
    const auto result = testing::check_laws<state>({.cases = cases_of(10'000)}, step);
    CHECK_MESSAGE(result.holds(), result.text());
    CHECK(result.laws.size() == 27);
}

} // namespace source_keyed_test
