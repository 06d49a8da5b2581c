// SPDX-License-Identifier: Apache-2.0
// Two processes on UDP share one struct: 01_shared_struct PORT PEER_PORT NAME
// Each writes, waits until it sees what the other wrote, prints the shared state and leaves.

#include <asio.hpp>
#include <crdt.hpp>
#include <gossip.hpp>

#include <array>
#include <chrono>
#include <iostream>
#include <string>

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
using asio::ip::udp;
using clock_type = std::chrono::steady_clock;

struct guestbook {
    BOOST_HANA_DEFINE_STRUCT(guestbook, (crdt::g_counter, visits),
                             (crdt::or_set<std::string>, guests));
    bool operator==(const guestbook&) const = default;
};

gossip::time_point now() { return gossip::time_point(clock_type::now().time_since_epoch()); }

udp::endpoint endpoint_of(const std::string& port) {
    return {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoul(port))};
}

bool complete(const guestbook& book) { return book.guests.size() == 2 && book.visits.value() == 6; }

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: 01_shared_struct PORT PEER_PORT NAME\n";
        return 2;
    }
    gossip::config settings;
    settings.name = argv[3];
    settings.address = argv[1]; // an address is any text that this program can send to
    settings.seeds = {argv[2]};
    settings.interval = std::chrono::milliseconds(50);
    gossip::engine<guestbook> engine(settings, std::random_device{}());

    engine.update(&guestbook::visits,
                  [](auto& visits, auto self) { return visits.increment(self, 3); });
    engine.update(&guestbook::guests,
                  [&](auto& guests, auto self) { return guests.add(self, argv[3]); });

    asio::io_context io;
    udp::socket socket(io, endpoint_of(argv[1]));
    socket.non_blocking(true);
    std::array<std::byte, 2048> buffer;
    const auto start = clock_type::now();
    auto linger = clock_type::time_point::max(); // the other one may still need our answers
    while (clock_type::now() < linger) {
        if (clock_type::now() > start + std::chrono::seconds(10)) {
            std::cerr << "the other process was not seen\n";
            return 1;
        }
        udp::endpoint from;
        asio::error_code failed;
        const auto size = socket.receive_from(asio::buffer(buffer), from, 0, failed);
        if (!failed) {
            engine.receive(std::to_string(from.port()), std::span(buffer).first(size), now());
        }
        engine.tick(now());
        while (const auto next = engine.poll_outgoing(buffer)) {
            socket.send_to(asio::buffer(buffer, next->size), endpoint_of(next->to), 0, failed);
        }
        if (complete(engine.state()) && linger == clock_type::time_point::max()) {
            linger = clock_type::now() + std::chrono::seconds(1);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    std::cout << "visits " << static_cast<std::uint64_t>(engine.state().visits.value())
              << ", guests:";
    for (const auto& guest : engine.state().guests.elements()) {
        std::cout << ' ' << guest;
    }
    std::cout << '\n';
}
