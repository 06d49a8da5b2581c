// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>
#include <crdt/g_map.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::crdt {

namespace detail {

/// The life of one element: unseen, present, removed; it only moves on.
struct life {
    static constexpr std::string_view schema_name = "life";

    enum class stage : std::uint8_t { unseen, present, removed };
    stage at = stage::unseen;

    bool merge(const life& other) {
        if (other.leq(*this)) return false;
        at = other.at;
        return true;
    }
    bool leq(const life& other) const { return at <= other.at; }

    void write(wire::writer& w) const { w.u8(static_cast<std::uint8_t>(at)); }
    void read(wire::reader& r) {
        const auto byte = r.u8();
        if (byte > static_cast<std::uint8_t>(stage::removed)) return r.fail(wire::errc::bad_value);
        at = static_cast<stage>(byte);
    }

    friend bool operator==(const life&, const life&) = default;
};

} // namespace detail

/// Set whose elements can be added once and removed once.
///
/// State      element -> present or removed; what is not there was never seen.
/// Join       element by element, removed over present.
/// Value      the present elements.
/// Invariant  a removed element never returns, and its tombstone stays. Removing an element that
///            was never seen bars it for ever.
/// Cost       add, remove, contains O(log n); merge of a delta O(|δ| log n).
/// Source     Shapiro et al. 2011, INRIA RR-7506, specification 12, whose remove asks for an
///            element that is present.
template <element T>
class two_p_set {
public:
    static constexpr std::string_view schema_name = "two_p_set";
    using schema_parameters = std::tuple<T>;

    /// Adds an element and returns the delta, bottom if it is present or was removed before.
    two_p_set add(replica_id, const T& value) {
        return known(value) ? two_p_set{} : move_on(value, stage::present);
    }
    /// Removes an element for ever and returns the delta, bottom if it was removed before.
    two_p_set remove(replica_id, const T& value) {
        return removed(value) ? two_p_set{} : move_on(value, stage::removed);
    }

    bool contains(const T& value) const { return known(value) && !removed(value); }
    /// Whether the element can never be in the set (again).
    bool removed(const T& value) const {
        const auto* life = lives_.find(value);
        return life != nullptr && life->at == stage::removed;
    }
    std::size_t size() const { return present_; }
    bool empty() const { return present_ == 0; }
    /// The elements in order.
    std::vector<T> elements() const {
        std::vector<T> all;
        all.reserve(present_);
        for (const auto& [value, life] : lives_.entries())
            if (life.at == stage::present) all.push_back(value);
        return all;
    }

    bool merge(const two_p_set& other, report* = nullptr) {
        if (&other == this) return false;
        const auto before = present_among(other);
        bool grew = false;
        try {
            grew = lives_.merge(other.lives_);
        } catch (...) { // memory ran out: some elements have joined
            present_ += present_among(other) - before;
            throw;
        }
        present_ += present_among(other) - before;
        return grew;
    }
    bool leq(const two_p_set& other) const { return lives_.leq(other.lives_); }
    two_p_set difference(const two_p_set& known) const {
        return two_p_set(lives_.difference(known.lives_));
    }

    template <class F>
    void for_each_entry(entry_id path, F& f) const {
        lives_.for_each_entry(path, f);
    }
    template <class F>
    void touched(const two_p_set& delta, entry_id path, F& f) const {
        lives_.touched(delta.lives_, path, f);
    }
    template <class F>
    void changes(const two_p_set& delta, entry_id path, F& f) const {
        lives_.changes(delta.lives_, path, f);
    }
    two_p_set fragment(entry_id path, const id_set& ids) const {
        return two_p_set(lives_.fragment(path, ids));
    }
    template <class F>
    void split(std::size_t max_bytes, F&& f) const {
        lives_.split(max_bytes, [&](lives part) { f(two_p_set(std::move(part))); });
    }

    void write(wire::writer& w) const { lives_.write(w); }
    void read(wire::reader& r) {
        lives_.read(r);
        *this = r.ok() ? two_p_set(std::move(lives_)) : two_p_set();
    }

    two_p_set() = default;
    two_p_set(const two_p_set&) = default;
    two_p_set(two_p_set&& other) noexcept
        : lives_(std::move(other.lives_)), present_(std::exchange(other.present_, 0)) {}
    two_p_set& operator=(const two_p_set&) = default;
    two_p_set& operator=(two_p_set&& other) noexcept {
        lives_ = std::move(other.lives_);
        present_ = std::exchange(other.present_, 0);
        return *this;
    }
    ~two_p_set() = default;
    /// The number of present elements follows from the lives.
    friend bool operator==(const two_p_set& a, const two_p_set& b) { return a.lives_ == b.lives_; }

private:
    using stage = detail::life::stage;
    using lives = g_map<T, detail::life>;

    explicit two_p_set(lives all) : lives_(std::move(all)) { present_ = present_among(*this); }

    bool known(const T& value) const { return lives_.contains(value); }

    two_p_set move_on(const T& value, stage to) {
        two_p_set delta(lives::lift(value, detail::life{to}));
        merge(delta);
        return delta;
    }

    /// How many elements that `other` speaks of are present here.
    std::size_t present_among(const two_p_set& other) const {
        std::size_t n = 0;
        for (const auto& [value, life] : other.lives_.entries()) n += contains(value) ? 1U : 0U;
        return n;
    }

    lives lives_;
    std::size_t present_ = 0;
};

} // namespace joinery::crdt
