// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/groups.hpp>
#include <gossip/detail/member_record.hpp>
#include <gossip/peer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <vector>

namespace joinery::gossip::detail {

/// What is known of one member, but its texts.
struct member {
    std::uint64_t version = 0;
    std::uint64_t boot = 0;
    time_point last_heard;
    std::uint32_t source = 0;     ///< who alone has told of it; 0: itself, or several
    std::uint32_t trip_us = 0;    ///< round trip in microseconds, smoothed; 0: not measured
    std::uint32_t denied_s = 0;   ///< the second, mod 2^32, in which it last denied a suspicion
    std::uint16_t text = 0;       ///< where its texts begin
    std::uint8_t misses : 5 = 0;  ///< vain pings while unverified
    std::uint8_t denials : 3 = 0; ///< suspicions denied lately
    member_status status : 2 = member_status::left;
    bool verified : 1 = false;  ///< has returned a number that only its address was told
    bool complete : 1 = false;  ///< zone and metadata are known
    bool doubted : 1 = false;   ///< dead, but nobody else is told: it may never have been
    bool held_back : 1 = false; ///< could not be pinged, while unverified

    bool live() const { return status == member_status::alive || status == member_status::suspect; }
    duration round_trip() const { return std::chrono::microseconds(trip_us); }
    void note_trip(duration trip) {
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(trip).count();
        const auto now = static_cast<std::uint64_t>(std::clamp<std::int64_t>(us, 1, longest_us));
        const std::uint64_t old = trip_us;
        trip_us = static_cast<std::uint32_t>(old == 0 ? now : (7 * old + now) / 8);
    }

    static constexpr std::int64_t longest_us = 0xffff'ffff;
};
static_assert(sizeof(member) == 40);

/// What a member is called and where it is. The views are of the place that they were taken from.
struct member_texts {
    std::string_view name, address, zone;
    std::uint64_t incarnation = 0;
    bytes_view metadata;

    friend bool operator==(const member_texts& a, const member_texts& b) {
        return a.name == b.name && a.address == b.address && a.zone == b.zone &&
               a.incarnation == b.incarnation &&
               std::equal(a.metadata.begin(), a.metadata.end(), b.metadata.begin(),
                          b.metadata.end());
    }
};

/// Members by number, in as few bytes as can be.
///
/// State      pages of some slots each, and their texts one after another; the free numbers.
/// Invariant  a number stays while its member does. Views of texts end with the next change.
/// Cost       change O(texts of a page); 41 bytes a member and its texts, an address that is the
///            name not counted.
class member_store {
public:
    std::uint32_t add() {
        if (free_.empty()) {
            if (slots_ % per_page == 0) pages_.emplace_back();
            return slots_++;
        }
        const std::uint32_t number = free_.back();
        free_.pop_back();
        return number;
    }
    void remove(std::uint32_t number) {
        cut(number);
        const std::uint16_t text = at(number).text;
        at(number) = member{};
        at(number).text = text;
        free_.push_back(number);
    }
    std::uint32_t slots() const { return slots_; }

    member& at(std::uint32_t number) { return page_of(number).slots[number % per_page]; }
    const member& at(std::uint32_t number) const {
        return page_of(number).slots[number % per_page];
    }

    /// Empty for a free number, as are all its texts.
    std::string_view name(std::uint32_t number) const {
        const std::byte* from = begin(number);
        return from == end(number) ? std::string_view{} : take_text(from);
    }
    std::string_view address(std::uint32_t number) const {
        const std::byte* from = begin(number);
        if (from == end(number)) return {};
        const std::string_view name = take_text(from);
        return take_address(from, name);
    }
    member_texts texts(std::uint32_t number) const {
        member_texts made;
        const std::byte* from = begin(number);
        if (from == end(number)) return made;
        made.name = take_text(from);
        made.address = take_address(from, made.name);
        made.zone = take_text(from);
        made.incarnation = take_number(from);
        made.metadata = {from, end(number)};
        return made;
    }
    /// The texts may be views of this place itself.
    void set(std::uint32_t number, const member_texts& to) {
        if (texts(number) == to && begin(number) != end(number)) return;
        std::vector<std::byte> made;
        made.reserve(most_bytes + to.metadata.size());
        put_text(made, to.name);
        made.push_back(static_cast<std::byte>(to.address == to.name));
        if (to.address != to.name) put_text(made, to.address);
        put_text(made, to.zone);
        put_number(made, to.incarnation);
        made.insert(made.end(), to.metadata.begin(), to.metadata.end());
        replace(number, made);
    }

private:
    static constexpr std::uint32_t per_page = 32;
    static constexpr std::size_t most_bytes = 3 * (1 + max_text) + 1 + 10;
    static_assert(per_page * (most_bytes + max_metadata) < 65'536);

    struct page {
        std::array<member, per_page> slots;
        std::vector<std::byte> texts;
    };

    page& page_of(std::uint32_t number) { return pages_[number / per_page]; }
    const page& page_of(std::uint32_t number) const { return pages_[number / per_page]; }

    const std::byte* begin(std::uint32_t number) const {
        return page_of(number).texts.data() + at(number).text;
    }
    const std::byte* end(std::uint32_t number) const {
        const bool last = (number + 1) % per_page == 0;
        const auto& texts = page_of(number).texts;
        return texts.data() + (last ? texts.size() : at(number + 1).text);
    }

    void replace(std::uint32_t number, bytes_view by) {
        page& in = page_of(number);
        const std::size_t from = at(number).text;
        const auto old = static_cast<std::size_t>(end(number) - begin(number));
        std::vector<std::byte> made; // exactly so many bytes: it changes seldom
        made.reserve(in.texts.size() - old + by.size());
        const auto head = in.texts.begin() + static_cast<std::ptrdiff_t>(from);
        made.assign(in.texts.begin(), head);
        made.insert(made.end(), by.begin(), by.end());
        made.insert(made.end(), head + static_cast<std::ptrdiff_t>(old), in.texts.end());
        shift(number, by.size() - old);
        in.texts = std::move(made);
    }
    // Needs no memory.
    void cut(std::uint32_t number) {
        page& in = page_of(number);
        const auto head = in.texts.begin() + at(number).text;
        const auto old = end(number) - begin(number);
        shift(number, static_cast<std::size_t>(-old));
        in.texts.erase(head, head + old);
    }
    // Moves where the texts behind a number's begin.
    void shift(std::uint32_t number, std::size_t by) {
        auto& slots = page_of(number).slots;
        for (std::size_t later = number % per_page + 1; later < per_page; ++later)
            slots[later].text = static_cast<std::uint16_t>(slots[later].text + by);
    }

    static std::string_view take_text(const std::byte*& from) {
        const auto size = std::to_integer<std::size_t>(*from++);
        const auto* text = reinterpret_cast<const char*>(from);
        from += size;
        return {text, size};
    }
    static std::string_view take_address(const std::byte*& from, std::string_view name) {
        return *from++ != std::byte{0} ? name : take_text(from);
    }
    static std::uint64_t take_number(const std::byte*& from) {
        std::uint64_t made = 0;
        for (unsigned shift = 0;; shift += 7) {
            const auto next = std::to_integer<std::uint64_t>(*from++);
            made |= (next & 0x7fU) << shift;
            if (next < 0x80U) return made;
        }
    }
    static void put_text(std::vector<std::byte>& to, std::string_view text) {
        to.push_back(static_cast<std::byte>(text.size()));
        const bytes_view bytes = bytes_of(text);
        to.insert(to.end(), bytes.begin(), bytes.end());
    }
    static void put_number(std::vector<std::byte>& to, std::uint64_t number) {
        for (; number >= 0x80U; number >>= 7U)
            to.push_back(static_cast<std::byte>((number & 0x7fU) | 0x80U));
        to.push_back(static_cast<std::byte>(number));
    }

    std::deque<page> pages_;
    std::vector<std::uint32_t> free_;
    std::uint32_t slots_ = 0;
};

} // namespace joinery::gossip::detail
