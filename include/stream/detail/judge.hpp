// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stream/certificate.hpp>
#include <stream/detail/records.hpp>
#include <stream/plan.hpp>
#include <stream/verdict.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace joinery::stream::detail {

inline constexpr std::uint64_t last_epoch = std::numeric_limits<std::uint64_t>::max();

/// What the records say of epochs: pure functions, the same on every replica.

/// The plan of the highest generation that begins at or before the epoch, null without one.
inline const plan_key* governing(const records& all, std::uint64_t epoch) {
    for (auto at = all.plans.rbegin(); at != all.plans.rend(); ++at)
        if (at->second.what.from <= epoch) return &at->first;
    return nullptr;
}

/// f(member's index, cell) for the plan's members that submitted; both sequences ascend: one walk.
template <class F>
void for_each_cell(const records& all, std::uint64_t epoch, const plan_key& key, const plan& under,
                   F f) {
    auto member = under.members.begin();
    for (auto at = all.cells.lower_bound({epoch, key, {}});
         at != all.cells.end() && at->first.epoch == epoch && at->first.under == key; ++at) {
        member = std::lower_bound(member, under.members.end(), at->first.member);
        if (member == under.members.end()) return;
        if (*member == at->first.member)
            f(static_cast<std::size_t>(member - under.members.begin()), at->second);
    }
}

/// f(root, ack) for the roots that a quorum of the members acknowledged, ascending.
template <class F>
void for_each_stable(const records& all, std::uint64_t epoch, const plan_key& key,
                     const plan& under, F f) {
    for (auto at = all.acks.lower_bound({epoch, key, {}});
         at != all.acks.end() && at->first.epoch == epoch && at->first.under == key; ++at)
        if (at->second.count(under.members.size()) >= under.quorum()) f(at->first.root, at->second);
}

inline status judge(const records& all, std::uint64_t epoch, const plan_key& key,
                    const plan& under) {
    if (under.from > epoch) return status::pending;
    std::size_t stable = 0, present = 0;
    for_each_stable(all, epoch, key, under, [&](const auto&, const auto&) { ++stable; });
    if (stable > 0) return stable == 1 ? status::stable : status::split;
    bool conflicted = false;
    for_each_cell(all, epoch, key, under, [&](std::size_t, const cell& each) {
        conflicted |= each.conflicted();
        ++present;
    });
    if (conflicted) return status::conflicted;
    return present == under.members.size() ? status::complete : status::pending;
}

/// Whether a submission has exactly the key groups that the plan gives its member.
inline bool groups_fit(const submission& what, const plan& under) {
    const auto owned = under.groups_of(what.member);
    return std::equal(
        owned.begin(), owned.end(), what.groups.begin(), what.groups.end(),
        [](std::uint32_t group, const group_root& each) { return group == each.group; });
}

/// Whether these are submissions of exactly the members and their groups.
inline bool list_fits(const std::vector<submission>& list, const plan& under) {
    if (list.size() != under.members.size()) return false;
    std::size_t groups = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (list[i].member != under.members[i]) return false;
        groups += list[i].groups.size();
        for (const group_root& each : list[i].groups)
            if (each.group >= under.owners.size() || under.owners[each.group] != i) return false;
    }
    return groups == under.owners.size();
}

/// The certificate that the cells make: of a complete epoch whose groups fit the plan.
inline std::optional<certificate> from_cells(const records& all, std::uint64_t epoch,
                                             const plan_key& key, const plan& under) {
    std::vector<submission> list;
    bool conflicted = false;
    for_each_cell(all, epoch, key, under, [&](std::size_t, const cell& each) {
        conflicted |= each.conflicted();
        list.push_back(each.kept().front().what);
    });
    if (conflicted || !list_fits(list, under)) return std::nullopt;
    return certificate::of(epoch, key.generation, key.id, std::move(list));
}

/// The certificate of an epoch under a plan, if the policy allows to restore from it.
inline std::optional<certificate> certificate_of(const records& all, std::uint64_t epoch,
                                                 const plan_key& key, const plan& under,
                                                 restore_policy policy) {
    const status found = judge(all, epoch, key, under);
    if (found == status::complete && policy == restore_policy::complete)
        return from_cells(all, epoch, key, under);
    if (found != status::stable) return std::nullopt;
    auto from = from_cells(all, epoch, key, under); // with witnesses: who has the bytes
    for_each_stable(all, epoch, key, under, [&](const wire::digest& root, const ack& each) {
        if (from && from->global_root == root) return;
        from.reset();
        if (list_fits(each.list(), under))
            from = certificate::of(epoch, key.generation, key.id, each.list());
    });
    return from;
}

/// f(epoch) for the epochs of which anything is known, newest first, until f returns true.
template <class F>
void newest_first(const records& all, F f) {
    auto cell_at = all.cells.end();
    auto ack_at = all.acks.end();
    while (cell_at != all.cells.begin() || ack_at != all.acks.begin()) {
        std::uint64_t epoch = 0;
        if (cell_at != all.cells.begin()) epoch = std::prev(cell_at)->first.epoch;
        if (ack_at != all.acks.begin()) epoch = std::max(epoch, std::prev(ack_at)->first.epoch);
        if (f(epoch)) return;
        cell_at = all.cells.lower_bound({epoch, {}, {}});
        ack_at = all.acks.lower_bound({epoch, {}, {}});
    }
}

/// The newest certificate that the policy and `excluded(epoch)` allow, higher generations first.
template <class Excluded>
std::optional<certificate> newest(const records& all, restore_policy policy, Excluded excluded) {
    std::optional<certificate> found;
    newest_first(all, [&](std::uint64_t epoch) {
        if (excluded(epoch)) return false;
        for (auto at = all.plans.rbegin(); at != all.plans.rend() && !found; ++at)
            found = certificate_of(all, epoch, at->first, at->second.what, policy);
        return found.has_value();
    });
    const auto& proof = all.floor.proof;
    if (!proof || excluded(proof->epoch)) return found;
    const auto rank = [](const certificate& c) { return std::pair{c.epoch, c.generation}; };
    if (found && rank(*found) >= rank(*proof)) return found;
    // The floor's own certificate, for a replica that has heard of nothing else.
    const auto at = all.plans.find({proof->generation, proof->plan_id});
    if (at == all.plans.end()) return policy == restore_policy::complete && !found ? proof : found;
    const status known = judge(all, proof->epoch, at->first, at->second.what);
    const bool weak = at->second.what.acks == ack_policy::nobody;
    if (known == status::split || (weak && known == status::conflicted)) return found;
    if (weak && policy == restore_policy::stable_only) return found;
    return proof;
}

} // namespace joinery::stream::detail
