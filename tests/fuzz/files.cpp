// SPDX-License-Identifier: Apache-2.0
// What an application reads back from its disk or a peer's: leases, snapshots, checkpoint bytes,
// certificates, chunks.
#include <crdt/replica_id.hpp>
#include <merkle/chunks.hpp>
#include <stream/accumulator.hpp>
#include <stream/certificate.hpp>

#include "engines.hpp"
#include "target.hpp"

namespace {

namespace wire = joinery::wire;
namespace crdt = joinery::crdt;
namespace stream = joinery::stream;

// The frame of the type and then the input, so that the type is not what is searched for.
template <class T>
fuzz::bytes framed(fuzz::view nested) {
    fuzz::bytes all = wire::encode(T{});
    all.resize(7);
    all.insert(all.end(), nested.begin(), nested.end());
    return all;
}

void read_lease(fuzz::view in) {
    const auto bytes = framed<crdt::lease>(in);
    wire::error why;
    const auto lease = wire::try_decode<crdt::lease>(bytes, {}, why);
    fuzz::require(!lease || wire::encode(*lease) == bytes, "lease");
    for (const std::uint64_t last : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        const auto next = crdt::next_incarnation(lease, last, 99);
        fuzz::require(lease ? next == lease->incarnation || next == lease->incarnation + 1
                            : next == 99,
                      "incarnation");
    }
}

void restore(fuzz::view in) {
    static const fuzz::pair busy = fuzz::mid_life();
    fuzz::engine at = busy.both[0];
    const auto snapshot = framed<fuzz::gossip::detail::image<fuzz::shared_state>>(in);
    const auto before = at.snapshot();
    try {
        at.restore(snapshot, 9);
        fuzz::require(wire::decode<fuzz::shared_state>(wire::encode(at.state())) == at.state(),
                      "a restored state that its own bytes do not give");
        at.update(&fuzz::shared_state::tags, [](auto& s, auto id) { return s.add(id, "on"); });
        at.tick(busy.now);
    } catch (const wire::decode_error&) {
        fuzz::require(at.snapshot() == before, "refused, and changed");
    } catch (const crdt::counter_exhausted&) { // the snapshot holds the last dot there is
    }
}

void resume(fuzz::view in) {
    using counting = stream::accumulator<crdt::or_set<std::string>>;
    const auto bytes = framed<counting>(in);
    wire::error why;
    const auto found = counting::resume(bytes, why);
    fuzz::require(!found || found->checkpoint_bytes() == bytes, "checkpoint bytes");
}

void verify(fuzz::view in) {
    using joinery::merkle::chunks;
    const auto bytes = framed<chunks>(in);
    wire::error why;
    const auto leaves = wire::try_decode<chunks>(bytes, {}, why);
    if (!leaves) return;
    fuzz::require(wire::encode(*leaves) == bytes, "chunks");
    leaves->first_wrong(in.first(std::min<std::size_t>(in.size(), 64)));
    for (std::size_t i = 0; i < std::min<std::size_t>(leaves->size(), 3); ++i)
        chunks::verify(leaves->root(), leaves->total_bytes(), i, in, leaves->proof(i));
}

} // namespace

// Input: which file; its bytes behind their frame.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::source in(std::as_bytes(std::span(data, size)));
    const std::size_t which = in.below(4);
    const fuzz::view rest = in.all();
    if (which == 0) read_lease(rest);
    if (which == 1) restore(rest);
    if (which == 2) resume(rest);
    if (which == 3) verify(rest);
    return 0;
}
