// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/causal.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>

namespace joinery::crdt {

/// A value as one replica wrote it, with the confidence that it has in it.
template <element T>
struct vote {
    static constexpr std::string_view schema_name = "vote";
    using schema_parameters = std::tuple<T>;

    std::uint64_t confidence = 0;
    stamp_t stamp = 0;
    T value{};

    stamp_t max_stamp() const { return stamp; }

    void write(wire::writer& w) const {
        w.varint(confidence);
        w.varint(stamp);
        wire::put(w, value);
    }
    void read(wire::reader& r) {
        confidence = r.varint();
        stamp = r.varint();
        wire::get(r, value);
    }

    friend bool operator==(const vote&, const vote&) = default;
};

/// The concurrent votes of a voted_register, to be read; what stands for one in a map of them.
template <element T>
class voted_register_votes : public dot_fun<vote<T>> {
public:
    /// The winning value, null before the first write.
    const T* value() const {
        const auto* won = winner();
        return won == nullptr ? nullptr : &won->value;
    }
    /// The confidence of the winning value, 0 before the first write.
    std::uint64_t confidence() const {
        const auto* won = winner();
        return won == nullptr ? 0 : won->confidence;
    }
    /// The winning vote, null without one: the greatest (confidence, stamp, replica, bytes).
    const vote<T>* winner() const {
        const auto& all = this->payloads();
        const auto best =
            std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
                return order(a.first, a.second, b.first, b.second) < 0;
            });
        return best == all.end() ? nullptr : &best->second;
    }

private:
    static std::strong_ordering order(const dot& x, const vote<T>& a, const dot& y,
                                      const vote<T>& b) {
        if (auto by = a.confidence <=> b.confidence; by != 0) return by;
        if (auto by = a.stamp <=> b.stamp; by != 0) return by;
        if (auto by = x.replica <=> y.replica; by != 0) return by;
        return detail::compare_bytes(a.value, b.value);
    }
};

/// Register whose concurrent writes are decided by the confidence of their writers.
///
/// State      dot -> vote for the writes that no later write has seen, and the context of all.
/// Join       causally later writes win, whatever their confidence; concurrent ones stay together.
/// Value      of those, the greatest (confidence, stamp, replica, canonical bytes).
/// Invariant  only reading decides. Keeping the winner alone would be no lattice: it forgets the
///            loser, which is right when a later write sees the winner but not the loser.
/// Cost       assign, value O(concurrent writes); merge of a delta O(|δ| log of these).
/// Source     Preguiça et al. 2010, arXiv 1011.5808, for the siblings; the choice is ours.
template <element T>
class voted_register : public detail::causal<voted_register<T>, voted_register_votes<T>> {
    using core = detail::causal<voted_register<T>, voted_register_votes<T>>;

public:
    static constexpr std::string_view schema_name = "voted_register";
    using schema_parameters = std::tuple<T>;

    /// Writes `value` over all that is seen here and returns the delta. `stamp` only decides among
    /// concurrent writes of equal confidence (see hybrid_clock).
    voted_register assign(replica_id self, std::uint64_t confidence, stamp_t stamp, T value) {
        voted_register delta = core::cancelling(&this->live());
        const auto minted = this->mint(delta, self);
        const vote<T> cast{confidence, stamp, std::move(value)};
        core::live(delta).put(minted, {&cast});
        return this->applied(std::move(delta));
    }

    /// The winning value, null before the first write.
    const T* value() const { return this->live().value(); }
    /// The confidence of the winning value, 0 before the first write.
    std::uint64_t confidence() const { return this->live().confidence(); }
    /// How many concurrent writes there are to decide among.
    std::size_t candidates() const { return this->live().dot_count(); }
    /// Calls f(dot, vote) for each of them, in dot order.
    template <class F>
    void for_each_candidate(F f) const {
        for (const auto& [d, cast] : this->live().payloads()) f(d, cast);
    }
};

} // namespace joinery::crdt
