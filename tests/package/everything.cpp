// SPDX-License-Identifier: Apache-2.0
#include <joinery.hpp>
#include <string>

namespace crdt = joinery::crdt;
namespace wire = joinery::wire;

int main() {
    crdt::or_set<std::string> set;
    set.add(crdt::replica_id::of("left", 1), "milk");
    return wire::decode<crdt::or_set<std::string>>(wire::encode(set)) == set ? 0 : 1;
}
