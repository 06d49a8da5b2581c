// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/lattice.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace joinery::crdt {

/// The path field/key/…/element of one entry, hashed to 64 bits; equal on all replicas.
using entry_id = std::uint64_t;

/// A sorted set of entry ids.
class id_set {
public:
    id_set() = default;
    explicit id_set(std::vector<entry_id> ids) : ids_(std::move(ids)) {
        std::sort(ids_.begin(), ids_.end());
        ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
    }
    bool contains(entry_id id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }
    bool empty() const { return ids_.empty(); }
    std::size_t size() const { return ids_.size(); }
    std::span<const entry_id> ids() const { return ids_; }

private:
    std::vector<entry_id> ids_;
};

namespace detail {

/// The path below `path` named by a key or an element. The frequent types take no buffer: cutting a
/// fragment asks for the path of every entry.
template <class T>
entry_id path_of(entry_id path, const T& name) {
    if constexpr (std::same_as<T, replica_id>) {
        return wire::mix(path, name.value);
    } else if constexpr (std::integral<T>) {
        return wire::mix(path, static_cast<std::uint64_t>(name));
    } else if constexpr (std::same_as<T, std::string>) {
        return wire::mix(path, wire::content_hash64(std::as_bytes(std::span(name))));
    } else {
        wire::writer w;
        wire::put(w, name);
        return wire::mix(path, wire::content_hash64(w.bytes()));
    }
}

/// Whether a type has dots to ask for in a repair; a container says so by `causal`.
template <class S>
constexpr bool is_causal() {
    if constexpr (wire::reflected<S>) {
        bool any = false;
        wire::for_each_field<S>([&]<class Field>(Field) {
            any = any || is_causal<typename Field::template type<S>>();
        });
        return any;
    } else if constexpr (requires { S::causal; }) {
        return S::causal;
    } else {
        return requires(const S& s, entry_id path, const id_set& ids) { s.held(path, ids); };
    }
}

template <class Write>
wire::digest version_of(Write write) {
    wire::writer w;
    write(w);
    return wire::content_digest(w.bytes());
}

/// A visitor of entries that is told in which fields of structs they lie. Those of structs inside
/// of a container's values it is told only if the container names their type as `fields_of`; then
/// map_values(f) is the container of f(key, value), and `own_entries` says whether it has entries
/// beside those of its values.
template <class F>
concept field_visitor = requires(F& f, std::uint32_t id) { f.leave(f.enter(id)); };

template <class F, class Visit>
void visit_field(F& f, std::uint32_t id, Visit visit) {
    if constexpr (field_visitor<F>) {
        const auto outer = f.enter(id);
        visit();
        f.leave(outer);
    } else {
        visit();
    }
}

/// The same visitor, told of no fields.
template <class F>
struct plain_visitor {
    F& f;
    void operator()(entry_id id, const wire::digest& version) { f(id, version); }
    void operator()(entry_id id, const wire::digest& old, const wire::digest& now) {
        f(id, old, now);
    }
};

/// The same visitor, told that entries are gone.
template <class F>
struct removal_visitor {
    F& f;
    std::uint32_t enter(std::uint32_t id)
        requires field_visitor<F>
    {
        return f.enter(id);
    }
    void leave(std::uint32_t outer)
        requires field_visitor<F>
    {
        f.leave(outer);
    }
    void operator()(entry_id id, const wire::digest& version) { f(id, version, {}); }
};

template <class S, class F, class Visit>
void visit_container(F& f, Visit visit) {
    if constexpr (field_visitor<F> && !requires { typename S::fields_of; }) {
        plain_visitor<F> plain{f};
        visit(plain);
    } else {
        visit(f);
    }
}

struct for_each_entry_fn {
    template <class S, class F>
    void operator()(const S& s, F&& f, entry_id path = 0) const {
        if constexpr (wire::reflected<S>) {
            wire::for_each_field<S>([&]<class Field>(Field) {
                visit_field(f, Field::id,
                            [&] { (*this)(Field::get(s), f, wire::mix(path, Field::id)); });
            });
        } else if constexpr (requires { s.for_each_entry(path, f); }) {
            visit_container<S>(f, [&](auto& told) { s.for_each_entry(path, told); });
        } else if (!(s == S{})) {
            f(path, version_of([&](wire::writer& w) { wire::put(w, s); }));
        }
    }
};

struct touched_fn {
    template <class S, class F>
    void operator()(const S& s, const S& delta, F&& f, entry_id path = 0) const {
        if constexpr (wire::reflected<S>) {
            wire::for_each_field<S>([&]<class Field>(Field) {
                visit_field(f, Field::id, [&] {
                    (*this)(Field::get(s), Field::get(delta), f, wire::mix(path, Field::id));
                });
            });
        } else if constexpr (requires { s.touched(delta, path, f); }) {
            visit_container<S>(f, [&](auto& told) { s.touched(delta, path, told); });
        } else if (!(delta == S{})) {
            for_each_entry_fn{}(s, f, path);
        }
    }
};

struct changes_fn {
    template <class S, class F>
    void operator()(const S& s, const S& delta, F&& f, entry_id path = 0) const {
        if constexpr (wire::reflected<S>) {
            wire::for_each_field<S>([&]<class Field>(Field) {
                visit_field(f, Field::id, [&] {
                    (*this)(Field::get(s), Field::get(delta), f, wire::mix(path, Field::id));
                });
            });
        } else if constexpr (requires { s.changes(delta, path, f); }) {
            visit_container<S>(f, [&](auto& told) { s.changes(delta, path, told); });
        } else {
            S joined = s;
            if (!merge_fn{}(joined, delta)) return;
            std::map<entry_id, std::pair<wire::digest, wire::digest>> versions;
            for_each_entry_fn{}(
                s, [&](entry_id id, const wire::digest& v) { versions[id].first += v; }, path);
            for_each_entry_fn{}(
                joined, [&](entry_id id, const wire::digest& v) { versions[id].second += v; },
                path);
            for (const auto& [id, version] : versions)
                if (version.first != version.second) f(id, version.first, version.second);
        }
    }
};

struct fragment_fn {
    template <class S>
    S operator()(const S& s, const id_set& ids, entry_id path = 0) const {
        if constexpr (wire::reflected<S>) {
            S part{};
            wire::for_each_field<S>([&]<class Field>(Field) {
                Field::get(part) = (*this)(Field::get(s), ids, wire::mix(path, Field::id));
            });
            return part;
        } else if constexpr (requires { s.fragment(path, ids); }) {
            return s.fragment(path, ids);
        } else {
            return ids.contains(path) ? s : S{};
        }
    }
};

struct held_fn {
    template <class S>
    S operator()(const S& s, const id_set& ids, entry_id path = 0) const {
        S part{};
        if constexpr (wire::reflected<S>) {
            wire::for_each_field<S>([&]<class Field>(Field) {
                Field::get(part) = (*this)(Field::get(s), ids, wire::mix(path, Field::id));
            });
        } else if constexpr (requires { s.held(path, ids); }) {
            part = s.held(path, ids);
        }
        return part;
    }
};

struct answer_fn {
    template <class S>
    S operator()(const S& s, const id_set& ids, const S& asked, entry_id path = 0) const {
        if constexpr (wire::reflected<S>) {
            S part{};
            wire::for_each_field<S>([&]<class Field>(Field) {
                Field::get(part) =
                    (*this)(Field::get(s), ids, Field::get(asked), wire::mix(path, Field::id));
            });
            return part;
        } else if constexpr (requires { s.answer(path, ids, asked); }) {
            return s.answer(path, ids, asked);
        } else {
            return fragment_fn{}(s, ids, path);
        }
    }
};

struct context_fn {
    template <class S>
    S operator()(const S& s) const {
        S part{};
        if constexpr (wire::reflected<S>) {
            wire::for_each_field<S>(
                [&]<class Field>(Field) { Field::get(part) = (*this)(Field::get(s)); });
        } else if constexpr (requires { s.context_part(); }) {
            part = s.context_part();
        }
        return part;
    }
};

struct absorb_fn {
    template <class S>
    bool operator()(S& s, const S& context, report* found = nullptr) const {
        const S lacking = difference_fn{}(context, context_fn{}(s));
        return found == nullptr ? merge_fn{}(s, lacking) : merge_fn{}(s, lacking, *found);
    }
};

struct split_fn {
    /// A struct's field costs its id, its length and the field count beside its own bytes.
    static constexpr std::size_t field_overhead = 12;

    template <class S, class F>
    void operator()(const S& s, std::size_t max_bytes, F&& f) const {
        if constexpr (wire::reflected<S>) {
            const auto room = max_bytes > field_overhead ? max_bytes - field_overhead : 0;
            wire::for_each_field<S>([&]<class Field>(Field) {
                (*this)(Field::get(s), room, [&]<class Part>(Part&& part) {
                    S lifted{};
                    Field::get(lifted) = std::forward<Part>(part);
                    f(std::move(lifted));
                });
            });
        } else if constexpr (requires { s.split(max_bytes, f); }) {
            s.split(max_bytes, f);
        } else if (!(s == S{})) {
            f(S(s));
        }
    }
};

struct max_stamp_fn {
    template <class S>
    stamp_t operator()(const S& s) const {
        stamp_t greatest = 0;
        if constexpr (wire::reflected<S>) {
            wire::for_each_field<S>(
                [&]<class Field>(Field) { greatest = std::max(greatest, (*this)(Field::get(s))); });
        } else if constexpr (requires { s.max_stamp(); }) {
            greatest = s.max_stamp();
        }
        return greatest;
    }
};

struct removes_fn {
    template <class S>
    bool operator()(const S& s) const {
        bool any = false;
        if constexpr (wire::reflected<S>) {
            wire::for_each_field<S>(
                [&]<class Field>(Field) { any = any || (*this)(Field::get(s)); });
        } else if constexpr (requires { s.removes(); }) {
            any = s.removes();
        }
        return any;
    }
};

} // namespace detail

/// Calls f(entry_id, version) for each entry; the version digests value *and* causality.
inline constexpr detail::for_each_entry_fn for_each_entry{};
/// The entries of s that δ names, in O(|δ|), each once with its whole version. After a δ that takes
/// nothing away, these are the entries that it may have changed.
inline constexpr detail::touched_fn touched{};
/// Calls f(entry_id, old version, new version) for each entry that merging δ into s would change,
/// in O(|δ|); a zero version is no entry. Asked before the merge: afterwards, an entry that lost
/// some of its dots can no longer be found from δ. The default compares all entries.
inline constexpr detail::changes_fn changes{};
/// The entries under `ids`, claiming only the dots they hold.
inline constexpr detail::fragment_fn fragment{};
/// A repair's question: the dots held under `ids`, without payloads. Bottom for non-causal types.
inline constexpr detail::held_fn held{};
/// A repair's answer: the fragment, plus those of the asked dots that s knows and holds no longer.
inline constexpr detail::answer_fn answer{};
/// The causal contexts alone. Merging them would read as a removal of everything: see absorb.
inline constexpr detail::context_fn context{};
/// Learns the dots of a peer's context (or of a part of it) and cancels nothing; true if s grew.
/// Precondition: s has the live entries of the state that the context was taken from. A causal
/// type must bring its own `difference`.
inline constexpr detail::absorb_fn absorb{};
/// Parts whose join is s, each of at most `max_bytes` nested bytes unless it is irreducible.
inline constexpr detail::split_fn split{};
/// The greatest hybrid stamp inside, 0 without one.
inline constexpr detail::max_stamp_fn max_stamp{};
/// Whether δ claims dots beyond those whose payload it carries, that is, takes something away.
inline constexpr detail::removes_fn removes{};

/// What replication needs of a state. All of it has a default (the whole value is one entry), so
/// that a user's own encodable lattice is replicated as it stands.
template <class S>
concept replicated =
    join_semilattice<S> && requires(const S& s, S& t, wire::writer& w, wire::reader& r) {
        wire::put(w, s);
        wire::get(r, t);
    };

namespace detail {

/// Gathers items into parts of at most `room` bytes and hands each full part on.
template <class S, class F>
class part_builder {
public:
    part_builder(std::size_t room, F& f) : room_(room), f_(f) {}
    part_builder(const part_builder&) = delete;
    part_builder& operator=(const part_builder&) = delete;
    ~part_builder() = default;

    template <class Add>
    void add(std::size_t bytes, Add add_to) {
        if (used_ != 0 && used_ + bytes > room_) flush();
        add_to(part_);
        used_ += bytes;
    }
    bool fresh() const { return used_ == 0; }
    bool fits(std::size_t bytes) const { return used_ != 0 && used_ + bytes <= room_; }
    void flush() {
        if (used_ == 0) return;
        f_(std::exchange(part_, S{}));
        used_ = 0;
    }

private:
    std::size_t room_;
    F& f_;
    S part_{};
    std::size_t used_ = 0;
};

inline std::size_t room_after(std::size_t max_bytes, std::size_t overhead) {
    return max_bytes > overhead ? max_bytes - overhead : 0;
}

inline std::size_t varint_size(std::uint64_t v) {
    std::size_t n = 1;
    for (; v >= 0x80; v >>= 7) ++n;
    return n;
}

} // namespace detail
} // namespace joinery::crdt
