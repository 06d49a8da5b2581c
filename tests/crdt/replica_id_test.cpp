// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <crdt/replica_id.hpp>
#include <wire/codec.hpp>

namespace replica_id_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

TEST_CASE("an id follows from name and incarnation alone") {
    CHECK(crdt::replica_id::of("worker", 1) == crdt::replica_id::of("worker", 1));
}

TEST_CASE("another name or another incarnation is another id") {
    const auto id = crdt::replica_id::of("worker", 1);
    CHECK(crdt::replica_id::of("worker", 2) != id);
    CHECK(crdt::replica_id::of("worker2", 1) != id);
    CHECK(crdt::replica_id::of("", 0) != crdt::replica_id::of("", 1));
}

TEST_CASE("ids are the same on every machine and in every year") {
    CHECK(crdt::replica_id::of("worker", 1).value == 0xf53b2b8abb1e4311U);
}

TEST_CASE("a lease comes back from its bytes") {
    const crdt::lease written{3, true, 77};
    CHECK(wire::decode<crdt::lease>(wire::encode(written)) == written);
}

TEST_CASE("a lease with a third truth value is refused") {
    wire::writer w;
    w.fixed64(3);
    w.u8(2);
    w.varint(77);
    crdt::lease read;
    CHECK(!wire::decode_nested(w.bytes(), read));
    CHECK(read == crdt::lease{});
}

} // namespace replica_id_test
