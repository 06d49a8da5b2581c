// SPDX-License-Identifier: Apache-2.0
#include <crdt.hpp>
#include <iostream>
#include <string>
#include <wire.hpp>

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

// A struct of CRDTs is a CRDT.
struct page {
    BOOST_HANA_DEFINE_STRUCT(page, (crdt::g_counter, visits), (crdt::or_set<std::string>, tags));
    static constexpr std::string_view schema_name = "page";
    bool operator==(const page&) const = default;
};

int main() {
    const auto paris = crdt::replica_id::of("paris", 1);
    const auto tokyo = crdt::replica_id::of("tokyo", 1);
    page a, b;

    a.visits.increment(paris, 3); // changes the state and returns the delta to send
    a.tags.add(paris, "news");
    crdt::merge(b, wire::decode<page>(wire::encode(a))); // canonical bytes over any network

    b.visits.increment(tokyo, 4); // at the same time on both sides:
    b.tags.remove(tokyo, "news"); // a remove that does not know
    a.tags.add(paris, "news");    // of this second add

    crdt::merge(a, b);
    crdt::merge(b, a);
    std::cout << static_cast<int>(a.visits.value()) << " visits, " << a.tags.size() << " tag\n";
    return a == b && wire::encode(a) == wire::encode(b) && a.tags.contains("news") ? 0 : 1;
}
