// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <stream/archive.hpp>
#include <stream/transfer.hpp>
#include <testing/store_suite.hpp>

#include <map>

namespace archive_test {

using namespace stream_test;
namespace testing = joinery::testing;
using stream::accept_result;
using stream::piece;
using stream::transfer;

namespace {

using byte_string = std::vector<std::byte>;

// A store for tests: what is written stays, and can be damaged.
class memory_store {
public:
    void put(const wire::digest& name, std::span<const std::byte> bytes) {
        written += bytes.size();
        objects[name].assign(bytes.begin(), bytes.end());
    }
    std::optional<byte_string> get(const wire::digest& name) const {
        const auto at = objects.find(name);
        return at == objects.end() ? std::nullopt : std::optional(at->second);
    }
    bool contains(const wire::digest& name) const { return objects.contains(name); }
    std::vector<wire::digest> digests() const {
        std::vector<wire::digest> all;
        for (const auto& each : objects) all.push_back(each.first);
        return all;
    }
    void erase(const wire::digest& name) { objects.erase(name); }
    void save(std::string_view name, std::span<const std::byte> bytes) {
        if (!stream::is_record_name(name)) throw stream::store_failure("a bad name");
        records[std::string(name)].assign(bytes.begin(), bytes.end());
    }
    std::optional<byte_string> load(std::string_view name) const {
        const auto at = records.find(std::string(name));
        return at == records.end() ? std::nullopt : std::optional(at->second);
    }

    std::map<wire::digest, byte_string> objects;
    std::map<std::string, byte_string> records;
    std::size_t written = 0;
};
static_assert(stream::store<memory_store>);

byte_string random_bytes(std::uint64_t seed, std::size_t size) {
    rng chance(seed);
    byte_string made(size);
    for (auto& each : made) each = static_cast<std::byte>(chance.below(256));
    return made;
}

// Moves pieces until there are none left to ask for; the bytes that moved.
std::size_t fetch(transfer& to, const transfer& from, const stream::certificate& what) {
    std::size_t moved = 0;
    for (;;) {
        const auto pieces = to.missing_pieces(what);
        if (pieces.empty()) return moved;
        for (const piece& each : pieces) {
            const auto asked = wire::decode<piece>(wire::encode(each));
            const auto bytes = from.serve(asked);
            REQUIRE(bytes.has_value());
            moved += bytes->size();
            REQUIRE(to.accept(*bytes) == accept_result::accepted);
        }
    }
}

stream::submission of_bytes(std::uint64_t epoch, const std::string& member,
                            const byte_string& bytes) {
    auto what = said(epoch, member, "");
    what.root = merkle::chunks::of(bytes).root();
    what.bytes = bytes.size();
    return what;
}

// One member that owns many key groups.
struct grouped {
    stream::checkpoint state;
    transfer kept;
    std::vector<byte_string> groups;
    std::uint64_t epoch = 0;

    explicit grouped(std::uint32_t count, std::size_t bytes_each) {
        auto under = plan_of(1, {"p0"});
        state.set_plan(under.spread(count));
        for (std::uint32_t i = 0; i < count; ++i) groups.push_back(random_bytes(i, bytes_each));
    }
    stream::certificate cut() {
        ++epoch;
        auto what = of_bytes(epoch, "p0", bytes_of("own"));
        kept.add_local(bytes_of("own"), epoch);
        for (std::uint32_t i = 0; i < groups.size(); ++i)
            what.groups.push_back({i, kept.add_local(groups[i], epoch), groups[i].size()});
        CHECK(state.submit(what).first == stream::verdict::accepted);
        acknowledge(state, epoch, {"p0"});
        return *state.latest();
    }
};

} // namespace

TEST_CASE("the store of these tests keeps every promise of a store") {
    memory_store one;
    struct handle {
        memory_store& of;
        void put(const wire::digest& n, std::span<const std::byte> b) { of.put(n, b); }
        std::optional<byte_string> get(const wire::digest& n) const { return of.get(n); }
        bool contains(const wire::digest& n) const { return of.contains(n); }
        std::vector<wire::digest> digests() const { return of.digests(); }
        void erase(const wire::digest& n) { of.erase(n); }
        void save(std::string_view n, std::span<const std::byte> b) { of.save(n, b); }
        std::optional<byte_string> load(std::string_view n) const { return of.load(n); }
    };
    for (const auto& each : testing::check_store([&] { return handle{one}; })) FAIL_CHECK(each);
}

TEST_CASE("only the chunks that changed move from one epoch to the next") {
    grouped source(8, 20 * 4096);
    transfer to;
    const auto first = source.cut();
    CHECK(fetch(to, source.kept, first) > 8 * 20 * 4096);
    CHECK(to.complete(first));
    source.groups[3][5 * 4096 + 7] ^= std::byte{1};
    source.groups[6][0] ^= std::byte{1};
    const auto second = source.cut();
    CHECK(second.state_root != first.state_root);
    const auto moved = fetch(to, source.kept, second);
    CHECK(to.complete(second));
    CHECK(moved > 2 * 4096);
    CHECK(moved < 2 * 4096 + 2 * (20 * 16 + 40));
    CHECK(to.bytes_held() == (8 * 20 + 2) * 4096 + 3);
    for (std::uint32_t i = 0; i < 8; ++i)
        CHECK(stream::verify_group(second, i, *to.serve(second.find_group(i)->root)).ok());
    // What the first epoch alone needed goes, what both need stays.
    to.forget_below(2);
    CHECK(to.bytes_held() == 8 * 20 * 4096 + 3);
    CHECK(to.complete(second));
    CHECK_FALSE(to.complete(first));
    CHECK(fetch(to, source.kept, second) == 0);
}

TEST_CASE("pieces that nobody asked for, and wrong ones, change nothing") {
    grouped source(1, 3 * 4096);
    const auto what = source.cut();
    transfer to;
    const auto chunk = random_bytes(7, 4096);
    CHECK(to.accept(chunk) == accept_result::unknown);
    CHECK(to.accept(wire::encode(merkle::chunks::of(source.groups[0]))) == accept_result::unknown);
    to.wants(what);
    // Leaves are believed only under a root that is wanted.
    CHECK(to.accept(wire::encode(merkle::chunks::of(chunk))) == accept_result::unknown);
    CHECK(to.accept(wire::encode(merkle::chunks::of(source.groups[0], 1024))) ==
          accept_result::unknown);
    for (const auto& each : to.missing_pieces(what)) to.accept(*source.kept.serve(each));
    const auto pieces = to.missing_pieces(what);
    CHECK(pieces.size() == 4);
    for (const auto& each : pieces) {
        auto bytes = *source.kept.serve(each);
        bytes[bytes.size() / 2] ^= std::byte{4};
        CHECK(to.accept(bytes) != accept_result::accepted);
        bytes.pop_back();
        CHECK(to.accept(bytes) != accept_result::accepted);
        CHECK(to.bytes_held() == 0);
    }
    CHECK(fetch(to, source.kept, what) == 3 * 4096 + 3);
    CHECK_FALSE(transfer().serve(pieces[0]).has_value());
}

TEST_CASE("pieces never pass the budget") {
    grouped source(2, 2 * 4096);
    const auto what = source.cut();
    transfer small(3 * 4096);
    for (const auto& each : small.missing_pieces(what)) small.accept(*source.kept.serve(each));
    std::size_t refused = 0;
    for (const auto& each : small.missing_pieces(what))
        refused += small.accept(*source.kept.serve(each)) == accept_result::over_budget ? 1U : 0U;
    CHECK(refused > 0);
    CHECK(small.bytes_held() <= small.max_bytes());
}

TEST_CASE("A9 one flipped bit in 64 MiB is named by group and leaf, and one leaf is fetched") {
    constexpr std::size_t scale = JOINERY_CASES_DIVISOR > 1 ? 16 : 1;
    constexpr std::size_t each_group = 512 * 1024 / scale;
    grouped source(128, each_group);
    const auto what = source.cut();
    memory_store disk;
    stream::archive kept(disk);
    CHECK(kept.keep(source.kept, what) == 128 * each_group + 3);

    const auto leaves = merkle::chunks::of(source.groups[77]);
    const std::size_t wrong = leaves.size() - 3;
    disk.objects.at(leaves.leaf(wrong))[1000] ^= std::byte{16};
    transfer restored;
    CHECK(kept.load(what, restored) == std::vector{stream::damage{"p0", 77, wrong}});
    CHECK_FALSE(restored.complete(what));
    const auto pieces = restored.missing_pieces(what);
    CHECK(pieces == std::vector{piece{piece::kind::chunk, leaves.leaf(wrong)}});
    CHECK(fetch(restored, source.kept, what) == 4096);
    CHECK(restored.complete(what));
    CHECK(stream::verify_group(what, 77, *restored.serve(leaves.root())).ok());
    kept.repair(restored, what, {{"p0", 77, wrong}});
    transfer again;
    CHECK(kept.load(what, again).empty());

    auto flipped = source.groups[77];
    flipped[wrong * 4096 + 1000] ^= std::byte{16};
    const auto found = stream::verify_group(what, 77, flipped, &leaves);
    CHECK(found.code == stream::verify_result::outcome::wrong_root);
    CHECK(found.group == 77);
    CHECK(found.first_wrong == wrong);
    CHECK(found.expected == leaves.root());
    const auto cut_short = std::span(source.groups[77]).first(wrong * 4096 + 5);
    CHECK(stream::verify_group(what, 77, cut_short, &leaves).first_wrong == wrong);
}

TEST_CASE(
    "a checkpoint is stored in the chunks that are new, and forgotten when no other needs it") {
    grouped source(4, 10 * 4096);
    memory_store disk;
    stream::archive kept(disk);
    const auto first = source.cut();
    kept.keep(source.kept, first);
    source.groups[2][4096 * 4] ^= std::byte{1};
    const auto second = source.cut();
    CHECK(kept.keep(source.kept, second) == 4096);
    CHECK(kept.keep(source.kept, second) == 0);
    CHECK(kept.certificates() == std::vector{first, second});
    const auto objects = disk.objects.size();
    kept.forget_below(2);
    CHECK(disk.objects.size() == objects - 2); // a chunk, and the leaves that named it
    CHECK(kept.certificates() == std::vector{second});
    transfer restored;
    CHECK(kept.load(second, restored).empty());
    CHECK(restored.complete(second));
    // Leaves that are lost are damage of the whole root.
    disk.objects.erase(second.find_group(2)->root);
    transfer without;
    CHECK(kept.load(second, without) == std::vector{stream::damage{"p0", 2, std::nullopt}});
    // What is not in a certificate yet stays if it is named.
    const auto early = source.kept.add_local(bytes_of("early"));
    kept.keep_root(source.kept, early);
    kept.forget_below(2, {early});
    CHECK(disk.contains(early));
    kept.forget_below(2);
    CHECK_FALSE(disk.contains(early));
}

TEST_CASE("A10 with every copy of the newest epoch damaged the next older one is restored, once") {
    grouped source(4, 3 * 4096);
    memory_store disk;
    stream::archive kept(disk);
    for (int i = 0; i < 3; ++i) {
        source.groups[1][0] = static_cast<std::byte>(i);
        kept.keep(source.kept, source.cut());
    }
    const auto newest_leaf = merkle::chunks::of(source.groups[1]).leaf(0);
    disk.objects.at(newest_leaf)[9] ^= std::byte{1};
    std::vector<std::uint64_t> tried;
    transfer into;
    const auto found = stream::restore_newest(source.state, stream::restore_policy::stable_only,
                                              [&](const stream::certificate& each) {
                                                  tried.push_back(each.epoch);
                                                  return kept.load(each, into).empty();
                                              });
    REQUIRE(found.has_value());
    CHECK(found->epoch == 2);
    CHECK(tried == std::vector<std::uint64_t>{3, 2});
    for (std::uint32_t i = 0; i < 4; ++i)
        CHECK(stream::verify_group(*found, i, *into.serve(found->find_group(i)->root)).ok());
    const auto never = stream::restore_newest(source.state, stream::restore_policy::stable_only,
                                              [](const auto&) { return false; });
    CHECK_FALSE(never.has_value());
}

TEST_CASE("A12 a checkpoint of four workers is restored by eight, and by three, group by group") {
    constexpr std::uint32_t groups = 128;
    std::vector<byte_string> bytes;
    for (std::uint32_t i = 0; i < groups; ++i) bytes.push_back(random_bytes(i, 100 + i * 50));
    const auto workers = [](int count) {
        std::vector<std::string> all;
        for (int i = 0; i < count; ++i) all.push_back("worker-" + std::to_string(i));
        return all;
    };
    stream::checkpoint state;
    memory_store disk;
    stream::archive kept(disk);
    auto under = plan_of(1, workers(4));
    under.spread(groups);
    std::vector<wire::digest> state_roots;
    for (const int count : {4, 8, 3, 4}) {
        if (under.members.size() != static_cast<std::size_t>(count))
            under = under.successor(workers(count), under.from + 1);
        state.set_plan(under);
        // Each worker restores the groups that are its own now, whoever had them.
        const auto before = state.latest();
        std::size_t restored = 0;
        for (const auto& worker : under.members) {
            auto what = of_bytes(under.from, worker, {});
            transfer own;
            own.add_local({}, under.from);
            if (before) CHECK(kept.load(*before, own).empty());
            for (const auto group : under.groups_of(worker)) {
                const auto image =
                    before ? *own.serve(before->find_group(group)->root) : bytes[group];
                if (before) REQUIRE(stream::verify_group(*before, group, image).ok());
                CHECK(image == bytes[group]);
                what.groups.push_back({group, own.add_local(image), image.size()});
                kept.keep_root(own, what.groups.back().root);
                ++restored;
            }
            kept.keep_root(own, what.root);
            CHECK(state.submit(what).first == stream::verdict::accepted);
        }
        CHECK(restored == groups);
        acknowledge(state, under.from, under.members);
        const auto written = disk.written;
        transfer all;
        const auto newest = *state.latest();
        CHECK(newest.epoch == under.from);
        CHECK(kept.load(newest, all).empty());
        CHECK(kept.keep(all, newest) == 0);
        CHECK(disk.written == written);
        state_roots.push_back(newest.state_root);
    }
    for (const auto& root : state_roots) CHECK(root == state_roots.front());
}

} // namespace archive_test
