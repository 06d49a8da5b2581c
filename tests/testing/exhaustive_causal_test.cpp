// SPDX-License-Identifier: Apache-2.0
// Every short history of every causal type against its model.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include <crdt/causal_counter.hpp>
#include <crdt/dw_flag.hpp>
#include <crdt/event_log.hpp>
#include <crdt/ew_flag.hpp>
#include <crdt/mv_register.hpp>
#include <crdt/or_map.hpp>
#include <crdt/or_set.hpp>
#include <crdt/rw_set.hpp>
#include <crdt/voted_register.hpp>

#include "exhaustive_check.hpp"

namespace exhaustive_causal_test {

namespace crdt = joinery::crdt;
namespace spec = joinery::testing::spec;
using joinery::testing::check_exhaustively;
using joinery::testing::set_of;

namespace {

using id = crdt::replica_id;

} // namespace

TEST_CASE("ew_flag") {
    using type = crdt::ew_flag;
    check_exhaustively<type, spec::ew_flag>(
        {{"enable", [](type& s, id self) { return s.enable(self); }, true},
         {"disable", [](type& s, id self) { return s.disable(self); }, false}},
        [](const type& s) { return s.value(); });
}

TEST_CASE("dw_flag") {
    using type = crdt::dw_flag;
    check_exhaustively<type, spec::dw_flag>(
        {{"enable", [](type& s, id self) { return s.enable(self); }, true},
         {"disable", [](type& s, id self) { return s.disable(self); }, false}},
        [](const type& s) { return s.value(); });
}

TEST_CASE("mv_register") {
    using type = crdt::mv_register<int>;
    check_exhaustively<type, spec::mv_register<int>>(
        {{"assign 1", [](type& s, id self) { return s.assign(self, 1); }, 1},
         {"assign 2", [](type& s, id self) { return s.assign(self, 2); }, 2}},
        [](const type& s) { return set_of(s.value()); });
}

TEST_CASE("voted_register") {
    using type = crdt::voted_register<std::string>;
    const auto assign = [](std::uint64_t confidence, std::uint64_t stamp, const std::string& v) {
        return [=](type& s, id self) { return s.assign(self, confidence, stamp, v); };
    };
    check_exhaustively<type, spec::voted_register<std::string>>(
        {{"assign x, sure", assign(9, 1, "x"), {9, 1, "x"}},
         {"assign y, unsure", assign(1, 2, "y"), {1, 2, "y"}},
         {"assign z, as unsure", assign(1, 2, "z"), {1, 2, "z"}}},
        [](const type& s) { return s.value() ? std::optional(*s.value()) : std::nullopt; });
}

TEST_CASE("rw_set") {
    using type = crdt::rw_set<int>;
    check_exhaustively<type, spec::rw_set<int>>(
        {{"add 1", [](type& s, id self) { return s.add(self, 1); }, {true, 1}},
         {"remove 1", [](type& s, id self) { return s.remove(self, 1); }, {false, 1}},
         {"add 2", [](type& s, id self) { return s.add(self, 2); }, {true, 2}}},
        [](const type& s) { return set_of(s.elements()); });
}

TEST_CASE("causal_counter") {
    using type = crdt::causal_counter;
    check_exhaustively<type, spec::causal_counter>(
        {{"increment by 3", [](type& s, id self) { return s.increment(self, 3); }, 3},
         {"decrement", [](type& s, id self) { return s.decrement(self); }, -1},
         {"reset", [](type& s, id self) { return s.reset(self); }, std::nullopt}},
        [](const type& s) { return static_cast<std::int64_t>(s.value()); });
}

TEST_CASE("or_map of sets") {
    using set = crdt::or_set<int>;
    using type = crdt::or_map<std::string, set>;
    const auto add = [](type& s, id self) {
        return s.update(self, "k", [](set& each, id i) { return each.add(i, 1); });
    };
    const auto remove = [](type& s, id self) {
        return s.update(self, "k", [](set& each, id i) { return each.remove(i, 1); });
    };
    using model = spec::or_map<std::string, spec::or_set<int>>;
    using inner = spec::or_set<int>::operation;
    check_exhaustively<type, model>(
        {{"k: add 1", add, {"k", inner{true, 1}}},
         {"k: remove 1", remove, {"k", inner{false, 1}}},
         {"erase k", [](type& s, id self) { return s.erase(self, "k"); }, {"k", std::nullopt}}},
        [](const type& s) {
            std::map<std::string, std::set<int>> sets;
            for (const auto& key : s.keys()) sets[key] = set_of(s.find(key)->elements());
            return sets;
        });
}

TEST_CASE("or_map of registers, two keys") {
    using reg = crdt::mv_register<int>;
    using type = crdt::or_map<std::string, reg>;
    const auto assign = [](const std::string& key, int value) {
        return [=](type& s, id self) {
            return s.update(self, key, [&](reg& each, id i) { return each.assign(i, value); });
        };
    };
    using model = spec::or_map<std::string, spec::mv_register<int>>;
    check_exhaustively<type, model>(
        {{"k: assign 1", assign("k", 1), {"k", 1}},
         {"l: assign 2", assign("l", 2), {"l", 2}},
         {"erase k", [](type& s, id self) { return s.erase(self, "k"); }, {"k", std::nullopt}}},
        [](const type& s) {
            std::map<std::string, std::set<int>> values;
            for (const auto& key : s.keys()) values[key] = set_of(s.find(key)->value());
            return values;
        });
}

TEST_CASE("or_map of or_maps of flags") {
    using inner_type = crdt::or_map<std::string, crdt::ew_flag>;
    using type = crdt::or_map<std::string, inner_type>;
    using inner = spec::or_map<std::string, spec::ew_flag>;
    using model = spec::or_map<std::string, inner>;
    using op = inner::operation;
    const auto enable = [](const std::string& key) {
        return [key](type& s, id self) {
            return s.update(self, "k", [&](inner_type& map, id i) {
                return map.update(i, key, [](crdt::ew_flag& f, id j) { return f.enable(j); });
            });
        };
    };
    const auto erase_below = [](type& s, id self) {
        return s.update(self, "k", [](inner_type& map, id i) { return map.erase(i, "p"); });
    };
    check_exhaustively<type, model>(
        {{"k/p: enable", enable("p"), {"k", op{"p", true}}},
         {"k/q: enable", enable("q"), {"k", op{"q", true}}},
         {"k: erase p", erase_below, {"k", op{"p", std::nullopt}}},
         {"erase k", [](type& s, id self) { return s.erase(self, "k"); }, {"k", std::nullopt}}},
        [](const type& s) {
            std::map<std::string, std::map<std::string, bool>> flags;
            for (const auto& key : s.keys())
                for (const auto& below : s.find(key)->keys())
                    flags[key][below] = s.find(key)->find(below)->value();
            return flags;
        });
}

TEST_CASE("event_log") {
    using type = crdt::event_log<std::string>;
    using model = spec::event_log<std::string>;
    const auto everything = [](type& s, id self) {
        type::frontier all;
        for (const auto& i : s.context().intervals()) all[i.replica] = i.last;
        return s.truncate(self, all);
    };
    check_exhaustively<type, model>(
        {{"append x at 2",
          [](type& s, id self) { return s.append(self, 2, "x"); },
          {model::kind::append, 2, "x"}},
         {"remove y at 1",
          [](type& s, id self) { return s.remove(self, 1, "y"); },
          {model::kind::remove, 1, "y"}},
         {"truncate", everything, {model::kind::truncate, 0, ""}}},
        [](const type& s) {
            model::shown shown;
            s.for_each([&](const type::event& e) { shown.events.push_back(e.payload); });
            shown.total = static_cast<std::int64_t>(s.total());
            shown.net = static_cast<std::int64_t>(s.net());
            return shown;
        });
}

} // namespace exhaustive_causal_test
