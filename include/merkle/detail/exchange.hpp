// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/frame.hpp>
#include <merkle/detail/resolve.hpp>
#include <merkle/options.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace joinery::merkle::detail {

/// What a group is to be asked for next.
enum class mode : std::uint8_t { cells, digests, lists };

/// What both sides do with the blocks of one frame.
///
/// Owner says which groups are wanted and hears what became of them: wants(group), report(record,
/// changed), full(), told(group) in this turn, settled(group), refined(group, level, mode),
/// closed(block, good, bad). Cost       bounded by the frame and by the room of the builder: a
/// group whose own side is large
///            is split before it is scanned.
template <class Index, class Owner>
class exchange {
public:
    static constexpr std::size_t short_list = 24;    // about the bytes of two cells
    static constexpr std::size_t plain_list = 48;    // listed when no sketch is to be trusted
    static constexpr std::size_t max_scanned = 4096; // own entries compared with one list
    static constexpr std::size_t max_ways = 64;      // readings of the short ids of a group

    /// The width of cells and the turn of frames, either way.
    struct direction {
        std::size_t width = 0;
        std::uint64_t turn = 0;
    };

    exchange(const Index& index, frame_builder& out, Owner& owner, std::uint64_t salt,
             const direction& from, const direction& to, const options& allowed)
        : index_(index),
          out_(out),
          owner_(owner),
          width_in_(from.width),
          width_out_(to.width),
          max_listed_(allowed.frame_limit * 8 / (mark_bits + 1)),
          closing_{salt, low_bits(allowed.digest_bits)},
          marks_in_{wire::mix(salt, from.turn), low_bits(std::min(allowed.digest_bits, 32U))},
          marks_out_{wire::mix(salt, to.turn), closing_.mask & low_bits(32)} {}

    /// Cells are sent with so many power sums from now on.
    void send_width(std::size_t width) { width_out_ = width; }

    /// False if the payload is not what the block should hold.
    bool handle(const block_view& from) {
        if (out_.stopped()) return true; // without room for an answer it is asked again
        switch (from.kind) {
            case block::want_cells: return !Owner::initiates && send_all(from, mode::cells);
            case block::want_digests: return !Owner::initiates && send_all(from, mode::digests);
            case block::want_lists: return send_all(from, mode::lists);
            case block::cells: return width_in_ > 0 && on_cells(from);
            case block::digests: return on_digests(from);
            case block::lists: return on_lists(from);
            case block::resolved: return on_resolved(from);
            case block::listed: return on_listed(from);
            case block::open:
            case block::ack: break;
        }
        return false;
    }

    bool send(const group& of, mode as) {
        bit_writer payload;
        if (as == mode::lists) return send_list(of);
        const auto own = sum(of);
        if (as == mode::cells && width_out_ > 0) {
            put_cell(payload, own, width_out_);
            return out_.add(block::cells, of, payload) == frame_builder::outcome::placed;
        }
        payload.put(marks_out_(own.sum), 32);
        return out_.add(block::digests, of, payload) == frame_builder::outcome::placed;
    }

    /// Answers the cell of a group; false if it does not decode, or if there is no room.
    bool answer_cell(const group& of, const wire_cell& theirs, bool& room) {
        resolution made;
        const auto own = sum(of);
        if (!resolve(index_, of, own, theirs, width_in_, made)) return false;
        room = answer_resolved(of, made, own.count);
        if (!room) return false;
        for (std::size_t i = 0; i < made.mine_count; ++i)
            owner_.report(made.mine[i], made.changed(made.mine[i]));
        owner_.settled(of);
        found_ += made.mine_count + made.theirs_count;
        return true;
    }

    /// Says something of the parts of a group that did not come out right.
    void refine(const group& of, unsigned deeper, mode as) {
        const std::size_t most = as == mode::cells ? short_list : plain_list;
        if (of.level + deeper > 64 || count(of) <= most) {
            if (send_list(of)) owner_.refined(of, of.level, mode::lists);
            return;
        }
        owner_.refined(of, of.level + deeper, as);
        const std::uint64_t first = of.first_child(deeper);
        for (std::uint64_t i = 0; i < (std::uint64_t{1} << deeper); ++i)
            if (!send({of.level + deeper, first + i}, as)) return;
    }

    /// Differences per group of the cells that were handled.
    double density() const {
        return groups_ == 0 ? 0 : static_cast<double>(found_) / static_cast<double>(groups_);
    }
    std::size_t groups() const { return groups_; }

    /// Entries of lists that were compared, and differences among them.
    std::size_t listed() const { return listed_; }
    std::size_t listed_differences() const { return listed_differences_; }

private:
    using cell_type = typename Index::cell_type;

    cell_type sum(const group& of) const { return index_.records().sum(of.first(), of.last()); }
    std::size_t count(const group& of) const {
        return index_.records().count(of.first(), of.last());
    }

    // Who asks for lists of far more groups than there are entries wants no lists.
    bool send_all(const block_view& wanted, mode as) {
        std::uint64_t left = index_.size() / 8 + 65'536;
        for (const run& each : wanted.runs) {
            if (Owner::initiates && each.length > left) return false;
            left -= std::min(each.length, left);
        }
        wanted.for_each([&](const group& each) {
            if (!owner_.wants(each) || owner_.told(each)) return true;
            const bool sent = send(each, as);
            if (sent && as == mode::lists) owner_.refined(each, each.level, mode::lists);
            return sent;
        });
        return true;
    }

    bool answer_resolved(const group& of, const resolution& made, std::size_t own_count) {
        const unsigned dropped = out_.dropped_for(of, short_form::spared(of, own_count));
        const short_form form(of, dropped);
        bit_writer payload;
        payload.put(closing_(made.common), 8);
        payload.put_rice(made.theirs_count, 1);
        for (std::size_t i = 0; i < made.theirs_count; ++i)
            payload.put(form.of(made.theirs[i]), form.bits());
        return out_.add(block::resolved, of, payload, made.common, dropped) ==
               frame_builder::outcome::placed;
    }

    bool on_cells(const block_view& from) {
        bit_reader in(from.payload);
        std::vector<group> failed;
        bool room = true;
        std::size_t before = groups_;
        from.for_each([&](const group& each) {
            const wire_cell theirs = get_cell(in, width_in_);
            if (!in.ok()) return false;
            if (!owner_.wants(each)) return true;
            ++groups_;
            if (!answer_cell(each, theirs, room) && room) failed.push_back(each);
            return room;
        });
        // Most that fail are split in two. What fails again is little, and ends the sooner in four.
        // If most fail the groups are far too large.
        const std::size_t handled = groups_ - before;
        unsigned deeper = Owner::initiates ? 1 : 2;
        if (handled >= 8 && failed.size() * 100 >= handled * 75) deeper = 2;
        if (handled >= 8 && failed.size() * 100 >= handled * 97) deeper = 3;
        found_ += failed.size() * (width_in_ + width_in_ / 2 + 1) * (deeper == 3 ? 4 : 1);
        for (const group& each : failed) refine(each, deeper, mode::cells);
        return in.ok() && (!room || in.finished());
    }

    bool on_digests(const block_view& from) {
        bit_reader in(from.payload);
        bool room = true;
        from.for_each([&](const group& each) {
            const std::uint64_t theirs = in.get(32);
            if (!in.ok()) return false;
            if (!owner_.wants(each)) return true;
            const digest own = sum(each).sum;
            if (marks_in_(own) != theirs) {
                refine(each, 4, mode::digests);
                room = !out_.stopped();
            } else if (Owner::initiates) {
                owner_.settled(each);
            } else {
                resolution nothing;
                nothing.common = own;
                room = answer_resolved(each, nothing, 0);
            }
            return room;
        });
        return in.ok() && (!room || in.finished());
    }

    struct listed_record {
        record held;
        digest leaf;
    };

    std::vector<listed_record> records_of(const group& of) const {
        std::vector<listed_record> all;
        index_.records().for_each_while(of.first(), of.last(), [&](const record& each) {
            all.push_back({each, element(index_.hasher(), each).leaf});
            return true;
        });
        return all;
    }

    // A list that fits no frame goes in parts.
    bool send_list(const group& of) {
        if (count(of) * 18 / 8 > 64 * 1024 && of.level < 64) return send_list_parts(of);
        const auto all = records_of(of);
        const list_shape shape(of.level, all.size());
        std::vector<short_entry> entries;
        entries.reserve(all.size());
        for (const listed_record& each : all)
            entries.push_back(
                {shape.place(of, each.held.position), mark_of(each.leaf, marks_out_.salt)});
        bit_writer payload;
        put_list(payload, entries, shape);
        const auto made = out_.add(block::lists, of, payload);
        if (made == frame_builder::outcome::too_big && of.level < 64) return send_list_parts(of);
        return made == frame_builder::outcome::placed;
    }

    bool send_list_parts(const group& of) {
        return send_list({of.level + 1, of.first_child(1)}) &&
               send_list({of.level + 1, of.first_child(1) + 1});
    }

    bool on_lists(const block_view& from) {
        bit_reader in(from.payload);
        bool room = true;
        from.for_each([&](const group& each) {
            const auto theirs = get_list(in, each);
            if (!in.ok()) return false;
            if (!owner_.wants(each)) return true;
            const std::size_t own = count(each);
            if (own > max_scanned && own / 4 > theirs.size() && each.level <= 60) {
                room = out_.add(block::want_lists, each.level + 4, {each.first_child(4), 16}) ==
                       frame_builder::outcome::placed;
                if (room) owner_.refined(each, each.level + 4, mode::lists);
            } else {
                room = !owner_.full(own) && answer_list(each, theirs);
            }
            return room;
        });
        return in.ok() && (!room || in.finished());
    }

    bool answer_list(const group& of, std::span<const short_entry> theirs) {
        const auto own = records_of(of);
        const list_shape shape(of.level, theirs.size());
        digest common;
        std::vector<bool> lacking(theirs.size(), true);
        std::vector<std::pair<std::size_t, bool>> mine; // which of own, and whether changed
        std::size_t first = 0;
        for (std::size_t i = 0; i < own.size(); ++i) {
            const std::uint64_t place = shape.place(of, own[i].held.position);
            const std::uint32_t mark = mark_of(own[i].leaf, marks_in_.salt);
            while (first < theirs.size() && theirs[first].place < place) ++first;
            bool met = false, near = false;
            for (std::size_t j = first; j < theirs.size() && theirs[j].place == place && !met;
                 ++j) {
                near = true;
                if (theirs[j].mark != mark || !lacking[j]) continue;
                lacking[j] = false;
                met = true;
            }
            if (met)
                common += own[i].leaf;
            else
                mine.emplace_back(i, near);
        }
        if (!answer_listed(of, lacking, common)) return false;
        for (const auto& [i, changed] : mine) owner_.report(own[i].held, changed);
        listed_ += std::max(theirs.size(), own.size());
        listed_differences_ += mine.size() + static_cast<std::size_t>(
                                                 std::count(lacking.begin(), lacking.end(), true));
        owner_.settled(of);
        return true;
    }

    bool answer_listed(const group& of, const std::vector<bool>& lacking, const digest& common) {
        const auto some =
            static_cast<std::size_t>(std::count(lacking.begin(), lacking.end(), true));
        bit_writer payload;
        payload.put(closing_(common), 8);
        payload.put_gamma(static_cast<std::uint32_t>(lacking.size()));
        payload.put(some == 0 ? 0U : some == lacking.size() ? 1U : 2U, 2);
        if (some != 0 && some != lacking.size())
            for (const bool each : lacking) payload.put(each ? 1U : 0U, 1);
        return out_.add(block::listed, of, payload, common) == frame_builder::outcome::placed;
    }

    // What came of one group of an answer, until the digest at the end is read.
    struct closed_group {
        group of;
        digest common;
        bool right = true;
        std::vector<std::pair<record, bool>> found;
    };

    bool on_resolved(const block_view& from) {
        bit_reader in(from.payload);
        std::vector<closed_group> closed;
        const auto dropped = static_cast<unsigned>(in.get(frame_builder::dropped_bits));
        if (dropped > element::hash_bits) return false;
        from.for_each([&](const group& each) {
            const std::uint64_t closing = in.get(8);
            const std::uint64_t lacked = in.get_rice(1);
            const short_form form(each, dropped);
            std::array<std::uint32_t, max_width> ids{};
            if (lacked > ids.size()) in.refuse();
            for (std::uint64_t i = 0; i < lacked && in.ok(); ++i)
                ids[i] = form.whole(each, in.get(form.bits()));
            if (!in.ok()) return false;
            if (!owner_.wants(each)) return true;
            closed_group one{each, sum(each).sum, true, {}};
            take_lacked(one, std::span(ids).first(static_cast<std::size_t>(lacked)), form.dropped,
                        closing);
            closed.push_back(std::move(one));
            return true;
        });
        return close(from, in, closed);
    }

    // Shortened ids may be those of several records. If the closing of the common part does not
    // single out the ones that are meant, nothing is told of the group.
    void take_lacked(closed_group& one, std::span<const std::uint32_t> ids, unsigned dropped,
                     std::uint64_t closing) const {
        std::array<std::vector<found_record>, max_width> candidates;
        std::size_t ways = 1;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            for_each_short(index_, one.of, ids[i], dropped, [&](const found_record& each) {
                if (candidates[i].size() <= max_ways) candidates[i].push_back(each);
            });
            ways *= candidates[i].size();
            if (ways > max_ways) ways = 0;
        }
        const digest all = one.common;
        std::size_t met = 0;
        for (std::size_t way = 0; way < ways; ++way) {
            closed_group made{one.of, all, true, {}};
            std::size_t digits = way;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                const found_record& meant = candidates[i][digits % candidates[i].size()];
                digits /= candidates[i].size();
                made.common -= meant.as.leaf;
                made.found.emplace_back(meant.held, false);
            }
            if ((closing_(made.common) & 0xffU) != closing) continue;
            ++met;
            one = std::move(made);
        }
        one.right = met == 1;
    }

    bool on_listed(const block_view& from) {
        bit_reader in(from.payload);
        std::vector<closed_group> closed;
        bool room = true;
        from.for_each([&](const group& each) {
            const std::uint64_t closing = in.get(8);
            const std::uint32_t size = in.get_gamma();
            const auto form = static_cast<unsigned>(in.get(2));
            std::vector<bool> lacking(form == 2 && size <= in.left() ? size : 0);
            for (std::size_t i = 0; i < lacking.size(); ++i) lacking[i] = in.get(1) == 1;
            if (form == 3 || (form == 2 && lacking.size() != size)) in.refuse();
            if (!in.ok()) return false;
            if (!owner_.wants(each)) return true;
            room = !owner_.full(count(each));
            if (!room) return false;
            closed_group one{each, {}, size <= max_listed_ && count(each) == size, {}};
            std::size_t at = 0;
            if (one.right) {
                for (const auto& [held, leaf] : records_of(each)) {
                    const bool lacks = form == 1 || (form == 2 && lacking[at]);
                    ++at;
                    if (lacks)
                        one.found.emplace_back(held, false);
                    else
                        one.common += leaf;
                }
            }
            one.right = one.right && (closing_(one.common) & 0xffU) == closing;
            closed.push_back(std::move(one));
            return true;
        });
        if (!room) out_.stop();
        return room ? close(from, in, closed) : true;
    }

    // Groups that are not right each by itself are wrong; if all are and the sum is not, all are.
    bool close(const block_view& from, bit_reader& in, std::vector<closed_group>& closed) {
        if (!in.ok()) return false;
        digest common;
        bool each_right = true;
        std::uint64_t groups = 0;
        for (const run& part : from.runs) groups += part.length;
        for (const closed_group& one : closed) {
            common += one.common;
            each_right = each_right && one.right;
        }
        const std::uint64_t sent = in.get(64);
        if (!in.finished()) return false;
        const bool complete = groups == closed.size(); // else the sum speaks of other groups too
        const bool all_wrong = each_right && complete && closing_(common) != sent;
        std::vector<group> good, bad;
        for (const closed_group& one : closed) {
            if (all_wrong || !one.right) {
                bad.push_back(one.of);
                continue;
            }
            good.push_back(one.of);
            for (const auto& [held, changed] : one.found) owner_.report(held, changed);
        }
        owner_.closed(from, good, bad);
        return true;
    }

    const Index& index_;
    frame_builder& out_;
    Owner& owner_;
    std::size_t width_in_;
    std::size_t width_out_;
    std::size_t max_listed_; // entries in a list that was sent: it had to fit into a frame
    closing_digest closing_;
    closing_digest marks_in_;
    closing_digest marks_out_;
    std::size_t groups_ = 0;
    std::size_t found_ = 0;
    std::size_t listed_ = 0;
    std::size_t listed_differences_ = 0;
};

} // namespace joinery::merkle::detail
