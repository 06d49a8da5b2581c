// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <crdt/event_log.hpp>
#include <crdt/hyperloglog.hpp>

#include "crdt_types.hpp"
#include "family.hpp"

namespace golden {

// The registers that are not 0, with their ranks.
template <class T, unsigned Precision>
struct show_type<crdt::hyperloglog<T, Precision>> {
    static std::string of(const crdt::hyperloglog<T, Precision>& h) {
        std::vector<std::string> parts;
        for (std::size_t i = 0; i < h.registers; ++i)
            if (h.rank(i) != 0) parts.push_back(listed({show(i), show(h.rank(i))}));
        return listed(parts);
    }
};

// The events by dot. How many removals an origin made shows on the wire alone.
template <class T, class R>
struct show_type<crdt::event_log<T, R>> {
    static std::string of(const crdt::event_log<T, R>& log) {
        std::vector<std::pair<crdt::dot, std::string>> events;
        log.for_each([&](const auto& e) {
            events.emplace_back(e.id, listed({show(e.id.replica), show(e.id.counter), show(e.stamp),
                                              show(e.removal), show(e.payload)}));
        });
        std::sort(events.begin(), events.end());
        std::vector<std::string> rows;
        for (auto& [id, row] : events) rows.push_back(std::move(row));
        const auto encoded = wire::encode_nested(log);
        wire::reader r(encoded);
        crdt::detail::event_store<T> store;
        store.read(r);
        crdt::version_vector removals;
        removals.read(r);
        return object({{"context", show(log.context())},
                       {"events", listed(rows)},
                       {"removals", show(removals)},
                       {"registers", show(log.registers())}});
    }
};

namespace {

using log = crdt::event_log<std::string>;
using numbers = crdt::event_log<std::uint32_t, std::uint64_t>;

std::vector<log> logs() {
    log one, removed, truncated, named_registers;
    one.append(ada, 1000, "first");
    removed = one;
    removed.append(bob, 1000, "second");
    removed.remove(ada, 999, "first");
    for (std::uint64_t n = 0; n < 70; ++n)
        truncated.append(eve, (std::uint64_t{1} << 63U) + n * n, std::string(n % 3, 'e'));
    const log forgotten = truncated.truncate(ada, {{eve, 66}});
    named_registers.assign(ada, 5, "title", "log");
    return {{}, one, removed, truncated, named_registers, forgotten};
}

std::vector<numbers> number_logs() {
    numbers seven, eight;
    for (std::uint32_t n = 0; n < 7; ++n) seven.append(named, n, n);
    eight = seven;
    eight.remove(named, ~std::uint64_t{0}, 7);
    eight.assign(bob, 1, "count", 8);
    return {seven, eight};
}

template <class T, unsigned Precision>
crdt::hyperloglog<T, Precision> counted(std::uint32_t distinct) {
    crdt::hyperloglog<T, Precision> made;
    for (std::uint32_t n = 0; n < distinct; ++n) {
        if constexpr (std::same_as<T, std::string>)
            made.add(ada, std::to_string(n));
        else
            made.add(ada, n);
    }
    return made;
}

} // namespace

family logs_family() {
    family all("logs");
    all.memory_multiple = 40;
    all.add_lattice<log>("event_log<string,string>", logs());
    all.add_lattice<numbers>("event_log<u32,u64>", number_logs());
    all.add_lattice<crdt::hyperloglog<std::string, 14>>(
        "hyperloglog<string,14>", {{}, counted<std::string, 14>(1), counted<std::string, 14>(20)});
    // blocks below and above 24 registers
    all.add_lattice<crdt::hyperloglog<std::uint32_t, 7>>(
        "hyperloglog<u32,7>", {counted<std::uint32_t, 7>(30), counted<std::uint32_t, 7>(400)});
    return all;
}

} // namespace golden
