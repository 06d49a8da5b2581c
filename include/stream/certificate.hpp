// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/chunks.hpp>
#include <stream/submission.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::stream {

/// One complete checkpoint of all members, and what its bytes must hash to.
///
/// State      epoch, plan, the submissions by ascending member, and two Merkle roots.
/// Value      global_root identifies the checkpoint: epoch, plan and every submission's digest.
///            state_root identifies the state: the roots of key groups 0, 1, 2, … (of the members,
///            if no member has groups), whatever the epoch and whoever owned which group.
/// Invariant  reading refuses roots that the submissions do not give, and key groups that are not
///            0, 1, 2, … each exactly once.
struct certificate {
    static constexpr std::string_view schema_name = "certificate";

    std::uint64_t epoch = 0;
    std::uint64_t generation = 0;
    wire::digest plan_id;
    wire::digest global_root;
    wire::digest state_root;
    std::vector<submission> submissions;

    /// Precondition: the submissions are of that epoch and plan, ascend strictly by member and
    /// cover each key group once.
    static certificate of(std::uint64_t epoch, std::uint64_t generation, wire::digest plan_id,
                          std::vector<submission> submissions) {
        certificate made{epoch, generation, plan_id, {}, {}, std::move(submissions)};
        made.compute_roots();
        return made;
    }

    /// The submission of one member, null if the plan has no such member.
    const submission* find(std::string_view member) const {
        const auto at =
            std::lower_bound(submissions.begin(), submissions.end(), member,
                             [](const submission& a, std::string_view b) { return a.member < b; });
        return at == submissions.end() || at->member != member ? nullptr : &*at;
    }

    /// What it says of a key group, null if there is no such group.
    const group_root* find_group(std::uint32_t group) const {
        for (const submission& each : submissions) {
            const auto at =
                std::lower_bound(each.groups.begin(), each.groups.end(), group,
                                 [](const group_root& a, std::uint32_t b) { return a.group < b; });
            if (at != each.groups.end() && at->group == group) return &*at;
        }
        return nullptr;
    }

    /// Whether each key group from 0 on is there exactly once; true without groups.
    bool covers_groups_once() const {
        std::size_t count = 0;
        for (const submission& each : submissions) count += each.groups.size();
        std::vector<bool> seen(count, false);
        for (const submission& each : submissions) {
            for (const group_root& group : each.groups) {
                if (group.group >= count || seen[group.group]) return false;
                seen[group.group] = true;
            }
        }
        return true;
    }

    void write(wire::writer& w) const {
        w.varint(epoch);
        w.varint(generation);
        wire::put(w, plan_id);
        wire::put(w, global_root);
        w.varint(submissions.size());
        for (const submission& each : submissions) {
            wire::put(w, each.member);
            each.write_claim(w);
            each.write_witness(w);
        }
    }
    void read(wire::reader& r) {
        epoch = r.varint();
        generation = r.varint();
        wire::get(r, plan_id);
        wire::digest claimed;
        wire::get(r, claimed);
        submissions.clear();
        const auto n = r.count(26, 3 * sizeof(submission));
        for (std::size_t i = 0; i < n && r.ok(); ++i) {
            submission each;
            each.epoch = epoch;
            each.plan = plan_id;
            wire::get(r, each.member);
            each.read_claim(r);
            each.read_witness(r);
            if (!submissions.empty() && submissions.back().member >= each.member)
                return r.fail(wire::errc::non_canonical);
            submissions.push_back(std::move(each));
        }
        if (!r.ok()) return;
        if (!covers_groups_once()) return r.fail(wire::errc::bad_value);
        compute_roots();
        if (claimed != global_root) r.fail(wire::errc::bad_value);
    }

    /// A total order of certificates, by epoch and generation first.
    friend bool operator<(const certificate& a, const certificate& b) {
        const auto key = [](const certificate& c) {
            return std::tie(c.epoch, c.generation, c.plan_id, c.global_root);
        };
        if (key(a) != key(b)) return key(a) < key(b);
        return std::lexicographical_compare(a.submissions.begin(), a.submissions.end(),
                                            b.submissions.begin(), b.submissions.end(),
                                            [](const submission& x, const submission& y) {
                                                if (x.content() != y.content())
                                                    return x.content() < y.content();
                                                return x.witness() < y.witness();
                                            });
    }
    friend bool operator==(const certificate&, const certificate&) = default;

private:
    void compute_roots() {
        wire::writer global, state;
        global.varint(epoch);
        wire::put(global, plan_id);
        std::vector<group_root> groups;
        for (const submission& each : submissions) {
            wire::put(global, each.digest());
            groups.insert(groups.end(), each.groups.begin(), each.groups.end());
        }
        std::sort(groups.begin(), groups.end());
        for (const group_root& each : groups) wire::put(state, each.root);
        if (groups.empty())
            for (const submission& each : submissions) wire::put(state, each.root);
        global_root = merkle::chunks::of(global.bytes()).root();
        state_root = merkle::chunks::of(state.bytes()).root();
    }
};

/// What verify found.
struct verify_result {
    enum class outcome : std::uint8_t { ok, wrong_root, not_member };

    outcome code = outcome::not_member;
    std::optional<std::uint32_t> group; ///< if a key group was verified
    wire::digest expected;
    wire::digest actual;
    std::optional<std::size_t> first_wrong; ///< the first differing chunk, if the leaves are known

    bool ok() const { return code == outcome::ok; }
    explicit operator bool() const { return ok(); }
};

namespace detail {

inline verify_result verify_bytes(const wire::digest& root, std::uint64_t length,
                                  std::span<const std::byte> bytes, const merkle::chunks* leaves) {
    using outcome = verify_result::outcome;
    const wire::digest actual = merkle::chunks::of(bytes).root();
    verify_result result{outcome::ok, std::nullopt, root, actual, std::nullopt};
    if (actual == root && bytes.size() == length) return result;
    result.code = outcome::wrong_root;
    if (leaves != nullptr && leaves->root() == root)
        result.first_wrong = leaves->first_wrong(bytes);
    return result;
}

} // namespace detail

/// Whether `bytes` are the checkpoint bytes of `member` that the certificate names. With the
/// `leaves` of the right bytes (checked against the certificate), names the wrong chunk.
inline verify_result verify(const certificate& what, std::string_view member,
                            std::span<const std::byte> bytes,
                            const merkle::chunks* leaves = nullptr) {
    const submission* said = what.find(member);
    if (said == nullptr) return {};
    return detail::verify_bytes(said->root, said->bytes, bytes, leaves);
}

/// The same for one key group.
inline verify_result verify_group(const certificate& what, std::uint32_t group,
                                  std::span<const std::byte> bytes,
                                  const merkle::chunks* leaves = nullptr) {
    const group_root* said = what.find_group(group);
    if (said == nullptr) return {};
    auto result = detail::verify_bytes(said->root, said->bytes, bytes, leaves);
    result.group = group;
    return result;
}

} // namespace joinery::stream
