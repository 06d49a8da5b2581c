// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <crdt/bounded_counter.hpp>
#include <crdt/entries.hpp>
#include <gossip/random.hpp>

// Hosts that share a bounded_counter over a bad network, crash, stop, and reclaim what the dead
// left behind. The rules of spending are a parameter, so that wrong ones can be seen to fail.
namespace bounded {

namespace crdt = joinery::crdt;
using crdt::bounded_counter;
using joinery::gossip::random;

struct right_rules {
    static bounded_counter decrement(bounded_counter& live, crdt::replica_id self,
                                     std::uint64_t amount, const bounded_counter& durable) {
        return live.decrement(self, amount, durable);
    }
    static bounded_counter transfer(bounded_counter& live, crdt::replica_id self,
                                    crdt::replica_id to, std::uint64_t amount,
                                    const bounded_counter& durable) {
        return live.transfer(self, to, amount, durable);
    }
    static bounded_counter reclaim(bounded_counter& live, crdt::replica_id self,
                                   crdt::replica_id old, const bounded_counter& last) {
        return live.reclaim(self, old, last);
    }
    // Whether each accepted change counts, which wrong rules need not keep.
    static constexpr bool right = true;
    // Whether a host that crashed goes on under a new incarnation.
    static constexpr bool new_incarnation = true;
    // Whether a host that handed its rights on is done with its old incarnation.
    static constexpr bool stops_when_stopped = true;
};

struct counts {
    std::uint64_t spent = 0, refused = 0, given = 0, reclaimed = 0, crashes = 0, stops = 0;
    std::uint64_t early = 0; // decrements seen somewhere before the increments that paid
};

// One history. Whole states only, or also deltas, which are lost, repeated, reordered and cut. How
// bad the network is, how often hosts save their state and how often they crash, is drawn first.
template <class Rules>
class history {
public:
    history(std::uint64_t seed, bool whole_states) : random_(seed), whole_(whole_states) {
        loss_ = 1 + random_.below(3);
        saves_ = below(4) == 0 ? 15 : 4;
        syncs_ = whole_ ? 15 : below(8);
        crashes_ = 1 + below(8);
        for (std::size_t i = 0; i < hosts; ++i) start(i);
    }

    // Empty, or what went wrong.
    std::string run(std::size_t steps, counts& seen) {
        for (std::size_t n = 0; n < steps; ++n) {
            act(seen);
            if (const auto wrong = look(seen); !wrong.empty())
                return wrong + " after step " + std::to_string(n);
        }
        return {};
    }

private:
    static constexpr std::size_t hosts = 3;

    struct host {
        crdt::replica_id id;
        bounded_counter live, durable;
        bounded_counter sent; // all that left under this incarnation
    };
    struct dead {
        crdt::replica_id id;
        bounded_counter last; // what the operator knows
    };

    void start(std::size_t i) {
        all_[i].id = crdt::replica_id::of("host-" + std::to_string(i), ++incarnations_[i]);
        all_[i].sent = {};
        ids_.push_back(all_[i].id);
    }

    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_.below(n)); }

    void note(host& from, const bounded_counter& delta) {
        crdt::merge(ever_, delta);
        send(from, delta);
    }

    void send(host& from, const bounded_counter& delta) {
        crdt::merge(from.sent, delta);
        if (whole_ || random_.chance(static_cast<std::uint32_t>(loss_), 4)) return;
        const std::size_t most = random_.chance(1, 2) ? 1 : 1000;
        crdt::split(delta, most, [&](const bounded_counter& part) { flying_.push_back(part); });
    }

    void act(counts& seen) {
        host& h = all_[below(hosts)];
        auto what = below(80);
        const auto is = [&](std::size_t weight) {
            const bool hit = what < weight;
            what -= hit ? 0 : weight;
            return hit;
        };
        if (is(saves_)) {
            h.durable = h.live;
        } else if (is(syncs_)) {
            crdt::merge(h.live, all_[below(hosts)].live);
        } else if (is(crashes_)) {
            crash(h, seen);
        } else if (is(2)) {
            stop(h, seen);
        } else if (is(3)) {
            if (!dead_.empty()) reclaim(h, seen);
        } else if (is(15)) {
            receive(h);
        } else {
            use(h, seen);
        }
    }

    void use(host& h, counts& seen) {
        const auto what = below(8);
        const auto amount = random_.below(5);
        const auto to = ids_[below(ids_.size())];
        try {
            if (what < 3) {
                note(h, h.live.increment(h.id, amount));
                added_ += amount;
            } else if (what < 6) {
                note(h, Rules::decrement(h.live, h.id, amount, h.durable));
                taken_ += amount;
                ++seen.spent;
            } else {
                note(h, Rules::transfer(h.live, h.id, to, amount, h.durable));
                ++seen.given;
            }
        } catch (const crdt::insufficient_rights&) {
            ++seen.refused;
        }
    }

    void receive(host& h) {
        if (flying_.empty()) return;
        const auto which = below(flying_.size());
        crdt::merge(h.live, flying_[which]);
        if (random_.chance(1, 2)) {
            flying_[which] = flying_.back();
            flying_.pop_back();
        }
    }

    void crash(host& h, counts& seen) {
        ++seen.crashes;
        if (Rules::new_incarnation) dead_.push_back({h.id, crdt::join(h.durable, h.sent)});
        h.live = h.durable;
        if (Rules::new_incarnation) start(static_cast<std::size_t>(&h - all_));
    }

    void stop(host& h, counts& seen) {
        ++seen.stops;
        h.durable = h.live;
        const auto old = h.id;
        const auto i = static_cast<std::size_t>(&h - all_);
        const auto next = crdt::replica_id::of("host-" + std::to_string(i), incarnations_[i] + 1);
        const auto before = h.live;
        note(h, h.live.hand_on(old, next, h.durable));
        h.durable = h.live;
        dead_.push_back({old, crdt::join(h.durable, h.sent)});
        start(i);
        if (!Rules::stops_when_stopped && before.rights(old) != 0) {
            host ghost{old, before, before, {}};
            note(ghost, ghost.live.decrement(old, 1, ghost.durable));
            crdt::merge(all_[(i + 1) % hosts].live, ghost.live);
            ++taken_;
        }
    }

    // One operator: what it did is durable at once, and known when it acts again.
    void reclaim(host& h, counts& seen) {
        dead& gone = dead_[below(dead_.size())];
        if (gone.id == h.id) return;
        const auto delta = Rules::reclaim(h.live, h.id, gone.id, gone.last);
        h.durable = h.live;
        crdt::merge(gone.last, delta);
        note(h, delta);
        ++seen.reclaimed;
    }

    std::string look(counts& seen) const {
        if (taken_ > added_) return "more was taken away than was ever added";
        if (Rules::right && (ever_.added() != added_ || ever_.taken() != taken_))
            return "an accepted change was not counted";
        bounded_counter everything;
        for (const host& h : all_) {
            crdt::merge(everything, h.live);
            crdt::merge(everything, h.durable);
            if (whole_ && h.live.taken() > h.live.added()) return "a host is below the bound";
            if (h.live.taken() > h.live.added()) ++seen.early;
            const auto least =
                h.live.taken() > h.live.added() ? 0 : h.live.added() - h.live.taken();
            if (h.live.value() != least) return "a value is not what is left";
        }
        for (const bounded_counter& delta : flying_) crdt::merge(everything, delta);
        if (everything.taken() > everything.added()) return "all together is below the bound";
        crdt::uint128 rights = 0;
        for (const auto id : ids_) rights += everything.rights(id);
        return rights == everything.value() ? "" : "rights appeared from nowhere";
    }

    random random_;
    bool whole_;
    host all_[hosts];
    std::uint64_t incarnations_[hosts] = {};
    std::vector<crdt::replica_id> ids_;
    std::vector<dead> dead_;
    std::vector<bounded_counter> flying_;
    std::uint64_t loss_ = 1;
    std::size_t saves_ = 0, syncs_ = 0, crashes_ = 0;
    bounded_counter ever_;                // all deltas together
    std::uint64_t added_ = 0, taken_ = 0; // what the callers were told
};

// The first seed below `cases` at which a history goes wrong, told with why; empty if none does.
template <class Rules>
std::string first_failure(std::uint64_t cases, counts& seen) {
    for (std::uint64_t seed = 0; seed < cases; ++seed)
        for (const bool whole : {true, false}) {
            history<Rules> h(seed, whole);
            if (const auto wrong = h.run(150, seen); !wrong.empty())
                return "seed " + std::to_string(seed) + (whole ? ", states: " : ", deltas: ") +
                       wrong;
        }
    return {};
}

} // namespace bounded
