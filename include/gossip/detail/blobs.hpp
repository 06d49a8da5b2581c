// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/detail/message.hpp>
#include <gossip/peer.hpp>
#include <gossip/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace joinery::gossip::detail {

/// Messages above a datagram: those that peers may fetch here, and those being fetched.
///
/// State      served: digest -> bytes, oldest first; fetched: digest -> pieces, sources, questions.
/// Invariant  served and fetched bytes have caps; memory is taken for bytes that have arrived,
///            never for an announced length; only verified bytes leave.
/// Cost       O(log blobs + log pieces) a piece.
class blobs {
public:
    blobs(std::size_t max_blob, std::size_t max_served)
        : max_blob_(max_blob), max_served_(std::max(max_served, 2 * max_blob)) {}

    struct question {
        std::string to;
        std::vector<byte_range> ranges;
    };

    /// Keeps a message for fetching; its address.
    offer_message serve(std::vector<std::byte> bytes) {
        const offer_message made{wire::content_digest(bytes), bytes.size()};
        drop_served(made.digest);
        served_bytes_ += bytes.size();
        order_.emplace(++arrivals_, made.digest);
        served_[made.digest] = {std::move(bytes), arrivals_};
        while (served_bytes_ > max_served_ && served_.size() > 1)
            drop_served(order_.begin()->second);
        return made;
    }

    bytes_view find(const wire::digest& digest) const {
        const auto at = served_.find(digest);
        return at == served_.end() ? bytes_view{} : bytes_view(at->second.bytes);
    }

    bool acceptable(std::uint64_t length) const { return length != 0 && length <= max_blob_; }

    /// Starts to fetch, or learns one more source. False if the cap leaves no room now.
    bool accept(const offer_message& offer, const std::string& source) {
        const auto at = fetched_.find(offer.digest);
        if (at == fetched_.end()) {
            const auto length = static_cast<std::size_t>(offer.length);
            if (fetching_bytes_ + cost_of(length) > max_fetching * max_blob_) return false;
            fetched_[offer.digest].length = length;
            fetching_bytes_ += cost_of(length);
        }
        auto& sources = fetched_[offer.digest].sources;
        if (std::find(sources.begin(), sources.end(), source) == sources.end() &&
            sources.size() < max_sources)
            sources.push_back(source);
        return true;
    }

    /// The next ranges to ask for, none while enough are under way.
    std::optional<question> next_question(const wire::digest& digest, std::size_t chunk,
                                          time_point deadline, random& chance) {
        const auto at = fetched_.find(digest);
        if (at == fetched_.end() || at->second.asked.size() > window / 2) return std::nullopt;
        fetch& each = at->second;
        question made;
        made.to = each.sources[chance.below(each.sources.size())];
        made.ranges = gaps(each, chunk);
        if (made.ranges.empty()) return std::nullopt;
        for (const byte_range& range : made.ranges) each.asked.insert_or_assign(range.offset, 0);
        each.deadline = deadline;
        return made;
    }

    enum class progress : std::uint8_t { useless, more, complete, wrong };

    /// Takes a piece in; on `complete`, `whole` holds the verified bytes.
    progress take(const piece_message& piece, std::vector<std::byte>& whole) {
        const auto at = fetched_.find(piece.digest);
        if (at == fetched_.end()) return progress::useless;
        fetch& each = at->second;
        each.asked.erase(piece.offset);
        if (!fits(each, piece)) return progress::useless;
        each.pieces.emplace(piece.offset,
                            std::vector<std::byte>(piece.bytes.begin(), piece.bytes.end()));
        each.have += piece.bytes.size();
        each.tries = 0;
        if (each.have < each.length) return progress::more;
        whole.clear();
        whole.reserve(each.length);
        for (const auto& [offset, bytes] : each.pieces)
            whole.insert(whole.end(), bytes.begin(), bytes.end());
        forget(at);
        return wire::content_digest(whole) == piece.digest ? progress::complete : progress::wrong;
    }

    /// Overdue fetches: those to ask for again; those without progress are given up.
    std::vector<wire::digest> overdue(time_point now, std::size_t& given_up) {
        std::vector<wire::digest> again;
        for (auto at = fetched_.begin(); at != fetched_.end();) {
            if (at->second.deadline > now) {
                ++at;
            } else if (++at->second.tries > max_tries) {
                ++given_up;
                forget(at++);
            } else {
                at->second.asked.clear();
                again.push_back((at++)->first);
            }
        }
        return again;
    }

    bool fetching() const { return !fetched_.empty(); }
    bool fetching_from(const std::string& source) const {
        return std::any_of(fetched_.begin(), fetched_.end(), [&](const auto& each) {
            const auto& sources = each.second.sources;
            return std::find(sources.begin(), sources.end(), source) != sources.end();
        });
    }
    time_point next_deadline() const {
        time_point next = time_point::max();
        for (const auto& [digest, each] : fetched_) next = std::min(next, each.deadline);
        return next;
    }

private:
    static constexpr std::size_t window = 32;
    static constexpr std::size_t max_sources = 8;
    static constexpr std::size_t max_fetching = 4;
    static constexpr unsigned max_tries = 8;
    static constexpr std::size_t least_cost = 1024; // of a fetch, so that many small ones are few
    static constexpr std::size_t least_piece = 128; // on the average; no datagram is so small

    struct served {
        std::vector<std::byte> bytes;
        std::uint64_t order = 0;
    };
    struct fetch {
        std::size_t length = 0;
        std::size_t have = 0;
        std::map<std::uint64_t, std::vector<std::byte>> pieces;
        std::map<std::uint64_t, int> asked;
        std::vector<std::string> sources;
        time_point deadline = time_point::min();
        unsigned tries = 0;
    };
    using fetches = std::map<wire::digest, fetch>;

    void drop_served(const wire::digest& digest) {
        const auto at = served_.find(digest);
        if (at == served_.end()) return;
        served_bytes_ -= at->second.bytes.size();
        order_.erase(at->second.order);
        served_.erase(at);
    }
    void forget(fetches::iterator at) {
        fetching_bytes_ -= cost_of(at->second.length);
        fetched_.erase(at);
    }

    static std::size_t cost_of(std::size_t length) { return std::max(length, least_cost); }

    static bool fits(const fetch& each, const piece_message& piece) {
        if (piece.bytes.empty() || piece.offset >= each.length ||
            piece.bytes.size() > each.length - piece.offset ||
            each.pieces.size() > window + each.length / least_piece)
            return false;
        const auto after = each.pieces.lower_bound(piece.offset);
        if (after != each.pieces.end() && after->first < piece.offset + piece.bytes.size())
            return false;
        if (after == each.pieces.begin()) return true;
        const auto before = std::prev(after);
        return before->first + before->second.size() <= piece.offset;
    }

    static std::vector<byte_range> gaps(const fetch& each, std::size_t chunk) {
        std::vector<byte_range> all;
        std::uint64_t at = 0;
        const auto cut = [&](std::uint64_t end) {
            for (; at < end && each.asked.size() + all.size() < window;) {
                const auto length = std::min<std::uint64_t>(chunk, end - at);
                if (!each.asked.contains(at)) all.push_back({at, length});
                at += length;
            }
            at = end;
        };
        for (const auto& [offset, bytes] : each.pieces) {
            cut(offset);
            at = offset + bytes.size();
        }
        cut(each.length);
        return all;
    }

    std::size_t max_blob_;
    std::size_t max_served_;
    std::size_t served_bytes_ = 0;
    std::size_t fetching_bytes_ = 0;
    std::uint64_t arrivals_ = 0;
    std::map<wire::digest, served> served_;
    std::map<std::uint64_t, wire::digest> order_;
    fetches fetched_;
};

} // namespace joinery::gossip::detail
