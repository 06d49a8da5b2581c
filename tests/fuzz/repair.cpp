// SPDX-License-Identifier: Apache-2.0
// A repair between two engines into which wrong messages are thrown: they end in sync.
#include "engines.hpp"
#include "target.hpp"

using namespace std::chrono_literals;

// Input: parts, each a message that either engine is told in the name of the other.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::pair busy = fuzz::mid_life();
    fuzz::pair at = busy;
    fuzz::source in(std::as_bytes(std::span(data, size)));
    for (unsigned n = 0; n < 8 && !in.empty(); ++n) {
        const std::uint8_t how = in.byte();
        at.both[0].receive(fuzz::address_of(1), fuzz::sealed(in.part()), at.now);
        at.run_for(50ms * (how % 4));
    }
    for (unsigned seconds = 0; seconds < 60; ++seconds) {
        at.run_for(1s);
        if (fuzz::wire::encode(at.both[0].state()) == fuzz::wire::encode(at.both[1].state()))
            return 0;
    }
    fuzz::require(false, "two engines do not agree after a minute");
    return 0;
}
