// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/chunks.hpp>
#include <stream/submission.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::stream {

/// One complete checkpoint of all partitions, and what its bytes must hash to.
///
/// State      epoch, plan, the submissions by ascending member, and two Merkle roots.
/// Value      global_root identifies the checkpoint: epoch, plan and every submission's digest.
///            state_root identifies the state: every member's checkpoint root, whatever the epoch.
///            Both are independent of who worked on which partition.
/// Invariant  reading refuses a global_root that the submissions do not give.
struct certificate {
    static constexpr std::string_view schema_name = "certificate";

    std::uint64_t epoch = 0;
    wire::digest plan_id;
    wire::digest global_root;
    wire::digest state_root;
    std::vector<submission> submissions;

    /// Precondition: the submissions are of that epoch and ascend strictly by member.
    static certificate of(std::uint64_t epoch, wire::digest plan_id,
                          std::vector<submission> submissions) {
        certificate made{epoch, plan_id, {}, {}, std::move(submissions)};
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

    void write(wire::writer& w) const {
        w.varint(epoch);
        wire::put(w, plan_id);
        wire::put(w, global_root);
        w.varint(submissions.size());
        for (const submission& each : submissions) {
            wire::put(w, each.member);
            each.write_body(w);
        }
    }
    void read(wire::reader& r) {
        epoch = r.varint();
        wire::get(r, plan_id);
        wire::digest claimed;
        wire::get(r, claimed);
        submissions.clear();
        const auto n = r.count(23);
        for (std::size_t i = 0; i < n && r.ok(); ++i) {
            submission each;
            each.epoch = epoch;
            wire::get(r, each.member);
            each.read_body(r);
            if (!submissions.empty() && submissions.back().member >= each.member)
                return r.fail(wire::errc::non_canonical);
            submissions.push_back(std::move(each));
        }
        compute_roots();
        if (r.ok() && claimed != global_root) r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const certificate&, const certificate&) = default;

private:
    void compute_roots() {
        wire::writer global, state;
        global.varint(epoch);
        wire::put(global, plan_id);
        for (const submission& each : submissions) {
            wire::put(global, each.digest());
            wire::put(state, each.member);
            wire::put(state, each.root);
            state.varint(each.bytes);
        }
        global_root = merkle::chunks::of(global.bytes()).root();
        state_root = merkle::chunks::of(state.bytes()).root();
    }
};

/// What verify found.
struct verify_result {
    enum class outcome : std::uint8_t { ok, wrong_root, not_member };

    outcome code = outcome::not_member;
    wire::digest expected;
    wire::digest actual;
    std::optional<std::size_t> first_wrong; ///< the first differing chunk, if the leaves are known

    bool ok() const { return code == outcome::ok; }
    explicit operator bool() const { return ok(); }
};

/// Whether `bytes` are the checkpoint bytes of `member` that the certificate names. With the
/// `leaves` of the right bytes (checked against the certificate), names the wrong chunk.
inline verify_result verify(const certificate& what, std::string_view member,
                            std::span<const std::byte> bytes,
                            const merkle::chunks* leaves = nullptr) {
    using outcome = verify_result::outcome;
    const submission* said = what.find(member);
    if (said == nullptr) return {};
    const wire::digest actual = merkle::chunks::of(bytes).root();
    verify_result result{outcome::ok, said->root, actual, std::nullopt};
    if (actual == said->root && bytes.size() == said->bytes) return result;
    result.code = outcome::wrong_root;
    if (leaves != nullptr && leaves->root() == said->root)
        result.first_wrong = leaves->first_wrong(bytes);
    return result;
}

} // namespace joinery::stream
