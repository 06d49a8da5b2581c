// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <crdt/entries.hpp>
#include <crdt/lattice.hpp>
#include <testing/codec_laws.hpp>
#include <testing/entry_laws.hpp>
#include <testing/lattice_laws.hpp>
#include <testing/random_history.hpp>
#include <wire/hash.hpp>

namespace joinery::testing {

struct law_options {
    std::uint64_t cases = 1000;
    std::uint64_t seed = 1;
    bool heed_environment = true; ///< JOINERY_SEED=n runs the one case n instead.
};

struct law_failure {
    std::string law;
    std::uint64_t seed = 0; ///< of the first case that broke it
};

/// What a run of the laws found.
struct law_result {
    std::string type;
    std::uint64_t cases = 0;
    std::uint64_t concurrent = 0;  ///< cases whose first two replicas were unordered
    std::uint64_t unequal = 0;     ///< cases whose first two replicas differed
    std::vector<std::string> laws; ///< the laws that apply to the type
    std::vector<law_failure> failures;

    bool holds() const { return failures.empty() && !laws.empty(); }

    bool broken(std::string_view law) const {
        return std::any_of(failures.begin(), failures.end(),
                           [&](const law_failure& failure) { return failure.law == law; });
    }

    /// One line per broken law: type, law, and how to see it again.
    std::string text() const {
        std::string lines;
        for (const law_failure& failure : failures)
            lines += type + " breaks \"" + failure.law +
                     "\": JOINERY_SEED=" + std::to_string(failure.seed) + "\n";
        return lines;
    }
};

namespace detail {

template <class T>
struct named_law {
    std::string_view name;
    bool (*holds)(const random_history<T>&, rng&);
};

template <class T>
std::vector<named_law<T>> laws_of() {
    using lattice = lattice_laws<T>;
    std::vector<named_law<T>> laws{
        {"commutative", lattice::commutative},
        {"associative", lattice::associative},
        {"idempotent", lattice::idempotent},
        {"identity", lattice::identity},
        {"inflation", lattice::inflation},
        {"growth_told", lattice::growth_told},
        {"compared", lattice::compared},
        {"delta", lattice::delta},
        {"deltas_in_any_order", lattice::deltas_in_any_order},
        {"nothing_comes_back", lattice::nothing_comes_back},
        {"copies_are_values", lattice::copies_are_values},
        {"difference", lattice::difference},
        {"round_trip", codec_laws<T>::round_trip},
        {"canonical", codec_laws<T>::canonical},
        {"damaged", codec_laws<T>::damaged},
    };
    if constexpr (crdt::replicated<T>) {
        using entry = entry_laws<T>;
        laws.insert(laws.end(), {{"entries_of_the_value", entry::entries_of_the_value},
                                 {"entries_tell_states_apart", entry::entries_tell_states_apart},
                                 {"index_follows", entry::index_follows},
                                 {"split", entry::split},
                                 {"difference_is_minimal", entry::difference_is_minimal},
                                 {"fragments_make_the_state", entry::fragments_make_the_state},
                                 {"fragments_claim_their_dots", entry::fragments_claim_their_dots},
                                 {"questions_claim_their_dots", entry::questions_claim_their_dots},
                                 {"answers_repair", entry::answers_repair},
                                 {"repair_ends_equal", entry::repair_ends_equal},
                                 {"removals_told", entry::removals_told},
                                 {"stamps_are_not_invented", entry::stamps_are_not_invented}});
    }
    return laws;
}

// A law that throws is broken too: nothing here gives a state a reason to.
template <class T>
bool keeps(const named_law<T>& law, const random_history<T>& history, std::uint64_t seed) {
    try {
        std::uint64_t own_seed = seed;
        for (const char c : law.name) own_seed = wire::mix(own_seed, static_cast<unsigned char>(c));
        rng random(own_seed);
        return law.holds(history, random);
    } catch (const std::exception&) {
        return false;
    }
}

template <class T>
std::string type_name() {
#if defined(__GNUC__)
    const std::string_view pretty = __PRETTY_FUNCTION__;
    const auto start = pretty.find("T = ") + 4;
    return std::string(pretty.substr(start, pretty.find_first_of(";]", start) - start));
#else
    return "this type";
#endif
}

inline std::optional<std::uint64_t> environment_seed() {
    const char* text = std::getenv("JOINERY_SEED");
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::strtoull(text, nullptr, 0);
}

} // namespace detail

/// Checks every law on `options.cases` random histories of T made by `step`.
template <crdt::join_semilattice T>
law_result check_laws(const law_options& options, const mutator<T>& step) {
    const auto laws = detail::laws_of<T>();
    const auto forced = options.heed_environment ? detail::environment_seed() : std::nullopt;
    law_result result{detail::type_name<T>(), forced ? 1 : options.cases, 0, 0, {}, {}};
    for (const auto& law : laws) result.laws.emplace_back(law.name);
    for (std::uint64_t i = 0; i < result.cases; ++i) {
        const std::uint64_t seed = forced.value_or(wire::mix(options.seed, i));
        rng random(seed);
        const random_history<T> history(step, random);
        const auto& [a, b, c] = history.replicas;
        result.unequal += a != b ? 1U : 0U;
        result.concurrent += crdt::leq(a, b) || crdt::leq(b, a) ? 0U : 1U;
        for (const auto& law : laws)
            if (!result.broken(law.name) && !detail::keeps(law, history, seed))
                result.failures.push_back({std::string(law.name), seed});
    }
    return result;
}

/// The same, with the step that `random_step<T>` gives.
template <crdt::join_semilattice T>
law_result check_laws(const law_options& options = {}) {
    return check_laws<T>(options, random_step<T>{});
}

} // namespace joinery::testing
