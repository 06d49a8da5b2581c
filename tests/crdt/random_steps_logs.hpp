// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>

#include <crdt/event_log.hpp>
#include <crdt/hyperloglog.hpp>

#include "random_steps.hpp"

namespace joinery::testing {

// Few stamps, so that origins meet on one, and not always rising.
template <class T, class R>
struct random_step<crdt::event_log<T, R>> {
    using log = crdt::event_log<T, R>;

    log operator()(log& s, crdt::replica_id self, rng& random) const {
        const auto what = random.below(64);
        if (what == 0) return append_many(s, self, random);
        if (what < 8) return s.truncate(self, random_frontier(s, random));
        if (what < 20) return assign(s, self, random);
        const auto stamp = random.below(8);
        if (what < 32) return s.remove(self, stamp, random_value<T>(random));
        return s.append(self, stamp, random_value<T>(random));
    }

    static log assign(log& s, crdt::replica_id self, rng& random) {
        const auto stamp = random.below(8);
        const std::string name(1, static_cast<char>('a' + random.below(3)));
        return s.assign(self, stamp, name, random_value<R>(random));
    }

    // Past the bitmap of one block, and into the next. Deltas joined are a delta.
    static log append_many(log& s, crdt::replica_id self, rng& random) {
        log delta;
        for (auto n = 10 + random.below(90); n > 0; --n)
            delta.merge(s.append(self, random.below(1000), wide_value<T>(random)));
        return delta;
    }

    static typename log::frontier random_frontier(const log& s, rng& random) {
        typename log::frontier frontier;
        for (const auto& i : s.context().intervals())
            if (random.chance(1, 2)) frontier[i.replica] = random.below(i.last + 2);
        return frontier;
    }
};

template <class T, unsigned Precision>
struct random_step<crdt::hyperloglog<T, Precision>> {
    using sketch = crdt::hyperloglog<T, Precision>;

    sketch operator()(sketch& s, crdt::replica_id self, rng& random) const {
        if (!random.chance(1, 16)) return s.add(self, random_value<T>(random));
        sketch delta;
        for (auto n = random.below(100); n > 0; --n)
            delta.merge(s.add(self, wide_value<T>(random, 1'000'000)));
        return delta;
    }
};

} // namespace joinery::testing
