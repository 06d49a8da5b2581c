// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/exchange.hpp>
#include <merkle/detail/frame.hpp>
#include <merkle/detail/opening.hpp>
#include <merkle/detail/probe.hpp>
#include <merkle/options.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace joinery::merkle {

/// Answers the questions of any number of reconcilers and keeps nothing of them.
///
/// State      a secret, for the cookies that questions bring back; limits.
/// Value      frames to send back, and entries of this side that the asker lacks.
/// Invariant  the answer is a function of secret, index, source and frame. To a stranger it is not
///            longer than the question; to a member, or whoever brings the cookie back, at most
///            eight times as long and what the question grants.
/// Cost       bounded by the question and the room for the answer.
class responder {
public:
    enum class trust {
        stranger, ///< the source may be forged
        member    ///< the source is known to receive what is sent to it
    };
    struct answer {
        std::vector<std::vector<std::byte>> frames;
        std::vector<difference> found; ///< may repeat what an earlier answer found
        bool accepted = false;         ///< the question was well formed
        bool in_sync = false;          ///< a probe with this side's own root
    };

    /// The secret is fresh at each start of the process and not to be guessed.
    explicit responder(std::uint64_t secret, const options& allowed = {})
        : allowed_(allowed), secret_(secret) {
        allowed_.frame_limit = std::max<std::size_t>(allowed_.frame_limit, 256);
    }

    template <class Index>
    answer receive(const Index& here, std::span<const std::byte> frame, std::uint64_t source,
                   trust of = trust::member) const {
        if (detail::probe::is(frame)) return answer_probe(here, frame);
        answer made;
        wire::limits limits;
        wire::reader r(frame, limits);
        if (r.u8() != static_cast<std::uint8_t>(detail::frame_kind::question)) return made;
        detail::question_header asked;
        asked.read(r);
        const auto blocks = detail::get_blocks(r, frame);
        if (!blocks || blocks->empty()) return made;
        const std::uint64_t cookie = cookie_of(source, here.hasher().id());
        const bool returned = asked.cookie == cookie;
        detail::answer_header header{0, detail::session_tag(asked.salt), cookie, asked.turn};
        const std::size_t width =
            std::min<std::size_t>(asked.flags & detail::width_mask, Index::width);
        header.flags = static_cast<std::uint8_t>(width);
        const bool opens = blocks->front().kind == detail::block::open;
        made.accepted = true;
        if ((!returned && asked.cookie != 0) || (!returned && !opens)) {
            made.frames.push_back(restarting(header));
            return made;
        }
        std::size_t room = frame.size();
        if (returned || of == trust::member) {
            room = 8 * frame.size() +
                   static_cast<std::size_t>(std::min(asked.credit, allowed_.max_credit));
        }
        answer_blocks(here, asked, *blocks, header, room, made);
        const bool poor = !returned && of == trust::stranger;
        if (poor && stopped(made)) {
            made.found.clear();
            made.frames.assign(1, restarting(header));
        }
        return made;
    }

private:
    template <class Index>
    struct owner {
        static constexpr bool initiates = false;
        const Index& here;
        answer& made;
        detail::frame_builder& out;
        std::size_t max_found;

        bool wants(const detail::group&) const { return true; }
        bool full(std::size_t more) const {
            const bool is = made.found.size() + more > max_found;
            if (is) out.stop();
            return is;
        }
        void report(const detail::record& held, bool changed) {
            made.found.push_back({here.id_at(held.position), changed});
        }
        bool told(const detail::group&) const { return false; }
        void settled(const detail::group&) {}
        void refined(const detail::group&, unsigned, detail::mode) {}
        void closed(const detail::block_view& from, const std::vector<detail::group>&,
                    const std::vector<detail::group>& bad) {
            detail::open_block ack;
            ack.kind = detail::block::ack;
            ack.level = from.level;
            for (const detail::group& each : bad) ack.add({each.number, 1});
            ack.payload.put(from.tag, 32);
            out.add(std::move(ack));
        }
    };

    std::uint64_t cookie_of(std::uint64_t source, std::uint64_t hasher) const {
        return wire::mix(wire::mix(secret_, source), hasher) | 1U;
    }

    template <class Index>
    answer answer_probe(const Index& here, std::span<const std::byte> frame) const {
        using detail::frame_kind;
        const auto theirs = detail::probe::read(frame);
        const auto own = detail::probe::of(here);
        answer made;
        made.accepted = true;
        made.in_sync = theirs.root == own.root;
        const frame_kind kind = theirs.hasher != own.hasher ? frame_kind::refused
                                : made.in_sync              ? frame_kind::in_sync
                                                            : frame_kind::differs;
        made.frames.push_back(theirs.answer(kind));
        return made;
    }

    static std::vector<std::byte> restarting(detail::answer_header header) {
        header.flags |= detail::restart_flag;
        wire::writer w;
        header.write(w);
        return w.take();
    }

    static bool stopped(const answer& made) {
        return !made.frames.empty() &&
               (std::to_integer<unsigned>(made.frames.back()[1]) & detail::stopped_flag) != 0;
    }

    template <class Index>
    void answer_blocks(const Index& here, const detail::question_header& asked,
                       const std::vector<detail::block_view>& blocks,
                       const detail::answer_header& header, std::size_t room, answer& made) const {
        wire::writer w;
        header.write(w);
        detail::frame_builder out(w.take(), allowed_.frame_limit, room,
                                  {asked.salt, detail::low_bits(allowed_.digest_bits)});
        owner<Index> mine{here, made, out, allowed_.max_found};
        const std::size_t width = header.flags & detail::width_mask;
        detail::exchange<Index, owner<Index>> with(here, out, mine, asked.salt, {width, asked.turn},
                                                   {width, asked.turn}, allowed_);
        for (const detail::block_view& each : blocks) {
            if (each.kind != detail::block::open) {
                made.accepted = with.handle(each) && made.accepted;
                continue;
            }
            detail::opening theirs;
            if (!theirs.read(each.payload, asked.flags & detail::width_mask)) {
                made.accepted = false;
            } else if (theirs.hasher != static_cast<std::uint32_t>(here.hasher().id())) {
                made.frames.push_back(detail::refusal(asked.salt));
                return;
            } else {
                open(here, theirs, width, with, out);
            }
        }
        made.frames = out.finish(out.stopped());
        if (out.stopped()) made.frames.back()[1] |= static_cast<std::byte>(detail::stopped_flag);
    }

    template <class Index>
    void open(const Index& here, const detail::opening& theirs, std::size_t width,
              detail::exchange<Index, owner<Index>>& with, detail::frame_builder& out) const {
        bool room = true;
        if (width > 0 && with.answer_cell({0, 0}, theirs.whole, room)) return;
        const auto own = static_cast<double>(here.size()),
                   other = static_cast<double>(theirs.count);
        const double differing = detail::estimated(here, theirs, allowed_.estimate_factor);
        const detail::plan next(std::max(differing, 1.0), own, other, width);
        const std::uint64_t groups = std::uint64_t{1} << next.level;
        with.send_width(next.width);
        out.header_byte(1, static_cast<std::byte>(next.width));
        if (next.as == detail::mode::lists && next.theirs) {
            out.add(detail::block::want_lists, next.level, {0, groups});
            return;
        }
        for (std::uint64_t each = 0; each < groups; ++each)
            if (!with.send({next.level, each}, next.as)) return;
    }

    options allowed_;
    std::uint64_t secret_;
};

} // namespace joinery::merkle
