// SPDX-License-Identifier: Apache-2.0
// A log of orders that two sites write, checkpointed into a directory and restored from it: append,
// removal records, named registers, export, merge of a remote state, statistics.
#include <crdt/event_log.hpp>
#include <stream.hpp>
#include <stream/directory_store.hpp>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace crdt = joinery::crdt;
namespace stream = joinery::stream;
namespace wire = joinery::wire;

using order_log = crdt::event_log<std::string>;
using site = stream::accumulator<order_log>; // the site is the partition, and the log's origin

struct record {
    std::string text; // "+" places an order, "-" takes one back, "=" sets the shop's state
};

order_log apply(order_log& log, crdt::replica_id self, crdt::stamp_t at, const record& input) {
    const std::string what = input.text.substr(1);
    if (input.text[0] == '-') return log.remove(self, at, what);
    if (input.text[0] == '=') return log.assign(self, at, "shop", what);
    return log.append(self, at, what);
}

// Processes a site's input up to `end`, as far as it has not; event time only, so that a replay on
// another machine gives the same bytes.
void process(site& here, const std::vector<record>& input, std::uint64_t end) {
    while (here.next() < end) {
        const auto offset = here.next();
        here.process(offset, [&](order_log& log, crdt::replica_id self) {
            return apply(log, self, 100 + offset, input[offset]);
        });
    }
}

stream::submission cut(const site& here, std::uint64_t epoch, std::uint64_t begin,
                       stream::transfer& bytes) {
    stream::submission said;
    said.epoch = epoch;
    said.member = here.partition();
    const auto image = here.checkpoint_bytes();
    said.root = bytes.add_local(image, epoch);
    said.bytes = image.size();
    said.offsets[here.partition()] = {begin, here.next()};
    said.worker = "example";
    return said;
}

void print(const order_log& log) {
    log.for_each([](const auto& event) {
        std::cout << "  " << event.stamp << (event.removal ? " back  " : " order ") << event.payload
                  << '\n';
    });
    const auto* shop = log.find("shop");
    std::cout << "  shop is " << (shop == nullptr ? "unknown" : *shop) << "; "
              << static_cast<int>(log.total()) << " orders, " << static_cast<int>(log.removals())
              << " taken back, " << static_cast<int>(log.net()) << " stand\n";
}

int main() {
    const std::vector<record> north{{"+apples"}, {"+pears"}, {"-apples"}, {"=open"}};
    const std::vector<record> south{{"+bread"}, {"=closed"}, {"+salt"}};
    const auto place = std::filesystem::temp_directory_path() / "joinery_replicated_log";
    std::filesystem::remove_all(place);

    stream::checkpoint checkpoints; // what the sites would gossip
    stream::plan both;
    both.generation = 1;
    both.members = {"north", "south"};
    checkpoints.set_plan(both);
    stream::transfer bytes;
    {
        stream::directory_store disk(place);
        site n("north"), s("south");
        process(n, north, 3);
        process(s, south, 2);
        checkpoints.submit(cut(n, 1, 0, bytes));
        checkpoints.submit(cut(s, 1, 0, bytes));
        const auto complete = *checkpoints.latest(stream::restore_policy::complete);
        stream::archive(disk).keep(bytes, complete);
        for (const auto& member : both.members)
            checkpoints.acknowledge(1, complete.plan_id, member);
        process(n, north, north.size()); // never stored: the machine is lost here
    }

    stream::directory_store disk(place);
    stream::archive kept(disk);
    stream::transfer restored;
    const auto found = stream::restore_newest(
        checkpoints, stream::restore_policy::stable_only,
        [&](const stream::certificate& each) { return kept.load(each, restored).empty(); });
    if (!found) return EXIT_FAILURE;

    order_log all; // the joined view: a remote state is merged like any delta
    for (const auto& said : found->submissions) {
        wire::error why;
        auto here = site::resume(*restored.serve(said.root), why);
        if (!here || here->next() != said.offsets.at(said.member).end) return EXIT_FAILURE;
        process(*here, said.member == "north" ? north : south,
                said.member == "north" ? north.size() : south.size());
        const auto exported = wire::encode(here->state());
        all.merge(wire::decode<order_log>(exported));
        all.merge(wire::decode<order_log>(exported)); // repeated gossip counts once
    }
    print(all);
    std::filesystem::remove_all(place);
    // The replayed suffix minted the same events: nothing is missing and nothing is there twice.
    const bool right = all.total() == 4 && all.removals() == 1 && all.size() == 5 &&
                       all.find("shop") != nullptr && *all.find("shop") == "open";
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
