// SPDX-License-Identifier: Apache-2.0
// The laws, each seen to fail on a sketch that is wrong in one way.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <doctest/doctest.h>

#include <crdt/entries.hpp>
#include <testing/laws.hpp>

namespace planted_sketch_bugs_test {

namespace crdt = joinery::crdt;
namespace testing = joinery::testing;
namespace wire = joinery::wire;

namespace {

enum class flaw {
    none,
    adds_ranks,
    last_one_wins,
    bytes_tell_the_order,
    empty_registers_written,
    difference_gives_everything,
    block_forgets_a_register,
};

// A sketch of sixteen registers, but for one flaw.
template <flaw Flaw>
class broken_sketch {
public:
    static constexpr std::string_view schema_name = "broken_sketch";

    broken_sketch add(crdt::replica_id, std::uint64_t hash) {
        broken_sketch delta;
        delta.ranks_[hash % 16] = static_cast<std::uint8_t>(1 + hash / 16 % 8);
        delta.order_ = static_cast<std::uint8_t>(hash % 16);
        merge(delta);
        return delta;
    }

    bool merge(const broken_sketch& other) {
        const auto before = ranks_;
        for (std::size_t i = 0; i < ranks_.size(); ++i) {
            auto& mine = ranks_[i];
            const auto theirs = other.ranks_[i];
            if (Flaw == flaw::adds_ranks)
                mine = static_cast<std::uint8_t>(std::min(mine + theirs, 250));
            else if (Flaw == flaw::last_one_wins && theirs != 0)
                mine = theirs;
            else
                mine = std::max(mine, theirs);
        }
        if (ranks_ != before) order_ = other.order_;
        return ranks_ != before;
    }
    broken_sketch difference(const broken_sketch& known) const {
        broken_sketch delta;
        for (std::size_t i = 0; i < ranks_.size(); ++i)
            if (Flaw == flaw::difference_gives_everything || ranks_[i] > known.ranks_[i])
                delta.ranks_[i] = ranks_[i];
        return delta;
    }

    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        if (*this == broken_sketch{}) return;
        f(path, crdt::detail::version_of([&](wire::writer& w) {
              for (std::size_t i = Flaw == flaw::block_forgets_a_register; i < 16; ++i)
                  w.u8(ranks_[i]);
          }));
    }

    void write(wire::writer& w) const {
        for (const auto rank : ranks_) w.u8(rank);
        w.u8(Flaw == flaw::bytes_tell_the_order ? order_ : 0);
    }
    void read(wire::reader& r) {
        for (auto& rank : ranks_) rank = r.u8();
        order_ = r.u8();
        const bool padded = order_ != 0 && Flaw != flaw::bytes_tell_the_order;
        if (padded && Flaw != flaw::empty_registers_written) r.fail(wire::errc::non_canonical);
    }

    friend bool operator==(const broken_sketch& a, const broken_sketch& b) {
        return a.ranks_ == b.ranks_;
    }

private:
    std::array<std::uint8_t, 16> ranks_{};
    std::uint8_t order_ = 0;
};

template <flaw Flaw>
testing::law_result check_sketch() {
    using sketch = broken_sketch<Flaw>;
    const auto step = [](sketch& s, crdt::replica_id self, testing::rng& random) {
        return s.add(self, random.next());
    };
    return testing::check_laws<sketch>({.cases = 400, .seed = 7, .heed_environment = false}, step);
}

} // namespace

TEST_CASE("the sketch without a flaw keeps every law") {
    const auto result = check_sketch<flaw::none>();
    CHECK_MESSAGE(result.holds(), result.text());
}

TEST_CASE("a sketch that adds ranks is not idempotent") {
    CHECK(check_sketch<flaw::adds_ranks>().broken("idempotent"));
}

TEST_CASE("a sketch in which the last one wins is not commutative") {
    CHECK(check_sketch<flaw::last_one_wins>().broken("commutative"));
}

TEST_CASE("bytes that tell in which order registers grew are not canonical") {
    CHECK(check_sketch<flaw::bytes_tell_the_order>().broken("canonical"));
}

TEST_CASE("a second spelling of a sketch is seen") {
    CHECK(check_sketch<flaw::empty_registers_written>().broken("damaged"));
}

TEST_CASE("a sketch's difference that gives everything is seen") {
    CHECK(check_sketch<flaw::difference_gives_everything>().broken("difference"));
}

TEST_CASE("a version that forgets a register is seen") {
    CHECK(check_sketch<flaw::block_forgets_a_register>().broken("entries_tell_states_apart"));
}

} // namespace planted_sketch_bugs_test
