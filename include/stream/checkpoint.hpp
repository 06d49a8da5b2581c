// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <stream/certificate.hpp>
#include <stream/detail/continuity.hpp>
#include <stream/detail/judge.hpp>
#include <stream/detail/records.hpp>
#include <stream/detail/summary.hpp>
#include <stream/plan.hpp>
#include <stream/statistics.hpp>
#include <stream/submission.hpp>
#include <stream/verdict.hpp>
#include <wire/codec.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::stream {

/// One member that said two things for one epoch under one plan; first has the smaller digest.
struct conflict_evidence {
    wire::digest plan_id;
    submission first;
    submission second;

    friend bool operator==(const conflict_evidence&, const conflict_evidence&) = default;
};

/// Which checkpoint of all members is complete and stable, decided by every replica alone.
///
/// State      floors with the certificate they were raised with; plans; (epoch, plan, member) -> at
///            most the two smallest different submissions; (epoch, plan, root) -> the submissions
///            that the root hashes, and who acknowledged it.
/// Join       maximum of the floors, union of the plans, cell by cell, root by root; then what lies
///            below the floors is dropped.
/// Value      status_of, missing, latest, evidence: functions of the state alone. A conflicting
///            submission is evidence and never chosen; only who signs two roots can split an epoch.
/// Invariant  equal states, equal bytes; nothing below the floors. Open epochs are limited by
///            submit, not by merge, which stays lawful for every decodable value.
/// Cost       submit, merge of a delta O(log n), O(members) if input partitions are no members;
///            status, latest O(members of the epochs looked at).
/// Source     bottom-k sets, quorum by signed root; rejected: reports counted without the
///            reporters' names (Arroyo), one acknowledged value per member (its status falls).
class checkpoint {
    using plan_key = detail::plan_key;

public:
    static constexpr std::string_view schema_name = "checkpoint";
    static constexpr unsigned schema_major = 2;
    static constexpr std::uint64_t max_open_epochs = 1024;

    checkpoint() = default;

    /// Adds a plan (members sorted here) and returns the delta. Give a new one a higher generation
    /// and `from` above every epoch submitted so far. Precondition: wanted.valid().
    checkpoint set_plan(plan wanted) {
        assert(wanted.valid());
        checkpoint delta;
        if (!wanted.valid()) return delta;
        wanted.normalize();
        const plan_key key{wanted.generation, wanted.id()};
        if (all_.floor.drops(key) || all_.plans.contains(key)) return delta;
        delta.all_.plans.emplace(key, detail::plan_record{std::move(wanted)});
        merge(delta);
        return delta;
    }

    /// Says what a member's epoch is and returns the delta, which is bottom unless something was
    /// learnt. Without a plan, `what` is meant for the one that the epoch belongs to here.
    std::pair<verdict, checkpoint> submit(submission what) {
        if (what.epoch < all_.floor.epoch) return {verdict::stale, {}};
        if (what.epoch - all_.floor.epoch > max_open_epochs) return {verdict::future, {}};
        const plan_key* under = detail::governing(all_, what.epoch);
        if (under == nullptr || (!what.plan.zero() && what.plan != under->id))
            return {verdict::unknown_plan, {}};
        what.plan = under->id;
        const plan& members_of = all_.plans.at(*under).what;
        if (!members_of.has(what.member)) return {verdict::not_member, {}};
        const detail::cell_key key{what.epoch, *under, what.member};
        const auto at = all_.cells.find(key);
        if (at != all_.cells.end() && at->second.holds(what)) return {verdict::duplicate, {}};
        if (!detail::groups_fit(what, members_of)) return {verdict::bad_groups, {}};
        if (detail::wrong_offsets(all_, what)) return {verdict::bad_offsets, {}};
        if (what.base && !goes_on_from(what, *what.base)) return {verdict::bad_base, {}};
        const auto how = at == all_.cells.end() ? verdict::accepted : verdict::conflict;
        checkpoint said;
        said.all_.cells.emplace(key, detail::cell(std::move(what)));
        checkpoint delta = said.difference(*this);
        merge(delta);
        return {how, std::move(delta)};
    }

    /// Why submit answers bad_offsets; nothing if the offsets are right.
    std::optional<offset_mismatch> wrong_offsets(submission what) const {
        if (const auto* under = detail::governing(all_, what.epoch); what.plan.zero() && under)
            what.plan = under->id;
        return detail::wrong_offsets(all_, what);
    }

    /// A member vouches for the epoch as it is complete here, for instance once its worker has the
    /// bytes, and returns the delta. At most one root per member and epoch is ever signed: future
    /// means not complete yet, conflict that the member signed another root or that a submission
    /// was contradicted.
    std::pair<verdict, checkpoint> acknowledge(std::uint64_t epoch, const wire::digest& plan_id,
                                               std::string_view member) {
        if (epoch < all_.floor.epoch) return {verdict::stale, {}};
        const auto entry = find_plan(plan_id);
        if (entry == all_.plans.end()) return {verdict::unknown_plan, {}};
        const auto& [under, record] = *entry;
        if (!record.what.has(member)) return {verdict::not_member, {}};
        bool conflicted = false;
        std::size_t present = 0;
        detail::for_each_cell(all_, epoch, under, record.what, [&](std::size_t, const auto& each) {
            conflicted |= each.conflicted();
            ++present;
        });
        if (conflicted) return {verdict::conflict, {}};
        if (present != record.what.members.size()) return {verdict::future, {}};
        auto complete = detail::from_cells(all_, epoch, under, record.what);
        if (!complete) return {verdict::bad_groups, {}};
        return sign(*complete, under, member);
    }

    /// Drops what lies below `epoch`, or below the certificate's epoch if that is less: keep a few
    /// epochs. Stops at a base that a retained submission goes on from. Returns the delta, bottom
    /// unless the certificate is one of a stable epoch here (of a complete one, under a plan that
    /// nobody acknowledges).
    checkpoint raise_floor(const certificate& proof, std::uint64_t epoch = detail::last_epoch) {
        checkpoint delta;
        const auto at = all_.plans.find({proof.generation, proof.plan_id});
        if (at == all_.plans.end()) return delta;
        const auto policy = at->second.what.acks == ack_policy::nobody
                                ? restore_policy::complete
                                : restore_policy::stable_only;
        const auto known =
            detail::certificate_of(all_, proof.epoch, at->first, at->second.what, policy);
        if (!known || known->global_root != proof.global_root) return delta;
        const std::uint64_t floor = lowest_base(std::min(epoch, proof.epoch));
        if (floor <= all_.floor.epoch) return delta;
        std::vector<submission> plain;
        for (const submission& each : known->submissions) plain.push_back(each.without_witness());
        delta.all_.floor.epoch = floor;
        delta.all_.floor.proof =
            certificate::of(proof.epoch, proof.generation, proof.plan_id, std::move(plain));
        const std::uint64_t oldest = oldest_needed(floor);
        if (oldest > all_.floor.generation) delta.all_.floor.generation = oldest;
        merge(delta);
        return delta;
    }

    /// The highest status that the epoch has under any plan.
    status status_of(std::uint64_t epoch) const {
        auto found = status::pending;
        for (const auto& [key, each] : all_.plans)
            found = std::max(found, detail::judge(all_, epoch, key, each.what));
        return found;
    }
    status status_of(std::uint64_t epoch, const wire::digest& plan_id) const {
        const auto at = find_plan(plan_id);
        if (at == all_.plans.end()) return status::pending;
        return detail::judge(all_, epoch, at->first, at->second.what);
    }

    /// The members that have not submitted under a plan; all of them for an unknown epoch.
    std::vector<std::string> missing(std::uint64_t epoch, const wire::digest& plan_id) const {
        std::vector<std::string> absent;
        const auto at = find_plan(plan_id);
        if (at == all_.plans.end()) return absent;
        for (const std::string& member : at->second.what.members)
            if (!all_.cells.contains({epoch, at->first, member})) absent.push_back(member);
        return absent;
    }
    /// The same under the plan that the epoch belongs to; none if another plan's is complete.
    std::vector<std::string> missing(std::uint64_t epoch) const {
        const plan* under = plan_for(epoch);
        if (under == nullptr || status_of(epoch) == status::complete) return {};
        return missing(epoch, under->id());
    }

    /// The certificate of the newest epoch that the policy allows, for instance without those whose
    /// bytes are nowhere to be had. Two plans for one epoch: that of the higher generation.
    std::optional<certificate> latest(restore_policy policy = restore_policy::stable_only,
                                      const std::set<std::uint64_t>& excluded = {}) const {
        return detail::newest(all_, policy, [&](std::uint64_t e) { return excluded.contains(e); });
    }
    /// The same among the epochs up to one.
    std::optional<certificate>
    latest_until(std::uint64_t epoch, restore_policy policy = restore_policy::stable_only) const {
        return detail::newest(all_, policy, [&](std::uint64_t e) { return e > epoch; });
    }

    /// The plans under which the epoch is stable, by generation: two if an old plan's members went
    /// on after its successor began.
    std::vector<wire::digest> stable_plans(std::uint64_t epoch) const {
        std::vector<wire::digest> found;
        for (const auto& [key, each] : all_.plans)
            if (detail::judge(all_, epoch, key, each.what) == status::stable)
                found.push_back(key.id);
        return found;
    }

    /// Every contradiction retained, by epoch, plan and member.
    std::vector<conflict_evidence> evidence() const {
        std::vector<conflict_evidence> found;
        for (const auto& [key, each] : all_.cells)
            if (each.conflicted())
                found.push_back({key.under.id, each.kept()[0].what, each.kept()[1].what});
        return found;
    }

    /// Over the retained epochs; failed_verifications is left to who verifies.
    stream::statistics statistics() const { return detail::summarise(all_); }

    std::uint64_t floor() const { return all_.floor.epoch; }
    std::uint64_t oldest_generation() const { return all_.floor.generation; }
    /// What the floor was raised with; empty before it was.
    const std::optional<certificate>& floor_certificate() const { return all_.floor.proof; }

    /// Identifies the state.
    wire::digest root() const { return detail::version_of(all_); }

    /// The plan an epoch's submissions fall under here, null without one.
    const plan* plan_for(std::uint64_t epoch) const {
        const plan_key* key = detail::governing(all_, epoch);
        return key == nullptr ? nullptr : &all_.plans.at(*key).what;
    }

    /// Everything retained for one epoch, under all plans, by plan, member and digest.
    std::vector<submission> submissions(std::uint64_t epoch) const {
        std::vector<submission> found;
        for (auto at = all_.cells.lower_bound({epoch, {}, {}});
             at != all_.cells.end() && at->first.epoch == epoch; ++at)
            for (const auto& each : at->second.kept()) found.push_back(each.what);
        return found;
    }

    /// f(const submission&) for everything retained, the floor's certificate included; a
    /// submission that was also acknowledged may come twice.
    template <class F>
    void for_each_submission(F f) const {
        for (const auto& entry : all_.cells)
            for (const auto& each : entry.second.kept()) f(each.what);
        for (const auto& entry : all_.acks)
            for (const auto& each : entry.second.list()) f(each);
        if (all_.floor.proof)
            for (const auto& each : all_.floor.proof->submissions) f(each);
    }

    /// What a member said for an epoch under its plan; null if nothing, or if it said two things.
    const submission* find(std::uint64_t epoch, std::string_view member) const {
        const plan_key* key = detail::governing(all_, epoch);
        if (key == nullptr) return nullptr;
        const auto at = all_.cells.find({epoch, *key, std::string(member)});
        if (at == all_.cells.end() || at->second.conflicted()) return nullptr;
        return &at->second.kept().front().what;
    }

    bool merge(const checkpoint& other, crdt::report* = nullptr) {
        return &other != this && all_.merge(other.all_);
    }
    checkpoint difference(const checkpoint& known) const {
        return checkpoint(all_.difference(known.all_));
    }
    bool leq(const checkpoint& other) const { return difference(other) == checkpoint{}; }

    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        all_.for_each_entry(path, f);
    }
    template <class F>
    void touched(const checkpoint& delta, crdt::entry_id path, F& f) const {
        all_.touched(delta.all_, path, f);
    }
    template <class F>
    void changes(const checkpoint& delta, crdt::entry_id path, F& f) const {
        all_.changes(delta.all_, path, f);
    }
    checkpoint fragment(crdt::entry_id path, const crdt::id_set& ids) const {
        return checkpoint(all_.fragment(path, ids));
    }
    /// A raised floor takes away what lies below it.
    bool removes() const { return all_.floor.epoch != 0 || all_.floor.generation != 0; }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        all_.split(max_bytes, [&](detail::records part) { f(checkpoint(std::move(part))); });
    }

    void write(wire::writer& w) const { all_.write(w); }
    void read(wire::reader& r) { all_.read(r); }

    friend bool operator==(const checkpoint&, const checkpoint&) = default;

private:
    using plan_entry = std::map<plan_key, detail::plan_record>::const_iterator;

    explicit checkpoint(detail::records all) : all_(std::move(all)) {}

    plan_entry find_plan(const wire::digest& plan_id) const {
        return std::find_if(all_.plans.begin(), all_.plans.end(),
                            [&](const auto& each) { return each.first.id == plan_id; });
    }

    std::pair<verdict, checkpoint> sign(const certificate& what, const plan_key& under,
                                        std::string_view member) {
        // Under every plan: a member whose plan was replaced must not sign twice either.
        for (auto at = all_.acks.lower_bound({what.epoch, {}, {}});
             at != all_.acks.end() && at->first.epoch == what.epoch; ++at) {
            const auto entry = all_.plans.find(at->first.under);
            if (entry == all_.plans.end()) continue;
            const plan& its = entry->second.what;
            if (!its.has(member) || !at->second.signed_by(its.index_of(member))) continue;
            const bool same = at->first.under == under && at->first.root == what.global_root;
            return {same ? verdict::duplicate : verdict::conflict, {}};
        }
        std::vector<submission> plain;
        for (const submission& each : what.submissions) plain.push_back(each.without_witness());
        checkpoint said;
        said.all_.acks.emplace(
            detail::ack_key{what.epoch, under, what.global_root},
            detail::ack(std::move(plain), all_.plans.at(under).what.index_of(member)));
        checkpoint delta = said.difference(*this);
        merge(delta);
        return {verdict::accepted, std::move(delta)};
    }

    /// What the member submitted for an epoch under any plan and with that root, null if nothing.
    const submission* said_with(std::uint64_t epoch, const std::string& member,
                                const wire::digest& root) const {
        for (const auto& entry : all_.plans) {
            const auto at = all_.cells.find({epoch, entry.first, member});
            if (at == all_.cells.end()) continue;
            for (const auto& each : at->second.kept())
                if (each.what.root == root) return &each.what;
        }
        return nullptr;
    }

    bool goes_on_from(const submission& what, const increment& step) const {
        if (step.base_epoch >= what.epoch) return false;
        const submission* base = said_with(step.base_epoch, what.member, step.base_root);
        if (base == nullptr || step.length > increment::max_chain) return false;
        return step.length == 1 + (base->base ? base->base->length : 0);
    }

    std::uint64_t lowest_base(std::uint64_t wanted) const {
        std::uint64_t lowest = wanted;
        for (auto at = all_.cells.lower_bound({wanted, {}, {}}); at != all_.cells.end(); ++at) {
            for (const auto& each : at->second.kept()) {
                const submission* link = &each.what;
                // No chain that submit takes is longer; in received ones the sender has the choice.
                for (std::uint64_t i = 0; i < increment::max_chain; ++i) {
                    if (link == nullptr || !link->base) break;
                    const increment& step = *link->base;
                    link = said_with(step.base_epoch, link->member, step.base_root);
                    if (link != nullptr) lowest = std::min(lowest, step.base_epoch);
                }
            }
        }
        return lowest;
    }

    /// A plan is retired only when nothing retained was said under it or an older one.
    std::uint64_t oldest_needed(std::uint64_t floor) const {
        const plan_key* first = detail::governing(all_, floor);
        std::uint64_t oldest = first == nullptr ? 0 : first->generation;
        for (auto at = all_.cells.lower_bound({floor, {}, {}}); at != all_.cells.end(); ++at)
            oldest = std::min(oldest, at->first.under.generation);
        for (auto at = all_.acks.lower_bound({floor, {}, {}}); at != all_.acks.end(); ++at)
            oldest = std::min(oldest, at->first.under.generation);
        return oldest;
    }

    detail::records all_;
};

} // namespace joinery::stream
