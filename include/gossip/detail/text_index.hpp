// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/groups.hpp>
#include <gossip/detail/member_record.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// Room for one more without the slack of doubling.
template <class T>
void reserve_one(std::vector<T>& in) {
    if (in.size() == in.capacity()) in.reserve(in.size() + in.size() / 8 + 4);
}

/// Finds numbers by texts that are kept elsewhere: text_of(number) tells them.
///
/// State      a part for each bucket of the texts' hashes, of (hash, number) in the order of
///            (hash, text).
/// Invariant  a text is in it once, and does not change while it is.
/// Cost       find O(log texts); insert and erase move what is behind in the bucket; 8 bytes each.
class text_index {
public:
    struct entry {
        std::uint32_t hash = 0;
        std::uint32_t number = nowhere;
    };

    static std::uint64_t hash_of(std::string_view text) {
        return wire::content_hash64(bytes_of(text));
    }

    std::size_t size() const { return size_; }

    template <class TextOf>
    std::uint32_t find(std::string_view text, const TextOf& text_of) const {
        const std::uint64_t hash = hash_of(text);
        const auto& part = parts_[hash % buckets];
        const std::size_t at = not_before(part, upper(hash), text, text_of);
        const bool found =
            at < part.size() && part[at].hash == upper(hash) && text_of(part[at].number) == text;
        return found ? part[at].number : nowhere;
    }
    template <class TextOf>
    void insert(std::uint32_t number, const TextOf& text_of) {
        const std::string_view text = text_of(number);
        const std::uint64_t hash = hash_of(text);
        auto& part = parts_[hash % buckets];
        const std::size_t at = not_before(part, upper(hash), text, text_of);
        reserve_one(part);
        part.insert(part.begin() + static_cast<std::ptrdiff_t>(at), {upper(hash), number});
        ++size_;
    }
    template <class TextOf>
    void erase(std::uint32_t number, const TextOf& text_of) {
        const std::string_view text = text_of(number);
        const std::uint64_t hash = hash_of(text);
        auto& part = parts_[hash % buckets];
        const std::size_t at = not_before(part, upper(hash), text, text_of);
        if (at == part.size() || part[at].number != number) return;
        part.erase(part.begin() + static_cast<std::ptrdiff_t>(at));
        --size_;
    }

    std::span<const entry> bucket(std::size_t which) const { return parts_[which]; }
    /// What of a bucket comes after a text, which need not be in it; all after the empty one.
    template <class TextOf>
    std::span<const entry> after(std::size_t which, std::string_view text,
                                 const TextOf& text_of) const {
        const auto& part = parts_[which];
        if (text.empty()) return part;
        const std::uint32_t hash = upper(hash_of(text));
        std::size_t at = not_before(part, hash, text, text_of);
        if (at < part.size() && part[at].hash == hash && text_of(part[at].number) == text) ++at;
        return bucket(which).subspan(at);
    }

private:
    static std::uint32_t upper(std::uint64_t hash) {
        return static_cast<std::uint32_t>(hash >> 32U);
    }
    template <class TextOf>
    static std::size_t not_before(const std::vector<entry>& part, std::uint32_t hash,
                                  std::string_view text, const TextOf& text_of) {
        const auto before = [&](const entry& each, std::uint32_t sought) {
            return each.hash != sought ? each.hash < sought : text_of(each.number) < text;
        };
        const auto at = std::lower_bound(part.begin(), part.end(), hash, before);
        return static_cast<std::size_t>(at - part.begin());
    }

    std::array<std::vector<entry>, buckets> parts_;
    std::size_t size_ = 0;
};

} // namespace joinery::gossip::detail
