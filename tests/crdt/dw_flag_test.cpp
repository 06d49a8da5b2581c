// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <crdt/dw_flag.hpp>
#include <crdt/entries.hpp>

#include "every_order.hpp"

namespace dw_flag_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

using flag = crdt::dw_flag;

const crdt::replica_id a{1}, b{2};

} // namespace

TEST_CASE("a new flag is false") { CHECK(!flag{}.value()); }

TEST_CASE("enabling sets, disabling clears") {
    flag f;
    f.enable(a);
    CHECK(f.value());
    f.disable(b);
    CHECK(!f.value());
    f.enable(a);
    CHECK(f.value());
}

TEST_CASE("a disabling that the enabling had not seen wins, until it has") {
    flag x;
    x.enable(a);
    flag y = x;
    x.enable(a);
    y.disable(b);
    flag both = in_every_order<flag>({x, y});
    CHECK(!both.value());
    both.enable(a);
    CHECK(both.value());
}

TEST_CASE("disabling a flag that is false wins over concurrent enablings too") {
    flag x, y;
    x.enable(a);
    y.disable(b);
    CHECK(!in_every_order<flag>({x, y}).value());
}

TEST_CASE("concurrent enablings are one") {
    flag x, y;
    x.enable(a);
    y.enable(b);
    CHECK(in_every_order<flag>({x, y}).value());
}

TEST_CASE("a mark that is neither is refused") {
    flag f;
    f.enable(a);
    auto bytes = wire::encode_nested(f);
    bytes.back() = std::byte{2};
    flag read;
    CHECK(!wire::decode_nested(bytes, read));
    CHECK(read == flag{});
}

} // namespace dw_flag_test
