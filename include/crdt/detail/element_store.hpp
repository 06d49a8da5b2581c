// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element_body.hpp>
#include <crdt/detail/element_codec.hpp>
#include <crdt/detail/packed_elements.hpp>
#include <crdt/detail/payload_column.hpp>
#include <crdt/dot_store.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>

namespace joinery::crdt::detail {

/// Live dots below elements, for sets: what dot_map<T, dot_set> is, in columns by dot.
///
/// State      one element in the object itself, or chunks of elements per replica.
/// Cost       contains, put, drop near O(1); join, lacking: bitmaps scanned, what differs touched.
/// Source     columns by dot as in the wire form; the shape does not show.
template <element T>
class element_store {
public:
    using view = keyed_view<T, dot_set::view>;
    static constexpr std::size_t tables = 0;
    using body = element_body<T>;
    using chunk = element_chunk<T>;
    static constexpr std::size_t dot_memory =
        2 * sizeof(chunk) + sizeof(body) + 2 * sizeof(T) + wire::detail::block_memory;

    element_store() = default;
    element_store(const element_store& other)
        : only_(other.only_), body_(other.body_ ? std::make_unique<body>(*other.body_) : nullptr) {}
    element_store(element_store&&) noexcept = default;
    element_store& operator=(const element_store& other) {
        if (this != &other) *this = element_store(other);
        return *this;
    }
    element_store& operator=(element_store&&) noexcept = default;
    ~element_store() = default;

    bool contains(const T& value) const {
        return body_ ? body_->contains(value) : only_.there && only_.second == value;
    }
    /// The number of elements.
    std::size_t size() const { return body_ ? body_->element_count() : dot_count(); }
    bool empty() const { return dot_count() == 0; }
    /// The elements in order.
    std::vector<T> elements() const {
        std::vector<T> all;
        all.reserve(dot_count());
        for_each([&](const dot&, const view& v) { all.push_back(*v.key); });
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        return all;
    }
    /// The live dots of one element, in order.
    std::vector<dot> dots_of(const T& value) const {
        std::vector<dot> dots;
        for_dots(value, [&](const dot& d) { dots.push_back(d); });
        return dots;
    }
    /// Calls f(dot) for the live dots of one element, in order.
    template <class F>
    void for_dots(const T& value, F f) const {
        if (!body_) {
            if (only_ && only_.second == value) f(only_.first);
            return;
        }
        boost::container::small_vector<dot, 4> dots;
        body_->for_dots(value, [&](const dot& d, const T&) { dots.push_back(d); });
        std::sort(dots.begin(), dots.end());
        for (const auto& d : dots) f(d);
    }

    std::size_t dot_count() const { return body_ ? body_->dot_count() : only_.there; }
    bool holds(const dot& d) const { return find(d) != nullptr; }
    std::optional<view> at(const dot& d) const {
        const T* value = find(d);
        return value == nullptr ? std::nullopt : std::optional(view_of(*value));
    }
    /// Precondition: d is not held.
    void put(const dot& d, const view& v) { put(d, *v.key, true); }
    /// The same; `outside` is not denied of what may have been read from bytes.
    void put(const dot& d, const T& value, bool outside = false) {
        if (!body_ && !only_)
            only_.emplace(d, value, outside);
        else
            grown().put(d, value, outside);
    }
    /// The same for an element that is not here.
    void put_absent(const dot& d, const T& value) {
        if (body_)
            body_->put(d, value, false, true);
        else
            put(d, value);
    }
    /// Precondition: d is held.
    void replace(const dot& d, const view& v) {
        T copy = *v.key;
        if (body_)
            body_->replace(d, std::move(copy), true);
        else
            only_.emplace(d, std::move(copy), true);
    }
    /// Precondition: d is held.
    void drop(const dot& d) {
        if (body_)
            body_->drop(d);
        else
            only_.reset();
    }

    /// Calls f(dot, view) in dot order.
    template <class F>
    void for_each(F f) const {
        if (body_)
            body_->for_each([&](const dot& d, const T& value) { f(d, view_of(value)); });
        else if (only_)
            f(only_.first, view_of(only_.second));
    }
    /// The same for the dots in `seen`.
    template <class F>
    void for_each_in(const causal_context& seen, F f) const {
        if (!body_) {
            if (only_ && seen.contains(only_.first)) f(only_.first, view_of(only_.second));
            return;
        }
        for_chunks(seen, static_cast<const body*>(nullptr), body_.get(),
                   [&](const chunk*, const chunk* c, const chunk_bits& named) {
                       (c->alive & named).for_each([&](unsigned offset) {
                           f(c->dot_at(offset), view_of(c->at(offset)));
                       });
                   });
    }
    /// Calls f(view) once an element.
    template <class F>
    void for_each_leaf(F f) const {
        if (body_)
            body_->for_each_element([&](const T& value) { f(view_of(value)); });
        else if (only_)
            f(view_of(only_.second));
    }
    bool has_leaf(const view& v) const { return contains(*v.key); }
    /// Calls f(dot, view) for the dots of the element that `v` names, in dot order.
    template <class F>
    void for_leaf(const view& v, F f) const {
        for (const auto& d : dots_of(*v.key)) f(d, *at(d));
    }

    /// The elements of many dots as they come off the wire.
    struct columns {
        void read(wire::reader& r, std::size_t n) { items.read(r, n); }
        view at(std::size_t i) const { return view_of(items[i]); }
        payload_column<T> items;
    };
    static void write_columns(wire::writer& w, std::span<const view> views) {
        payload_column<T>::write(w, views, [](const view& v) { return v.key; });
    }
    static std::size_t view_bytes(const view& v) { return column_bytes(*v.key); }

    /// What a join has yet to drop, by the numbers of the chunks.
    struct received {
        bool changed = false;
        boost::container::small_vector<std::pair<std::uint32_t, chunk_bits>, 1> gone;
    };
    /// The first half of the causal join of stores whose contexts are `seen` and `their_seen`: puts
    /// what is new here. forget() is the other half, which asks for no memory.
    received receive(const element_store& theirs, const causal_context& seen,
                     const causal_context& their_seen, report* found) {
        return receive(theirs.only_, theirs.body_.get(), seen, their_seen, found);
    }
    /// The same for elements that stay in their bytes.
    received receive(const packed_elements<T>& theirs, const causal_context& seen,
                     const causal_context& their_seen, report* found) {
        return receive(theirs.only, theirs.all ? &*theirs.all : nullptr, seen, their_seen, found);
    }
    void forget(const received& by) {
        // So many chunks ahead, what the index knows of the elements is asked for.
        constexpr std::size_t ahead = 4;
        const auto n = by.gone.size();
        if (!body_ && n != 0) return only_.reset();
        for (std::size_t i = 0; n != 0 && i < n + ahead; ++i) {
            if (i < n) body_->prefetch(by.gone[i].first, by.gone[i].second);
            if (i >= ahead) body_->drop(by.gone[i - ahead].first, by.gone[i - ahead].second);
        }
    }
    /// Puts into `delta` what `known` lacks, `unknown` being the dots that only this side has seen;
    /// the dots returned are to be claimed beside those.
    causal_context lacking(const element_store& known, const causal_context& seen,
                           const causal_context& unknown, element_store& delta) const;

    /// The dots and then the elements, as dot_columns and write_columns() would.
    void write(wire::writer& w) const {
        if (body_)
            element_codec<T>::write(w, *body_);
        else
            element_codec<T>::write(w, only_);
    }
    /// Fails the reader on dots outside `seen` and on any form but the canonical one.
    void read(wire::reader& r, const causal_context& seen) {
        *this = {};
        auto chunks = element_codec<T>::read(r, seen);
        if (!r.ok() || chunks.empty()) return;
        if (chunks.size() == 1 && chunks[0].items.size() == 1) {
            only_.emplace(chunks[0].first_dot(), std::move(chunks[0].items.front()), true);
            return;
        }
        body_ = std::make_unique<body>(std::move(chunks));
    }

    friend bool operator==(const element_store& a, const element_store& b) {
        if (a.body_ && b.body_) return *a.body_ == *b.body_;
        if (a.dot_count() != b.dot_count()) return false;
        bool equal = true;
        a.for_each([&](const dot& d, const view& v) {
            const T* there = b.find(d);
            equal = there != nullptr && *there == *v.key;
        });
        return equal;
    }

private:
    static view view_of(const T& value) { return {&value, {&none}}; }
    static constexpr no_payload none{};

    const T* find(const dot& d) const {
        if (body_) return body_->find(d);
        return only_ && only_.first == d ? &only_.second : nullptr;
    }

    body& grown() {
        if (!body_) {
            auto made = std::make_unique<body>();
            if (only_) made->put(only_.first, only_.second, only_.outside);
            body_ = std::move(made);
            only_.reset();
        }
        return *body_;
    }

    /// Calls f(chunk or null, chunk or null, bits) for each chunk of two bodies, either of which
    /// may be null, that has counters in `named`, in dot order: no chunk is looked at in vain. f
    /// may change what stands in the first body's chunks, but make and remove none.
    template <class Other, class F>
    static void for_chunks(const causal_context& named, const body* first, const Other* second,
                           F f);

    bool receive(const lone_element<T>& theirs, const causal_context& seen, report* found);
    template <class Other>
    received receive(const lone_element<T>& lone, const Other* theirs, const causal_context& seen,
                     const causal_context& their_seen, report* found);

    /// A dot is not gone if it lies in that chunk.
    static void keep(const dot& d, const chunk& c, chunk_bits& gone) {
        if (c.replica == d.replica && c.number == chunk_bits::number_of(d.counter))
            gone.reset(chunk_bits::offset_of(d.counter));
    }

    lone_element<T> only_;
    std::unique_ptr<body> body_;
};

template <element T>
template <class Other, class F>
void element_store<T>::for_chunks(const causal_context& named, const body* first,
                                  const Other* second, F f) {
    const auto all = named.intervals();
    const auto* const end = all.data() + all.size();
    using run = typename body::run;
    const typename run::const_iterator behind{};
    const auto seek = [&](const run* in, auto& at, std::uint64_t number) {
        if (in == nullptr || at == behind || at->first >= number) return;
        if (++at != behind && at->first < number) at = in->lower_bound(number);
    };
    std::uint64_t next = 0;
    for (const auto* at = all.data(); at != end; ++at) {
        if (at == all.data() || at->replica != (at - 1)->replica) next = 0;
        const auto last = chunk_bits::number_of(at->last);
        next = std::max(next, chunk_bits::number_of(at->first));
        if (next > last) continue; // with the interval before
        const auto* group_end = at + 1;
        while (group_end != end && group_end->replica == at->replica &&
               chunk_bits::number_of(group_end->first) <= last)
            ++group_end;
        const auto* const ours = first ? first->find(at->replica) : nullptr;
        const auto* const theirs = second ? second->find(at->replica) : nullptr;
        auto a = ours ? ours->lower_bound(next) : behind,
             b = theirs ? theirs->lower_bound(next) : behind;
        while (next <= last) {
            seek(ours, a, next);
            seek(theirs, b, next);
            if (a == behind && b == behind) break;
            const auto number = a == behind   ? b->first
                                : b == behind ? a->first
                                              : std::min(a->first, b->first);
            if (number > last) break;
            f(a != behind && a->first == number ? &first->chunk_of(*a) : nullptr,
              b != behind && b->first == number ? &second->chunk_of(*b) : nullptr,
              bits_in(number, at, group_end));
            next = number + 1;
        }
    }
}

template <element T>
bool element_store<T>::receive(const lone_element<T>& theirs, const causal_context& seen,
                               report* found) {
    const dot& d = theirs.first;
    const T* mine = find(d);
    if (mine == nullptr) {
        if (seen.contains(d)) return false;
        put(d, theirs.second, theirs.outside);
        return true;
    }
    const auto order = compare_bytes(*mine, theirs.second);
    if (order != 0 && found != nullptr) found->double_spent.push_back(d);
    if (order >= 0) return false;
    replace(d, view_of(theirs.second));
    return true;
}

template <element T>
template <class Other>
auto element_store<T>::receive(const lone_element<T>& lone, const Other* theirs,
                               const causal_context& seen, const causal_context& their_seen,
                               report* found) -> received {
    received made;
    made.changed = lone && receive(lone, seen, found);
    if (!body_ && theirs == nullptr) {
        if (only_ && their_seen.contains(only_.first) && !(lone && lone.first == only_.first))
            made.gone.emplace_back();
        return made;
    }
    // A new element, and no news of others.
    if (theirs == nullptr && lone && their_seen.size() == 1) return made;
    auto& here = grown();
    boost::container::small_vector<std::pair<const typename Other::chunk*, chunk_bits>, 1> added;
    for_chunks(their_seen, &here, theirs,
               [&](const chunk* mine, const typename Other::chunk* other, const chunk_bits& named) {
                   chunk_bits gone, fresh;
                   if (mine != nullptr) gone = mine->alive & named;
                   if (other != nullptr) {
                       fresh = other->alive;
                       if (mine != nullptr) {
                           made.changed |= here.reconcile(*mine, *other, found);
                           fresh = fresh - mine->alive;
                           gone = gone - other->alive;
                       }
                       if (!fresh.none())
                           fresh = fresh - bits_in(other->replica, other->number, seen);
                   } else if (lone) {
                       keep(lone.first, *mine, gone);
                   }
                   if (!gone.none()) made.gone.emplace_back(here.id_of(*mine), gone);
                   if (fresh.none()) return;
                   made.changed = true;
                   if (mine != nullptr)
                       here.take(*other, fresh);
                   else
                       added.emplace_back(other, fresh);
               });
    for (const auto& [other, fresh] : added) here.take(*other, fresh);
    return made;
}

template <element T>
causal_context element_store<T>::lacking(const element_store& known, const causal_context& seen,
                                         const causal_context& unknown,
                                         element_store& delta) const {
    causal_context cancelled;
    if (!body_ || !known.body_) {
        for_each_in(unknown, [&](const dot& d, const view& v) { delta.put(d, v); });
        known.for_each_in(seen, [&](const dot& d, const view& v) {
            const T* mine = find(d);
            if (mine != nullptr && compare_bytes(*v.key, *mine) >= 0) return;
            cancelled.add(d);
            if (mine != nullptr) delta.put(d, *mine, true);
        });
        return cancelled;
    }
    for_chunks(unknown, body_.get(), static_cast<const body*>(nullptr),
               [&](const chunk* mine, const chunk*, const chunk_bits& named) {
                   const auto fresh = mine->alive & named;
                   if (!fresh.none()) delta.grown().take(*mine, fresh);
               });
    for_chunks(seen, body_.get(), known.body_.get(),
               [&](const chunk* mine, const chunk* theirs, const chunk_bits& named) {
                   if (theirs == nullptr) return;
                   auto gone = theirs->alive & named;
                   if (mine != nullptr) {
                       gone = gone - mine->alive;
                       mine->compare(*theirs, [&](unsigned offset, const T& a, const T& b) {
                           if (compare_bytes(b, a) >= 0) return;
                           cancelled.add(mine->dot_at(offset));
                           delta.put(mine->dot_at(offset), a, !mine->summed);
                       });
                   }
                   gone.for_each([&](unsigned offset) { cancelled.add(theirs->dot_at(offset)); });
               });
    return cancelled;
}

} // namespace joinery::crdt::detail
