// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/block.hpp>
#include <merkle/digest.hpp>
#include <wire/reader.hpp>
#include <wire/writer.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace joinery::merkle::detail {

enum class frame_kind : std::uint8_t { probe = 0xd0, in_sync, differs, refused, question, answer };

enum frame_flags : std::uint8_t {
    width_mask = 0x0f,
    stopped_flag = 0x10, ///< the credit did not allow all of the answer
    restart_flag = 0x20, ///< the cookie is missing or of another run of the responder
};

/// Opens every question.
struct question_header {
    std::uint8_t flags = 0;
    std::uint64_t salt = 0;
    std::uint64_t cookie = 0;
    std::uint64_t turn = 0;
    std::uint64_t credit = 0;

    void write(wire::writer& w) const {
        w.u8(static_cast<std::uint8_t>(frame_kind::question));
        w.u8(flags);
        w.fixed64(salt);
        w.fixed64(cookie);
        w.varint(turn);
        w.varint(credit);
    }
    void read(wire::reader& r) {
        flags = r.u8();
        salt = r.fixed64();
        cookie = r.fixed64();
        turn = r.varint();
        credit = r.varint();
    }
};

/// Opens every answer.
struct answer_header {
    std::uint8_t flags = 0;
    std::uint32_t tag = 0;
    std::uint64_t cookie = 0;
    std::uint64_t turn = 0;

    void write(wire::writer& w) const {
        w.u8(static_cast<std::uint8_t>(frame_kind::answer));
        w.u8(flags);
        w.fixed32(tag);
        w.fixed64(cookie);
        w.varint(turn);
    }
    void read(wire::reader& r) {
        flags = r.u8();
        tag = r.fixed32();
        cookie = r.fixed64();
        turn = r.varint();
    }
};

/// Salted bits of what both sides hold of some groups, which ends an answer.
struct closing_digest {
    std::uint64_t salt = 0;
    std::uint64_t mask = ~std::uint64_t{0};

    std::uint64_t operator()(const wire::digest& common) const {
        return truncated(common, salt) & mask;
    }
};

/// What an answer repeats of the session's salt: whoever has not seen the question cannot guess it.
inline std::uint32_t session_tag(std::uint64_t salt) {
    return static_cast<std::uint32_t>(wire::mix(salt, 0x746167U) >> 32U);
}

/// Gathers blocks into frames of at most `frame_limit` bytes, all of them at most `room` bytes.
///
/// State      the frames that are full, the blocks of the open one.
/// Invariant  a group is placed whole; frames are independent of one another.
class frame_builder {
public:
    static constexpr unsigned dropped_bits = 5;

    enum class outcome { placed, too_big, no_room };

    frame_builder(std::vector<std::byte> header, std::size_t frame_limit, std::size_t room,
                  const closing_digest& closing)
        : header_(std::move(header)), frame_limit_(frame_limit), room_(room), closing_(closing) {}

    /// Adds a group with its payload; the common part is that of answers.
    outcome add(block kind, const group& of, const bit_writer& payload,
                const wire::digest& common = {}, unsigned dropped = 0) {
        const outcome made =
            place(kind, of.level, {of.number, 1}, (payload.size() + 7) / 8, dropped);
        if (made != outcome::placed) return made;
        open_block& to = blocks_[last_];
        to.payload.append(payload);
        to.common += common;
        return made;
    }

    /// How many bits of short ids are dropped in the block that would take a group's answer.
    unsigned dropped_for(const group& of, unsigned if_fresh) const {
        const std::size_t at = find(block::resolved, of.level, of.number);
        return at < blocks_.size() ? blocks_[at].dropped : if_fresh;
    }

    /// Adds groups without payload.
    outcome add(block kind, unsigned level, const run& groups) {
        return place(kind, level, groups, 0, 0);
    }

    /// Adds a block of its own, as acknowledgements are.
    outcome add(open_block made) {
        if (const outcome fit = fits(made.bytes()); fit != outcome::placed) return fit;
        blocks_.push_back(std::move(made));
        return outcome::placed;
    }

    /// Adds a block that was sent before.
    outcome add(const section& again) {
        if (const outcome fit = fits(again.bytes.size()); fit != outcome::placed) return fit;
        repeated_.insert(repeated_.end(), again.bytes.begin(), again.bytes.end());
        return outcome::placed;
    }

    /// The header of all frames but the first. Precondition: not longer than the first one's.
    void later_header(std::vector<std::byte> header) { later_ = std::move(header); }

    /// Changes a byte of the header. Precondition: nothing was added.
    void header_byte(std::size_t at, std::byte value) { header_[at] = value; }

    bool stopped() const { return stopped_; }
    void stop() { stopped_ = true; }
    bool empty() const { return frames_.empty() && blocks_.empty() && repeated_.empty(); }
    std::size_t room_left() const {
        const std::size_t used = sent_ + open_bytes();
        return used < room_ ? room_ - used : 0;
    }

    /// The frames; the builder is then empty. One frame is made even if there is no block, if
    /// `always`.
    std::vector<std::vector<std::byte>> finish(bool always = false) {
        if (always || !blocks_.empty() || !repeated_.empty()) flush();
        return std::exchange(frames_, {});
    }

    /// The answers in the frames that finish() gave since the last call.
    std::vector<section> take_sections() { return std::exchange(sections_, {}); }

private:
    outcome place(block kind, unsigned level, const run& groups, std::size_t payload,
                  unsigned dropped) {
        const std::size_t run_cost = open_block::varint_bytes(groups.length) + 10;
        std::size_t at = find(kind, level, groups.first);
        open_block empty{kind, level, {}, {}, {}, 0, dropped};
        if (kind == block::resolved) empty.payload.put(dropped, dropped_bits);
        const bool fresh = at == blocks_.size();
        const outcome fit = fits(payload + 1 + run_cost + (fresh ? empty.bytes() : 0));
        if (fit != outcome::placed) return fit;
        at = find(kind, level, groups.first); // a full frame was closed meanwhile
        if (at == blocks_.size()) blocks_.push_back(empty);
        blocks_[at].add(groups);
        last_ = at;
        return outcome::placed;
    }

    std::size_t find(block kind, unsigned level, std::uint64_t number) const {
        for (std::size_t at = blocks_.size(); at-- > 0;) {
            const open_block& each = blocks_[at];
            if (each.kind == kind && each.level == level)
                return !each.runs.empty() && each.runs.back().first < number &&
                               each.next() <= number && each.next() != 0
                           ? at
                           : blocks_.size();
        }
        return blocks_.size();
    }

    std::size_t open_bytes() const {
        if (blocks_.empty() && repeated_.empty()) return 0;
        std::size_t bytes = header_.size() + repeated_.size();
        for (const open_block& each : blocks_) bytes += each.bytes();
        return bytes;
    }

    outcome fits(std::size_t more) {
        std::size_t open = open_bytes();
        if (open == 0) open = header_.size();
        if (header_.size() + more > frame_limit_) return outcome::too_big;
        if (open + more > frame_limit_) {
            flush();
            open = header_.size();
        }
        if (sent_ + open + more > room_) {
            stopped_ = true;
            return outcome::no_room;
        }
        return outcome::placed;
    }

    void flush() {
        wire::writer w;
        w.raw(header_);
        w.raw(repeated_);
        for (open_block& each : blocks_) {
            if (each.closes()) each.payload.put(closing_(each.common), 64);
            const std::size_t start = w.size();
            each.write(w);
            const auto bytes = w.bytes().subspan(start);
            if (each.closes()) {
                sections_.push_back({block_tag(bytes),
                                     each.level,
                                     std::move(each.runs),
                                     {bytes.begin(), bytes.end()}});
            }
        }
        blocks_.clear();
        repeated_.clear();
        sent_ += w.size();
        frames_.push_back(w.take());
        if (!later_.empty()) header_ = std::exchange(later_, {});
    }

    std::vector<std::byte> header_;
    std::vector<std::byte> later_;
    std::size_t frame_limit_;
    std::size_t room_;
    closing_digest closing_;
    std::vector<std::vector<std::byte>> frames_;
    std::vector<open_block> blocks_;
    std::vector<std::byte> repeated_;
    std::vector<section> sections_;
    std::size_t last_ = 0;
    std::size_t sent_ = 0;
    bool stopped_ = false;
};

} // namespace joinery::merkle::detail
