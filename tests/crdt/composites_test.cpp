// SPDX-License-Identifier: Apache-2.0
// Structs in maps in structs, to any depth: what a mutation returns, and what laws they keep.
#include <string>

#include <doctest/doctest.h>

#include <crdt/bounded_counter.hpp>
#include <crdt/causal_counter.hpp>
#include <crdt/g_map.hpp>
#include <crdt/lww_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/struct.hpp>
#include <wire/codec.hpp>

#include "laws.hpp"

namespace composites_test {

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

namespace {

struct order {
    BOOST_HANA_DEFINE_STRUCT(order, (crdt::pn_counter, amount),
                             (crdt::lww_register<std::string>, address));
    bool operator==(const order&) const = default;
};

using clicks = crdt::or_map<std::string, crdt::causal_counter>;

struct customer {
    BOOST_HANA_DEFINE_STRUCT(customer, (crdt::g_map<std::string, order>, orders), (clicks, pages));
    bool operator==(const customer&) const = default;
};

struct shop {
    BOOST_HANA_DEFINE_STRUCT(shop, (crdt::g_map<std::string, customer>, customers),
                             (crdt::or_set<std::string>, tags));
    bool operator==(const shop&) const = default;
};

const crdt::replica_id a{1}, b{2};

// Adds to one order of one customer; the delta of the innermost mutator is lifted three times.
shop add_to_order(shop& in, crdt::replica_id self, const std::string& who, const std::string& what,
                  std::uint64_t amount) {
    shop delta;
    delta.customers = in.customers.update(self, who, [&](customer& c, crdt::replica_id id) {
        customer part;
        part.orders = c.orders.update(id, what, [&](order& o, crdt::replica_id as) {
            order change;
            change.amount = o.amount.increment(as, amount);
            return change;
        });
        return part;
    });
    return delta;
}

shop click(shop& in, crdt::replica_id self, const std::string& who, const std::string& page) {
    shop delta;
    delta.customers = in.customers.update(self, who, [&](customer& c, crdt::replica_id id) {
        customer part;
        part.pages =
            c.pages.update(id, page, [](auto& count, auto as) { return count.increment(as, 1); });
        return part;
    });
    return delta;
}

} // namespace

} // namespace composites_test

namespace joinery::testing {

template <>
struct random_step<composites_test::shop> {
    using shop = composites_test::shop;
    using customer = composites_test::customer;

    shop operator()(shop& s, crdt::replica_id self, rng& random) const {
        const std::string who(1, static_cast<char>('a' + random.below(3)));
        const std::string what(1, static_cast<char>('p' + random.below(3)));
        shop delta;
        switch (random.below(4)) {
            case 0: return composites_test::add_to_order(s, self, who, what, 1 + random.below(4));
            case 1: return composites_test::click(s, self, who, what);
            case 2:
                delta.customers = s.customers.update(self, who, [&](customer& c, auto) {
                    customer part;
                    part.pages = c.pages.erase(self, what);
                    return part;
                });
                return delta;
            default: delta.tags = s.tags.add(self, what); return delta;
        }
    }
};

} // namespace joinery::testing

namespace composites_test {

TEST_CASE("the mutation of one field gives that field's delta, however deep it lies") {
    shop s;
    add_to_order(s, a, "ann", "book", 2);
    click(s, a, "ann", "home");
    s.tags.add(a, "open");
    const shop before = s;
    const shop delta = add_to_order(s, b, "ann", "book", 3);
    CHECK(crdt::join(before, delta) == s);
    CHECK(delta.tags == crdt::or_set<std::string>{});
    const customer& ann = *delta.customers.find("ann");
    CHECK(ann.pages == clicks{});
    const order& book = *ann.orders.find("book");
    CHECK(book.address == crdt::lww_register<std::string>{});
    CHECK(book.amount.value() == 3);
    CHECK(crdt::difference(s, before) == delta);
}

TEST_CASE("a nested delta does not grow with what lies beside it") {
    const auto delta_bytes = [](int others) {
        shop s;
        for (int i = 0; i < others; ++i) {
            add_to_order(s, a, "customer" + std::to_string(i), "book", 1);
            click(s, a, "ann", "page" + std::to_string(i));
        }
        return wire::encode_nested(click(s, b, "ann", "home")).size();
    };
    CHECK(delta_bytes(1) == delta_bytes(300));
}

TEST_CASE("an erase inside of a nested map takes away only what it has seen") {
    shop x;
    click(x, a, "ann", "home");
    shop y = x;
    y.customers.update(b, "ann", [](customer& c, crdt::replica_id id) {
        customer part;
        part.pages = c.pages.erase(id, "home");
        return part;
    });
    click(x, a, "ann", "home");
    crdt::merge(x, y);
    crdt::merge(y, x);
    CHECK(x == y);
    CHECK(wire::encode(x) == wire::encode(y));
    CHECK(x.customers.find("ann")->pages.find("home")->value() == 1);
}

TEST_CASE("a struct of maps of structs of maps keeps every law") {
    joinery::testing::check_all_laws<shop>();
}

} // namespace composites_test
