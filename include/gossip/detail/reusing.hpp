// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// A std::map or std::set that puts nodes which were erased in again, so that one whose size goes
/// up and down allocates nothing.
///
/// State      the tree; spare nodes.
/// Value      the tree's: copies have no spare nodes.
/// Invariant  at most max_spare spare nodes; only what is declared here uses them.
/// Cost       as the tree's.
template <class Tree, std::size_t max_spare = 128>
class reusing : public Tree {
public:
    using typename Tree::const_iterator;
    using typename Tree::iterator;
    using typename Tree::key_type;

    iterator erase(const_iterator at) {
        auto& nodes = spare_.nodes;
        if (nodes.size() == std::min(max_spare, nodes.capacity())) return Tree::erase(at);
        auto next = std::next(Tree::erase(at, at)); // as an iterator that is not const
        nodes.push_back(Tree::extract(at));
        return next;
    }
    std::size_t erase(const key_type& key) {
        const auto at = Tree::find(key);
        if (at == Tree::end()) return 0;
        erase(at);
        return 1;
    }

    /// Of a map: the value at the key, and whether it is new: then it is whatever was left in it.
    auto place(const key_type& key) {
        const bool last = !Tree::empty() && Tree::key_comp()(std::prev(Tree::end())->first, key);
        const auto at = last ? Tree::end() : Tree::lower_bound(key); // keys often ascend
        if (at != Tree::end() && !Tree::key_comp()(key, at->first)) return std::pair(at, false);
        if (spare_.nodes.empty()) {
            make_room();
            return std::pair(Tree::try_emplace(at, key), true);
        }
        auto node = take_spare();
        node.key() = key;
        return std::pair(Tree::insert(at, std::move(node)), true);
    }
    /// Of a map: the value at the key, a value-initialised one if there is none.
    auto& operator[](const key_type& key) {
        const auto [at, fresh] = place(key);
        if (fresh) at->second = {};
        return at->second;
    }

    /// Of a set.
    void insert(const key_type& value) {
        const auto at = Tree::lower_bound(value);
        if (at != Tree::end() && !Tree::key_comp()(value, *at)) return;
        if (spare_.nodes.empty()) {
            make_room();
            Tree::insert(at, value);
            return;
        }
        auto node = take_spare();
        node.value() = value;
        Tree::insert(at, std::move(node));
    }

private:
    using node_type = typename Tree::node_type;

    struct spares {
        std::vector<node_type> nodes;

        spares() = default;
        spares(spares&&) = default;
        spares& operator=(spares&&) = default;
        spares(const spares&) {}
        spares& operator=(const spares&) { return *this; }
        ~spares() = default;
    };

    // For the nodes that will be erased: here, so that to erase allocates nothing and never fails.
    void make_room() {
        auto& nodes = spare_.nodes;
        if (nodes.capacity() < max_spare && nodes.capacity() <= Tree::size())
            nodes.reserve(std::min(max_spare, std::max<std::size_t>(2 * nodes.capacity(), 4)));
    }

    node_type take_spare() {
        node_type node = std::move(spare_.nodes.back());
        spare_.nodes.pop_back();
        return node;
    }

    spares spare_;
};

} // namespace joinery::gossip::detail
