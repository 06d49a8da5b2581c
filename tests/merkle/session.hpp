// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/random.hpp>
#include <merkle/index.hpp>
#include <merkle/reconciler.hpp>
#include <merkle/responder.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#ifndef JOINERY_CASES_DIVISOR
#define JOINERY_CASES_DIVISOR 1
#endif

namespace merkle_test {

namespace merkle = joinery::merkle;
namespace wire = joinery::wire;
using rng = joinery::gossip::random;
using bytes = std::vector<std::byte>;
using entries = std::vector<std::pair<std::uint64_t, wire::digest>>;

inline wire::keyed_hasher hasher_of(std::string_view secret) {
    return wire::keyed_hasher(std::as_bytes(std::span(secret.data(), secret.size())));
}

inline wire::digest version_of(std::uint64_t number) {
    return {wire::mix(number, 11), wire::mix(number, 12)};
}

inline std::uint64_t id_of(std::uint64_t number, std::uint64_t seed = 0) {
    return wire::mix(number, 0x6964 + seed);
}

/// Two indexes and the ids under which they may differ.
template <class Index>
struct two_sides {
    Index a, b;
    std::set<std::uint64_t> dirty;

    explicit two_sides(std::string_view secret = "secret")
        : a(hasher_of(secret)), b(hasher_of(secret)) {}

    /// n entries on both sides, then `mine` only on a, `theirs` only on b, `changed` on both.
    void fill(std::uint64_t n, std::uint64_t mine, std::uint64_t theirs, std::uint64_t changed,
              std::uint64_t seed = 0) {
        entries of_a, of_b;
        std::uint64_t next = 0;
        const auto add = [&](bool left, bool right, bool differs) {
            const std::uint64_t id = id_of(next, seed);
            if (left) of_a.emplace_back(id, version_of(next));
            if (right) of_b.emplace_back(id, version_of(differs ? ~next : next));
            if (left != right || differs) dirty.insert(id);
            ++next;
        };
        for (std::uint64_t i = 0; i < n; ++i) add(true, true, false);
        for (std::uint64_t i = 0; i < mine; ++i) add(true, false, false);
        for (std::uint64_t i = 0; i < theirs; ++i) add(false, true, false);
        for (std::uint64_t i = 0; i < changed; ++i) add(true, true, true);
        a.assign(of_a);
        b.assign(of_b);
    }

    static std::set<std::uint64_t> lacking(const Index& own, const Index& other,
                                           const std::set<std::uint64_t>& ids) {
        std::set<std::uint64_t> made;
        for (const std::uint64_t id : ids)
            if (own.find(id) && own.find(id) != other.find(id)) made.insert(id);
        return made;
    }
    std::set<std::uint64_t> only_a() const { return lacking(a, b, dirty); }
    std::set<std::uint64_t> only_b() const { return lacking(b, a, dirty); }
    bool equal() const { return only_a().empty() && only_b().empty() && a.size() == b.size(); }

    /// What an application does with what was found: the greater version is everywhere.
    void merge(const std::set<std::uint64_t>& found_a, const std::set<std::uint64_t>& found_b) {
        std::set<std::uint64_t> all = found_a;
        all.insert(found_b.begin(), found_b.end());
        for (const std::uint64_t id : all) {
            const auto left = a.find(id), right = b.find(id);
            if (!left && !right) continue;
            const auto greater = !left ? *right : !right ? *left : std::max(*left, *right);
            a.set(id, greater);
            b.set(id, greater);
        }
    }
};

struct faults {
    unsigned lost = 0, repeated = 0, reordered = 0; // of 1000
    unsigned damaged = 0;                           // of 1000: a bit of the frame is another one
};

template <class Index>
struct outcome {
    typename merkle::reconciler<Index>::state status{};
    std::set<std::uint64_t> found_a, found_b;
    std::size_t found_a_times = 0;
    std::size_t changed = 0; // told as such, by either side
    std::size_t messages = 0, question_bytes = 0, answer_bytes = 0, largest = 0, retries = 0;
    std::size_t steps = 0;
    double most_amplified = 0; // answer bytes, less the credit, per byte of the question
    std::size_t bytes() const { return question_bytes + answer_bytes; }
};

/// Frames on their way, one direction.
class channel {
public:
    channel(const faults& with, rng& chance) : with_(with), chance_(chance) {}

    void send(const bytes& frame) {
        if (chance_.chance(with_.lost, 1000)) return;
        const int copies = chance_.chance(with_.repeated, 1000) ? 2 : 1;
        for (int i = 0; i < copies; ++i) {
            bytes sent = frame;
            if (!sent.empty() && chance_.chance(with_.damaged, 1000)) {
                sent[chance_.below(sent.size())] ^= static_cast<std::byte>(1U << chance_.below(8));
            }
            flying_.push_back(std::move(sent));
        }
    }
    bool empty() const { return flying_.empty(); }
    bytes take() {
        const std::size_t at =
            chance_.chance(with_.reordered, 1000) ? chance_.below(flying_.size()) : 0;
        bytes frame = std::move(flying_[at]);
        flying_.erase(flying_.begin() + static_cast<std::ptrdiff_t>(at));
        return frame;
    }

private:
    faults with_;
    rng& chance_;
    std::vector<bytes> flying_;
};

struct scenario {
    merkle::options asker, answerer;
    faults with;
    merkle::responder::trust trust = merkle::responder::trust::member;
    std::function<void()> between = [] {};                                   // before each step
    std::function<bytes(bytes)> answers = [](bytes frame) { return frame; }; // a peer that lies
    std::uint64_t salt = 77;
    std::uint64_t secret = 99;
};

template <class Index>
void answer_one(const Index& b, const merkle::responder& answering, const bytes& question,
                const scenario& how, channel& back, outcome<Index>& made) {
    auto got = answering.receive(b, question, 5, how.trust);
    std::size_t size = 0;
    for (const auto& frame : got.frames) {
        size += frame.size();
        made.largest = std::max(made.largest, frame.size());
        back.send(how.answers(frame));
    }
    made.answer_bytes += size;
    const double credit = question.size() > 20 ? 1 << 20 : 0;
    made.most_amplified = std::max(
        made.most_amplified, (static_cast<double>(size) - credit) /
                                 static_cast<double>(std::max<std::size_t>(question.size(), 1)));
    for (const auto& each : got.found) {
        made.found_b.insert(each.id);
        made.changed += each.changed ? 1U : 0U;
    }
}

/// Runs a session to its end, in rounds: all questions, all answers.
template <class Index>
outcome<Index> run(two_sides<Index>& sides, merkle::reconciler<Index>& asking,
                   const merkle::responder& answering, const scenario& how, rng& chance,
                   std::size_t max_steps = 100'000) {
    using state = typename merkle::reconciler<Index>::state;
    outcome<Index> made;
    channel there(how.with, chance), back(how.with, chance);
    while (asking.status() == state::running && made.steps < max_steps) {
        bool sent = false;
        for (how.between(); auto frame = asking.poll(sides.a); how.between()) {
            made.question_bytes += frame->size();
            made.largest = std::max(made.largest, frame->size());
            there.send(*frame);
            sent = true;
        }
        if (sent) ++made.messages;
        const bool answers = !there.empty();
        for (; !there.empty(); ++made.steps) {
            how.between();
            answer_one(sides.b, answering, there.take(), how, back, made);
        }
        if (answers) ++made.messages;
        const bool any = !back.empty();
        for (; !back.empty(); ++made.steps) {
            how.between();
            const auto got = asking.receive(sides.a, back.take());
            for (const auto& each : got.found) {
                made.found_a.insert(each.id);
                ++made.found_a_times;
                made.changed += each.changed ? 1U : 0U;
            }
        }
        if (!any && asking.status() == state::running) {
            asking.retry(sides.a);
            ++made.retries;
            ++made.steps;
        }
    }
    made.status = asking.status();
    return made;
}

template <class Index>
outcome<Index> reconcile(two_sides<Index>& sides, const scenario& how = {},
                         std::uint64_t seed = 1) {
    rng chance(seed);
    merkle::reconciler<Index> asking(how.salt, how.asker);
    const merkle::responder answering(how.secret, how.answerer);
    asking.start(sides.a);
    return run(sides, asking, answering, how, chance);
}

/// What a probe says, over a channel without faults.
template <class Index>
typename merkle::reconciler<Index>::state probe(const two_sides<Index>& sides) {
    merkle::reconciler<Index> asking(5);
    const merkle::responder answering(6);
    const auto got = answering.receive(sides.b, asking.probe(sides.a), 1);
    return asking.receive(sides.a, got.frames.at(0)).status;
}

} // namespace merkle_test
