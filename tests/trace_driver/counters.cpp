// SPDX-License-Identifier: Apache-2.0
#include <compare>

#include <crdt/g_counter.hpp>
#include <crdt/pn_counter.hpp>
#include <crdt/version_vector.hpp>

#include "replicas.hpp"

namespace trace_driver {
namespace {

using path = std::vector<std::string>;

struct g_counter {
    using state = crdt::g_counter;

    static state apply(state& s, crdt::replica_id self, const command& c) {
        if (c.function != "increment") throw refused("no such operation");
        return s.increment(self, number_of(c.value));
    }
    static std::string value(const state& s, const path&) {
        return quoted(crdt::to_string(s.value()));
    }
};

struct pn_counter {
    using state = crdt::pn_counter;

    static state apply(state& s, crdt::replica_id self, const command& c) {
        const auto amount = number_of(c.value);
        if (c.function == "increment") return s.increment(self, amount);
        if (c.function == "decrement") return s.decrement(self, amount);
        throw refused("no such operation");
    }
    static std::string value(const state& s, const path&) {
        return quoted(crdt::to_string(s.value()));
    }
};

struct version_vector {
    using state = crdt::version_vector;

    static state apply(state& s, crdt::replica_id self, const command& c) {
        if (c.function != "increment") throw refused("no such operation");
        return s.increment(self);
    }
    static std::string value(const state& s, const path&) {
        std::map<std::string, std::string> counts;
        s.for_each([&](crdt::replica_id id, std::uint64_t count) {
            counts.emplace(name_of(id), quoted(std::to_string(count)));
        });
        return object_of(counts);
    }
    static std::string compare(const state& a, const state& b) {
        const auto order = crdt::compare(a, b);
        if (order == std::partial_ordering::equivalent) return "equal";
        if (order == std::partial_ordering::less) return "less";
        return order == std::partial_ordering::greater ? "greater" : "concurrent";
    }
};

} // namespace

std::unique_ptr<trace> make_counters(const header& begins) {
    if (begins.type == "g_counter") return std::make_unique<replicas<g_counter>>(begins);
    if (begins.type == "pn_counter") return std::make_unique<replicas<pn_counter>>(begins);
    if (begins.type == "version_vector") return std::make_unique<replicas<version_vector>>(begins);
    return nullptr;
}

} // namespace trace_driver
