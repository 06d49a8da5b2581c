// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/element.hpp>
#include <crdt/entries.hpp>

#include <array>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace joinery::crdt {

/// Last-writer-wins register.
///
/// State      no value, or one with the stamp and the replica that assigned it.
/// Join       the greater (stamp, replica, canonical bytes of the value).
/// Invariant  a stamp one replica used for two values is reported; the bytes decide everywhere.
/// Cost       O(1).
/// Source     Shapiro et al. 2011, specification 8, which leaves equal stamps open.
template <element T>
class lww_register {
public:
    static constexpr std::string_view schema_name = "lww_register";
    using schema_parameters = std::tuple<T>;

    /// Writes `value` at `stamp` (see hybrid_clock) and returns the delta. A write that is older
    /// than the one here changes nothing.
    lww_register assign(replica_id self, stamp_t stamp, T value) {
        lww_register delta;
        delta.cell_ = cell{stamp, self, std::move(value)};
        merge(delta);
        return delta;
    }

    /// The winning value, null before the first write.
    const T* value() const { return cell_ ? &cell_->value : nullptr; }
    stamp_t stamp() const { return cell_ ? cell_->stamp : 0; }
    replica_id writer() const { return cell_ ? cell_->replica : replica_id{}; }
    stamp_t max_stamp() const { return stamp(); }

    bool merge(const lww_register& other, report* found = nullptr) {
        if constexpr (std::is_trivially_copyable_v<T>)
            if (cell_ && other.cell_ && cell_->stamp != other.cell_->stamp) {
                // Which stamp is greater cannot be foreseen: no branch asks.
                const std::array<const cell*, 2> sides{&*cell_, &*other.cell_};
                const bool grows = cell_->stamp < other.cell_->stamp;
                *cell_ = *sides[grows ? 1 : 0];
                return grows;
            }
        const auto order = compare_to(other);
        if (found != nullptr && order != 0 && same_write(other))
            found->conflicting_stamps.push_back(stamp());
        if (order >= 0) return false;
        auto copy = other.cell_; // may throw; a stamp without its value would stay for ever
        cell_ = std::move(copy);
        return true;
    }
    bool leq(const lww_register& other) const { return compare_to(other) <= 0; }

    void write(wire::writer& w) const {
        wire::put(w, cell_.has_value());
        if (!cell_) return;
        w.varint(cell_->stamp);
        cell_->replica.write(w);
        wire::put(w, cell_->value);
    }
    void read(wire::reader& r) {
        cell_.reset();
        bool present = false;
        wire::get(r, present);
        if (!present) return;
        cell c;
        c.stamp = r.varint();
        c.replica.read(r);
        wire::get(r, c.value);
        if (r.ok()) cell_ = std::move(c);
    }

    friend bool operator==(const lww_register&, const lww_register&) = default;

private:
    struct cell {
        stamp_t stamp = 0;
        replica_id replica;
        T value{};
        friend bool operator==(const cell&, const cell&) = default;
    };

    bool same_write(const lww_register& other) const {
        return cell_ && other.cell_ && cell_->stamp == other.cell_->stamp &&
               cell_->replica == other.cell_->replica;
    }

    std::strong_ordering compare_to(const lww_register& other) const {
        if (!cell_ || !other.cell_) return cell_.has_value() <=> other.cell_.has_value();
        if (auto by = cell_->stamp <=> other.cell_->stamp; by != 0) return by;
        if (auto by = cell_->replica <=> other.cell_->replica; by != 0) return by;
        return detail::compare_bytes(cell_->value, other.cell_->value);
    }

    std::optional<cell> cell_;
};

} // namespace joinery::crdt
