// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <sys/types.h>
#include <sys/wait.h>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

#include <crdt/replica_id.hpp>
#include <gossip/random.hpp>
#include <stream/store.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

namespace joinery::testing {

/// Kills processes that use a store, for POSIX.
///
/// State      what the processes said before they died: objects put, being erased, the last record
///            saved, dots minted.
/// Invariant  what was acknowledged is there after the kill; what is there is whole; a record is
///            the last one acknowledged or the one being saved; no dot is ever minted twice.
/// A process takes its incarnation from the lease, then mints a dot an object, puts it, saves a
/// record that names the newest objects every third time, and erases old ones.
template <class Open>
class store_crash {
    enum class kind : std::uint8_t { minted, put, saved, erasing };
    struct message {
        kind what = kind::minted;
        std::uint64_t incarnation = 0;
        std::uint64_t number = 0;
    };

public:
    store_crash(Open open, std::uint64_t seed) : open_(std::move(open)), chance_(seed) {}

    /// One process, killed at a random moment. Result: what does not hold then, in words.
    std::vector<std::string> kill_one() {
        broken_.clear();
        int ends[2];
        if (::pipe(ends) != 0) return {"no pipe"};
        const pid_t child = ::fork();
        if (child < 0) return {"no process"};
        if (child == 0) {
            ::close(ends[0]);
            work(ends[1]);
        }
        ::close(ends[1]);
        auto wanted = 1 + chance_.below(40);
        while (wanted > 0 && hear(ends[0])) --wanted;
        std::this_thread::sleep_for(std::chrono::microseconds(chance_.below(3000)));
        ::kill(child, SIGKILL);
        int status = 0;
        ::waitpid(child, &status, 0);
        if (!WIFSIGNALED(status)) broken_.emplace_back("the process ended by itself");
        while (hear(ends[0])) {}
        ::close(ends[0]);
        inspect();
        return broken_;
    }

    std::uint64_t objects_acknowledged() const { return objects_acknowledged_; }
    std::uint64_t dots_minted() const { return dots_.size(); }

private:
    using dot = std::pair<std::uint64_t, std::uint64_t>;
    static constexpr std::uint64_t kept = 20;

    static std::vector<std::byte> content(const dot& of) {
        gossip::random chance(wire::mix(of.first, of.second));
        std::vector<std::byte> made(chance.below(20'000));
        for (auto& each : made) each = static_cast<std::byte>(chance.below(256));
        return made;
    }
    static std::vector<std::byte> record(const dot& of) {
        wire::writer w;
        w.fixed64(of.first);
        w.fixed64(of.second);
        w.raw(content(of));
        return w.take();
    }

    // In the child: never returns.
    [[noreturn]] void work(int to) {
        try {
            auto store = open_();
            std::optional<crdt::lease> found;
            wire::error why;
            if (const auto bytes = store.load("lease"))
                found = wire::try_decode<crdt::lease>(*bytes, {}, why);
            const auto incarnation = crdt::next_incarnation(found, 0, 1);
            store.save("lease", wire::encode(crdt::lease{incarnation, false, 0}));
            for (std::uint64_t number = 0;; ++number) {
                tell(to, {kind::minted, incarnation, number});
                const auto bytes = content({incarnation, number});
                store.put(wire::content_digest(bytes), bytes);
                tell(to, {kind::put, incarnation, number});
                if (number % 3 == 2) {
                    store.save("newest", record({incarnation, number}));
                    tell(to, {kind::saved, incarnation, number});
                }
                if (number < kept) continue;
                tell(to, {kind::erasing, incarnation, number - kept});
                store.erase(wire::content_digest(content({incarnation, number - kept})));
            }
        } catch (...) {
            ::_exit(3);
        }
    }
    static void tell(int to, const message& what) {
        if (::write(to, &what, sizeof what) != sizeof what) ::_exit(4);
    }

    // In the parent: false once the process is silent for good.
    bool hear(int from) {
        message heard;
        if (::read(from, &heard, sizeof heard) != sizeof heard) return false;
        const dot of{heard.incarnation, heard.number};
        if (heard.what == kind::minted && !dots_.insert(of).second)
            broken_.emplace_back("a dot was minted twice");
        if (heard.what == kind::put) there_.insert(of), ++objects_acknowledged_;
        if (heard.what == kind::erasing) there_.erase(of);
        if (heard.what == kind::saved) newest_ = of;
        return true;
    }

    void inspect() {
        const auto store = open_();
        for (const dot& each : there_) {
            const auto bytes = content(each);
            if (store.get(wire::content_digest(bytes)) != bytes)
                broken_.emplace_back("an acknowledged object is lost");
        }
        for (const auto& name : store.digests())
            if (const auto bytes = store.get(name); bytes && wire::content_digest(*bytes) != name)
                broken_.emplace_back("an object is torn");
        const auto bytes = store.load("newest");
        if (!bytes && newest_) broken_.emplace_back("an acknowledged record is lost");
        if (!bytes) return;
        wire::reader in(*bytes);
        const dot found{in.fixed64(), in.fixed64()};
        if (record(found) != *bytes) broken_.emplace_back("a record is torn");
        if (newest_ && found < *newest_) broken_.emplace_back("an older record came back");
        newest_ = found;
        // A process dies with what it holds: the next one may reuse the room of older objects.
        auto cleaned = open_();
        for (const dot& each : there_) cleaned.erase(wire::content_digest(content(each)));
        there_.clear();
    }

    Open open_;
    gossip::random chance_;
    std::set<dot> there_;
    std::set<dot> dots_;
    std::optional<dot> newest_;
    std::uint64_t objects_acknowledged_ = 0;
    std::vector<std::string> broken_;
};

} // namespace joinery::testing
