// SPDX-License-Identifier: Apache-2.0
#include <crdt/lww_register.hpp>
#include <crdt/mv_register.hpp>

#include "replicas.hpp"

namespace trace_driver {
namespace {

using path = std::vector<std::string>;

struct lww_register {
    using state = crdt::lww_register<std::string>;

    static state apply(state& s, crdt::replica_id self, const command& c) {
        if (c.function != "assign") throw refused("no such operation");
        return s.assign(self, c.stamp, c.value);
    }
    static std::string value(const state& s, const path&) {
        return s.value() == nullptr ? "null" : quoted(*s.value());
    }
};

struct mv_register {
    using state = crdt::mv_register<std::string>;

    static state apply(state& s, crdt::replica_id self, const command& c) {
        if (c.function != "assign") throw refused("no such operation");
        return s.assign(self, c.value);
    }
    static std::string value(const state& s, const path&) { return list_of(s.value()); }
};

} // namespace

std::unique_ptr<trace> make_registers(const header& begins) {
    if (begins.type == "lww_register") return std::make_unique<replicas<lww_register>>(begins);
    if (begins.type == "mv_register") return std::make_unique<replicas<mv_register>>(begins);
    return nullptr;
}

} // namespace trace_driver
