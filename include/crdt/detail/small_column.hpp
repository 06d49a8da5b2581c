// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace joinery::crdt::detail {

/// A vector of plain values with room for a few in the object itself, so that a
/// small state takes no memory from elsewhere. Where the values are does not
/// show.
///
/// State      the values; `room_` is Inline until there were more, then what
/// was allocated. Cost       as std::vector; a move of a small column copies
/// it.
template <class T, std::size_t Inline>
class small_column {
    static_assert(std::is_trivially_copyable_v<T> && Inline > 0);

public:
    using value_type = T;
    using iterator = T*;
    using const_iterator = const T*;

    small_column() noexcept : near_{} {}
    small_column(const small_column& other) : near_{} { assign(other.begin(), other.end()); }
    small_column(small_column&& other) noexcept : near_{} { take(other); }
    small_column& operator=(const small_column& other) {
        if (this != &other) assign(other.begin(), other.end());
        return *this;
    }
    small_column& operator=(small_column&& other) noexcept {
        if (this == &other) return *this;
        release();
        take(other);
        return *this;
    }
    ~small_column() { release(); }

    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::size_t capacity() const { return room_; }
    T* data() { return near() ? near_ : far_; }
    const T* data() const { return near() ? near_ : far_; }
    T* begin() { return data(); }
    T* end() { return data() + size_; }
    const T* begin() const { return data(); }
    const T* end() const { return data() + size_; }
    T& operator[](std::size_t i) { return data()[i]; }
    const T& operator[](std::size_t i) const { return data()[i]; }
    const T& back() const { return data()[size_ - 1]; }

    void clear() { size_ = 0; }
    void reserve(std::size_t n) {
        if (n > room_) move_to(n);
    }
    /// So many more values ask for no memory. As often as it is called, it costs O(1) amortised.
    void make_room(std::size_t more) {
        if (size_ + more > room_) move_to(std::max(size_ + more, grown()));
    }
    /// New values, if any, are T{}.
    void resize(std::size_t n) {
        resize_unset(n > size_ ? n : size_);
        size_ = static_cast<std::uint32_t>(n);
    }
    /// The same for a caller that writes all new values at once.
    void resize_for_overwrite(std::size_t n) {
        reserve(n);
        size_ = static_cast<std::uint32_t>(n);
    }
    void push_back(const T& value) {
        const T copy = value;
        if (size_ == room_) move_to(grown());
        std::construct_at(data() + size_, copy);
        ++size_;
    }
    /// Becomes the one value. Precondition: it is as it was constructed.
    void set_first(const T& value) {
        near_[0] = value;
        size_ = 1;
    }
    void insert(std::size_t at, const T& value) {
        const T copy = value;
        if (size_ == room_) move_to(grown());
        T* const place = data() + at;
        if (at != size_)
            std::memmove(static_cast<void*>(place + 1), place, (size_ - at) * sizeof(T));
        std::construct_at(place, copy);
        ++size_;
    }
    void erase(std::size_t from, std::size_t to) {
        T* place = data();
        std::memmove(static_cast<void*>(place + from), place + to, (size_ - to) * sizeof(T));
        size_ -= static_cast<std::uint32_t>(to - from);
    }

    friend bool operator==(const small_column& a, const small_column& b) {
        return std::equal(a.begin(), a.end(), b.begin(), b.end());
    }

private:
    static constexpr std::size_t most = UINT32_MAX;

    bool near() const { return room_ == Inline; }
    std::size_t grown() const { return std::size_t{room_} * 2; }

    void resize_unset(std::size_t n) {
        reserve(n);
        std::uninitialized_value_construct(data() + size_, data() + n);
    }
    void assign(const T* from, const T* to) {
        const auto n = static_cast<std::size_t>(to - from);
        if (n > room_) {
            T* place = allocate(n);
            release();
            far_ = place;
            room_ = static_cast<std::uint32_t>(n);
        }
        if (n != 0) std::memcpy(static_cast<void*>(data()), from, n * sizeof(T));
        size_ = static_cast<std::uint32_t>(n);
    }
    void take(small_column& other) noexcept {
        size_ = other.size_;
        room_ = other.room_;
        if (other.near())
            // One by one: what was just written one by one cannot be loaded as a block at once.
            for (std::size_t i = 0; i < Inline && i < size_; ++i)
                std::construct_at(near_ + i, other.near_[i]);
        else
            far_ = other.far_;
        other.size_ = 0;
        other.room_ = Inline;
    }
    void move_to(std::size_t n) {
        T* place = allocate(n);
        std::memcpy(static_cast<void*>(place), data(), size_ * sizeof(T));
        release();
        far_ = place;
        room_ = static_cast<std::uint32_t>(n);
    }
    static T* allocate(std::size_t n) {
        if (n > most) throw std::length_error("a column is too long");
        return std::allocator<T>{}.allocate(n);
    }
    void release() noexcept {
        if (!near()) std::allocator<T>{}.deallocate(far_, room_);
        room_ = Inline;
    }

    std::uint32_t size_ = 0;
    std::uint32_t room_ = Inline;
    union {
        T near_[Inline];
        T* far_;
    };
};

} // namespace joinery::crdt::detail
