// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gossip/random.hpp>
#include <stream/store.hpp>
#include <wire/hash.hpp>

namespace joinery::testing {

/// Checks what stream::store promises. `open()` opens the store at one place, again and again, and
/// the place is empty at first; no two are open at a time. Result: what does not hold, in words.
template <class Open>
    requires stream::store<decltype(std::declval<Open&>()())>
class store_suite {
    using bytes_type = std::vector<std::byte>;

public:
    explicit store_suite(Open open) : open_(std::move(open)) {}

    std::vector<std::string> run() {
        empty();
        objects();
        records();
        many();
        return std::move(broken_);
    }

private:
    static bytes_type content(std::uint64_t seed, std::size_t size) {
        gossip::random chance(seed);
        bytes_type made(size);
        for (auto& each : made) each = static_cast<std::byte>(chance.below(256));
        return made;
    }
    static wire::digest name_of(const bytes_type& bytes) { return wire::content_digest(bytes); }

    void expect(bool holds, const char* what) {
        if (!holds) broken_.emplace_back(what);
    }
    template <class F>
    void expect_refusal(F f, const char* what) {
        bool refused = false;
        try {
            f();
        } catch (const stream::store_failure&) {
            refused = true;
        }
        expect(refused, what);
    }

    void empty() {
        auto store = open_();
        expect(store.digests().empty(), "a new store has no objects");
        expect(!store.get({1, 2}) && !store.contains({1, 2}), "what is missing is not got");
        expect(!store.load("lease"), "a record that is missing is not loaded");
        store.erase({1, 2});
    }

    void objects() {
        std::vector<bytes_type> all;
        for (const std::size_t size : {0U, 1U, 15U, 16U, 4095U, 4096U, 4097U, 70'000U, 1'000'000U})
            all.push_back(content(size, size));
        {
            auto store = open_();
            for (const auto& each : all) store.put(name_of(each), each);
            store.put(name_of(all[3]), all[3]);
            for (const auto& each : all)
                expect(store.get(name_of(each)) == each, "an object is got as it was put");
        }
        auto store = open_();
        std::vector<wire::digest> names;
        for (const auto& each : all) names.push_back(name_of(each));
        std::sort(names.begin(), names.end());
        expect(store.digests() == names, "digests are those of the objects, ascending");
        for (const auto& each : all) {
            expect(store.get(name_of(each)) == each, "an object outlives the store that put it");
            expect(store.contains(name_of(each)), "an object that is there is contained");
        }
        store.erase(names[4]);
        store.erase(names[4]);
        expect(!store.get(names[4]) && !store.contains(names[4]), "an erased object is gone");
        // Digests that differ in one bit, and a name under which other bytes stand.
        wire::digest near = names[0];
        near.lo ^= 1U;
        expect(!store.contains(near), "digests are told apart to the last bit");
        store.put(near, all[1]);
        expect(store.get(near) == all[1], "the digest is the caller's name");
        store.put(near, all[2]);
        expect(store.get(near) == all[2], "putting other bytes under a digest replaces them");
        for (const auto& name : store.digests()) store.erase(name);
        expect(store.digests().empty(), "all objects can be erased");
    }

    void records() {
        const auto first = content(1, 100), second = content(2, 50), other = content(3, 7);
        {
            auto store = open_();
            store.save("lease", first);
            store.save("certificate", other);
            store.save("lease", second);
            expect(store.load("lease") == second, "a record is replaced");
        }
        auto store = open_();
        expect(store.load("lease") == second, "a record outlives the store that saved it");
        expect(store.load("certificate") == other, "records do not touch each other");
        expect(store.digests().empty(), "records are no objects");
        store.save("empty", {});
        expect(store.load("empty") == bytes_type{}, "a record may be empty");
        for (const std::string& name :
             {std::string(), std::string("../lease"), std::string("a/b"), std::string("A"),
              std::string("a.b"), std::string("a\0b", 3), std::string(65, 'a')})
            expect_refusal([&] { store.save(name, other); }, "a bad name for a record is refused");
        store.save(std::string(64, 'a'), other);
        expect(store.load(std::string(64, 'a')) == other, "a name may have 64 characters");
    }

    void many() {
        constexpr std::uint64_t count = 300;
        {
            auto store = open_();
            for (std::uint64_t i = 0; i < count; ++i) {
                const auto each = content(i + 10, 100 + i);
                store.put(name_of(each), each);
                if (i >= 100) store.erase(name_of(content(i - 90, i)));
            }
        }
        auto store = open_();
        expect(store.digests().size() == 100, "what was not erased is there");
        for (std::uint64_t i = 200; i < count; ++i)
            expect(store.contains(name_of(content(i + 10, 100 + i))), "and nothing else is");
        for (const auto& name : store.digests()) store.erase(name);
    }

    Open open_;
    std::vector<std::string> broken_;
};

/// What of stream::store's promises the store that `open()` opens does not keep.
template <class Open>
std::vector<std::string> check_store(Open open) {
    return store_suite<Open>(std::move(open)).run();
}

} // namespace joinery::testing
