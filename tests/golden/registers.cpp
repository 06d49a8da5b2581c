// SPDX-License-Identifier: Apache-2.0
#include "crdt_types.hpp"
#include "family.hpp"

namespace golden {

namespace {

template <class T>
crdt::lww_register<T> written(crdt::replica_id by, crdt::stamp_t stamp, T value) {
    crdt::lww_register<T> r;
    r.assign(by, stamp, std::move(value));
    return r;
}

template <class T>
crdt::max_register<T> greatest(T value) {
    crdt::max_register<T> r;
    r.assign(ada, std::move(value));
    return r;
}

template <class T>
crdt::min_register<T> least(T value) {
    crdt::min_register<T> r;
    r.assign(ada, std::move(value));
    return r;
}

} // namespace

family registers_family() {
    family all("registers");
    all.memory_multiple = 40;
    all.add_lattice<crdt::lww_register<std::string>>(
        "lww_register<string>", {{},
                                 written<std::string>(ada, 0, ""),
                                 written<std::string>(bob, 1, "one"),
                                 written<std::string>(eve, ~std::uint64_t{0}, "last")});
    all.add_lattice<crdt::lww_register<std::uint64_t>>(
        "lww_register<u64>", {written<std::uint64_t>(named, std::uint64_t{1} << 40U, 300)});
    all.add_lattice<crdt::lww_register<std::pair<bool, std::vector<std::uint16_t>>>>(
        "lww_register<tuple<bool,list<u16>>>",
        {written<std::pair<bool, std::vector<std::uint16_t>>>(ada, 5, {true, {1, 2}})});
    all.add_lattice<crdt::max_register<std::uint64_t>>("max_register<u64>",
                                                       {{},
                                                        greatest<std::uint64_t>(0),
                                                        greatest<std::uint64_t>(300),
                                                        greatest(~std::uint64_t{0})});
    all.add_lattice<crdt::max_register<std::int32_t>>("max_register<i32>",
                                                      {greatest<std::int32_t>(-7)});
    all.add_lattice<crdt::max_register<std::string>>("max_register<string>",
                                                     {greatest<std::string>("zebra")});
    all.add_lattice<crdt::min_register<std::uint64_t>>(
        "min_register<u64>", {{}, least<std::uint64_t>(0), least<std::uint64_t>(70000)});
    all.add_lattice<crdt::min_register<std::string>>("min_register<string>",
                                                     {least<std::string>("aardvark")});
    return all;
}

} // namespace golden
