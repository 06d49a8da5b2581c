// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "samples.hpp"

#include <stream/directory_store.hpp>
#include <testing/store_crash.hpp>
#include <testing/store_suite.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdlib.h>
#include <thread>

namespace directory_store_test {

using namespace stream_test;
namespace testing = joinery::testing;
using stream::directory_store;

namespace {

// A directory of its own, gone with the test.
class scratch {
public:
    scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "joinery-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    scratch(const scratch&) = delete;
    scratch& operator=(const scratch&) = delete;
    ~scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

std::string read(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
void write(const std::filesystem::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary) << content;
}

// What a store must not do: acknowledge the last object before it is written, ...
class late_store : public directory_store {
public:
    using directory_store::directory_store;
    void put(const wire::digest& name, std::span<const std::byte> bytes) {
        if (last_) directory_store::put(last_->first, last_->second);
        last_.emplace(name, std::vector<std::byte>(bytes.begin(), bytes.end()));
    }

private:
    std::optional<std::pair<wire::digest, std::vector<std::byte>>> last_;
};

// ... forget who used it, ...
class lending_store : public directory_store {
public:
    using directory_store::directory_store;
    void save(std::string_view name, std::span<const std::byte> bytes) {
        if (name != "lease") directory_store::save(name, bytes);
    }
};

// ... or write in place.
class overwriting_store : public directory_store {
public:
    using directory_store::directory_store;
    void save(std::string_view name, std::span<const std::byte> bytes) {
        if (name == "lease") return directory_store::save(name, bytes);
        // Slow, as a disk can be.
        for (std::size_t part = 1; part <= 50; ++part) {
            std::ofstream(directory() / "records" / "raw", std::ios::binary) << std::string(
                reinterpret_cast<const char*>(bytes.data()), bytes.size() * part / 50);
            std::this_thread::sleep_for(std::chrono::microseconds(400));
        }
    }
    std::optional<std::vector<std::byte>> load(std::string_view name) const {
        if (name == "lease") return directory_store::load(name);
        const std::string raw = read(directory() / "records" / "raw");
        if (raw.empty()) return std::nullopt;
        return bytes_of(raw);
    }
};

template <class Store>
std::set<std::string> broken_by_kills(int kills) {
    const scratch place;
    testing::store_crash killer([&] { return Store(place.path()); }, 1);
    std::set<std::string> all;
    for (int i = 0; i < kills && all.empty(); ++i)
        for (const auto& each : killer.kill_one()) all.insert(each);
    return all;
}

} // namespace

TEST_CASE("a directory keeps every promise of a store") {
    const scratch place;
    const auto broken =
        testing::check_store([&] { return directory_store(place.path() / "deep" / "store"); });
    for (const auto& each : broken) FAIL_CHECK(each);
}

TEST_CASE("a file that is torn, cut short or changed in one bit is as good as none") {
    const scratch place;
    directory_store kept(place.path());
    const auto bytes = bytes_of("twenty bytes of data");
    const auto name = wire::content_digest(bytes);
    kept.put(name, bytes);
    kept.save("lease", bytes);
    for (const char* folder : {"objects", "records"}) {
        std::filesystem::path path;
        for (const auto& each : std::filesystem::directory_iterator(place.path() / folder))
            path = each.path();
        const std::string whole = read(path);
        const auto missing = [&] {
            return folder[0] == 'o' ? !kept.get(name) && !kept.contains(name) : !kept.load("lease");
        };
        for (std::size_t at = 0; at < whole.size(); ++at) {
            write(path, whole.substr(0, at));
            CHECK(missing());
            for (unsigned bit = 0; bit < 8; ++bit) {
                auto flipped = whole;
                flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
                write(path, flipped);
                CHECK(missing());
            }
        }
        write(path, whole + "x");
        CHECK(missing());
        // Damage is repaired by putting it once more.
        kept.put(name, bytes);
        kept.save("lease", bytes);
        CHECK_FALSE(missing());
    }
    CHECK(kept.digests() == std::vector{name});
}

TEST_CASE("what a crash left half written is dropped, and foreign files are left alone") {
    const scratch place;
    const auto name = wire::content_digest(bytes_of("a"));
    directory_store(place.path()).put(name, bytes_of("a"));
    write(place.path() / "objects" / "00112233445566778899aabbccddeeff.new", "half");
    write(place.path() / "objects" / "README", "not ours");
    const directory_store again(place.path());
    CHECK(again.digests() == std::vector{name});
    CHECK_FALSE(
        std::filesystem::exists(place.path() / "objects" / "00112233445566778899aabbccddeeff.new"));
    CHECK(std::filesystem::exists(place.path() / "objects" / "README"));
}

TEST_CASE("a directory that cannot be made or written is told") {
    const scratch place;
    write(place.path() / "file", "");
    CHECK_THROWS_AS(directory_store(place.path() / "file" / "store"), stream::store_failure);
    directory_store kept(place.path() / "store");
    std::filesystem::remove_all(place.path() / "store");
    CHECK_THROWS_AS(kept.save("lease", bytes_of("x")), stream::store_failure);
    CHECK_THROWS_AS(kept.put({1, 1}, bytes_of("x")), stream::store_failure);
    CHECK_THROWS_AS(kept.digests(), stream::store_failure);
}

TEST_CASE("a process that is killed loses nothing that a directory acknowledged") {
    const scratch place;
    const auto open = [&] { return directory_store(place.path()); };
    testing::store_crash killer(open, 1);
    const auto kills = std::max<std::uint64_t>(cases_of(200), 5);
    for (std::uint64_t i = 0; i < kills; ++i)
        for (const auto& each : killer.kill_one()) FAIL_CHECK("kill " << i << ": " << each);
    MESSAGE(kills << " processes killed, " << killer.objects_acknowledged()
                  << " objects acknowledged, " << killer.dots_minted() << " dots");
    CHECK(killer.objects_acknowledged() > kills);
}

TEST_CASE("stores that break their promises are caught by killing their processes") {
    CHECK(broken_by_kills<late_store>(20).contains("an acknowledged object is lost"));
    CHECK(broken_by_kills<lending_store>(20).contains("a dot was minted twice"));
    const auto in_place = broken_by_kills<overwriting_store>(60);
    CHECK((in_place.contains("a record is torn") ||
           in_place.contains("an acknowledged record is lost")));
}

} // namespace directory_store_test
