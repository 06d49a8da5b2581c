// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/exchange.hpp>
#include <merkle/detail/frame.hpp>
#include <merkle/detail/opening.hpp>
#include <merkle/detail/pending.hpp>
#include <merkle/detail/probe.hpp>
#include <merkle/options.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <utility>
#include <vector>

namespace joinery::merkle {

/// Finds which entries two indexes do not share, over frames that may be lost, repeated, reordered.
/// This is the side that asks; responder is the other. The index may change between any two calls.
///
/// State      the intervals not yet compared, the answers not yet acknowledged, the frames to send.
/// Value      in_sync: the peer's root was the root that was probed, all 128 bits. done: everything
///            was compared and what both sides hold came out equal; merge, then probe.
/// Invariant  an entry that differs from start() to the end is reported on the side that holds it;
///            frames that answer no open question change nothing.
/// Cost       bytes and time of the differences; bounded by options whatever the peer does.
/// Source     reference design "sketch trie"; docs/merkle.md is normative.
template <class Index>
class reconciler {
public:
    enum class state {
        idle,
        probing,
        running,
        in_sync,   ///< the roots were equal
        differing, ///< the roots were not: start() a session
        done,      ///< all differences were told to both sides
        exhausted, ///< the budget of rounds or bytes is used up
        refused,   ///< the peer's secret is another one
    };
    struct progress {
        state status = state::idle;
        std::vector<difference> found; ///< entries of this side, each once in a session
        bool accepted = false;         ///< the frame belonged to this session and was well formed
    };

    /// The salt is fresh for each session and not to be guessed.
    explicit reconciler(std::uint64_t salt, const options& allowed = {})
        : allowed_(allowed), salt_(salt) {
        allowed_.frame_limit = std::max<std::size_t>(allowed_.frame_limit, 256);
    }

    /// Twenty bytes that tell a peer whether it has the same root.
    std::vector<std::byte> probe(const Index& here) {
        state_ = state::probing;
        probed_ = detail::probe::of(here);
        return probed_.bytes();
    }

    /// Begins a session: the first frame is ready to be polled.
    void start(const Index& here) {
        state_ = state::running;
        reported_.clear();
        unacknowledged_.clear();
        found_.clear();
        restarts_ = rounds_ = 0;
        bytes_ = 0;
        cookie_ = 0;
        restart(here);
    }

    /// Goes on with another peer: what was compared stays compared.
    void resume(const Index& here, std::uint64_t salt) {
        salt_ = salt;
        cookie_ = 0;
        unacknowledged_.clear();
        begin_turn();
        hint_.reset();
        if (!pending_.covers(0, ~std::uint64_t{0})) hint_ = hint{hint_level_, detail::mode::cells};
        if (state_ != state::running) return;
        answered_ = true;
        ask_again(here, turn_);
        finish_if_done();
    }

    progress receive(const Index& here, std::span<const std::byte> frame) {
        progress made;
        own_size_ = here.size();
        if (!frame.empty() && bytes_ < allowed_.max_bytes) {
            bytes_ += frame.size();
            made.accepted = state_ == state::probing ? on_probed(frame) : on_answer(here, frame);
        }
        finish_if_done();
        made.found = std::exchange(found_, {});
        made.status = state_;
        return made;
    }

    /// The next frame to send, if there is one now.
    std::optional<std::vector<std::byte>> poll(const Index& here) {
        if (state_ != state::running) return std::nullopt;
        if (outbox_.empty()) fill(here);
        if (outbox_.empty()) return std::nullopt;
        auto frame = std::move(outbox_.front());
        outbox_.erase(outbox_.begin());
        bytes_ += frame.size();
        return frame;
    }

    /// To be called when no answer came for a while: asks again for what is missing.
    void retry(const Index& here) {
        if (state_ != state::running) return;
        if (++rounds_ > allowed_.max_rounds) {
            state_ = state::exhausted;
            return;
        }
        if (!answered_ && !sent_.empty()) {
            outbox_ = sent_;
            return;
        }
        if (!outbox_.empty() || (building_ && !building_->empty())) return;
        ask_again(here, std::numeric_limits<std::uint64_t>::max());
        for (const detail::section& each : unacknowledged_) building().add(each);
    }

    state status() const { return state_; }
    std::uint64_t turns() const { return turn_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    static constexpr unsigned max_restarts = 4;
    static constexpr std::uint64_t later_credit = 4096;

    struct hint {
        unsigned level = 0;
        detail::mode as = detail::mode::cells;
    };

    // What the exchange asks and tells.
    struct owner {
        static constexpr bool initiates = true;
        reconciler& self;

        bool wants(const detail::group& of) const {
            return self.pending_.covers(of.first(), of.last());
        }
        bool told(const detail::group& of) const {
            return self.pending_.asked(of.first()) > self.turn_;
        }
        bool full(std::size_t more) const {
            return self.found_.size() + more > self.allowed_.max_found;
        }
        void report(const detail::record& held, bool changed) {
            if (self.reported_.insert(held.position).second)
                self.found_.push_back({self.id_of_(held.position), changed});
        }
        void settled(const detail::group& of) { self.pending_.remove(of.first(), of.last()); }
        void refined(const detail::group& of, unsigned level, detail::mode as) {
            self.pending_.put(of.first(), of.last(), {level, as, self.turn_ + 1});
        }
        void closed(const detail::block_view&, const std::vector<detail::group>& good,
                    const std::vector<detail::group>& bad) {
            for (const auto& each : good) settled(each);
            self.bad_.insert(self.bad_.end(), bad.begin(), bad.end());
        }
    };

    // The ids of positions, as the index at hand tells them.
    struct id_source {
        const Index* here = nullptr;
        std::uint64_t operator()(std::uint64_t position) const { return here->id_at(position); }
    };

    void restart(const Index& here) {
        own_size_ = here.size();
        pending_.clear();
        unacknowledged_.clear();
        hint_.reset();
        stopped_ = false;
        begin_turn();
        pending_.put(0, ~std::uint64_t{0}, {0, detail::mode::cells, turn_ + 1});
        detail::open_block opening;
        opening.kind = detail::block::open;
        detail::put_opening(opening.payload, here, Index::width);
        building().add(std::move(opening));
    }

    void begin_turn() {
        outbox_.clear();
        building_.reset();
    }

    detail::frame_builder& building() {
        if (!building_) {
            const auto header = [&](std::uint64_t credit) {
                wire::writer w;
                detail::question_header{Index::width, salt_, cookie_, turn_ + 1, credit}.write(w);
                return w.take();
            };
            const std::uint64_t credit = std::min<std::uint64_t>(
                allowed_.credit << std::min<std::uint64_t>(turn_, 16), std::uint64_t{1} << 24U);
            // Whatever the peer asks for, a turn is no longer than a list of everything.
            building_.emplace(header(std::max(credit, later_credit)), allowed_.frame_limit,
                              (std::size_t{1} << 20U) + 5 * own_size_, closing());
            building_->later_header(header(later_credit));
        }
        return *building_;
    }

    detail::closing_digest closing() const {
        return {salt_, detail::low_bits(allowed_.digest_bits)};
    }

    // The frames of the next turn, of all that has gathered since the last one.
    void fill(const Index& here) {
        if (stopped_ && answered_) {
            stopped_ = false;
            ask_again(here, turn_);
        }
        if (!building_ || building_->empty()) return;
        if (turn_ >= 64 + 2 * std::uint64_t{allowed_.max_rounds} || bytes_ >= allowed_.max_bytes) {
            state_ = state::exhausted;
            return;
        }
        ++turn_;
        stopped_ = building_->stopped();
        outbox_ = building_->finish();
        for (auto& each : building_->take_sections()) unacknowledged_.push_back(std::move(each));
        building_.reset();
        sent_ = outbox_;
        answered_ = false;
    }

    // Asks for the intervals that were asked for up to a turn; for everything by a new opening.
    void ask_again(const Index& here, std::uint64_t up_to) {
        if (!hint_ && pending_.covers(0, ~std::uint64_t{0})) {
            restart(here);
            return;
        }
        pending_.ask(
            up_to, turn_ + 1,
            [&](const detail::group& widest, const detail::pending::request& how) {
                const hint asked = how.level == 0 ? better_hint(here) : hint{how.level, how.as};
                const unsigned level = std::max(asked.level, widest.level);
                const auto kind = asked.as == detail::mode::cells && Index::width > 0
                                      ? detail::block::want_cells
                                  : asked.as == detail::mode::lists ? detail::block::want_lists
                                                                    : detail::block::want_digests;
                const unsigned deeper = level - widest.level;
                const std::uint64_t length = deeper >= 63 ? 1 : std::uint64_t{1} << deeper;
                building().add(kind, level, {widest.first_child(deeper), length});
            });
    }

    // What the groups held that have been decoded tells better than the estimate how large they
    // should be.
    hint better_hint(const Index& here) const {
        if (!hint_) return {hint_level_, detail::mode::cells};
        hint made = *hint_;
        if (made.as == detail::mode::lists && listed_ >= 64 && 3 * listed_differences_ < listed_) {
            const double each = std::max(listed_differences_, 1.0) / listed_;
            const double groups = each * static_cast<double>(here.size()) / 5;
            made.as = detail::mode::cells;
            made.level = static_cast<unsigned>(std::max(0.0, std::log2(std::max(groups, 1.0))));
        }
        if (made.as != detail::mode::cells || seen_ < 8) return made;
        const double held = std::max(found_in_ / static_cast<double>(seen_), 0.05);
        const double shift = std::floor(std::log2(held / 5.0) + 0.5);
        made.level = static_cast<unsigned>(std::clamp(made.level + shift, 0.0, 48.0));
        return made;
    }

    bool on_probed(std::span<const std::byte> frame) {
        switch (probed_.judge(frame)) {
            case detail::probe::verdict::in_sync: state_ = state::in_sync; return true;
            case detail::probe::verdict::differs: state_ = state::differing; return true;
            case detail::probe::verdict::refused: state_ = state::refused; return true;
            case detail::probe::verdict::unknown: break;
        }
        return false;
    }

    bool on_answer(const Index& here, std::span<const std::byte> frame) {
        if (state_ != state::running) return false;
        wire::limits limits;
        wire::reader r(frame, limits);
        const std::uint8_t kind = r.u8();
        if (kind != static_cast<std::uint8_t>(detail::frame_kind::answer)) return on_refused(frame);
        detail::answer_header header;
        header.read(r);
        const auto blocks = detail::get_blocks(r, frame);
        if (!blocks || header.tag != detail::session_tag(salt_) || header.turn > turn_)
            return false;
        if (!right_cookie(here, header)) return true;
        if (header.turn == turn_) answered_ = true;
        if ((header.flags & detail::stopped_flag) != 0 && header.turn == turn_) stopped_ = true;
        id_of_.here = &here;
        const std::size_t width =
            std::min<std::size_t>(header.flags & detail::width_mask, Index::width);
        owner mine{*this};
        detail::exchange<Index, owner> with(here, building(), mine, salt_, {width, header.turn},
                                            {Index::width, turn_ + 1}, allowed_);
        bool well_formed = true;
        for (const auto& each : *blocks) {
            note_hint(each);
            well_formed =
                (each.kind == detail::block::ack ? on_ack(each) : with.handle(each)) && well_formed;
        }
        seen_ += with.groups();
        found_in_ += with.density() * static_cast<double>(with.groups());
        listed_ += static_cast<double>(with.listed());
        listed_differences_ += static_cast<double>(with.listed_differences());
        again(here);
        return well_formed;
    }

    bool on_refused(std::span<const std::byte> frame) {
        if (!detail::is_refusal(frame, salt_)) return false;
        state_ = state::refused;
        return true;
    }

    // A responder that knows nothing of our cookie has begun anew, perhaps with other contents.
    bool right_cookie(const Index& here, const detail::answer_header& header) {
        const bool other = cookie_ != 0 && header.cookie != cookie_;
        if (!other && (header.flags & detail::restart_flag) == 0) {
            cookie_ = header.cookie;
            return true;
        }
        if (header.turn != turn_ || (header.cookie == cookie_ && cookie_ != 0)) return false;
        cookie_ = header.cookie;
        if (++restarts_ > max_restarts)
            state_ = state::exhausted;
        else
            restart(here);
        return false;
    }

    void note_hint(const detail::block_view& from) {
        using detail::block;
        if (from.level == 0 || hint_) return;
        if (from.kind == block::cells) hint_ = hint{from.level, detail::mode::cells};
        if (from.kind == block::digests) hint_ = hint{from.level, detail::mode::digests};
        if (from.kind == block::lists) hint_ = hint{from.level, detail::mode::lists};
        hint_level_ = from.level;
    }

    bool on_ack(const detail::block_view& from) {
        detail::bit_reader in(from.payload);
        const auto tag = static_cast<std::uint32_t>(in.get(32));
        if (!in.finished()) return false;
        const auto at = std::find_if(unacknowledged_.begin(), unacknowledged_.end(),
                                     [&](const auto& each) { return each.tag == tag; });
        if (at == unacknowledged_.end()) return true;
        const auto spoken_of = [&](const detail::group& each) {
            return each.level == at->level &&
                   std::any_of(at->runs.begin(), at->runs.end(), [&](const detail::run& part) {
                       return each.number >= part.first && each.number - part.first < part.length;
                   });
        };
        from.for_each([&](const detail::group& each) {
            if (!spoken_of(each)) return false;
            bad_.push_back(each);
            return true;
        });
        unacknowledged_.erase(at);
        return true;
    }

    // Groups whose answer did not come out right go on without sketches.
    void again(const Index& here) {
        if (bad_.empty() || state_ != state::running) return;
        owner mine{*this};
        detail::exchange<Index, owner> with(here, building(), mine, salt_, {}, {0, turn_ + 1},
                                            allowed_);
        for (const auto& each : std::exchange(bad_, {})) {
            pending_.put(each.first(), each.last(), {each.level, detail::mode::digests, turn_ + 1});
            with.refine(each, 4, detail::mode::digests);
        }
    }

    void finish_if_done() {
        if (state_ != state::running) return;
        if (bytes_ >= allowed_.max_bytes) state_ = state::exhausted;
        const bool waiting = !outbox_.empty() || (building_ && !building_->empty());
        if (pending_.empty() && unacknowledged_.empty() && !waiting) state_ = state::done;
    }

    options allowed_;
    std::uint64_t salt_;
    std::uint64_t cookie_ = 0;
    std::uint64_t turn_ = 0;
    std::uint64_t bytes_ = 0;
    std::size_t own_size_ = 0;
    unsigned rounds_ = 0;
    unsigned restarts_ = 0;
    state state_ = state::idle;
    bool answered_ = false;
    bool stopped_ = false;
    detail::probe probed_;
    detail::pending pending_;
    std::optional<hint> hint_;
    unsigned hint_level_ = 8;
    std::size_t seen_ = 0;
    double found_in_ = 0;
    double listed_ = 0;
    double listed_differences_ = 0;
    std::optional<detail::frame_builder> building_;
    std::vector<std::vector<std::byte>> outbox_, sent_;
    std::vector<detail::section> unacknowledged_;
    std::vector<detail::group> bad_;
    std::set<std::uint64_t> reported_;
    std::vector<difference> found_;
    id_source id_of_;
};

} // namespace joinery::merkle
