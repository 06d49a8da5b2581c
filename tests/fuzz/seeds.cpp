// SPDX-License-Identifier: Apache-2.0
// Writes what the fuzz targets start from: joinery_fuzz_seeds FOLDER. The golden vectors in the
// form of each target, and the datagrams of two engines.
#include <filesystem>
#include <fstream>
#include <iostream>

#include "../golden/family.hpp"
#include "engines.hpp"
#include "target.hpp"

namespace {

namespace fs = std::filesystem;

class folder {
public:
    explicit folder(const fs::path& path) : path_(path) { fs::create_directories(path_); }

    void add(const fuzz::bytes& seed) {
        std::ofstream out(path_ / std::to_string(++count_), std::ios::binary);
        out.write(reinterpret_cast<const char*>(seed.data()),
                  static_cast<std::streamsize>(seed.size()));
        if (!out.flush()) throw std::runtime_error("cannot write " + path_.string());
    }

private:
    fs::path path_;
    std::size_t count_ = 0;
};

void append_part(fuzz::bytes& to, fuzz::view part) {
    to.push_back(static_cast<std::byte>(part.size() % 256));
    to.push_back(static_cast<std::byte>(part.size() / 256));
    to.insert(to.end(), part.begin(), part.end());
}

// The value twice, so that it is joined with itself until bits change.
void write_family(const golden::family& family, folder to) {
    for (const golden::vector& v : family.vectors) {
        std::size_t which = 0;
        while (family.codecs[which].type != v.type) ++which;
        const auto value = fuzz::view(v.encoding).subspan(family.codecs[which].framed ? 7 : 0);
        fuzz::bytes seed{static_cast<std::byte>(which)};
        append_part(seed, value);
        seed.insert(seed.end(), value.begin(), value.end());
        to.add(seed);
    }
}

void write_engines(folder receive, folder repair, folder files) {
    const fuzz::pair busy = fuzz::mid_life();
    // few, because each of them is run before the first new input
    const std::size_t step = busy.said.size() / 40 + 1;
    for (std::size_t i = 0; i < busy.said.size(); i += step) {
        const auto message = fuzz::opened(busy.said[i].bytes);
        for (const unsigned how : {2U, 3U, 7U}) {
            fuzz::bytes seed{static_cast<std::byte>(how)};
            append_part(seed, message);
            receive.add(seed);
        }
        fuzz::bytes raw{std::byte{1}};
        append_part(raw, busy.said[i].bytes);
        receive.add(raw);
        if (i % (4 * step) != 0) continue;
        fuzz::bytes told{std::byte{1}};
        append_part(told, message);
        repair.add(told);
    }
    fuzz::bytes snapshot = busy.both[0].snapshot();
    snapshot.erase(snapshot.begin(), snapshot.begin() + 6);
    snapshot.front() = std::byte{1};
    files.add(snapshot);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: " << argv[0] << " FOLDER\n";
        return 2;
    }
    try {
        const fs::path root = argv[1];
        for (const golden::family& each : golden::all_families())
            write_family(each, folder(root / each.name));
        write_engines(folder(root / "receive"), folder(root / "repair"), folder(root / "files"));
        folder(root / "trace").add({std::byte{12}, std::byte{1}, std::byte{15}, std::byte{1}});
    } catch (const std::exception& e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
