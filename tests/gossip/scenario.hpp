// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "seeds.hpp"
#include "shared_state.hpp"

#include <gossip/random.hpp>
#include <testing/model.hpp>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace gossip_test {

namespace model = joinery::testing::model;

// What the state must show at the end, from the operations alone.
struct shared_model {
    model::counter hits;
    model::maximum<std::uint64_t> peak;
    model::latest<std::string, crdt::replica_id> motto;
    model::grown_set<std::uint32_t> seen;
    model::observed_set<std::string, crdt::dot> tags;
    std::map<std::string, model::counter> words;
    std::map<std::string, model::observed_set<std::string, crdt::dot>> rooms;
};

// The dots that a replica holds for an element: the additions that its next operation sees.
inline std::vector<crdt::dot> dots_of(const crdt::or_set<std::string>& set,
                                      const std::string& element) {
    std::vector<crdt::dot> dots;
    set.for_each_dot([&](const crdt::dot& each, const std::string& held) {
        if (held == element) {
            dots.push_back(each);
        }
    });
    return dots;
}

// What the cluster has to get along with.
struct terrain {
    testing::faults faults{100, 50, 1ms, 40ms};
    std::size_t max_datagram = 1400;
    std::size_t relay_bytes = std::size_t{4} << 20U;
    std::size_t push_bytes = 64;
    bool check_updates = true;
    bool restarts = false;
};

// Tight buffers, small datagrams, heavy loss and restarts, in a mixture that the seed decides.
inline terrain rough_terrain(std::uint64_t seed) {
    gossip::random random(seed ^ 0x70u);
    terrain made;
    made.faults.loss = static_cast<std::uint32_t>(random.below(300));
    made.faults.duplication = static_cast<std::uint32_t>(random.below(200));
    made.faults.delay_max = 1ms + 1ms * static_cast<int>(random.below(300));
    made.max_datagram = 300 + random.below(1200);
    made.relay_bytes = std::size_t{100} << random.below(12);
    made.push_bytes = random.below(2) * 64;
    made.check_updates = random.chance(1, 2);
    made.restarts = random.chance(2, 3);
    return made;
}

// A cluster of five, random operations on all of them, and the model of what they must show.
class scenario {
public:
    static constexpr std::size_t nodes = 5;

    explicit scenario(std::uint64_t seed, const terrain& ground = {});

    // Operations before, during and after a partition, all under faults; then rest.
    // Result: whether the cluster came in sync.
    bool run();
    // One random operation on one random engine.
    void operate();
    void operate_for(std::size_t operations, std::chrono::nanoseconds pause);

    network& net() { return net_; }
    const network& net() const { return net_; }
    bool tags_unique() const { return tags_unique_; }
    // Whether the state of the node shows what the model says.
    bool as_modelled(std::size_t node) const;

private:
    void operate_on_plain_fields(engine& on, std::uint64_t kind);
    void operate_on_tags(engine& on, bool adding);
    void operate_on_rooms(engine& on, bool adding);
    gossip::config settings(std::size_t node, std::uint64_t incarnation) const;
    void restart_one();
    std::string word(std::uint64_t variety) {
        return "word" + std::to_string(random_.below(variety));
    }

    terrain ground_;
    std::uint64_t incarnation_ = 1;
    gossip::random random_;
    network net_;
    shared_model model_;
    bool tags_unique_ = true;
};

inline scenario::scenario(std::uint64_t seed, const terrain& ground)
    : ground_(ground), random_(seed ^ 0x5eedU), net_(seed, ground.faults) {
    for (std::size_t node = 0; node < nodes; ++node)
        net_.add(address_of(node), engine(settings(node, 1), seed * 16 + node));
}

inline gossip::config scenario::settings(std::size_t node, std::uint64_t incarnation) const {
    gossip::config made = config_of(node, nodes);
    made.incarnation = incarnation;
    made.max_datagram = ground_.max_datagram;
    made.relay_bytes = ground_.relay_bytes;
    made.push_bytes = ground_.push_bytes;
    made.check_updates = ground_.check_updates;
    return made;
}

inline bool scenario::run() {
    operate_for(20, 40ms);
    net_.run_for(1s);
    net_.partition({{0, 1}, {2, 3, 4}});
    operate_for(20, 200ms);
    if (ground_.restarts) restart_one();
    operate_for(20, 200ms);
    net_.heal();
    if (ground_.restarts) restart_one();
    operate_for(20, 40ms);
    return net_.run_until([this] { return in_sync(net_); }, 300s);
}

// Ends one process, with its state on disk, and starts it again as its next incarnation.
inline void scenario::restart_one() {
    const std::size_t node = random_.below(nodes);
    const auto saved = std::as_const(net_).engine(node).snapshot();
    net_.stop(node);
    net_.run_for(1s * static_cast<int>(random_.below(4)));
    engine reborn(settings(node, ++incarnation_), random_.next());
    reborn.restore(saved, incarnation_);
    net_.restart(node, std::move(reborn));
}

inline void scenario::operate_for(std::size_t operations, std::chrono::nanoseconds pause) {
    for (std::size_t done = 0; done < operations; ++done) {
        operate();
        net_.run_for(pause);
    }
}

inline void scenario::operate() {
    engine& on = net_.engine(random_.below(nodes));
    const std::uint64_t kind = random_.below(12);
    if (kind < 5) {
        operate_on_plain_fields(on, kind);
    } else if (kind < 9) {
        operate_on_tags(on, kind < 7);
    } else {
        operate_on_rooms(on, kind < 11);
    }
}

inline void scenario::operate_on_plain_fields(engine& on, std::uint64_t kind) {
    const std::uint64_t amount = 1 + random_.below(9);
    if (kind == 0) {
        on.update(&shared_state::hits,
                  [&](auto& hits, auto self) { return hits.increment(self, amount); });
        model_.hits.increment(amount);
    } else if (kind == 1) {
        const std::uint64_t peak = random_.below(1000);
        on.update(&shared_state::peak, [&](auto& at, auto self) { return at.assign(self, peak); });
        model_.peak.assign(peak);
    } else if (kind == 2) {
        // Few stamps, so that the writers decide some; no writer uses one twice for two mottos.
        const std::uint64_t stamp = random_.below(40) << 16U;
        std::string motto;
        on.update(&shared_state::motto, [&](auto& at, crdt::replica_id self) {
            motto = "by " + std::to_string(self.value) + " at " + std::to_string(stamp);
            model_.motto.assign(stamp, self, motto);
            return at.assign(self, stamp, motto);
        });
    } else if (kind == 3) {
        const auto seen = static_cast<std::uint32_t>(random_.below(100));
        on.update(&shared_state::seen, [&](auto& set, auto self) { return set.add(self, seen); });
        model_.seen.add(seen);
    } else {
        const std::string key = word(6);
        on.update([&](shared_state& state, crdt::replica_id self) {
            shared_state delta;
            delta.words = state.words.update(
                self, key, [&](auto& count, auto as) { return count.increment(as, amount); });
            return delta;
        });
        model_.words[key].increment(amount);
    }
}

inline void scenario::operate_on_tags(engine& on, bool adding) {
    const std::string tag = word(5);
    const auto seen = dots_of(on.state().tags, tag);
    if (adding) {
        on.update(&shared_state::tags, [&](auto& set, auto self) { return set.add(self, tag); });
        const auto after = dots_of(on.state().tags, tag);
        tags_unique_ &= after.size() == 1 && model_.tags.add(tag, after.front(), seen);
    } else {
        on.update(&shared_state::tags, [&](auto& set, auto self) { return set.remove(self, tag); });
        model_.tags.remove(seen);
    }
}

inline void scenario::operate_on_rooms(engine& on, bool adding) {
    const std::string room = "room" + std::to_string(random_.below(3));
    const std::string guest = word(3);
    const auto dots = [&] {
        const auto* held = on.state().rooms.find(room);
        return held == nullptr ? std::vector<crdt::dot>{} : dots_of(*held, guest);
    };
    const auto seen = dots();
    if (!adding && on.state().rooms.find(room) == nullptr) {
        return;
    }
    on.update(&shared_state::rooms, [&](auto& rooms, auto self) {
        return rooms.update(self, room, [&](auto& guests, auto as) {
            return adding ? guests.add(as, guest) : guests.remove(as, guest);
        });
    });
    if (adding) {
        const auto after = dots();
        tags_unique_ &= after.size() == 1 && model_.rooms[room].add(guest, after.front(), seen);
    } else {
        model_.rooms[room].remove(seen);
    }
}

template <class Set>
std::set<typename Set::value_type> as_set(const Set& elements) {
    return {elements.begin(), elements.end()};
}

inline bool scenario::as_modelled(std::size_t node) const {
    const shared_state& state = net_.engine(node).state();
    const std::string* motto = state.motto.value();
    bool equal =
        state.hits.value() == model_.hits.value() && state.peak.value() == model_.peak.value();
    equal &= (motto == nullptr ? std::nullopt : std::optional(*motto)) == model_.motto.value();
    equal &= as_set(state.seen.elements()) == model_.seen.elements();
    equal &= as_set(state.tags.elements()) == model_.tags.elements();
    equal &= state.words.size() == model_.words.size();
    for (const auto& [word, count] : model_.words) {
        const auto* held = state.words.find(word);
        equal &= held != nullptr && held->value() == count.value();
    }
    for (const auto& [room, guests] : model_.rooms) {
        const auto* held = state.rooms.find(room);
        equal &= (held == nullptr ? std::set<std::string>{} : as_set(held->elements())) ==
                 guests.elements();
    }
    return equal;
}

} // namespace gossip_test
