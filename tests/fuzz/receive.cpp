// SPDX-License-Identifier: Apache-2.0
// Datagrams into an engine, fresh or in the middle of a repair.
#include "engines.hpp"
#include "target.hpp"

using namespace std::chrono_literals;

namespace {

using status = enum fuzz::gossip::receipt::status;

// What receiving may take beyond its input: answers wait in the queue, each up to a datagram.
constexpr std::size_t multiple = 4;

bool whole(const fuzz::engine& at) {
    const auto& state = at.state();
    return fuzz::wire::decode<fuzz::shared_state>(fuzz::wire::encode(state)) == state;
}

void receive(fuzz::engine& at, fuzz::view datagram, bool in_frame, fuzz::gossip::time_point now) {
    const auto before = at.state();
    const auto root = at.root();
    fuzz::gossip::receipt receipt;
    const std::size_t answers = 64 * fuzz::max_datagram;
    fuzz::bounded(datagram.size() + answers, multiple, "memory of receive",
                  [&] { receipt = at.receive(fuzz::address_of(1), datagram, now); });
    if (receipt.status != status::ok && !in_frame)
        fuzz::require(at.state() == before && at.root() == root, "refused, and changed");
    fuzz::require(fuzz::crdt::leq(before, at.state()), "the state shrank");
    fuzz::require(whole(at), "a state that its own bytes do not give");
    for (const auto& each : fuzz::take_outgoing(at))
        fuzz::require(each.bytes.size() <= fuzz::max_datagram, "a datagram above the limit");
}

} // namespace

// Input: which engine and whether messages are put into a frame; parts, each a datagram.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const fuzz::pair busy = fuzz::mid_life();
    static const fuzz::engine fresh(fuzz::settings_of(0), 7);
    fuzz::source in(std::as_bytes(std::span(data, size)));
    const std::uint8_t how = in.byte();
    fuzz::engine at = (how & 1U) != 0 ? busy.both[0] : fresh;
    auto now = busy.now;
    for (unsigned n = 0; n < 8 && !in.empty(); ++n, now += 60ms) {
        const auto part = in.part();
        const bool in_frame = (how & 2U) != 0;
        receive(at, in_frame ? fuzz::sealed(part) : fuzz::bytes(part.begin(), part.end()), in_frame,
                now);
        if ((how & 4U) != 0) at.tick(now);
    }
    const auto index = at.root();
    fuzz::engine copy(fuzz::settings_of(0), 7);
    copy.restore(at.snapshot(), 1);
    fuzz::require(copy.root() == index, "the index is not that of the state");
    return 0;
}
