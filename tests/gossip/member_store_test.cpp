// SPDX-License-Identifier: Apache-2.0
#include "seeds.hpp"

#include <gossip/detail/groups.hpp>
#include <gossip/detail/member_store.hpp>
#include <gossip/detail/member_table.hpp>
#include <gossip/detail/rumors.hpp>
#include <gossip/detail/talks.hpp>
#include <gossip/detail/text_index.hpp>
#include <gossip/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace member_store_test {

// What members are kept in, against the plainest containers that do the same.

namespace {

namespace detail = joinery::gossip::detail;
namespace gossip = joinery::gossip;
using detail::member_table;
using detail::nowhere;
using gossip::member_status;

std::string text_of(gossip::random& chance, std::size_t most) {
    return std::string(chance.below(most + 1), static_cast<char>('a' + chance.below(26)));
}

struct plain {
    std::string name, address, zone;
    std::uint64_t incarnation = 0;
    std::vector<std::byte> metadata;

    detail::member_texts texts() const { return {name, address, zone, incarnation, metadata}; }
};

plain drawn(gossip::random& chance, const std::string& name) {
    plain made{
        name, text_of(chance, 40), text_of(chance, 255), chance.next() >> chance.below(64), {}};
    if (chance.chance(1, 3)) made.address = name;
    if (chance.chance(1, 4)) made.metadata.resize(chance.below(513), std::byte{7});
    return made;
}

detail::member_record alive(const std::string& name, const std::string& address,
                            std::uint64_t version = 5) {
    return {name, version, member_status::alive, 0, 1, 0, address, {}, {}};
}

} // namespace

TEST_CASE("numbers are in the group that they were put into last") {
    for (const std::uint64_t seed : gossip_test::seeds(20)) {
        INFO("seed " << seed);
        gossip::random chance(seed);
        detail::groups at;
        std::map<std::uint32_t, std::size_t> model;
        for (int step = 0; step < 2000; ++step) {
            const auto number = static_cast<std::uint32_t>(chance.below(60));
            const std::size_t group = chance.below(7);
            if (chance.chance(1, 3)) {
                at.remove(number);
                model.erase(number);
            } else if (chance.chance(1, 40) && at.of(group + 1).size() > 0) {
                at.pass_on(group);
                for (auto& [each, in] : model) in += in == group ? 1U : 0U;
            } else {
                at.put(number, group);
                model[number] = group;
            }
            REQUIRE(at.size() == model.size());
            std::map<std::uint32_t, std::size_t> found;
            for (std::size_t each = 0; each < 8; ++each)
                for (const std::uint32_t one : at.of(each)) found[one] = each;
            REQUIRE(found == model);
            for (const auto& [each, in] : model) REQUIRE(at.group_of(each) == in);
            REQUIRE(at.contains(number) == model.contains(number));
        }
    }
}

TEST_CASE("members keep their texts, whatever becomes of others") {
    for (const std::uint64_t seed : gossip_test::seeds(10)) {
        INFO("seed " << seed);
        gossip::random chance(seed);
        detail::member_store at;
        std::map<std::uint32_t, plain> model;
        for (int step = 0; step < 600; ++step) {
            if (model.empty() || chance.chance(1, 2)) {
                const std::uint32_t number = at.add();
                REQUIRE(!model.contains(number));
                model[number] = drawn(chance, "n" + std::to_string(step));
                at.set(number, model[number].texts());
                at.at(number).version = number + 1000U;
            } else {
                auto any = model.begin();
                std::advance(any, static_cast<std::ptrdiff_t>(chance.below(model.size())));
                if (chance.chance(1, 2)) {
                    at.remove(any->first);
                    CHECK(at.name(any->first).empty());
                    model.erase(any);
                } else {
                    any->second = drawn(chance, any->second.name);
                    at.set(any->first, any->second.texts());
                }
            }
            for (const auto& [number, each] : model) {
                REQUIRE(at.texts(number) == each.texts());
                REQUIRE(at.name(number) == each.name);
                REQUIRE(at.address(number) == each.address);
                REQUIRE(at.at(number).version == number + 1000U);
            }
        }
    }
}

TEST_CASE("texts are found, and a walk that goes on after any of them meets all") {
    gossip::random chance(3);
    std::vector<std::string> texts;
    for (int each = 0; each < 3000; ++each) texts.push_back("text" + std::to_string(each));
    const auto of = [&](std::uint32_t number) { return std::string_view(texts[number]); };
    detail::text_index at;
    for (std::uint32_t each = 0; each < 3000; ++each) at.insert(each, of);
    for (std::uint32_t each = 0; each < 3000; each += 3) at.erase(each, of);
    for (std::uint32_t each = 0; each < 3000; ++each)
        REQUIRE(at.find(texts[each], of) == (each % 3 == 0 ? nowhere : each));
    std::size_t met = 0;
    for (std::size_t bucket = 0; bucket < detail::buckets; ++bucket)
        for (std::string after;; ++met) {
            const auto left = at.after(bucket, after, of);
            if (left.empty()) break;
            after = texts[left.front().number];
            REQUIRE(detail::bucket_of(after) == bucket);
        }
    CHECK(met == at.size());
    CHECK(met == 2000);
}

TEST_CASE("an address is that of the member that has proven to be there, else of the latest") {
    member_table table(10, 10);
    table.apply(alive("a", "h:1"), 1, {});
    CHECK(table.at_address("h:1") == table.find("a"));
    table.apply(alive("b", "h:1"), 1, {});
    CHECK(table.at_address("h:1") == table.find("b"));
    table.verify(table.find("a"));
    CHECK(table.at_address("h:1") == table.find("a"));
    table.apply(alive("c", "h:1"), 1, {});
    CHECK(table.at_address("h:1") == table.find("a"));
    table.apply(alive("a", "i:1", 6), 1, {});
    CHECK(table.at_address("h:1") == nowhere);
    CHECK(table.at_address("i:1") == table.find("a"));
    table.apply(alive("i:1", "i:1"), 1, {}); // whose name it is
    CHECK(table.at_address("i:1") == table.find("i:1"));
    table.verify(table.find("a"));
    CHECK(table.at_address("i:1") == table.find("a"));
    table.erase(table.find("a"));
    CHECK(table.at_address("i:1") == table.find("i:1"));
}

TEST_CASE("of too many rumors the one told most gives way") {
    detail::rumors at;
    const auto told = [&](std::size_t most) {
        std::vector<std::uint32_t> all;
        at.tell(20, [&](std::uint32_t id) {
            if (all.size() == most) return false;
            all.push_back(id);
            return true;
        });
        return all;
    };
    for (std::uint32_t id = 0; id < detail::rumors::most; ++id) at.start(id);
    const auto first = told(1);
    at.start(5000);
    CHECK(at.size() == detail::rumors::most);
    auto all = told(2 * detail::rumors::most);
    std::sort(all.begin(), all.end());
    CHECK(!std::binary_search(all.begin(), all.end(), first.front()));
    CHECK(std::binary_search(all.begin(), all.end(), 5000U));
}

TEST_CASE("of many that are talked to, those of late are kept") {
    detail::talks at;
    gossip::peer member;
    const auto meet = [&](std::size_t number) -> detail::peer_record& {
        member.name = member.address = "m" + std::to_string(number);
        member.id = joinery::crdt::replica_id::of(member.name, 1);
        return at.meet(member);
    };
    meet(0).nonce = 77;
    for (std::size_t each = 1; each < 1000; ++each) {
        meet(each).nonce = each;
        REQUIRE(meet(0).nonce == 77);
        REQUIRE(meet(each).nonce == each);
        REQUIRE(at.size() <= detail::talks::most);
    }
    CHECK(at.find("m500") == nullptr);
}

TEST_CASE("what was denied a minute ago counts no more, whatever the origin of time") {
    for (const auto origin : {-std::chrono::hours(100), std::chrono::hours(100)}) {
        const gossip::time_point then{origin};
        detail::member_table table(10, 10);
        table.apply(alive("a", "a:1", 5), 7, then);
        const std::uint32_t id = table.find("a");
        auto said = alive("a", "a:1", 5);
        said.status = member_status::suspect;
        table.apply(said, 7, then);
        table.apply(alive("a", "a:1", 6), 7, then);
        const auto denials = [&] { return unsigned{table.at(id).denials}; };
        REQUIRE(denials() == 1U);
        table.excuse(id, then + std::chrono::seconds(50));
        CHECK(denials() == 1U);
        table.excuse(id, then + std::chrono::seconds(70));
        CHECK(denials() == 0U);
    }
}

} // namespace member_store_test
