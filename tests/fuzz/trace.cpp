// SPDX-License-Identifier: Apache-2.0
// Operations of three replicas, whose deltas are lost, repeated and reordered; in the end, after
// all have met, they show what the model says.
#include <array>
#include <deque>
#include <string>

#include <testing/model.hpp>

#include "engines.hpp"
#include "target.hpp"

namespace {

namespace crdt = joinery::crdt;
namespace model = joinery::testing::model;
using fuzz::shared_state;

struct expected {
    model::counter hits;
    model::maximum<std::uint64_t> peak;
    model::latest<std::string, crdt::replica_id> motto;
    model::grown_set<std::uint32_t> seen;
    model::observed_set<std::string, crdt::dot> tags;
};

class trace {
public:
    void step(fuzz::source& in) {
        const std::uint8_t what = in.byte();
        const std::size_t at = what % 3;
        shared_state& state = states_[at];
        switch (what / 3 % 10) {
            case 0: count(state, at, in.byte()); break;
            case 1: peak(state, at, in.byte()); break;
            case 2: motto(state, at, in.byte()); break;
            case 3: see(state, at, in.byte()); break;
            case 4: add(state, at, in.byte()); break;
            case 5: remove(state, at, in.byte()); break;
            case 6: deliver(state, in.byte()); break;
            case 7: crdt::merge(state, states_[in.below(3)]); break;
            case 8: state = fuzz::wire::decode<shared_state>(fuzz::wire::encode(state)); break;
            default: ids_[at] = crdt::replica_id::of("replica", ++incarnation_);
        }
    }

    void finish() {
        shared_state all;
        for (const auto& each : states_) crdt::merge(all, each);
        for (auto& each : states_) crdt::merge(each, all);
        for (const auto& each : states_) fuzz::require(shows_model(each), "unlike the model");
        fuzz::require(fuzz::wire::encode(states_[0]) == fuzz::wire::encode(states_[2]), "bytes");
    }

private:
    void keep(shared_state delta, const shared_state& before, const shared_state& after) {
        fuzz::require(crdt::join(before, delta) == after, "a delta that is not what was done");
        deltas_.push_back(std::move(delta));
        if (deltas_.size() > 16) deltas_.pop_front();
    }

    template <class Field, class F>
    void mutate(shared_state& state, std::size_t at, Field shared_state::*field, F f) {
        const shared_state before = state;
        shared_state delta;
        delta.*field = f(state.*field, ids_[at]);
        keep(std::move(delta), before, state);
    }

    void count(shared_state& s, std::size_t at, std::uint8_t n) {
        mutate(s, at, &shared_state::hits, [&](auto& f, auto id) { return f.increment(id, n); });
        model_.hits.increment(n);
    }
    void peak(shared_state& s, std::size_t at, std::uint8_t n) {
        mutate(s, at, &shared_state::peak, [&](auto& f, auto id) { return f.assign(id, n); });
        model_.peak.assign(n);
    }
    void motto(shared_state& s, std::size_t at, std::uint8_t n) {
        // one value a stamp and writer
        const std::string value = std::to_string(ids_[at].value) + ":" + std::to_string(n);
        mutate(s, at, &shared_state::motto,
               [&](auto& f, auto id) { return f.assign(id, n, value); });
        model_.motto.assign(n, ids_[at], value);
    }
    void see(shared_state& s, std::size_t at, std::uint8_t n) {
        mutate(s, at, &shared_state::seen, [&](auto& f, auto id) { return f.add(id, n); });
        model_.seen.add(n);
    }
    void add(shared_state& s, std::size_t at, std::uint8_t n) {
        const std::string tag(1, static_cast<char>('a' + n % 4));
        const auto seen = s.tags.dots_of(tag);
        mutate(s, at, &shared_state::tags, [&](auto& f, auto id) { return f.add(id, tag); });
        const auto minted = s.tags.dots_of(tag);
        fuzz::require(minted.size() == 1, "an add leaves one dot");
        fuzz::require(model_.tags.add(tag, minted.front(), seen), "a dot was minted twice");
    }
    void remove(shared_state& s, std::size_t at, std::uint8_t n) {
        const std::string tag(1, static_cast<char>('a' + n % 4));
        const auto seen = s.tags.dots_of(tag);
        mutate(s, at, &shared_state::tags, [&](auto& f, auto id) { return f.remove(id, tag); });
        model_.tags.remove(seen);
    }
    void deliver(shared_state& s, std::uint8_t which) {
        if (!deltas_.empty()) crdt::merge(s, deltas_[which % deltas_.size()]);
    }

    bool shows_model(const shared_state& s) const {
        const std::string* written = s.motto.value();
        const auto tags = s.tags.elements();
        return s.hits.value() == model_.hits.value() && s.peak.value() == model_.peak.value() &&
               (written == nullptr ? std::nullopt : std::optional(*written)) ==
                   model_.motto.value() &&
               std::set<std::uint32_t>(s.seen.elements().begin(), s.seen.elements().end()) ==
                   model_.seen.elements() &&
               std::set<std::string>(tags.begin(), tags.end()) == model_.tags.elements();
    }

    std::array<shared_state, 3> states_;
    std::array<crdt::replica_id, 3> ids_{crdt::replica_id{1}, crdt::replica_id{2},
                                         crdt::replica_id{3}};
    std::deque<shared_state> deltas_;
    std::uint64_t incarnation_ = 0;
    expected model_;
};

} // namespace

// Input: operations, two or three bytes each.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::source in(std::as_bytes(std::span(data, size)));
    trace run;
    for (unsigned n = 0; n < 200 && !in.empty(); ++n) run.step(in);
    run.finish();
    return 0;
}
