// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <crdt/lattice.hpp>
#include <crdt/replica_id.hpp>

// A trace is a little history of a few replicas: a header line, then operations, exchanges and
// questions. Each line is JSON; some lines have an answer.
namespace trace_driver {

namespace crdt = joinery::crdt;

// One operation: what to do, on what, when, and below which keys.
struct command {
    std::string function;
    std::string value;
    crdt::stamp_t stamp = 0;
    std::vector<std::string> path;
};

// One line behind the header. What a line does not have is empty.
struct line {
    std::string kind;
    std::string replica, from, to, left, right, context_of, as, at;
    std::size_t first = 0;
    std::size_t count = 1;
    command operation;
};

struct header {
    std::string type;
    std::vector<std::string> replicas;
    std::map<std::string, std::string> alias;
};

// No correct trace asks for this operation, or the state refuses it and is unchanged.
class refused : public std::runtime_error {
public:
    explicit refused(const std::string& why) : std::runtime_error(why) {}
};

// A check beside the answers failed, such as a merge that tells growth wrongly.
class broken : public std::runtime_error {
public:
    explicit broken(const std::string& why) : std::runtime_error(why) {}
};

// The replicas of one trace.
class trace {
public:
    trace() = default;
    trace(const trace&) = delete;
    trace& operator=(const trace&) = delete;
    virtual ~trace() = default;

    // The answer's members beside "i", such as "val":true; nothing if the line has no answer.
    // Throws refused and broken.
    virtual std::optional<std::string> run(const line& what) = 0;
};

// Each knows some types and gives null for any other.
std::unique_ptr<trace> make_counters(const header& begins);
std::unique_ptr<trace> make_sets(const header& begins);
std::unique_ptr<trace> make_registers(const header& begins);
std::unique_ptr<trace> make_maps(const header& begins);

// Ids order as names do, bytewise. Precondition: at most 8 bytes.
crdt::replica_id id_of(std::string_view name);
std::string name_of(crdt::replica_id id);

// JSON text.
std::string quoted(std::string_view text);
std::string list_of(const std::vector<std::string>& sorted);
std::string object_of(const std::map<std::string, std::string>& values);

// The number that decimal digits spell, 2^64 - 1 if it is greater. Throws refused below zero.
std::uint64_t number_of(std::string_view digits);

} // namespace trace_driver
