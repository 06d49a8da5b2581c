// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <stream/certificate.hpp>
#include <stream/detail/cells.hpp>
#include <stream/plan.hpp>
#include <stream/submission.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::stream {

/// What became of a submission. Only accepted and conflict add a submission to the state.
enum class verdict : std::uint8_t {
    accepted,
    duplicate,  ///< said before; a greater (incarnation, worker) is still noted as its witness
    conflict,   ///< the member said something else for this epoch; both are kept as evidence
    stale,      ///< below the floor
    future,     ///< more than max_open_epochs above the floor
    not_member, ///< no plan for the epoch, or the plan lacks the member
    bad_offsets ///< ends before it begins, or does not continue the neighbouring epochs
};

/// Of a retained epoch; only rises.
enum class status : std::uint8_t { pending, complete, conflicted };

/// One member that said two things for one epoch under one plan; first has the smaller digest.
struct conflict_evidence {
    wire::digest plan_id;
    submission first;
    submission second;

    friend bool operator==(const conflict_evidence&, const conflict_evidence&) = default;
};

/// Which checkpoint of all partitions is complete, decided by every replica alone.
///
/// State      floor epoch and oldest generation; plans; (epoch, plan, member) -> at most the two
///            smallest different submissions, each with its greatest witness.
/// Join       maximum of the floors, union of the plans, cell by cell; then what lies below the
///            floors is dropped.
/// Value      status_of, missing, latest, evidence: functions of the state alone. A conflicted
///            epoch is never latest(), and no submission is ever chosen over another.
/// Invariant  equal states, equal bytes; no plan or cell below the floors. Open epochs are limited
///            by submit, not by merge, which stays lawful for every decodable value.
/// Cost       submit, merge of a delta O(log cells); latest O(members of the epochs it looks at).
/// Source     the bottom-k set; rejected: reports counted without the reporters' names (Arroyo).
class checkpoint {
    using plan_key = detail::plan_key;
    using cell_key = detail::cell_key;
    using cell = detail::cell;
    static constexpr std::uint64_t last_epoch = std::numeric_limits<std::uint64_t>::max();
    static constexpr wire::digest none{};

public:
    static constexpr std::string_view schema_name = "checkpoint";
    static constexpr std::uint64_t max_open_epochs = 1024;

    /// Adds a plan (members sorted here) and returns the delta. Give a new one a higher generation
    /// and `from` above every epoch submitted so far. Precondition: it has members.
    checkpoint set_plan(plan wanted) {
        assert(!wanted.members.empty());
        checkpoint delta;
        wanted.normalize();
        const plan_key key{wanted.generation, wanted.id()};
        if (wanted.members.empty() || key.generation < oldest_) return delta;
        if (plans_.contains(key)) return delta;
        plans_.emplace(key, wanted);
        delta.plans_.emplace(key, std::move(wanted));
        return delta;
    }

    /// Says what a member's epoch is, under the plan known here, and returns the delta. The delta
    /// is bottom unless something was learnt. Refusals leave the state unchanged.
    std::pair<verdict, checkpoint> submit(const submission& what) {
        if (what.epoch < floor_) return {verdict::stale, {}};
        if (what.epoch - floor_ > max_open_epochs) return {verdict::future, {}};
        const plan_key* under = governing(what.epoch);
        if (under == nullptr || !plans_.at(*under).has(what.member))
            return {verdict::not_member, {}};
        const cell_key key{what.epoch, *under, what.member};
        const auto at = cells_.find(key);
        const bool known = at != cells_.end() && at->second.holds(what);
        if (!known && !continues(what)) return {verdict::bad_offsets, {}};
        checkpoint said;
        said.cells_.emplace(key, cell(what));
        const auto how = known                ? verdict::duplicate
                         : at == cells_.end() ? verdict::accepted
                                              : verdict::conflict;
        checkpoint delta = said.difference(*this);
        merge(delta);
        return {how, std::move(delta)};
    }

    /// Drops what lies below the highest complete epoch at or below `epoch`, so that this one stays
    /// as long as nobody contradicts it: keep a few epochs below latest(). Returns the delta.
    checkpoint raise_floor(std::uint64_t epoch) {
        checkpoint delta;
        const auto base = newest_complete(epoch);
        if (!base || base->first <= floor_) return delta;
        delta.floor_ = base->first;
        // A plan is retired only when nothing retained was said under it or an older one.
        std::uint64_t oldest = governing(base->first)->generation;
        for (auto at = cells_.lower_bound({base->first, {}, {}}); at != cells_.end(); ++at)
            oldest = std::min(oldest, at->first.under.generation);
        if (oldest > oldest_) delta.oldest_ = oldest;
        merge(delta);
        return delta;
    }

    /// Conflicted if any member contradicted itself; else complete if all members of one plan
    /// submitted; else pending.
    status status_of(std::uint64_t epoch) const {
        auto found = status::pending;
        for (const auto& [key, each] : plans_) found = std::max(found, judge(epoch, key, each));
        return found;
    }

    /// The members of the epoch's plan that have not submitted; none once it is complete.
    std::vector<std::string> missing(std::uint64_t epoch) const {
        const plan_key* under = governing(epoch);
        if (under == nullptr || status_of(epoch) == status::complete) return {};
        std::vector<std::string> absent;
        for (const std::string& member : plans_.at(*under).members)
            if (!cells_.contains({epoch, *under, member})) absent.push_back(member);
        return absent;
    }

    /// The certificate of the highest complete epoch at or below `at_most`, for instance below one
    /// whose bytes are nowhere to be had.
    std::optional<certificate> latest(std::uint64_t at_most = last_epoch) const {
        const auto found = newest_complete(at_most);
        if (!found) return std::nullopt;
        const auto& [epoch, key] = *found;
        std::vector<submission> said;
        for (const std::string& member : plans_.at(key).members)
            said.push_back(cells_.at({epoch, key, member}).kept().front().what);
        return certificate::of(epoch, key.id, std::move(said));
    }

    /// Every contradiction retained, by epoch, plan and member.
    std::vector<conflict_evidence> evidence() const {
        std::vector<conflict_evidence> found;
        for (const auto& [key, each] : cells_)
            if (each.conflicted())
                found.push_back({key.under.id, each.kept()[0].what, each.kept()[1].what});
        return found;
    }

    std::uint64_t floor() const { return floor_; }
    std::uint64_t oldest_generation() const { return oldest_; }

    /// The plan an epoch's submissions fall under here, null without one.
    const plan* plan_for(std::uint64_t epoch) const {
        const plan_key* key = governing(epoch);
        return key == nullptr ? nullptr : &plans_.at(*key);
    }

    /// Everything retained for one epoch, under all plans, by plan, member and digest.
    std::vector<submission> submissions(std::uint64_t epoch) const {
        std::vector<submission> found;
        for (auto at = cells_.lower_bound({epoch, {}, {}});
             at != cells_.end() && at->first.epoch == epoch; ++at)
            for (const auto& each : at->second.kept()) found.push_back(each.what);
        return found;
    }

    /// f(const submission&) for everything retained.
    template <class F>
    void for_each_submission(F f) const {
        for (const auto& entry : cells_)
            for (const auto& each : entry.second.kept()) f(each.what);
    }

    /// What a member said for an epoch under its plan; null if nothing, or if it said two things.
    const submission* find(std::uint64_t epoch, std::string_view member) const {
        const plan_key* key = governing(epoch);
        if (key == nullptr) return nullptr;
        const auto at = cells_.find({epoch, *key, std::string(member)});
        if (at == cells_.end() || at->second.conflicted()) return nullptr;
        return &at->second.kept().front().what;
    }

    bool merge(const checkpoint& other, crdt::report* = nullptr) {
        if (&other == this) return false;
        bool grew = rise(other.floor_, other.oldest_);
        for (const auto& [key, each] : other.plans_) {
            if (key.generation < oldest_) continue;
            const auto [at, fresh] = plans_.try_emplace(key, each);
            const bool greater = at->second < each; // two plans under one id: the greater wins
            if (greater) at->second = each;
            grew |= fresh || greater;
        }
        for (const auto& [key, each] : other.cells_) {
            if (dropped(key)) continue;
            const auto [at, fresh] = cells_.try_emplace(key, each);
            grew |= fresh || at->second.merge(each);
        }
        return grew;
    }

    checkpoint difference(const checkpoint& known) const {
        checkpoint delta;
        if (floor_ > known.floor_) delta.floor_ = floor_;
        if (oldest_ > known.oldest_) delta.oldest_ = oldest_;
        for (const auto& [key, each] : plans_) {
            if (key.generation < known.oldest_) continue;
            const auto at = known.plans_.find(key);
            if (at == known.plans_.end() || at->second < each) delta.plans_.emplace(key, each);
        }
        for (const auto& [key, each] : cells_) {
            if (known.dropped(key)) continue;
            const auto at = known.cells_.find(key);
            cell lacking = at == known.cells_.end() ? each : each.difference(at->second);
            if (!lacking.kept().empty()) delta.cells_.emplace(key, std::move(lacking));
        }
        return delta;
    }
    bool leq(const checkpoint& other) const { return difference(other) == checkpoint{}; }

    /// One entry for the floors, one per plan, one per cell.
    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        visit_floor(path, f);
        for (const auto& [key, each] : plans_) visit(path, key, each, f);
        for (const auto& [key, each] : cells_) visit(path, key, each, f);
    }
    /// A raised floor names everything below it.
    template <class F>
    void touched(const checkpoint& delta, crdt::entry_id path, F& f) const {
        if (delta.floor_ != 0 || delta.oldest_ != 0) visit_floor(path, f);
        for (const auto& [key, each] : plans_)
            if (key.generation < delta.oldest_ || delta.plans_.contains(key))
                visit(path, key, each, f);
        if (delta.oldest_ != 0) {
            for (const auto& [key, each] : cells_)
                if (delta.dropped(key) || delta.cells_.contains(key)) visit(path, key, each, f);
            return;
        }
        auto at = cells_.begin();
        for (; at != cells_.end() && delta.dropped(at->first); ++at)
            visit(path, at->first, at->second, f);
        for (const auto& entry : delta.cells_)
            if (at = cells_.find(entry.first); at != cells_.end())
                visit(path, at->first, at->second, f);
    }
    template <class F>
    void changes(const checkpoint& delta, crdt::entry_id path, F& f) const {
        checkpoint floors; // those of the merged state
        floors.rise(floor_, oldest_);
        const auto before = floors.floor_version();
        if (floors.rise(delta.floor_, delta.oldest_)) {
            f(detail::floor_entry(path), before, floors.floor_version());
            const auto gone = [&](crdt::entry_id id, const wire::digest& v) { f(id, v, none); };
            for (const auto& [key, each] : plans_)
                if (key.generation < floors.oldest_) visit(path, key, each, gone);
            for (const auto& [key, each] : cells_)
                if (floors.dropped(key)) visit(path, key, each, gone);
        }
        for (const auto& [key, each] : delta.plans_) {
            const auto at = plans_.find(key);
            const bool fresh = at == plans_.end();
            if (key.generation >= floors.oldest_ && (fresh || at->second < each))
                f(detail::entry_of(path, key), fresh ? none : detail::version_of(at->second),
                  detail::version_of(each));
        }
        for (const auto& [key, each] : delta.cells_) {
            if (floors.dropped(key)) continue;
            const auto at = cells_.find(key);
            const bool fresh = at == cells_.end();
            cell joined = fresh ? cell{} : at->second;
            if (joined.merge(each))
                f(detail::entry_of(path, key), fresh ? none : detail::version_of(at->second),
                  detail::version_of(joined));
        }
    }
    checkpoint fragment(crdt::entry_id path, const crdt::id_set& ids) const {
        checkpoint part;
        if (ids.contains(detail::floor_entry(path))) {
            part.floor_ = floor_;
            part.oldest_ = oldest_;
        }
        for (const auto& entry : plans_)
            if (ids.contains(detail::entry_of(path, entry.first))) part.plans_.insert(entry);
        for (const auto& entry : cells_)
            if (ids.contains(detail::entry_of(path, entry.first))) part.cells_.insert(entry);
        return part;
    }
    /// A raised floor takes away what lies below it.
    bool removes() const { return floor_ != 0 || oldest_ != 0; }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        constexpr std::size_t overhead = 12; // floors of zero and the two counts
        checkpoint part;
        std::size_t used = 0;
        const auto add = [&](std::size_t bytes, auto place) {
            if (used != 0 && used + bytes + overhead > max_bytes) {
                f(std::exchange(part, checkpoint{}));
                used = 0;
            }
            place();
            used += bytes;
        };
        if (floor_ != 0 || oldest_ != 0) add(20, [&] { part.rise(floor_, oldest_); });
        for (const auto& entry : plans_)
            add(detail::size_of(entry.second), [&] { part.plans_.insert(entry); });
        for (const auto& entry : cells_)
            add(detail::size_of(entry.first) + detail::size_of(entry.second),
                [&] { part.cells_.insert(entry); });
        if (used != 0) f(std::move(part));
    }

    void write(wire::writer& w) const {
        w.varint(floor_);
        w.varint(oldest_);
        w.varint(plans_.size());
        for (const auto& entry : plans_) entry.second.write(w);
        w.varint(cells_.size());
        for (const auto& [key, each] : cells_) {
            key.write(w);
            each.write(w);
        }
    }
    void read(wire::reader& r) {
        *this = {};
        floor_ = r.varint();
        oldest_ = r.varint();
        for (auto n = r.count(3); n > 0 && r.ok(); --n) {
            plan each;
            each.read(r);
            const plan_key key{each.generation, each.id()};
            if (each.members.empty() || key.generation < oldest_) r.fail(wire::errc::bad_value);
            if (!plans_.empty() && !(plans_.rbegin()->first < key))
                r.fail(wire::errc::non_canonical);
            if (r.ok()) plans_.emplace_hint(plans_.end(), key, std::move(each));
        }
        for (auto n = r.count(42); n > 0 && r.ok(); --n) {
            cell_key key;
            key.read(r);
            cell each;
            each.read(r, key.epoch, key.member);
            if (dropped(key)) r.fail(wire::errc::bad_value);
            if (!cells_.empty() && !(cells_.rbegin()->first < key))
                r.fail(wire::errc::non_canonical);
            if (r.ok()) cells_.emplace_hint(cells_.end(), std::move(key), std::move(each));
        }
    }

    friend bool operator==(const checkpoint&, const checkpoint&) = default;

private:
    bool dropped(const cell_key& key) const {
        return key.epoch < floor_ || key.under.generation < oldest_;
    }

    bool rise(std::uint64_t floor, std::uint64_t oldest) {
        if (floor <= floor_ && oldest <= oldest_) return false;
        floor_ = std::max(floor_, floor);
        oldest_ = std::max(oldest_, oldest);
        std::erase_if(plans_, [&](const auto& each) { return each.first.generation < oldest_; });
        std::erase_if(cells_, [&](const auto& each) { return dropped(each.first); });
        return true;
    }

    /// The plan of the highest generation that begins at or before the epoch.
    const plan_key* governing(std::uint64_t epoch) const {
        for (auto at = plans_.rbegin(); at != plans_.rend(); ++at)
            if (at->second.from <= epoch) return &at->first;
        return nullptr;
    }

    /// Both sequences ascend by member: one walk.
    status judge(std::uint64_t epoch, const plan_key& key, const plan& members_of) const {
        if (members_of.from > epoch) return status::pending;
        std::size_t present = 0;
        auto member = members_of.members.begin();
        for (auto at = cells_.lower_bound({epoch, key, {}});
             at != cells_.end() && at->first.epoch == epoch && at->first.under == key; ++at) {
            member = std::lower_bound(member, members_of.members.end(), at->first.member);
            if (member == members_of.members.end()) break;
            if (*member != at->first.member) continue;
            if (at->second.conflicted()) return status::conflicted;
            ++present;
        }
        return present == members_of.members.size() ? status::complete : status::pending;
    }

    std::optional<std::pair<std::uint64_t, plan_key>> newest_complete(std::uint64_t at_most) const {
        auto at = at_most == last_epoch ? cells_.end() : cells_.lower_bound({at_most + 1, {}, {}});
        while (at != cells_.begin()) {
            const std::uint64_t epoch = std::prev(at)->first.epoch;
            if (status_of(epoch) == status::complete)
                for (auto each = plans_.rbegin(); each != plans_.rend(); ++each)
                    if (judge(epoch, each->first, each->second) == status::complete)
                        return std::pair{epoch, each->first};
            at = cells_.lower_bound({epoch, {}, {}});
        }
        return std::nullopt;
    }

    /// The offsets [begin, end) that one member claimed for one epoch, under all plans.
    template <class F>
    bool any_claim(std::uint64_t epoch, const std::string& member, F fits, bool& claimed) const {
        for (const auto& entry : plans_) {
            const auto at = cells_.find({epoch, entry.first, member});
            if (at == cells_.end()) continue;
            claimed = true;
            for (const auto& each : at->second.kept())
                if (fits(each.what)) return true;
        }
        return false;
    }

    /// Whether the nearest known epochs of the member leave room for these offsets: no gap to an
    /// adjacent epoch, no overlap with a further one.
    bool continues(const submission& what) const {
        if (what.begin > what.end) return false;
        const auto before = cells_.lower_bound({what.epoch, {}, {}});
        for (auto at = before; at != cells_.begin();) {
            const std::uint64_t epoch = std::prev(at)->first.epoch;
            const bool adjacent = epoch + 1 == what.epoch;
            bool claimed = false;
            const auto fits = [&](const submission& a) {
                return adjacent ? a.end == what.begin : a.end <= what.begin;
            };
            if (any_claim(epoch, what.member, fits, claimed)) break;
            if (claimed) return false;
            at = cells_.lower_bound({epoch, {}, {}});
        }
        if (what.epoch == last_epoch) return true;
        for (auto at = cells_.lower_bound({what.epoch + 1, {}, {}}); at != cells_.end();) {
            const std::uint64_t epoch = at->first.epoch;
            const bool adjacent = epoch == what.epoch + 1;
            bool claimed = false;
            const auto fits = [&](const submission& a) {
                return adjacent ? a.begin == what.end : a.begin >= what.end;
            };
            if (any_claim(epoch, what.member, fits, claimed)) return true;
            if (claimed) return false;
            if (epoch == last_epoch) break;
            at = cells_.lower_bound({epoch + 1, {}, {}});
        }
        return true;
    }

    wire::digest floor_version() const {
        if (floor_ == 0 && oldest_ == 0) return none;
        wire::writer w;
        w.varint(floor_);
        w.varint(oldest_);
        return wire::content_digest(w.bytes());
    }
    template <class F>
    void visit_floor(crdt::entry_id path, F& f) const {
        if (floor_ != 0 || oldest_ != 0) f(detail::floor_entry(path), floor_version());
    }
    template <class Key, class T, class F>
    static void visit(crdt::entry_id path, const Key& key, const T& each, F& f) {
        f(detail::entry_of(path, key), detail::version_of(each));
    }

    std::uint64_t floor_ = 0;
    std::uint64_t oldest_ = 0;
    std::map<plan_key, plan> plans_;
    std::map<cell_key, cell> cells_;
};

} // namespace joinery::stream
