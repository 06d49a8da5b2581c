// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>

// What an add-wins set means, with tombstones and without a word from crdt/: every add is a tag of
// its own, every remove (and every add of a present element) takes away the tags it can see.
namespace tag_model {

struct tag {
    std::size_t replica = 0;
    std::uint64_t serial = 0;
    friend auto operator<=>(const tag&, const tag&) = default;
};

class knowledge {
public:
    knowledge add(tag minted, unsigned element) {
        knowledge news = remove(element);
        news.added_.emplace(minted, element);
        merge(news);
        return news;
    }

    knowledge remove(unsigned element) {
        knowledge news;
        for (const auto& [known, what] : added_)
            if (what == element && !removed_.contains(known)) news.removed_.insert(known);
        merge(news);
        return news;
    }

    // What is known of some elements, and all removals: a removal is never wrong.
    knowledge about(const std::set<unsigned>& elements) const {
        knowledge some;
        some.removed_ = removed_;
        for (const auto& [known, what] : added_)
            if (elements.contains(what)) some.added_.emplace(known, what);
        return some;
    }

    void merge(const knowledge& other) {
        added_.insert(other.added_.begin(), other.added_.end());
        removed_.insert(other.removed_.begin(), other.removed_.end());
    }

    bool contains(unsigned element) const {
        for (const auto& [known, what] : added_)
            if (what == element && !removed_.contains(known)) return true;
        return false;
    }

private:
    std::map<tag, unsigned> added_;
    std::set<tag> removed_;
};

} // namespace tag_model
