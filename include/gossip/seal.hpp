// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <algorithm>
#include <array>
#include <bitset>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace joinery::gossip {

/// The host's authenticated encryption under one key, as ChaCha20-Poly1305 or AES-GCM: seal appends
/// the ciphertext and its tag to `out`; open appends the plaintext, or returns false.
template <class A>
concept aead =
    requires(const A& key, std::span<const std::byte> nonce, std::span<const std::byte> associated,
             std::span<const std::byte> text, std::vector<std::byte>& out) {
        { A::tag_bytes } -> std::convertible_to<std::size_t>;
        key.seal(nonce, associated, text, out);
        { key.open(nonce, associated, text, out) } -> std::same_as<bool>;
    };

/// Thrown by seal() when the key has sealed as much as it may.
struct rekey_required : std::runtime_error {
    rekey_required() : std::runtime_error("the key has sealed enough: use another one") {}
};

/// What sealed_channel::open() found.
enum class seal_status : std::uint8_t {
    ok,
    not_sealed,       ///< no sealed datagram of this version
    unknown_key,      ///< under a key that is not in the ring
    auth_failed,      ///< altered, of another cluster, or made without the key
    replayed,         ///< was opened before, or is older than the window
    stale_epoch,      ///< from a former epoch of its sender
    too_many_senders, ///< there is no room to remember one more
};

struct seal_statistics {
    std::array<std::uint64_t, 7> opened{}; ///< by seal_status
    std::uint64_t sealed = 0;

    std::uint64_t count(seal_status s) const { return opened[static_cast<std::size_t>(s)]; }
};

/// Seals the datagrams that an engine sends and opens those that it is to receive.
///
/// State      a ring of keys by number, one of them in use; per sender its epoch, its greatest
///            sequence and which of the 1,024 up to that have been opened.
/// Invariant  a nonce is the id of (name, epoch) and 32 bits of a sequence that never falls; it is
///            never used twice under a key: the epoch must be one that this name has not had
///            before, and keys are used by rising number.
/// Cost       31 bytes and a tag a datagram; open O(log senders) beside the host's cipher.
/// Source     IPsec's anti-replay window, RFC 4303, 3.4.3.
template <aead Aead>
class sealed_channel {
public:
    using bytes_view = std::span<const std::byte>;
    static constexpr std::size_t window = 1024;
    static constexpr std::size_t overhead = 3 + 4 + 8 + 8 + 8 + Aead::tag_bytes;

    /// `epoch` is the incarnation, unless that may be used twice.
    sealed_channel(std::string_view cluster, std::string_view name, std::uint64_t epoch,
                   std::size_t max_senders = 1024,
                   std::uint64_t max_seals = std::uint64_t{1} << 32U)
        : cluster_(wire::content_hash64(std::as_bytes(std::span(cluster)))),
          name_(wire::content_hash64(std::as_bytes(std::span(name)))),
          epoch_(epoch),
          max_senders_(max_senders),
          max_seals_(std::min(max_seals, std::uint64_t{1} << 32U)) {}

    /// Puts a key into the ring, to open with; the first one is also used. Everybody must have a
    /// key before anybody uses it.
    void add_key(std::uint32_t number, Aead key) {
        ring_.insert_or_assign(number, std::move(key));
        if (!used_) used_ = number;
    }
    /// Seals with this key from now on; false if it is not in the ring or its number is below that
    /// of the key in use.
    bool use_key(std::uint32_t number) {
        if (used_ == number) return true;
        if (!ring_.contains(number) || (used_ && number < *used_)) return false;
        used_ = number;
        seals_ = 0;
        return true;
    }
    /// Opens no more under a key. Precondition: it is not in use.
    void drop_key(std::uint32_t number) { ring_.erase(number); }

    /// Throws rekey_required. Precondition: there is a key.
    std::vector<std::byte> seal(bytes_view datagram) {
        if (seals_ == max_seals_) throw rekey_required();
        const header head{*used_, name_, epoch_, sequence_ + 1};
        wire::writer w;
        head.write(w);
        auto out = w.take();
        ring_.at(*used_).seal(nonce_of(head), associated(out), datagram, out);
        ++sequence_;
        ++seals_;
        ++statistics_.sealed;
        return out;
    }

    /// Fills in the datagram that was sealed; nothing changes but a count unless it is ok.
    seal_status open(bytes_view sealed, std::vector<std::byte>& datagram) {
        const auto status = check(sealed, datagram);
        if (status != seal_status::ok) datagram.clear();
        ++statistics_.opened[static_cast<std::size_t>(status)];
        return status;
    }

    /// How many more datagrams the key in use may seal.
    std::uint64_t seals_left() const { return max_seals_ - seals_; }
    const seal_statistics& statistics() const { return statistics_; }

private:
    /// The first bytes of a sealed datagram, which are not secret.
    struct header {
        std::uint32_t key = 0;
        std::uint64_t name = 0;
        std::uint64_t epoch = 0;
        std::uint64_t sequence = 0;

        static constexpr std::size_t bytes = 3 + 4 + 8 + 8 + 8;
        void write(wire::writer& w) const {
            w.u8('J');
            w.u8('S');
            w.u8(1);
            w.fixed32(key);
            w.fixed64(name);
            w.fixed64(epoch);
            w.fixed64(sequence);
        }
        bool read(bytes_view in) {
            wire::reader r(in);
            const bool magic = r.u8() == 'J' && r.u8() == 'S' && r.u8() == 1;
            key = r.fixed32();
            name = r.fixed64();
            epoch = r.fixed64();
            sequence = r.fixed64();
            return magic && r.ok() && sequence != 0;
        }
    };

    /// What has been opened of one sender: bit i of `seen` is the sequence greatest - i.
    struct past {
        std::uint64_t epoch = 0;
        std::uint64_t greatest = 0;
        std::bitset<window> seen;

        bool knows(std::uint64_t sequence) const {
            if (sequence > greatest) return false;
            return greatest - sequence >= window || seen[greatest - sequence];
        }
        void note(std::uint64_t sequence) {
            if (sequence > greatest) {
                seen <<= std::min<std::uint64_t>(sequence - greatest, window);
                greatest = sequence;
            }
            seen.set(greatest - sequence);
        }
    };

    seal_status check(bytes_view sealed, std::vector<std::byte>& datagram) {
        header head;
        if (!head.read(sealed)) return seal_status::not_sealed;
        const auto key = ring_.find(head.key);
        if (key == ring_.end()) return seal_status::unknown_key;
        const auto known = senders_.find(head.name);
        if (known != senders_.end()) {
            if (head.epoch < known->second.epoch) return seal_status::stale_epoch;
            if (head.epoch == known->second.epoch && known->second.knows(head.sequence))
                return seal_status::replayed;
        }
        datagram.clear();
        const auto first = sealed.first(header::bytes);
        if (!key->second.open(nonce_of(head), associated(first), sealed.subspan(header::bytes),
                              datagram))
            return seal_status::auth_failed;
        if (known == senders_.end() && senders_.size() >= max_senders_)
            return seal_status::too_many_senders;
        auto& from = known != senders_.end() ? known->second : senders_[head.name];
        if (from.epoch < head.epoch) from = past{head.epoch, 0, {}};
        from.note(head.sequence);
        return seal_status::ok;
    }

    static std::array<std::byte, 12> nonce_of(const header& head) {
        const auto sender = wire::mix(head.name, head.epoch);
        std::array<std::byte, 12> nonce;
        for (unsigned i = 0; i < 8; ++i) nonce[i] = static_cast<std::byte>(sender >> (8 * i));
        for (unsigned i = 0; i < 4; ++i)
            nonce[8 + i] = static_cast<std::byte>(head.sequence >> (8 * i));
        return nonce;
    }
    /// What is authenticated beside the text: the cluster and the header.
    std::vector<std::byte> associated(bytes_view head) const {
        wire::writer w;
        w.fixed64(cluster_);
        w.raw(head.first(header::bytes));
        return w.take();
    }

    std::uint64_t cluster_;
    std::uint64_t name_;
    std::uint64_t epoch_;
    std::size_t max_senders_;
    std::uint64_t max_seals_;
    std::map<std::uint32_t, Aead> ring_;
    std::optional<std::uint32_t> used_;
    std::uint64_t sequence_ = 0;
    std::uint64_t seals_ = 0;
    std::map<std::uint64_t, past> senders_;
    seal_statistics statistics_;
};

} // namespace joinery::gossip
