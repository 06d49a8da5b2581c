// SPDX-License-Identifier: Apache-2.0
#include <crdt/dw_flag.hpp>
#include <crdt/ew_flag.hpp>
#include <crdt/g_set.hpp>
#include <crdt/or_set.hpp>
#include <crdt/rw_set.hpp>

#include "replicas.hpp"

namespace trace_driver {
namespace {

using path = std::vector<std::string>;

struct g_set {
    using state = crdt::g_set<std::string>;

    static state apply(state& s, crdt::replica_id self, const command& c) {
        if (c.function != "add") throw refused("no such operation");
        return s.add(self, c.value);
    }
    static std::string value(const state& s, const path&) {
        return list_of({s.elements().begin(), s.elements().end()});
    }
};

template <class Set>
struct set_with_removal {
    using state = Set;

    static state apply(state& s, crdt::replica_id self, const command& c) {
        if (c.function == "add") return s.add(self, c.value);
        if (c.function == "remove") return s.remove(self, c.value);
        throw refused("no such operation");
    }
    static std::string value(const state& s, const path&) { return list_of(s.elements()); }
};

template <class Flag>
struct flag {
    using state = Flag;

    static state apply(state& s, crdt::replica_id self, const command& c) {
        if (c.function == "enable") return s.enable(self);
        if (c.function == "disable") return s.disable(self);
        throw refused("no such operation");
    }
    static std::string value(const state& s, const path&) { return s.value() ? "true" : "false"; }
};

using or_set = set_with_removal<crdt::or_set<std::string>>;
using rw_set = set_with_removal<crdt::rw_set<std::string>>;

} // namespace

std::unique_ptr<trace> make_sets(const header& begins) {
    if (begins.type == "g_set") return std::make_unique<replicas<g_set>>(begins);
    if (begins.type == "or_set") return std::make_unique<replicas<or_set>>(begins);
    if (begins.type == "rw_set") return std::make_unique<replicas<rw_set>>(begins);
    if (begins.type == "ew_flag") return std::make_unique<replicas<flag<crdt::ew_flag>>>(begins);
    if (begins.type == "dw_flag") return std::make_unique<replicas<flag<crdt::dw_flag>>>(begins);
    return nullptr;
}

} // namespace trace_driver
