// SPDX-License-Identifier: Apache-2.0
// Writes the golden vectors: joinery_golden_write FOLDER. Lines that are there already must not
// change; a change of format is a new format version.
#include <exception>
#include <iostream>

#include "files.hpp"

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " FOLDER\n";
        return 2;
    }
    try {
        const std::string folder = argv[1];
        for (const golden::family& each : golden::all_families()) {
            std::vector<std::string> lines;
            for (const golden::vector& v : each.vectors) lines.push_back(golden::to_line(v));
            golden::write_lines(folder + "/" + each.name + ".json", lines);
            std::cout << each.name << ": " << lines.size() << '\n';
        }
        golden::write_lines(folder + "/digests.json", golden::digest_lines());
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
