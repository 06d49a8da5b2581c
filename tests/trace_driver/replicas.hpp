// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <crdt/lattice.hpp>
#include <wire/codec.hpp>

#include "trace.hpp"

namespace trace_driver {

namespace wire = joinery::wire;

// The replicas of one trace over one type, which `Adapter` describes:
//     using state;  static state apply(state&, replica_id, const command&);
//     static std::string value(const state&, path);  if ordered, static std::string compare(l, r)
template <class Adapter>
class replicas final : public trace {
public:
    using state = typename Adapter::state;

    explicit replicas(const header& begins) : order_(begins.replicas) {
        for (const auto& name : order_) {
            const auto other = begins.alias.find(name);
            const auto identity = other == begins.alias.end() ? name : other->second;
            nodes_.emplace(name, node{id_of(identity), {}, wire::encode(state{}), {}});
        }
    }

    std::optional<std::string> run(const line& what) override {
        const auto& kind = what.kind;
        if (kind == "op") return operate(what, at(what.replica).live), std::nullopt;
        if (kind == "ctxop") return operate_elsewhere(what), std::nullopt;
        if (kind == "merge") return merge(at(what.to).live, at(what.from).live), std::nullopt;
        if (kind == "diff") return merge_difference(what), std::nullopt;
        if (kind == "delta") return deliver(what), std::nullopt;
        if (kind == "save") {
            at(what.replica).disk = wire::encode(at(what.replica).live);
            return std::nullopt;
        }
        if (kind == "roundtrip") return round_trip(at(what.replica).live), std::nullopt;
        if (kind == "restart") return restart(what), std::nullopt;
        if (kind == "read") {
            const auto& live = at(what.replica).live;
            return "\"val\":" + Adapter::value(live, what.operation.path) + context(live);
        }
        if (kind == "meet") return meet();
        if (kind == "eq") {
            const bool same = equal(at(what.left).live, at(what.right).live);
            return std::string("\"val\":") + (same ? "true" : "false");
        }
        if (kind == "cmp") return compare(what);
        throw broken("no such kind of line: " + kind);
    }

private:
    struct node {
        crdt::replica_id id;
        state live;
        std::vector<std::byte> disk;
        std::vector<state> deltas;
    };

    node& at(const std::string& name) {
        const auto found = nodes_.find(name);
        if (found == nodes_.end()) throw broken("no such replica: " + name);
        return found->second;
    }

    static bool equal(const state& a, const state& b) {
        return a == b && wire::encode(a) == wire::encode(b);
    }

    // What the operation on `on` gives is also what its delta gives. A refusal has a bottom delta.
    void operate(const line& what, state& on) {
        auto& author = at(what.replica);
        const state before = on;
        state delta;
        try {
            delta = Adapter::apply(on, author.id, what.operation);
        } catch (const std::logic_error& why) {
            refuse(author, on, before, why.what());
        } catch (const std::runtime_error& why) {
            refuse(author, on, before, why.what());
        }
        author.deltas.push_back(delta);
        state joined = before;
        merge(joined, delta);
        if (!equal(joined, on)) throw broken("the delta is not what the operation did");
    }

    [[noreturn]] void refuse(node& author, const state& on, const state& before, const char* why) {
        author.deltas.push_back(state{});
        if (!equal(on, before)) throw broken("a refused operation changed the state");
        throw refused(why);
    }

    void operate_elsewhere(const line& what) {
        state copy = at(what.context_of).live;
        operate(what, copy);
        auto& author = at(what.replica);
        merge(author.live, author.deltas.back());
    }

    static void merge(state& into, const state& from) {
        const state before = into;
        const bool grew = crdt::merge(into, from);
        if (grew != !equal(into, before)) throw broken("merge tells growth wrongly");
    }

    void merge_difference(const line& what) {
        auto& to = at(what.to).live;
        state whole = to;
        merge(whole, at(what.from).live);
        merge(to, crdt::difference(at(what.from).live, to));
        if (!equal(to, whole)) throw broken("the difference is not what the merge gives");
    }

    void deliver(const line& what) {
        const auto& deltas = at(what.from).deltas;
        state joined;
        for (auto i = what.first; i < deltas.size() && i - what.first < what.count; ++i)
            merge(joined, deltas[i]);
        merge(at(what.to).live, joined);
    }

    static void round_trip(state& live) {
        const auto bytes = wire::encode(live);
        state read = wire::decode<state>(bytes);
        if (!(read == live) || wire::encode(read) != bytes ||
            Adapter::value(read, {}) != Adapter::value(live, {}))
            throw broken("the bytes do not keep the state");
        live = std::move(read);
    }

    // The old node keeps its deltas, which may still be under way.
    void restart(const line& what) {
        const node& old = at(what.replica);
        node fresh{id_of(what.as), {}, old.disk, {}};
        if (what.at == "live") fresh.live = old.live;
        if (what.at == "saved") fresh.live = wire::decode<state>(old.disk);
        std::replace(order_.begin(), order_.end(), what.replica, what.as);
        nodes_.insert_or_assign(what.as, std::move(fresh));
    }

    std::string meet() {
        for (const auto& to : order_)
            for (const auto& from : order_)
                if (from != to) merge(at(to).live, at(from).live);
        const auto& first = at(order_.front()).live;
        const auto value = Adapter::value(first, {});
        for (const auto& name : order_) {
            const auto& other = at(name).live;
            if (!equal(first, other) || Adapter::value(other, {}) != value)
                return "\"diverged\":" + quoted(name);
        }
        return "\"val\":" + value + context(first);
    }

    // What a causal state has seen: per incarnation its dots, such as "1-3,5".
    static std::string context(const state& live) {
        if constexpr (requires { live.context().intervals(); }) {
            std::map<std::string, std::string> seen;
            for (const auto& [replica, first, last] : live.context().intervals()) {
                auto& dots = seen[name_of(replica)];
                if (!dots.empty()) dots += ',';
                dots += std::to_string(first);
                if (last != first) dots += '-' + std::to_string(last);
            }
            for (auto& [name, dots] : seen) dots = quoted(dots);
            return ",\"ctx\":" + object_of(seen);
        } else {
            return {};
        }
    }

    std::optional<std::string> compare(const line& what) {
        if constexpr (requires(const state& s) { Adapter::compare(s, s); })
            return "\"val\":" + quoted(Adapter::compare(at(what.left).live, at(what.right).live));
        else
            throw broken("this type has no order of its own");
    }

    std::vector<std::string> order_;
    std::map<std::string, node> nodes_;
};

} // namespace trace_driver
