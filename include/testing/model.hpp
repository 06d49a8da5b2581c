// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <testing/spec.hpp>

/// What each type must show once every replica has every operation, said with the containers of
/// the standard library. Nothing of crdt/ is included here and nothing is merged: one model holds
/// the operations of all replicas, and for each remove the additions that its replica had seen.
/// What a type must show to a replica that has seen some of the operations is in spec.hpp.
namespace joinery::testing::model {

/// State      every increment.
/// Value      their sum.
class counter {
public:
    void increment(std::uint64_t amount) { sum_ += amount; }
    std::uint64_t value() const { return sum_; }

private:
    std::uint64_t sum_ = 0;
};

/// State      every assignment.
/// Value      the greatest.
template <class T>
class maximum {
public:
    void assign(const T& value) { value_ = value_ ? std::max(*value_, value) : value; }
    const std::optional<T>& value() const { return value_; }

private:
    std::optional<T> value_;
};

/// State      every stamped assignment.
/// Value      that of the greatest (stamp, writer).
/// Precondition: no writer uses one stamp for two values.
template <class T, class Writer>
class latest {
public:
    void assign(std::uint64_t stamp, const Writer& writer, const T& value) {
        all_.insert_or_assign({stamp, writer}, value);
    }
    std::optional<T> value() const {
        return all_.empty() ? std::nullopt : std::optional<T>(all_.rbegin()->second);
    }

private:
    std::map<std::pair<std::uint64_t, Writer>, T> all_;
};

/// State      every addition.
/// Value      all of them.
template <class T>
class grown_set {
public:
    void add(const T& element) { elements_.insert(element); }
    const std::set<T>& elements() const { return elements_; }

private:
    std::set<T> elements_;
};

/// State      every addition under its unique tag; every tag that a later operation withdrew.
/// Value      the elements with an addition that nobody withdrew.
template <class T, class Tag>
class observed_set {
public:
    /// An addition also withdraws the additions of the same element that its replica had seen.
    /// Result: false if the tag is already that of another addition.
    template <class Seen>
    bool add(const T& element, const Tag& tag, const Seen& seen) {
        remove(seen);
        return added_.emplace(tag, element).second;
    }

    template <class Seen>
    void remove(const Seen& seen) {
        withdrawn_.insert(std::begin(seen), std::end(seen));
    }

    std::set<T> elements() const {
        std::set<T> present;
        for (const auto& [tag, element] : added_) {
            if (!withdrawn_.contains(tag)) {
                present.insert(element);
            }
        }
        return present;
    }

private:
    std::map<Tag, T> added_;
    std::set<Tag> withdrawn_;
};

} // namespace joinery::testing::model
