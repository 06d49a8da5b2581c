// SPDX-License-Identifier: Apache-2.0
#include <crdt/mv_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>

#include "replicas.hpp"

namespace trace_driver {
namespace {

using path = std::vector<std::string>;

// How to change the value at the end of a path, and how to show its store.
struct leaf_set {
    using state = crdt::or_set<std::string>;

    static state apply(state& s, crdt::replica_id self, const command& c, std::size_t depth) {
        if (depth != c.path.size()) throw refused("no such path");
        if (c.function == "add") return s.add(self, c.value);
        if (c.function == "remove") return s.remove(self, c.value);
        throw refused("no such operation");
    }
    template <class Store>
    static std::string show(const Store& s, const path&, std::size_t) {
        return list_of(s.elements());
    }
    static std::string nothing(const path&, std::size_t) { return "[]"; }
};

struct leaf_register {
    using state = crdt::mv_register<std::string>;

    static state apply(state& s, crdt::replica_id self, const command& c, std::size_t depth) {
        if (depth != c.path.size()) throw refused("no such path");
        if (c.function != "assign") throw refused("no such operation");
        return s.assign(self, c.value);
    }
    template <class Store>
    static std::string show(const Store& s, const path&, std::size_t) {
        return list_of(s.value());
    }
    static std::string nothing(const path&, std::size_t) { return "[]"; }
};

// A map of `Inner`, at any depth.
template <class Inner>
struct map_of {
    using state = crdt::or_map<std::string, typename Inner::state>;

    static state apply(state& s, crdt::replica_id self, const command& c, std::size_t depth = 0) {
        if (depth < c.path.size())
            return s.update(self, c.path[depth], [&](auto& value, crdt::replica_id id) {
                return Inner::apply(value, id, c, depth + 1);
            });
        if (c.function != "erase") throw refused("no such operation");
        return s.erase(self, c.value);
    }
    static std::string value(const state& s, const path& below) { return show(s, below, 0); }

    template <class Store>
    static std::string show(const Store& s, const path& below, std::size_t depth) {
        if (depth < below.size()) {
            const auto* value = s.find(below[depth]);
            return value != nullptr ? Inner::show(*value, below, depth + 1)
                                    : Inner::nothing(below, depth + 1);
        }
        std::map<std::string, std::string> all;
        for (const auto& key : s.keys()) {
            auto text = Inner::show(*s.find(key), {}, 0);
            if (text != Inner::nothing({}, 0)) all.emplace(key, std::move(text));
        }
        return object_of(all);
    }
    static std::string nothing(const path& below, std::size_t depth) {
        return depth < below.size() ? Inner::nothing(below, depth + 1) : "{}";
    }
};

} // namespace

std::unique_ptr<trace> make_maps(const header& begins) {
    if (begins.type == "or_map/or_set") return std::make_unique<replicas<map_of<leaf_set>>>(begins);
    if (begins.type == "or_map/mv_register")
        return std::make_unique<replicas<map_of<leaf_register>>>(begins);
    if (begins.type == "or_map/or_map/or_set")
        return std::make_unique<replicas<map_of<map_of<leaf_set>>>>(begins);
    if (begins.type == "or_map/or_map/mv_register")
        return std::make_unique<replicas<map_of<map_of<leaf_register>>>>(begins);
    return nullptr;
}

} // namespace trace_driver
