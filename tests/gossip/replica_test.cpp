// SPDX-License-Identifier: Apache-2.0
// The index that follows every change is the one that would be built, field by field.
#include "seeds.hpp"

#include <crdt/g_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/or_set.hpp>
#include <crdt/struct.hpp>
#include <gossip/detail/replica.hpp>
#include <gossip/random.hpp>
#include <stream/windowed.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace replica_test {

namespace {

using namespace joinery;

struct user {
    BOOST_HANA_DEFINE_STRUCT(user, (crdt::g_counter, visits), (crdt::or_set<std::string>, tags));
    bool operator==(const user&) const = default;
};
struct rooms {
    BOOST_HANA_DEFINE_STRUCT(rooms, (crdt::g_map<std::string, user>, users), (user, owner),
                             (stream::windowed<user>, by_hour));
    bool operator==(const rooms&) const = default;
};

user change_user(user& who, crdt::replica_id self, gossip::random& random) {
    const std::string tag = "tag" + std::to_string(random.below(4));
    user delta;
    switch (random.below(3)) {
        case 0: delta.visits = who.visits.increment(self); break;
        case 1: delta.tags = who.tags.add(self, tag); break;
        default: delta.tags = who.tags.remove(self, tag); break;
    }
    return delta;
}

rooms change(rooms& all, crdt::replica_id self, int hour, gossip::random& random) {
    const auto one = [&](user& who, crdt::replica_id id) { return change_user(who, id, random); };
    rooms delta;
    switch (random.below(3)) {
        case 0: delta.users = all.users.update(self, std::to_string(random.below(5)), one); break;
        case 1: delta.owner = one(all.owner, self); break;
        default:
            delta.by_hour = all.by_hour.update(self, hour + static_cast<int>(random.below(3)), one);
            if (random.chance(1, 4)) delta.by_hour.merge(all.by_hour.expire(hour));
            break;
    }
    return delta;
}

} // namespace

TEST_CASE("an index that follows each change is the one that would be built, at any depth") {
    using indexes = gossip::detail::field_indexes<rooms>;
    // users: visits, tags; owner: visits, tags; by_hour: its floor, visits, tags.
    REQUIRE(indexes::fields().size() == 7);
    const wire::keyed_hasher hasher({});
    std::map<std::uint32_t, std::size_t> met;
    for (const std::uint64_t seed : gossip_test::seeds(20)) {
        INFO("seed " << seed);
        gossip::random random(seed);
        gossip::detail::replica<rooms> one(hasher), other(hasher), fresh(hasher);
        std::uint64_t removals = 0;
        for (int step = 0; step < 200; ++step) {
            rooms delta;
            const crdt::replica_id self{1 + random.below(3)};
            REQUIRE(one.update([&](rooms& state) { return change(state, self, step / 20, random); },
                               false, delta));
            removals += crdt::removes(delta) ? 1U : 0U;
            crdt::report found;
            other.merge(delta, found);
            fresh.assign(one.state());
            for (const auto field : indexes::fields()) {
                met[field] += one.index(field)->size();
                REQUIRE(one.index(field)->root() == fresh.index(field)->root());
                REQUIRE(other.index(field)->root() == fresh.index(field)->root());
            }
        }
        CHECK(removals > 0);
        CHECK(other.rebuilds() == 0);
    }
    for (const auto& [field, entries] : met) CHECK(entries > 0);
}

} // namespace replica_test
