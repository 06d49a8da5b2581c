// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "descriptor.hpp"
#include "failure.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <optional>
#include <span>
#include <string>
#include <sys/socket.h>

namespace cluster {

// "127.0.0.1:7000" and back; nothing else than IPv4 is needed on loopback.
inline std::optional<sockaddr_in> parse_address(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return std::nullopt;
    std::uint32_t port = 0;
    for (const char digit : text.substr(colon + 1)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        port = port * 10 + static_cast<std::uint32_t>(digit - '0');
        if (port > 65535) return std::nullopt;
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
        return std::nullopt;
    }
    return address;
}

inline std::string format_address(const sockaddr_in& address) {
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(address.sin_port));
}

// A nonblocking socket on loopback, UDP or TCP. Port 0 takes a free one.
inline descriptor bind_loopback(int type, std::uint16_t port) {
    descriptor made(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made.valid()) throw system_failure("cannot make a socket");
    if (type == SOCK_STREAM) {
        const int yes = 1; // a killed worker's port must be free for its successor at once
        ::setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const std::string which = std::to_string(port);
        if (errno == EADDRINUSE) throw failure("port " + which + " is in use");
        throw system_failure("cannot bind port " + which);
    }
    return made;
}

// Datagrams on loopback, with a switch that cuts the worker off: while it is cut, datagrams of
// both directions are lost, as on a broken link.
class udp_socket {
public:
    explicit udp_socket(std::uint16_t port) : socket_(bind_loopback(SOCK_DGRAM, port)) {
        const int buffer = 1 << 21;
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
        sockaddr_in own{};
        socklen_t size = sizeof own;
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &size);
        address_ = format_address(own);
        port_ = ntohs(own.sin_port);
    }

    const std::string& address() const { return address_; }
    std::uint16_t port() const { return port_; }
    int fd() const { return socket_.get(); }

    void cut(bool off) { cut_ = off; }
    bool is_cut() const { return cut_; }
    std::uint64_t lost_to_cut() const { return lost_to_cut_; }

    // A datagram that cannot be sent is lost, as datagrams may be.
    void send(const std::string& to, std::span<const std::byte> bytes) {
        const auto address = parse_address(to);
        if (cut_ || !address) {
            lost_to_cut_ += cut_ ? 1U : 0U;
            return;
        }
        ::sendto(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&*address), sizeof *address);
    }

    struct arrival {
        std::string from;
        std::size_t size = 0;
    };

    // The next waiting datagram, in `buffer`.
    std::optional<arrival> receive(std::span<std::byte> buffer) {
        for (;;) {
            sockaddr_in from{};
            socklen_t size = sizeof from;
            const ssize_t got = ::recvfrom(socket_.get(), buffer.data(), buffer.size(), 0,
                                           reinterpret_cast<sockaddr*>(&from), &size);
            // A refused port of a dead peer is reported here; it is no reason to stop reading.
            if (got < 0 && (errno == EINTR || errno == ECONNREFUSED)) continue;
            if (got < 0) return std::nullopt;
            if (!cut_) return arrival{format_address(from), static_cast<std::size_t>(got)};
            ++lost_to_cut_;
        }
    }

private:
    descriptor socket_;
    std::string address_;
    std::uint16_t port_ = 0;
    bool cut_ = false;
    std::uint64_t lost_to_cut_ = 0;
};

} // namespace cluster
