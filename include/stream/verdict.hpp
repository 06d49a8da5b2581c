// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace joinery::stream {

/// What became of a submission or an acknowledgement. Only accepted and conflict may add to the
/// state; every other verdict comes with a bottom delta.
enum class verdict : std::uint8_t {
    accepted,
    duplicate,    ///< said before, by whomever and from whatever incarnation
    conflict,     ///< the member said something else for this epoch; both are kept as evidence
    stale,        ///< below the floor
    future,       ///< too far above the floor; for an acknowledgement: not complete here
    unknown_plan, ///< no such plan, or not the one that the epoch belongs to
    not_member,   ///< the plan lacks the member
    bad_groups,   ///< not exactly the key groups that the plan gives the member
    bad_offsets,  ///< do not continue the neighbouring epochs, see checkpoint::wrong_offsets
    bad_base      ///< no such submission of the member here, or the chain is too long
};

/// Of an epoch under a plan; only rises as long as both are retained.
enum class status : std::uint8_t {
    pending,
    complete,   ///< every member submitted
    conflicted, ///< a member said two things
    stable,     ///< a quorum acknowledged one root
    split       ///< a quorum acknowledged each of two roots: somebody signed both
};

/// What a certificate to restore from must be.
enum class restore_policy : std::uint8_t {
    stable_only, ///< replaced by newer epochs alone, unless a member signs two roots
    complete     ///< the newest that is complete or stable; a conflict may take it back
};

} // namespace joinery::stream
