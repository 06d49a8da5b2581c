// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <merkle/detail/frame.hpp>
#include <wire/hash.hpp>
#include <wire/reader.hpp>
#include <wire/writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace joinery::merkle::detail {

/// Kind, 24 bits of the hasher's id, the sealed root: twenty bytes. The answer, if the roots are
/// equal, is the kind in_sync and 24 bits of the root; else differs or refused and the same bits.
struct probe {
    enum class verdict { in_sync, differs, refused, unknown };

    std::uint32_t hasher = 0; // 24 bits
    wire::digest root;

    template <class Index>
    static probe of(const Index& index) {
        // Sealed with the count, so that nothing but the same entries has the same root.
        wire::writer w;
        w.u8('R');
        index.root().write(w);
        w.fixed64(index.size());
        return {static_cast<std::uint32_t>(index.hasher().id()) & 0xffffffU,
                index.hasher()(w.bytes())};
    }

    std::vector<std::byte> bytes() const {
        wire::writer w;
        put_kind(w, frame_kind::probe, hasher);
        root.write(w);
        return w.take();
    }

    static bool is(std::span<const std::byte> frame) {
        return frame.size() == 20 && frame[0] == static_cast<std::byte>(frame_kind::probe);
    }

    static probe read(std::span<const std::byte> frame) {
        wire::reader r(frame);
        const std::uint32_t word = r.fixed32();
        probe made;
        made.hasher = word >> 8U;
        made.root.hi = r.fixed64();
        made.root.lo = r.fixed64();
        return made;
    }

    std::vector<std::byte> answer(frame_kind kind) const {
        wire::writer w;
        put_kind(w, kind, tag());
        return w.take();
    }

    verdict judge(std::span<const std::byte> frame) const {
        if (frame.size() != 4) return verdict::unknown;
        wire::reader r(frame);
        const std::uint32_t word = r.fixed32();
        if (word >> 8U != tag()) return verdict::unknown;
        switch (static_cast<frame_kind>(word & 0xffU)) {
            case frame_kind::in_sync: return verdict::in_sync;
            case frame_kind::differs: return verdict::differs;
            case frame_kind::refused: return verdict::refused;
            default: return verdict::unknown;
        }
    }

private:
    std::uint32_t tag() const {
        return static_cast<std::uint32_t>(wire::mix(root.hi, root.lo)) & 0xffffffU;
    }
    static void put_kind(wire::writer& w, frame_kind kind, std::uint32_t bits) {
        w.fixed32(static_cast<std::uint32_t>(kind) | (bits << 8U));
    }
};

/// To a question of another secret: the kind and 24 bits of its session's tag.
inline std::vector<std::byte> refusal(std::uint64_t salt) {
    wire::writer w;
    w.fixed32(static_cast<std::uint32_t>(frame_kind::refused) | (session_tag(salt) << 8U));
    return w.take();
}

inline bool is_refusal(std::span<const std::byte> frame, std::uint64_t salt) {
    const auto expected = refusal(salt);
    return std::equal(frame.begin(), frame.end(), expected.begin(), expected.end());
}

} // namespace joinery::merkle::detail
