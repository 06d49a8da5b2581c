// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/detail/chunk_sequence.hpp>
#include <crdt/detail/chunk_slot.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace joinery::crdt::detail {

/// A key and what stands under it.
template <class K, class V>
struct map_entry {
    K first{};
    V second{};
    friend bool operator==(const map_entry&, const map_entry&) = default;
};

/// So many entries have about 2 KiB.
template <class Slot>
constexpr std::size_t chunk_room = std::clamp<std::size_t>(2048 / sizeof(Slot), 8, 128);

/// An ordered map in sorted chunks of entries: what lies side by side in order is side by side in
/// memory. Entries move when others come or go, unless they stand in a `boxed` slot.
///
/// State      one entry in the object itself; or one chunk; or a tree of the height 3: twigs of
///            chunks, each beside the keys from which on its chunks and it are responsible.
/// Invariant  keys ascend; no chunk and no twig is empty. The shape does not show.
/// Cost       find O(log n); insert and erase the same plus the bytes of a chunk; a step of an
///            iterator O(1); a copy one block for each chunk.
template <class K, class V, class Slot = chunk_slot<map_entry<K, V>>,
          std::size_t ChunkRoom = chunk_room<Slot>, std::size_t TwigRoom = 64>
class ordered_chunks {
    static_assert(ChunkRoom >= 2 && TwigRoom >= 2);
    using slot = Slot;
    using chunk = std::vector<slot>;
    using heads = std::vector<chunk_slot<K>>;

    struct twig {
        heads firsts;
        std::vector<chunk> chunks;
    };
    struct tree {
        heads firsts;
        std::vector<twig> twigs;
        std::size_t size = 0;
    };
    /// An entry, or the end of a chunk.
    struct place {
        std::size_t twig = 0;
        std::size_t chunk = 0;
        std::size_t index = 0;
    };

    template <bool Const>
    class cursor {
        using owner = std::conditional_t<Const, const ordered_chunks, ordered_chunks>;
        using slot_type = std::conditional_t<Const, const slot, slot>;

    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = map_entry<K, V>;
        using difference_type = std::ptrdiff_t;
        using reference = std::conditional_t<Const, const value_type&, value_type&>;
        using pointer = std::conditional_t<Const, const value_type*, value_type*>;

        cursor() = default;
        operator cursor<true>() const
            requires(!Const)
        {
            cursor<true> same;
            same.at_ = at_;
            same.end_ = end_;
            same.in_ = in_;
            same.twig_ = twig_;
            same.chunk_ = chunk_;
            return same;
        }

        reference operator*() const { return **at_; }
        pointer operator->() const { return &**at_; }
        cursor& operator++() {
            if (++at_ == end_) next_chunk();
            return *this;
        }
        cursor operator++(int) {
            auto before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const cursor& a, const cursor& b) { return a.at_ == b.at_; }

    private:
        friend class ordered_chunks;

        cursor(owner& in, const place& p) : in_(&in), twig_(p.twig), chunk_(p.chunk) {
            enter(p.index);
        }
        void enter(std::size_t index) {
            auto* const first = in_->first_of(twig_, chunk_);
            at_ = first + index;
            end_ = first + in_->size_of(twig_, chunk_);
            if (at_ == end_) next_chunk();
        }
        /// The processor foresees what lies behind in a chunk, but not where the next one begins.
        static void fetch(const chunk& next) {
            const auto* const first = reinterpret_cast<const char*>(next.data());
            for (std::size_t line = 0; line < 8; ++line) __builtin_prefetch(first + 64 * line);
        }
        void next_chunk() {
            if (in_->tree_) {
                const auto& twigs = in_->tree_->twigs;
                if (++chunk_ == twigs[twig_].chunks.size()) {
                    chunk_ = 0;
                    ++twig_;
                }
                if (twig_ < twigs.size()) {
                    if (chunk_ + 1 < twigs[twig_].chunks.size())
                        fetch(twigs[twig_].chunks[chunk_ + 1]);
                    return enter(0);
                }
            }
            at_ = end_ = nullptr;
        }

        slot_type* at_ = nullptr;
        slot_type* end_ = nullptr;
        owner* in_ = nullptr;
        std::size_t twig_ = 0;
        std::size_t chunk_ = 0;
    };

public:
    using key_type = K;
    using mapped_type = V;
    using value_type = map_entry<K, V>;
    using iterator = cursor<false>;
    using const_iterator = cursor<true>;
    using sequence = chunk_sequence<Slot, ChunkRoom>;

    ordered_chunks() = default;
    /// Precondition: the keys ascend.
    explicit ordered_chunks(sequence&& all) : lone_(std::move(all.lone())) {
        auto& chunks = all.chunks();
        if (chunks.size() == 1) flat_ = std::move(chunks.front());
        if (chunks.size() > 1) tree_ = tree_of(chunks);
    }
    ordered_chunks(const ordered_chunks& other)
        : lone_(other.lone_),
          flat_(other.flat_),
          tree_(other.tree_ ? std::make_unique<tree>(*other.tree_) : nullptr) {}
    ordered_chunks(ordered_chunks&& other) noexcept
        : lone_(std::move(other.lone_)),
          flat_(std::move(other.flat_)),
          tree_(std::move(other.tree_)) {
        other.lone_.reset();
    }
    ordered_chunks& operator=(const ordered_chunks& other) {
        if (this != &other) *this = ordered_chunks(other);
        return *this;
    }
    ordered_chunks& operator=(ordered_chunks&& other) noexcept {
        if (this == &other) return *this;
        lone_ = std::move(other.lone_);
        flat_ = std::move(other.flat_);
        tree_ = std::move(other.tree_);
        other.clear();
        return *this;
    }
    ~ordered_chunks() = default;

    std::size_t size() const { return tree_ ? tree_->size : size_of(0, 0); }
    bool empty() const { return size() == 0; }

    iterator begin() { return {*this, {}}; }
    iterator end() { return {}; }
    const_iterator begin() const { return {*this, {}}; }
    const_iterator end() const { return {}; }

    /// The first entry whose key is not below `key`.
    iterator lower_bound(const K& key) { return {*this, place_of(key)}; }
    const_iterator lower_bound(const K& key) const { return {*this, place_of(key)}; }
    iterator find(const K& key) { return found(lower_bound(key), key); }
    const_iterator find(const K& key) const { return found(lower_bound(key), key); }
    bool contains(const K& key) const { return find(key) != end(); }
    /// Precondition: not empty.
    const value_type& back() const {
        const auto last = behind_all();
        return *first_of(last.twig, last.chunk)[last.index - 1];
    }

    /// Puts an entry before another one or the end, and returns where it is. If memory runs out,
    /// nothing has changed. Precondition: that is where its key belongs.
    iterator insert(const_iterator before, value_type entry) {
        slot made{std::move(entry)};
        if (!tree_ && !has_room()) grow_tree();
        auto at = place_before(before, (*made).first);
        if (!tree_) return insert_flat(at.index, std::move(made));
        if (chunk_at(at).size() == ChunkRoom) split(at, (*made).first);
        auto& here = chunk_at(at);
        make_room(here);
        here.insert(here.begin() + offset(at.index), std::move(made));
        ++tree_->size;
        return {*this, at};
    }
    /// insert() for a key behind all others.
    V& append(value_type entry) { return insert(end(), std::move(entry))->second; }

    void erase(const_iterator at) noexcept {
        if (!tree_) {
            if (size() == 1) return clear();
            flat_.erase(flat_.begin() + (at.at_ - flat_.data()));
            return;
        }
        if (tree_->size == 1) return clear();
        auto& here = tree_->twigs[at.twig_].chunks[at.chunk_];
        here.erase(here.begin() + (at.at_ - here.data()));
        --tree_->size;
        if (here.size() <= ChunkRoom / 4) tend(at.twig_, at.chunk_);
    }
    void clear() noexcept {
        lone_.reset();
        flat_ = {};
        tree_.reset();
    }

    friend bool operator==(const ordered_chunks& a, const ordered_chunks& b) {
        return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin());
    }

private:
    static std::ptrdiff_t offset(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

    /// A vector can take one more; in a chunk never more than its room.
    template <class T>
    static void make_room(std::vector<T>& all, std::size_t most = ChunkRoom) {
        if (all.size() == all.capacity()) all.reserve(std::min(2 * all.size() + 2, most));
    }

    const slot* first_of(std::size_t t, std::size_t c) const {
        if (tree_) return tree_->twigs[t].chunks[c].data();
        return lone_ ? &*lone_ : flat_.data();
    }
    slot* first_of(std::size_t t, std::size_t c) {
        return const_cast<slot*>(std::as_const(*this).first_of(t, c));
    }
    std::size_t size_of(std::size_t t, std::size_t c) const {
        if (tree_) return tree_->twigs[t].chunks[c].size();
        return lone_ ? 1 : flat_.size();
    }
    chunk& chunk_at(const place& p) { return tree_->twigs[p.twig].chunks[p.chunk]; }

    /// Which of the parts that begin with these keys is responsible for a key.
    static std::size_t part_of(const heads& firsts, const K& key) {
        const auto above =
            std::upper_bound(firsts.begin() + 1, firsts.end(), key,
                             [](const K& wanted, const auto& first) { return wanted < *first; });
        return static_cast<std::size_t>(above - firsts.begin()) - 1;
    }
    place place_of(const K& key) const {
        place p;
        if (tree_) {
            p.twig = part_of(tree_->firsts, key);
            p.chunk = part_of(tree_->twigs[p.twig].firsts, key);
        }
        const auto* const first = first_of(p.twig, p.chunk);
        const auto* const at =
            std::lower_bound(first, first + size_of(p.twig, p.chunk), key,
                             [](const slot& s, const K& wanted) { return (*s).first < wanted; });
        p.index = static_cast<std::size_t>(at - first);
        return p;
    }
    template <class Cursor>
    Cursor found(Cursor at, const K& key) const {
        return at != Cursor{} && key < at->first ? Cursor{} : at;
    }
    place behind_all() const {
        place p;
        if (tree_) {
            p.twig = tree_->twigs.size() - 1;
            p.chunk = tree_->twigs[p.twig].chunks.size() - 1;
        }
        p.index = size_of(p.twig, p.chunk);
        return p;
    }
    /// Where to put a key that belongs before an entry: behind another chunk if that is
    /// responsible.
    place place_before(const const_iterator& before, const K& key) const {
        if (before == end()) return behind_all();
        place p{before.twig_, before.chunk_, 0};
        p.index = static_cast<std::size_t>(before.at_ - first_of(p.twig, p.chunk));
        if (p.index != 0 || (p.twig == 0 && p.chunk == 0)) return p;
        const auto& first =
            p.chunk != 0 ? tree_->twigs[p.twig].firsts[p.chunk] : tree_->firsts[p.twig];
        if (!(key < *first)) return p;
        if (p.chunk == 0) p.chunk = tree_->twigs[--p.twig].chunks.size();
        --p.chunk;
        p.index = size_of(p.twig, p.chunk);
        return p;
    }

    bool has_room() const { return lone_ || flat_.size() < ChunkRoom; }
    iterator insert_flat(std::size_t index, slot made) {
        if (empty()) {
            lone_.emplace(std::move(made));
        } else {
            if (lone_) {
                flat_.reserve(std::min<std::size_t>(ChunkRoom, 4));
                flat_.push_back(std::move(*lone_));
                lone_.reset();
            }
            make_room(flat_);
            flat_.insert(flat_.begin() + offset(index), std::move(made));
        }
        return {*this, {0, 0, index}};
    }

    static std::unique_ptr<tree> tree_of(std::vector<chunk>& chunks) {
        auto made = std::make_unique<tree>();
        for (auto& each : chunks) {
            const auto& first = (*each.front()).first;
            if (made->twigs.empty() || made->twigs.back().chunks.size() == TwigRoom) {
                made->firsts.push_back({first});
                made->twigs.emplace_back();
            }
            auto& last = made->twigs.back();
            last.firsts.push_back({first});
            made->size += each.size();
            last.chunks.push_back(std::move(each));
        }
        return made;
    }
    void grow_tree() {
        auto made = std::make_unique<tree>();
        twig only;
        only.firsts.push_back({(*flat_.front()).first});
        only.chunks.reserve(1);
        made->firsts.push_back({(*flat_.front()).first});
        made->twigs.reserve(1);
        made->size = flat_.size();
        only.chunks.push_back(std::exchange(flat_, {}));
        made->twigs.push_back(std::move(only));
        tree_ = std::move(made);
    }

    /// Moves what is from `cut` on to another vector, which has room.
    template <class T>
    static void move_tail(std::vector<T>& from, std::size_t cut, std::vector<T>& to) {
        std::move(from.begin() + offset(cut), from.end(), std::back_inserter(to));
        from.erase(from.begin() + offset(cut), from.end());
    }

    /// Splits a full chunk, and its twig if that is full, too. In a map that grows at its end what
    /// lies behind stays full. Until all memory is there nothing changes, and the entries never do.
    void split(place& at, const K& key) {
        const bool last = at.twig + 1 == tree_->twigs.size() &&
                          at.chunk + 1 == tree_->twigs[at.twig].chunks.size();
        if (tree_->twigs[at.twig].chunks.size() == TwigRoom) split_twig(at, last);
        auto& from = tree_->twigs[at.twig];
        make_room(from.firsts, TwigRoom);
        make_room(from.chunks, TwigRoom);
        auto& full = from.chunks[at.chunk];
        const bool behind = last && at.index == ChunkRoom;
        const auto cut = behind ? ChunkRoom : ChunkRoom / 2;
        chunk_slot<K> first{behind ? key : (*full[cut]).first};
        chunk right;
        right.reserve(ChunkRoom);
        move_tail(full, cut, right);
        from.firsts.insert(from.firsts.begin() + offset(at.chunk + 1), std::move(first));
        from.chunks.insert(from.chunks.begin() + offset(at.chunk + 1), std::move(right));
        if (behind || at.index > cut) {
            ++at.chunk;
            at.index -= cut;
        }
    }
    void split_twig(place& at, bool last) {
        make_room(tree_->firsts, SIZE_MAX);
        make_room(tree_->twigs, SIZE_MAX);
        auto& full = tree_->twigs[at.twig];
        const auto cut = last ? TwigRoom - 1 : TwigRoom / 2;
        chunk_slot<K> first = full.firsts[cut];
        twig right;
        right.firsts.reserve(TwigRoom);
        right.chunks.reserve(TwigRoom);
        move_tail(full.firsts, cut, right.firsts);
        move_tail(full.chunks, cut, right.chunks);
        tree_->firsts.insert(tree_->firsts.begin() + offset(at.twig + 1), std::move(first));
        tree_->twigs.insert(tree_->twigs.begin() + offset(at.twig + 1), std::move(right));
        if (at.chunk >= cut) {
            ++at.twig;
            at.chunk -= cut;
        }
    }

    /// Joins a chunk that has become small with a neighbour, if both are; then the same for its
    /// twig. Where memory for that is lacking, they stay apart.
    void tend(std::size_t t, std::size_t c) noexcept {
        auto& in = tree_->twigs[t];
        const auto join_at = [&](std::size_t left) {
            if (left + 1 >= in.chunks.size()) return false;
            if (!can_take(in.chunks[left], in.chunks[left + 1], ChunkRoom)) return false;
            move_tail(in.chunks[left + 1], 0, in.chunks[left]);
            drop_part(in.firsts, in.chunks, left + 1);
            return true;
        };
        if (in.chunks[c].empty())
            drop_part(in.firsts, in.chunks, c);
        else if (!join_at(c) && (c == 0 || !join_at(c - 1)))
            return;
        if (in.chunks.size() <= TwigRoom / 4) tend(t);
    }
    void tend(std::size_t t) noexcept {
        auto& all = tree_->twigs;
        const auto join_at = [&](std::size_t left) {
            if (left + 1 >= all.size()) return false;
            auto &a = all[left], &b = all[left + 1];
            if (!can_take(a.chunks, b.chunks, TwigRoom) || !can_take(a.firsts, b.firsts, TwigRoom))
                return false;
            // The first chunk of a twig answers for all that the twig does.
            b.firsts.front() = std::move(tree_->firsts[left + 1]);
            move_tail(b.firsts, 0, a.firsts);
            move_tail(b.chunks, 0, a.chunks);
            drop_part(tree_->firsts, all, left + 1);
            return true;
        };
        if (all[t].chunks.empty())
            drop_part(tree_->firsts, all, t);
        else if (!join_at(t) && t != 0)
            join_at(t - 1);
        if (all.size() == 1 && all[0].chunks.size() == 1) {
            flat_ = std::move(all[0].chunks[0]);
            tree_.reset();
        }
    }
    /// Whether both fill half of the room together; then the left one has room for both.
    template <class T>
    static bool can_take(std::vector<T>& left, const std::vector<T>& right, std::size_t room) {
        const auto both = left.size() + right.size();
        if (both > room / 2) return false;
        try {
            left.reserve(both);
        } catch (const std::bad_alloc&) {
            return false;
        }
        return true;
    }
    template <class T>
    static void drop_part(heads& firsts, std::vector<T>& parts, std::size_t at) noexcept {
        firsts.erase(firsts.begin() + offset(at));
        parts.erase(parts.begin() + offset(at));
    }

    std::optional<slot> lone_;
    chunk flat_;
    std::unique_ptr<tree> tree_;
};

} // namespace joinery::crdt::detail
