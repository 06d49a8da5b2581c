// SPDX-License-Identifier: Apache-2.0
// Random sessions with losses, repeats, reorders, damage, changes in between, any frame limit: none
// ever says "in sync" with a difference left, and what differed throughout is found.
#include "session.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

namespace random_sessions_test {

using namespace merkle_test;

namespace {

// JOINERY_SESSIONS=1000000 runs a million; JOINERY_SEED=n runs one.
std::uint64_t number(const char* name, std::uint64_t otherwise) {
    const char* given = std::getenv(name);
    return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

std::uint64_t log_uniform(rng& chance, std::uint64_t most) {
    if (most == 0) return 0;
    const double part = static_cast<double>(chance.below(1'000'001)) / 1e6;
    const double drawn = std::exp(part * std::log(static_cast<double>(most) + 1)) - 1;
    return std::min(most, static_cast<std::uint64_t>(drawn));
}

template <class Index>
class random_session {
public:
    explicit random_session(std::uint64_t seed) : chance_(seed), seed_(seed) {}

    // An empty text, or what went wrong.
    std::string run() {
        draw();
        for (int session = 0; session < 3; ++session) {
            if (const auto wrong = one(session); !wrong.empty()) return wrong;
        }
        how_.with = {};
        hostile_ = false;
        changing_ = false;
        for (int session = 0; session < 4; ++session) {
            const auto said = probe(sides_);
            if ((said == state::in_sync) != sides_.equal()) return "a probe was wrong";
            if (said == state::in_sync) return "";
            if (const auto wrong = one(session + 3); !wrong.empty()) return wrong;
        }
        return "no end of differences";
    }

private:
    using state = typename merkle::reconciler<Index>::state;

    void draw() {
        const std::uint64_t n = log_uniform(chance_, 100'000);
        const std::uint64_t d = log_uniform(chance_, n);
        const std::uint64_t changed = chance_.chance(1, 3) ? d / 4 : 0;
        const std::uint64_t mine = (d - 2 * changed) * chance_.below(5) / 4;
        sides_.fill(n - d, mine, d - 2 * changed - mine, changed, seed_);
        how_.asker.frame_limit = 256 + static_cast<std::size_t>(log_uniform(chance_, 60'000));
        how_.answerer.frame_limit = 256 + static_cast<std::size_t>(log_uniform(chance_, 60'000));
        how_.asker.credit = 1'000 + log_uniform(chance_, 1'000'000);
        how_.asker.max_rounds = 100;
        if (chance_.chance(1, 4)) how_.answerer.estimate_factor = chance_.chance(1, 2) ? 0.1 : 10;
        if (chance_.chance(1, 2)) how_.trust = merkle::responder::trust::stranger;
        if (chance_.chance(1, 2)) {
            how_.with.lost = static_cast<unsigned>(chance_.below(200));
            how_.with.repeated = static_cast<unsigned>(chance_.below(200));
            how_.with.reordered = static_cast<unsigned>(chance_.below(500));
        }
        hostile_ = chance_.chance(1, 5);
        changing_ = chance_.chance(1, 3);
        how_.between = [this] { change(); };
        how_.answers = [this](bytes frame) { return lie(std::move(frame)); };
        if (hostile_ && chance_.chance(1, 2)) how_.with.damaged = 100;
    }

    std::string one(int session) {
        const auto mine = sides_.only_a(), theirs = sides_.only_b();
        touched_.clear();
        changes_ = static_cast<int>(chance_.below(40));
        how_.salt = wire::mix(seed_, static_cast<std::uint64_t>(session));
        how_.secret = wire::mix(how_.salt);
        merkle::reconciler<Index> asking(how_.salt, how_.asker);
        const merkle::responder answering(how_.secret, how_.answerer);
        asking.start(sides_.a);
        const auto got = merkle_test::run(sides_, asking, answering, how_, chance_);
        if (got.status == state::in_sync) return "in sync without a probe";
        if (got.status == state::running) return "the session did not end";
        if (!hostile_ && how_.with.lost == 0 && got.status != state::done)
            return "an honest session ended with " + std::to_string(static_cast<int>(got.status));
        if (got.largest > std::max(how_.asker.frame_limit, how_.answerer.frame_limit))
            return "a frame is above the limit";
        if (got.most_amplified > 8) return "an answer is more than eight times its question";
        if (got.status == state::done && !hostile_) {
            for (const std::uint64_t id : mine)
                if (touched_.count(id) == 0 && got.found_a.count(id) == 0) return "a missed one";
            for (const std::uint64_t id : theirs)
                if (touched_.count(id) == 0 && got.found_b.count(id) == 0) return "b missed one";
            if (!changing_ && (got.found_a != mine || got.found_b != theirs))
                return "an entry that both hold was told";
        }
        sides_.merge(got.found_a, got.found_b);
        return "";
    }

    void change() {
        if (!changing_ || changes_ <= 0 || !chance_.chance(1, 8)) return;
        --changes_;
        const std::uint64_t id = id_of(chance_.below(sides_.a.size() + 10), seed_);
        touched_.insert(id);
        sides_.dirty.insert(id);
        Index& side = chance_.chance(1, 2) ? sides_.a : sides_.b;
        if (chance_.chance(1, 3))
            side.erase(id);
        else
            side.set(id, version_of(chance_.next()));
    }

    // Frames of the same session with other contents, now and then.
    bytes lie(bytes frame) {
        if (!hostile_ || !chance_.chance(1, 6) || frame.size() < 20) return frame;
        seen_.push_back(frame);
        const auto at = 15 + static_cast<std::size_t>(chance_.below(frame.size() - 15));
        switch (chance_.below(4)) {
            case 0: frame[at] = static_cast<std::byte>(chance_.next()); break;
            case 1: frame.resize(at); break;
            case 2: frame = seen_[chance_.below(seen_.size())]; break;
            default:
                for (std::size_t i = at; i < frame.size(); ++i)
                    frame[i] = static_cast<std::byte>(chance_.next());
        }
        if (seen_.size() > 8) seen_.erase(seen_.begin());
        return frame;
    }

    rng chance_;
    std::uint64_t seed_;
    two_sides<Index> sides_;
    scenario how_;
    bool hostile_ = false, changing_ = false;
    int changes_ = 0;
    std::set<std::uint64_t> touched_;
    std::vector<bytes> seen_;
};

template <class Index>
void check_seed(std::uint64_t seed) {
    INFO("JOINERY_SEED=" << seed);
    const std::string wrong = random_session<Index>(seed).run();
    REQUIRE(wrong == "");
}

} // namespace

TEST_CASE("random sessions never end in sync with a difference left") {
    const std::uint64_t count = number("JOINERY_SESSIONS", 10'000 / JOINERY_CASES_DIVISOR);
    const std::uint64_t only = number("JOINERY_SEED", 0);
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        if (only != 0 && seed != only) continue;
        switch (seed % 16) {
            case 1: check_seed<merkle::basic_index<0, merkle::by_key>>(seed); break;
            case 2: check_seed<merkle::basic_index<1, merkle::by_key>>(seed); break;
            case 3: check_seed<merkle::basic_index<4, merkle::by_key>>(seed); break;
            case 4: check_seed<merkle::basic_index<8, merkle::by_id>>(seed); break;
            default: check_seed<merkle::keyed_index>(seed);
        }
    }
}

} // namespace random_sessions_test
