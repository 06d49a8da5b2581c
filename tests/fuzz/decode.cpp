// SPDX-License-Identifier: Apache-2.0
// The decoders of one family of types: JOINERY_FUZZ_FAMILY names its function.
#include "../golden/family.hpp"
#include "target.hpp"

namespace {

const golden::family& tested() {
    static const golden::family all = golden::JOINERY_FUZZ_FAMILY();
    return all;
}

// The frame of a codec's type, none for types without one.
fuzz::bytes head_of(const golden::codec& how) {
    for (const golden::vector& each : tested().vectors)
        if (how.framed && each.type == how.type)
            return {each.encoding.begin(), each.encoding.begin() + 7};
    return {};
}

// Two values of one type, decoded from any bytes, join lawfully.
void join(const golden::codec& how, fuzz::view first, fuzz::view second) {
    if (how.joins != nullptr) fuzz::require(how.joins(first, second), how.type);
}

} // namespace

// Input: which type; a part, behind the frame of that type; the rest, behind it too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::source in(std::as_bytes(std::span(data, size)));
    const golden::codec& how = tested().codecs[in.below(tested().codecs.size())];
    const fuzz::bytes head = head_of(how);
    fuzz::bytes accepted[2];
    for (auto& kept : accepted) {
        fuzz::bytes encoding = head;
        const fuzz::view part = &kept == accepted ? in.part() : in.all();
        encoding.insert(encoding.end(), part.begin(), part.end());
        if (how.accepts != nullptr) {
            golden::wire::limits strict;
            strict.max_memory = 0;
            fuzz::bounded(encoding.size(), 4, how.type, [&] { how.accepts(encoding, strict); });
        }
        golden::wire::error why;
        std::optional<fuzz::bytes> again;
        fuzz::bounded(encoding.size(), how.memory_multiple, how.type,
                      [&] { again = how.recode(encoding, why); });
        fuzz::require(again.has_value() || why.code != golden::wire::errc::none, how.type);
        if (!again) return 0;
        fuzz::require(how.canonical ? *again == encoding : how.recode(*again, why) == again,
                      how.type);
        kept = std::move(*again);
    }
    join(how, accepted[0], accepted[1]);
    return 0;
}
