// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "udp_socket.hpp"

#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <poll.h>
#include <span>
#include <string>
#include <sys/socket.h>
#include <utility>
#include <vector>

namespace cluster {

namespace wire = joinery::wire;

using byte_string = std::vector<std::byte>;

namespace detail {

// One TCP connection that never blocks.
class connection {
public:
    enum class state { open, ended, broken };

    explicit connection(descriptor socket) : socket_(std::move(socket)) {}

    void queue(std::span<const std::byte> bytes) {
        out_.insert(out_.end(), bytes.begin(), bytes.end());
    }
    const byte_string& received() const { return in_; }
    bool sent() const { return sent_ == out_.size(); }
    int fd() const { return socket_.get(); }

    state step() {
        while (!sent()) {
            const ssize_t put =
                ::send(fd(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) {
                if (errno == EAGAIN || errno == ENOTCONN || errno == EINPROGRESS) break;
                return state::broken;
            }
            sent_ += static_cast<std::size_t>(put);
        }
        std::array<std::byte, 65536> buffer;
        for (;;) {
            const ssize_t got = ::recv(fd(), buffer.data(), buffer.size(), 0);
            if (got < 0 && errno == EINTR) continue;
            if (got < 0) return errno == EAGAIN || errno == ENOTCONN ? state::open : state::broken;
            if (got == 0) return state::ended;
            if (in_.size() > max_bytes) return state::broken;
            in_.insert(in_.end(), buffer.begin(), buffer.begin() + got);
        }
    }

private:
    static constexpr std::size_t max_bytes = std::size_t{256} << 20U;

    descriptor socket_;
    byte_string in_;
    byte_string out_;
    std::size_t sent_ = 0;
};

} // namespace detail

// Checkpoint parts over TCP, at the port that the worker also uses for UDP. A request is the
// 16 bytes of a root, the answer is the part's bytes, and the end of the stream ends it: an answer
// cut short does not have the root.
class part_exchange {
public:
    using source = std::function<std::optional<byte_string>(const wire::digest&)>;
    using sink = std::function<void(const wire::digest&, byte_string)>;

    explicit part_exchange(std::uint16_t port) : listener_(bind_loopback(SOCK_STREAM, port)) {
        if (::listen(listener_.get(), 64) != 0) throw system_failure("cannot listen");
    }

    void cut(bool off) {
        cut_ = off;
        served_.clear();
        fetches_.clear();
    }
    bool busy() const { return fetches_.size() >= max_fetches; }
    bool fetching(const wire::digest& root) const {
        for (const fetch& each : fetches_) {
            if (each.root == root) return true;
        }
        return false;
    }

    // Asks the worker at `address` for a part. A request that fails is forgotten, not repeated.
    void request(const wire::digest& root, const std::string& address) {
        const auto to = parse_address(address);
        if (cut_ || busy() || !to) return;
        descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket.valid()) return;
        const int result =
            ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&*to), sizeof *to);
        if (result != 0 && errno != EINPROGRESS) return;
        wire::writer question;
        wire::put(question, root);
        fetches_.push_back({root, detail::connection(std::move(socket))});
        fetches_.back().link.queue(question.bytes());
    }

    // Moves what can be moved. Received parts go to `arrived`, unverified.
    void step(const source& find, const sink& arrived) {
        accept_all();
        std::erase_if(served_, [&](serving& each) { return !serve(each, find); });
        std::vector<std::pair<wire::digest, byte_string>> done;
        std::erase_if(fetches_, [&](fetch& each) {
            const auto state = each.link.step();
            if (state == detail::connection::state::ended) {
                done.emplace_back(each.root, each.link.received());
            }
            return state != detail::connection::state::open;
        });
        for (auto& [root, bytes] : done) arrived(root, std::move(bytes));
    }

    void add_to(std::vector<pollfd>& watched) const {
        watched.push_back({listener_.get(), POLLIN, 0});
        for (const auto& each : served_) watched.push_back(watch(each.link));
        for (const auto& each : fetches_) watched.push_back(watch(each.link));
    }

private:
    static constexpr std::size_t max_fetches = 16;
    static constexpr std::size_t max_served = 64;
    static constexpr std::size_t question_bytes = 16;

    struct serving {
        detail::connection link;
        bool answered = false;
    };
    struct fetch {
        wire::digest root;
        detail::connection link;
    };

    static pollfd watch(const detail::connection& link) {
        const int events = link.sent() ? POLLIN : POLLIN | POLLOUT;
        return {link.fd(), static_cast<short>(events), 0};
    }

    void accept_all() {
        for (;;) {
            descriptor made(
                ::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
            if (!made.valid()) return;
            if (!cut_ && served_.size() < max_served) {
                served_.push_back({detail::connection(std::move(made))});
            }
        }
    }

    // Whether the connection still has something to do.
    bool serve(serving& each, const source& find) {
        if (each.link.step() != detail::connection::state::open) return false;
        if (each.answered) return !each.link.sent();
        const auto& question = each.link.received();
        if (question.size() < question_bytes) return true;
        wire::reader in(std::span<const std::byte>(question).first(question_bytes));
        wire::digest root;
        wire::get(in, root);
        const auto part = find(root);
        if (!part) return false;
        each.link.queue(*part);
        each.answered = true;
        return each.link.step() == detail::connection::state::open && !each.link.sent();
    }

    descriptor listener_;
    std::vector<serving> served_;
    std::vector<fetch> fetches_;
    bool cut_ = false;
};

} // namespace cluster
