// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <stream/detail/ack.hpp>
#include <stream/detail/cells.hpp>
#include <stream/detail/floor.hpp>
#include <stream/detail/keys.hpp>
#include <stream/plan.hpp>
#include <wire/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>

namespace joinery::stream::detail {

/// A plan inside a checkpoint. Two plans under one id would be a collision: the greater wins.
struct plan_record {
    plan what;

    bool empty() const { return what.members.empty(); }
    bool merge(const plan_record& other) {
        if (!(what < other.what)) return false;
        what = other.what;
        return true;
    }
    plan_record difference(const plan_record& known) const {
        return known.what < what ? *this : plan_record{};
    }

    void write(wire::writer& w) const { what.write(w); }
    void read(wire::reader& r, const plan_key& key) {
        what.read(r);
        if (r.ok() && (key.generation != what.generation || key.id != what.id()))
            r.fail(wire::errc::bad_value);
    }

    friend bool operator==(const plan_record&, const plan_record&) = default;
};

/// The lattice below a checkpoint, without any meaning.
///
/// State      floors; plans, cells and acknowledgements by key.
/// Join       key by key; then what lies below the floors is dropped.
/// Invariant  nothing lies below the floors and no part is bottom: equal states, equal bytes.
/// Cost       merge of a delta O(|δ| log n), of one that raises a floor O(n).
struct records {
    template <class Key, class Part>
    using table = std::map<Key, Part>;

    floor_record floor;
    table<plan_key, plan_record> plans;
    table<cell_key, cell> cells;
    table<ack_key, ack> acks;

    /// f(pointer to member) for each table.
    template <class F>
    static void for_each_table(F f) {
        f(&records::plans);
        f(&records::cells);
        f(&records::acks);
    }

    bool raise(const floor_record& other) {
        if (!floor.merge(other)) return false;
        for_each_table([&](auto which) {
            std::erase_if(this->*which, [&](const auto& each) { return floor.drops(each.first); });
        });
        return true;
    }

    bool merge(const records& other) {
        bool grew = raise(other.floor);
        for_each_table([&](auto which) {
            for (const auto& [key, part] : other.*which) {
                if (floor.drops(key)) continue;
                const auto [at, fresh] = (this->*which).try_emplace(key, part);
                grew |= fresh || at->second.merge(part);
            }
        });
        return grew;
    }

    records difference(const records& known) const {
        records delta;
        delta.floor = floor.difference(known.floor);
        for_each_table([&](auto which) {
            for (const auto& [key, part] : this->*which) {
                if (known.floor.drops(key)) continue;
                const auto at = (known.*which).find(key);
                auto lacking = at == (known.*which).end() ? part : part.difference(at->second);
                if (!lacking.empty()) (delta.*which).emplace(key, std::move(lacking));
            }
        });
        return delta;
    }

    /// One entry for the floors, one per part.
    template <class F>
    void for_each_entry(crdt::entry_id path, F& f) const {
        if (!floor.empty()) f(floor_record::entry(path), floor.version());
        for_each_table([&](auto which) {
            for (const auto& [key, part] : this->*which) f(entry_of(path, key), version_of(part));
        });
    }

    /// A raised floor names everything below it.
    template <class F>
    void touched(const records& delta, crdt::entry_id path, F& f) const {
        if (!delta.floor.empty()) f(floor_record::entry(path), floor.version());
        const bool raised = delta.floor.epoch != 0 || delta.floor.generation != 0;
        for_each_table([&](auto which) {
            const auto& here = this->*which;
            if (raised)
                for (const auto& [key, part] : here)
                    if (delta.floor.drops(key)) f(entry_of(path, key), version_of(part));
            for (const auto& [key, change] : delta.*which)
                if (const auto at = here.find(key); at != here.end())
                    f(entry_of(path, key), version_of(at->second));
        });
    }

    template <class F>
    void changes(const records& delta, crdt::entry_id path, F& f) const {
        constexpr wire::digest none{};
        floor_record after = floor;
        const bool raised = after.merge(delta.floor);
        if (raised) f(floor_record::entry(path), floor.version(), after.version());
        for_each_table([&](auto which) {
            const auto& here = this->*which;
            if (raised)
                for (const auto& [key, part] : here)
                    if (after.drops(key)) f(entry_of(path, key), version_of(part), none);
            for (const auto& [key, change] : delta.*which) {
                if (after.drops(key)) continue;
                const auto at = here.find(key);
                if (at == here.end()) {
                    f(entry_of(path, key), none, version_of(change));
                    continue;
                }
                auto joined = at->second;
                if (joined.merge(change))
                    f(entry_of(path, key), version_of(at->second), version_of(joined));
            }
        });
    }

    records fragment(crdt::entry_id path, const crdt::id_set& ids) const {
        records cut;
        if (ids.contains(floor_record::entry(path))) cut.floor = floor;
        for_each_table([&](auto which) {
            for (const auto& entry : this->*which)
                if (ids.contains(entry_of(path, entry.first))) (cut.*which).insert(entry);
        });
        return cut;
    }

    template <class F>
    void split(std::size_t max_bytes, F f) const {
        constexpr std::size_t overhead = 6; // no floors, no proof, three counts
        records cut;
        std::size_t used = 0;
        const auto add = [&](std::size_t bytes, auto place) {
            if (used != 0 && used + bytes + overhead > max_bytes) {
                f(std::exchange(cut, records{}));
                used = 0;
            }
            place();
            used += bytes;
        };
        if (!floor.empty()) add(size_of(floor), [&] { cut.floor = floor; });
        for_each_table([&](auto which) {
            for (const auto& entry : this->*which)
                add(size_of(entry.first) + size_of(entry.second),
                    [&] { (cut.*which).insert(entry); });
        });
        if (used != 0) f(std::move(cut));
    }

    void write(wire::writer& w) const {
        floor.write(w);
        for_each_table([&](auto which) {
            w.varint((this->*which).size());
            for (const auto& [key, part] : this->*which) {
                key.write(w);
                part.write(w);
            }
        });
    }
    void read(wire::reader& r) {
        *this = {};
        floor.read(r);
        for_each_table([&](auto which) { read_table(r, this->*which); });
    }

    friend bool operator==(const records&, const records&) = default;

private:
    template <class Key, class Part>
    void read_table(wire::reader& r, table<Key, Part>& into) {
        for (auto n = r.count(20, wire::detail::tree_memory<std::pair<Key, Part>>); n > 0 && r.ok();
             --n) {
            Key key;
            Part part;
            key.read(r);
            part.read(r, key);
            if (floor.drops(key)) r.fail(wire::errc::bad_value);
            if (!into.empty() && !(into.rbegin()->first < key)) r.fail(wire::errc::non_canonical);
            if (r.ok()) into.emplace_hint(into.end(), std::move(key), std::move(part));
        }
    }
};

} // namespace joinery::stream::detail
