// SPDX-License-Identifier: Apache-2.0
// Two processes on UDP share one struct: 01_shared_struct PORT PEER_PORT NAME
// Each writes, waits until it sees what the other wrote, prints the shared state and leaves.
#include <crdt.hpp>
#include <gossip.hpp>

#include <asio.hpp>

#include <array>
#include <chrono>
#include <iostream>
#include <random>
#include <string>

namespace crdt = joinery::crdt;
namespace gossip = joinery::gossip;
using asio::ip::udp;
using namespace std::chrono_literals;

struct guestbook {
    BOOST_HANA_DEFINE_STRUCT(guestbook, (crdt::g_counter, visits),
                             (crdt::or_set<std::string>, guests));
    bool operator==(const guestbook&) const = default;
};

// The engine reads no clock; this program does.
gossip::time_point now() {
    return gossip::time_point(std::chrono::steady_clock::now().time_since_epoch());
}

udp::endpoint endpoint_of(const std::string& port) {
    return {asio::ip::address_v4::loopback(), static_cast<std::uint16_t>(std::stoul(port))};
}

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: 01_shared_struct PORT PEER_PORT NAME\n";
        return 2;
    }
    gossip::config settings;
    settings.name = argv[3];
    settings.address = argv[1]; // an address is any text that this program can send to
    settings.seeds = {argv[2]};
    settings.interval = 50ms;
    gossip::engine<guestbook> engine(settings, std::random_device{}());
    engine.update(&guestbook::visits,
                  [](auto& visits, auto me) { return visits.increment(me, 3); });
    engine.update(&guestbook::guests,
                  [&](auto& guests, auto me) { return guests.add(me, settings.name); });

    asio::io_context io;
    udp::socket socket(io, endpoint_of(argv[1]));
    socket.non_blocking(true);
    std::array<std::byte, 2048> buffer{};
    const auto give_up = now() + 10s;
    auto leave = give_up;
    const guestbook& book = engine.state();
    const auto complete = [&] { return book.guests.size() == 2 && book.visits.value() == 6; };
    while (now() < leave) {
        // Once complete, stay for a moment: the other one may still need our answers.
        if (leave == give_up && complete()) leave = std::min(give_up, now() + 1s);
        udp::endpoint from;
        asio::error_code nothing_there;
        const auto size = socket.receive_from(asio::buffer(buffer), from, 0, nothing_there);
        if (nothing_there)
            std::this_thread::sleep_for(2ms);
        else
            engine.receive(std::to_string(from.port()), std::span(buffer).first(size), now());
        engine.tick(now());
        while (const auto next = engine.poll_outgoing(buffer))
            socket.send_to(asio::buffer(buffer, next->size), endpoint_of(next->to), 0,
                           nothing_there);
    }
    std::cout << "visits " << static_cast<std::uint64_t>(book.visits.value()) << ", guests";
    for (const auto& guest : book.guests.elements()) std::cout << ' ' << guest;
    std::cout << '\n';
    if (!complete()) std::cerr << "the writes of " << argv[2] << " were not seen\n";
    return complete() ? 0 : 1;
}
