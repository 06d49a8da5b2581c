// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

inline constexpr std::uint32_t nowhere = ~std::uint32_t{0};

/// Small numbers in groups, that lie one after another in one list.
///
/// State      the list; where each number is in it; where each group ends.
/// Invariant  a number is in one group at most; what is done to it moves one other of each group.
/// Cost       O(groups) each; 8 bytes for each number up to the greatest, without slack: how many
///            there are changes with the size of a cluster, which is seldom.
/// Source     the partition refined in place, as in Batagelj and Zaversnik 2003.
class groups {
public:
    using numbers = std::deque<std::uint32_t>;
    /// Some that lie together; until the next change.
    class view {
    public:
        view(const numbers& in, std::size_t from, std::size_t to)
            : in_(&in), from_(from), size_(to - from) {}
        std::size_t size() const { return size_; }
        bool empty() const { return size_ == 0; }
        std::uint32_t operator[](std::size_t at) const { return (*in_)[from_ + at]; }
        auto begin() const { return in_->begin() + static_cast<std::ptrdiff_t>(from_); }
        auto end() const { return begin() + static_cast<std::ptrdiff_t>(size_); }

    private:
        const numbers* in_;
        std::size_t from_;
        std::size_t size_;
    };

    std::size_t size() const { return list_.size(); }
    view all() const { return {list_, 0, list_.size()}; }
    view of(std::size_t group) const {
        if (group >= ends_.size()) return {list_, 0, 0};
        return {list_, begin(group), ends_[group]};
    }
    bool contains(std::uint32_t number) const {
        return number < place_.size() && place_[number] != nowhere;
    }
    /// Precondition: it is in one.
    std::size_t group_of(std::uint32_t number) const {
        std::size_t group = 0;
        while (ends_[group] <= place_[number]) ++group;
        return group;
    }

    /// Puts it into a group, from wherever it is.
    void put(std::uint32_t number, std::size_t group) {
        if (group >= ends_.size()) ends_.resize(group + 1, length());
        std::size_t at = ends_.size() - 1;
        if (contains(number))
            at = group_of(number);
        else
            append(number);
        for (; at < group; ++at) swap(place_[number], --ends_[at]);
        for (; at > group; --at) swap(place_[number], ends_[at - 1]++);
    }
    void remove(std::uint32_t number) {
        if (!contains(number)) return;
        put(number, ends_.size() - 1);
        swap(place_[number], length() - 1);
        list_.pop_back();
        --ends_.back();
        place_[number] = nowhere;
    }
    /// Makes all of a group the first of the next one.
    void pass_on(std::size_t group) {
        if (group + 1 < ends_.size()) ends_[group] = begin(group);
    }

private:
    std::uint32_t length() const { return static_cast<std::uint32_t>(list_.size()); }
    std::uint32_t begin(std::size_t group) const { return group == 0 ? 0 : ends_[group - 1]; }

    void append(std::uint32_t number) {
        if (place_.size() <= number) place_.resize(number + 1U, nowhere);
        list_.push_back(number);
        place_[number] = length() - 1;
        ++ends_.back();
    }
    void swap(std::uint32_t a, std::uint32_t b) {
        std::swap(list_[a], list_[b]);
        place_[list_[a]] = a;
        place_[list_[b]] = b;
    }

    numbers list_;
    numbers place_;
    std::vector<std::uint32_t> ends_;
};

} // namespace joinery::gossip::detail
