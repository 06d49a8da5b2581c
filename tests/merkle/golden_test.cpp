// SPDX-License-Identifier: Apache-2.0
// Sessions as bytes: what another implementation must send and understand, to the bit.
#include "session.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace golden_test {

using namespace merkle_test;

namespace {

std::string hex(const bytes& of) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string made;
    for (const std::byte each : of) {
        made += digits[std::to_integer<unsigned>(each) >> 4U];
        made += digits[std::to_integer<unsigned>(each) & 15U];
    }
    return made;
}

template <class Index>
std::string session(std::uint64_t n, std::uint64_t mine, std::uint64_t theirs,
                    std::uint64_t changed, std::size_t limit) {
    two_sides<Index> both("golden");
    both.fill(n, mine, theirs, changed);
    merkle::options allowed;
    allowed.frame_limit = limit;
    merkle::reconciler<Index> asking(0x0123456789abcdefU, allowed);
    const merkle::responder answering(0xfedcba9876543210U, allowed);
    std::ostringstream out;
    out << "both " << n << ", asker " << mine << ", answerer " << theirs << ", changed " << changed
        << ", width " << Index::width << ", frame limit " << limit << "\n";
    const auto probe = asking.probe(both.a);
    const auto said = answering.receive(both.b, probe, 5);
    out << "> " << hex(probe) << "\n< " << hex(said.frames.at(0)) << "\n";
    asking.receive(both.a, said.frames.at(0));
    asking.start(both.a);
    std::set<std::uint64_t> found_a, found_b;
    for (bool more = true; more;) {
        more = false;
        std::vector<bytes> answers;
        while (const auto frame = asking.poll(both.a)) {
            more = true;
            out << "> " << hex(*frame) << "\n";
            for (auto& each : answering.receive(both.b, *frame, 5).frames) answers.push_back(each);
        }
        for (const auto& each : answers) {
            out << "< " << hex(each) << "\n";
            for (const auto& one : asking.receive(both.a, each).found) found_a.insert(one.id);
        }
    }
    out << "asker found " << found_a.size() << "\n";
    CHECK(found_a == both.only_a());
    return out.str();
}

// The file says what the session said; JOINERY_WRITE_GOLDEN=1 writes it anew.
void check_golden(const std::string& name, const std::string& made) {
    const auto path = std::filesystem::path(__FILE__).parent_path() / "golden" / (name + ".txt");
    if (std::getenv("JOINERY_WRITE_GOLDEN") != nullptr) std::ofstream(path) << made;
    std::ifstream in(path);
    const std::string kept((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    INFO(path.string());
    CHECK(!kept.empty());
    CHECK((kept == made));
}

} // namespace

TEST_CASE("golden sessions") {
    using merkle::basic_index;
    using merkle::by_id;
    using merkle::by_key;
    check_golden("in_sync", session<basic_index<8, by_key>>(100, 0, 0, 0, 1200));
    check_golden("five_differences", session<basic_index<8, by_key>>(100, 2, 1, 1, 1200));
    check_golden("cells", session<basic_index<8, by_key>>(2'000, 40, 40, 10, 512));
    check_golden("cells_by_id", session<basic_index<8, by_id>>(1'000, 20, 20, 0, 1200));
    check_golden("narrow_cells", session<basic_index<1, by_key>>(1'000, 8, 8, 0, 1200));
    check_golden("digests", session<basic_index<0, by_key>>(2'000, 4, 4, 0, 1200));
    check_golden("lists", session<basic_index<8, by_key>>(0, 60, 80, 5, 256));
    check_golden("empty_and_full", session<basic_index<8, by_key>>(0, 0, 100, 0, 256));
}

} // namespace golden_test
