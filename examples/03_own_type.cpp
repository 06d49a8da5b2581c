// SPDX-License-Identifier: Apache-2.0
// A type of your own: the coldest and the warmest temperature that any sensor has seen. It needs a
// merge, ==, and bytes; the laws and the search through all short histories cost a line each.
#include <algorithm>
#include <iostream>
#include <optional>
#include <string_view>
#include <utility>

#include <crdt.hpp>
#include <testing/exhaustive.hpp>
#include <testing/laws.hpp>
#include <wire.hpp>

namespace crdt = joinery::crdt;
namespace testing = joinery::testing;
namespace wire = joinery::wire;

class extremes {
public:
    static constexpr std::string_view schema_name = "example.extremes";

    /// Mutators take the replica's id first and return the delta, as those of all types do.
    extremes note(crdt::replica_id, std::int64_t degrees) {
        extremes delta;
        delta.range_ = {degrees, degrees};
        merge(delta);
        return delta;
    }
    const std::optional<std::pair<std::int64_t, std::int64_t>>& range() const { return range_; }

    bool merge(const extremes& other) {
        const auto before = range_;
        if (other.range_ && !range_) range_ = other.range_;
        if (other.range_) {
            range_->first = std::min(range_->first, other.range_->first);
            range_->second = std::max(range_->second, other.range_->second);
        }
        return range_ != before;
    }

    void write(wire::writer& w) const { wire::put(w, range_); }
    void read(wire::reader& r) {
        wire::get(r, range_);
        if (range_ && range_->first > range_->second) r.fail(wire::errc::bad_value);
    }
    friend bool operator==(const extremes&, const extremes&) = default;

private:
    std::optional<std::pair<std::int64_t, std::int64_t>> range_;
};

// What it should show, said without merging anything.
struct extremes_model {
    using operation = std::int64_t;
    static std::optional<std::pair<std::int64_t, std::int64_t>>
    value(const testing::visibility<operation>& all, testing::event_set visible) {
        std::optional<std::pair<std::int64_t, std::int64_t>> range;
        all.for_each(visible, [&](testing::event_id, const auto& each) {
            if (!range) range = {each.what, each.what};
            range = {std::min(range->first, each.what), std::max(range->second, each.what)};
        });
        return range;
    }
};

int main() {
    const auto laws =
        testing::check_laws<extremes>({.cases = 2000}, [](auto& s, auto self, auto& random) {
            return s.note(self, static_cast<std::int64_t>(random.below(9)) - 4);
        });
    std::cout << laws.laws.size() << " laws on " << laws.cases << " histories\n" << laws.text();

    const auto search = testing::exhaustive<extremes, extremes_model>(
                            {{"note -1", [](auto& s, auto self) { return s.note(self, -1); }, -1},
                             {"note 2", [](auto& s, auto self) { return s.note(self, 2); }, 2}},
                            [](const extremes& s) { return s.range(); })
                            .run(4);
    std::cout << search.worlds << " worlds searched\n" << search.failure;
    return laws.holds() && search.holds() ? 0 : 1;
}
