// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/event_runs.hpp>

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <vector>

namespace joinery::crdt::detail {

/// The events of all runs by (stamp, origin, sequence): a k-way merge of pieces in which stamps do
/// not fall. A run whose stamps come from one clock is one piece.
template <class T>
class event_order {
public:
    explicit event_order(const event_runs<T>& runs) {
        for (const auto& run : runs.all()) {
            std::size_t begin = pieces_.size();
            stamp_t previous = 0;
            for (std::size_t b = 0; b < run.blocks.size(); ++b)
                for_bits(run.blocks[b].alive, [&](unsigned bit) {
                    const auto stamp = run.blocks[b].at(bit).stamp;
                    if (pieces_.size() == begin || stamp < previous)
                        pieces_.push_back({&run, b, bit, 0});
                    ++pieces_.back().left;
                    previous = stamp;
                });
        }
    }

    /// Calls f(origin, sequence, removal, record) in order.
    template <class F>
    void for_each(F f) {
        std::make_heap(pieces_.begin(), pieces_.end(), later);
        while (!pieces_.empty()) {
            std::pop_heap(pieces_.begin(), pieces_.end(), later);
            auto& next = pieces_.back();
            const auto& b = next.block();
            f(next.run->origin, sequence_of(b.index, next.bit), b.removal(next.bit),
              b.at(next.bit));
            if (next.advance())
                std::push_heap(pieces_.begin(), pieces_.end(), later);
            else
                pieces_.pop_back();
        }
    }

private:
    struct piece {
        const event_run<T>* run;
        std::size_t at; // of the block
        unsigned bit;
        std::size_t left;

        const event_block<T>& block() const { return run->blocks[at]; }
        auto key() const {
            return std::tuple(block().at(bit).stamp, run->origin, sequence_of(block().index, bit));
        }
        bool advance() {
            if (--left == 0) return false;
            const auto rest = bit == 63 ? 0 : block().alive & mask_between(bit + 1, 63);
            if (rest == 0) ++at;
            bit = static_cast<unsigned>(std::countr_zero(rest != 0 ? rest : block().alive));
            return true;
        }
    };

    static bool later(const piece& a, const piece& b) { return b.key() < a.key(); }

    std::vector<piece> pieces_;
};

} // namespace joinery::crdt::detail
