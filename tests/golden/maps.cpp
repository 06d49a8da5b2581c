// SPDX-License-Identifier: Apache-2.0
#include <optional>

#include <crdt/lww_map.hpp>
#include <gossip/random.hpp>

#include "causal_types.hpp"
#include "family.hpp"

namespace golden {

// As the g_map of registers that it is on the wire.
template <class K, class V>
struct show_type<crdt::lww_map<K, V>> {
    static std::string of(const crdt::lww_map<K, V>& m) {
        using cells = crdt::g_map<K, crdt::lww_register<std::optional<V>>>;
        const auto encoded = wire::encode_nested(m);
        wire::reader r(encoded);
        cells all;
        all.read(r);
        return show(all);
    }
};

namespace {

using words = crdt::g_map<std::string, crdt::g_counter>;
using rooms = crdt::g_map<std::string, crdt::or_set<std::string>>;
using table =
    crdt::g_map<std::uint32_t, crdt::g_map<std::string, crdt::max_register<std::int32_t>>>;

// Two fields, as an application has them.
struct page {
    BOOST_HANA_DEFINE_STRUCT(page, (crdt::g_counter, visits), (crdt::or_set<std::string>, tags));
    static constexpr std::string_view schema_name = "page";
    bool operator==(const page&) const = default;
};

struct site {
    BOOST_HANA_DEFINE_STRUCT(site, (crdt::g_counter, hits),
                             (crdt::max_register<std::uint64_t>, peak),
                             (crdt::lww_register<std::string>, motto),
                             (crdt::g_set<std::uint32_t>, seen), (words, counts), (rooms, guests),
                             (page, front));
    static constexpr std::string_view schema_name = "site";
    bool operator==(const site&) const = default;
};

constexpr const char* page_type = "page{visits:g_counter,tags:or_set<string>}";
constexpr const char* site_type =
    "site{hits:g_counter,peak:max_register<u64>,motto:lww_register<string>,seen:g_set<u32>,"
    "counts:g_map<string,g_counter>,guests:g_map<string,or_set<string>>,"
    "front:page{visits:g_counter,tags:or_set<string>}}";

words counted(std::initializer_list<const char*> all) {
    words made;
    for (const char* word : all)
        made.update(ada, word, [](auto& count, auto self) { return count.increment(self); });
    return made;
}

rooms hosted() {
    rooms made;
    const auto enter = [&](crdt::replica_id self, const char* room, const char* guest) {
        made.update(self, room, [&](auto& guests, auto id) { return guests.add(id, guest); });
    };
    enter(ada, "red", "ann");
    enter(bob, "red", "joe");
    enter(ada, "blue", "ann");
    made.update(ada, "blue", [](auto& guests, auto id) { return guests.remove(id, "ann"); });
    return made;
}

table nested() {
    table made;
    for (std::uint32_t row : {70000U, 3U})
        made.update(bob, row, [&](auto& columns, auto self) {
            return columns.update(self, "low",
                                  [](auto& cell, auto id) { return cell.assign(id, -4); });
        });
    return made;
}

std::vector<crdt::lww_map<std::string, std::uint32_t>> written() {
    crdt::lww_map<std::string, std::uint32_t> one, erased, three;
    one.put(ada, 5, "a", 0);
    erased = one;
    erased.erase(bob, 6, "a");
    three = erased;
    three.put(eve, std::uint64_t{1} << 40U, "a", 300);
    three.erase(named, 1, "never");
    three.put(named, 2, "b", 1);
    return {{}, one, erased, three};
}

std::vector<page> pages() {
    page visited, tagged, both;
    visited.visits.increment(ada, 3);
    tagged.tags.add(named, "news");
    both = crdt::join(visited, tagged);
    both.tags.remove(bob, "news");
    return {{}, visited, tagged, both};
}

site busy() {
    site made;
    joinery::gossip::random random(11);
    for (int n = 0; n < 60; ++n) {
        const crdt::replica_id self{1 + random.below(4)};
        const auto number = static_cast<std::uint32_t>(random.below(50));
        const std::string word = "word" + std::to_string(number % 7);
        const auto count = [](auto& c, auto id) { return c.increment(id, 2); };
        const auto add = [&](auto& set, auto id) { return set.add(id, word); };
        switch (random.below(7)) {
            case 0: made.hits.increment(self, number); break;
            case 1: made.peak.assign(self, number); break;
            case 2: made.motto.assign(self, number, word); break;
            case 3: made.seen.add(self, number); break;
            case 4: made.counts.update(self, word, count); break;
            case 5: made.guests.update(self, word, add); break;
            default: made.front.tags.add(self, word);
        }
    }
    return made;
}

} // namespace

family maps_family() {
    family all("maps");
    all.memory_multiple = 100;
    all.add_lattice<words>("g_map<string,g_counter>",
                           {{}, counted({"one"}), counted({"b", "a", "b", "", "c"})});
    all.add_lattice<rooms>("g_map<string,or_set<string>>", {{}, hosted()});
    all.add_lattice<table>("g_map<u32,g_map<string,max_register<i32>>>", {nested()});
    all.add_lattice<page>(page_type, pages());
    all.add_lattice<crdt::lww_map<std::string, std::uint32_t>>("lww_map<string,u32>", written());
    site quiet;
    quiet.front.visits.increment(eve, 200);
    all.add_lattice<site>(site_type, {{}, quiet, busy()});
    return all;
}

} // namespace golden
