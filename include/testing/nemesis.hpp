// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/peer.hpp>
#include <gossip/random.hpp>
#include <testing/network.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace joinery::testing {

enum class fault_kind : std::uint8_t {
    loss,          ///< everywhere, `amount` per mille
    duplication,   ///< everywhere, `amount` per mille
    slow,          ///< everywhere, delays up to `amount` milliseconds, heavy-tailed
    one_way,       ///< node -> other
    partition,     ///< the nodes whose bit is set in `amount` against the others
    flapping,      ///< node <-> other, off and on every `amount` milliseconds
    congestion,    ///< the node sends at most `amount` bytes a second
    pause,         ///< the node neither ticks nor receives
    clock_jump,    ///< the node's clock, by `amount` seconds, back if `other` is odd
    clock_freeze,  ///< the node's clock
    restart_kept,  ///< stops, and starts after `length` with the state it had
    restart_stale, ///< the same with a state that it had at some earlier time
    restart_lost   ///< the same with nothing
};

/// One fault: from `at` on, for `length`.
struct fault {
    std::chrono::nanoseconds at{0};
    std::chrono::nanoseconds length{0};
    fault_kind kind = fault_kind::loss;
    std::size_t node = 0;
    std::size_t other = 0;
    std::uint64_t amount = 0;

    friend bool operator==(const fault&, const fault&) = default;
};

/// Something that the application does; what `what` means is its own affair.
struct operation {
    std::chrono::nanoseconds at{0};
    std::size_t node = 0;
    std::uint64_t what = 0;

    friend bool operator==(const operation&, const operation&) = default;
};

/// All that happens in one run besides the network's own chance.
struct schedule {
    std::uint64_t seed = 0;
    std::chrono::nanoseconds length{0};
    std::vector<fault> faults;
    std::vector<operation> operations;

    friend bool operator==(const schedule&, const schedule&) = default;
};

/// What to draw.
struct nemesis_options {
    std::size_t nodes = 5;
    std::size_t faults = 6;
    std::size_t operations = 60;
    std::chrono::nanoseconds length = std::chrono::seconds(30);
    std::vector<fault_kind> kinds; ///< empty: all
    bool cascade = false;          ///< restarts follow each other ever faster
};

namespace detail {

inline constexpr std::array<const char*, 13> fault_names{
    "loss",         "duplication",   "slow",        "one_way",    "partition",
    "flapping",     "congestion",    "pause",       "clock_jump", "clock_freeze",
    "restart_kept", "restart_stale", "restart_lost"};

inline std::uint64_t draw_amount(fault_kind kind, gossip::random& random) {
    switch (kind) {
        case fault_kind::loss: return 50 + random.below(450);
        case fault_kind::duplication: return 50 + random.below(300);
        case fault_kind::slow: return 20 + random.below(400);
        case fault_kind::partition: return random.next();
        case fault_kind::flapping: return 100 + random.below(3000);
        case fault_kind::congestion: return 2'000 + random.below(20'000);
        case fault_kind::clock_jump: return 1 + random.below(4000);
        default: return 0;
    }
}

} // namespace detail

/// A schedule drawn from a seed: the same with every compiler.
inline schedule draw_schedule(std::uint64_t seed, const nemesis_options& options) {
    gossip::random random(seed ^ 0x6e656d6573697321U);
    schedule made{seed, options.length, {}, {}};
    const auto length = static_cast<std::uint64_t>(options.length.count());
    using std::chrono::nanoseconds;
    for (std::size_t each = 0; each < options.faults; ++each) {
        fault f;
        f.at = nanoseconds(random.below(length));
        if (options.cascade) // the k-th of n at 1 - 1/(k+1) of the time
            f.at = options.length - options.length / static_cast<std::int64_t>(each + 1);
        f.length = nanoseconds(length / 30 + random.below(length / 4));
        f.kind = options.kinds.empty()
                     ? static_cast<fault_kind>(random.below(detail::fault_names.size()))
                     : options.kinds[random.below(options.kinds.size())];
        f.node = random.below(options.nodes);
        f.other = random.below(options.nodes);
        f.amount = detail::draw_amount(f.kind, random);
        made.faults.push_back(f);
    }
    for (std::size_t each = 0; each < options.operations; ++each)
        made.operations.push_back(
            {nanoseconds(random.below(length)), random.below(options.nodes), random.next()});
    const auto earlier = [](const auto& a, const auto& b) { return a.at < b.at; };
    std::stable_sort(made.faults.begin(), made.faults.end(), earlier);
    std::stable_sort(made.operations.begin(), made.operations.end(), earlier);
    return made;
}

/// The schedule for people: a line for each fault, and the operations' number.
inline std::string to_string(const schedule& of) {
    const auto ms = [](std::chrono::nanoseconds t) {
        return std::to_string(t.count() / 1'000'000);
    };
    std::string text = "seed " + std::to_string(of.seed) + ", " + ms(of.length) + " ms, " +
                       std::to_string(of.operations.size()) + " operations\n";
    for (const fault& each : of.faults)
        text += "  " + ms(each.at) + " ms + " + ms(each.length) +
                " ms: " + detail::fault_names[static_cast<std::size_t>(each.kind)] + " node " +
                std::to_string(each.node) + " other " + std::to_string(each.other) + " amount " +
                std::to_string(each.amount) + "\n";
    for (const operation& each : of.operations)
        text += "  " + ms(each.at) + " ms: node " + std::to_string(each.node) + " does " +
                std::to_string(each.what) + "\n";
    return text;
}

/// Plays schedules on a network; at the end all faults have ended and all nodes run.
///
/// State      the faults under way, and how often each kind was begun.
/// Value      one schedule on one network gives one trace.
template <class Network>
class nemesis {
public:
    using duration = std::chrono::nanoseconds;

    nemesis(Network& net, const faults& calm) : net_(net), calm_(calm) {}

    /// operate(net, operation) does one; restart(net, node, kind) makes the engine of a node that
    /// starts again, from what it has kept of snapshots.
    template <class Operate, class Restart>
    void play(const schedule& of, Operate&& operate, Restart&& restart) {
        const auto start = net_.now();
        std::size_t next_fault = 0;
        std::size_t next_operation = 0;
        while (true) {
            duration next = of.length;
            if (next_fault < of.faults.size()) next = std::min(next, of.faults[next_fault].at);
            if (next_operation < of.operations.size())
                next = std::min(next, of.operations[next_operation].at);
            for (const under_way& each : active_) next = std::min(next, each.next);
            if (start + next > net_.now()) net_.run_for(start + next - net_.now());
            turn(next, restart);
            while (next_fault < of.faults.size() && of.faults[next_fault].at <= next)
                begin(of.faults[next_fault++]);
            while (next_operation < of.operations.size() &&
                   of.operations[next_operation].at <= next) {
                const operation& each = of.operations[next_operation++];
                if (each.node < net_.size() && net_.running(each.node)) operate(net_, each);
            }
            if (next >= of.length) break;
        }
        for (under_way& each : active_) each.next = each.fault.at + each.fault.length;
        turn(duration::max(), restart);
        net_.set_faults(calm_);
        net_.lines().clear();
        net_.heal();
    }

    std::uint64_t begun(fault_kind kind) const { return begun_[static_cast<std::size_t>(kind)]; }

private:
    struct under_way {
        testing::fault fault;
        duration next;
        bool off = false; // flapping
    };

    void begin(const fault& f) {
        if (f.node >= net_.size() || f.other >= net_.size()) return;
        const bool restart = f.kind >= fault_kind::restart_kept;
        if (restart && !net_.running(f.node)) return;
        ++begun_[static_cast<std::size_t>(f.kind)];
        const bool flaps = f.kind == fault_kind::flapping;
        active_.push_back({f, flaps ? f.at : f.at + f.length});
        switch (f.kind) {
            case fault_kind::one_way: net_.cut(f.node, f.other); break;
            case fault_kind::partition: net_.partition({side(f.amount)}); break;
            case fault_kind::congestion:
                net_.lines().bandwidth(f.node, f.amount, f.amount / 2);
                break;
            case fault_kind::pause: net_.pause(f.node, f.length); break;
            case fault_kind::clock_jump: {
                const auto by = std::chrono::seconds(static_cast<std::int64_t>(f.amount));
                net_.jump_clock(f.node, f.other % 2 == 1 ? -by : by);
                break;
            }
            case fault_kind::clock_freeze: net_.freeze_clock(f.node, f.length); break;
            case fault_kind::restart_kept:
            case fault_kind::restart_stale:
            case fault_kind::restart_lost: net_.stop(f.node); break;
            default: break;
        }
        set_common();
    }

    std::vector<std::size_t> side(std::uint64_t bits) const {
        std::vector<std::size_t> chosen;
        for (std::size_t node = 0; node < net_.size(); ++node)
            if ((bits >> (node % 64) & 1U) != 0) chosen.push_back(node);
        return chosen;
    }

    // Ends what is over by `now` and lets links flap.
    template <class Restart>
    void turn(duration now, Restart&& restart) {
        for (std::size_t at = 0; at < active_.size();) {
            under_way& each = active_[at];
            const fault f = each.fault;
            if (f.at + f.length <= now) {
                active_.erase(active_.begin() + static_cast<std::ptrdiff_t>(at));
                end(f, restart);
                continue;
            }
            if (f.kind == fault_kind::flapping && each.next <= now) {
                each.off = !each.off;
                each.next += std::chrono::milliseconds(static_cast<std::int64_t>(f.amount));
                link(f, each.off);
            }
            ++at;
        }
        set_common();
    }

    template <class Restart>
    void end(const fault& f, Restart&& restart) {
        switch (f.kind) {
            case fault_kind::one_way: net_.mend(f.node, f.other); break;
            case fault_kind::partition: net_.partition({}); break;
            case fault_kind::flapping: link(f, false); break;
            case fault_kind::congestion: net_.lines().bandwidth(f.node, 0, 0); break;
            case fault_kind::restart_kept:
            case fault_kind::restart_stale:
            case fault_kind::restart_lost: restart(net_, f.node, f.kind); break;
            default: break;
        }
    }

    void link(const fault& f, bool off) {
        if (off) {
            net_.cut(f.node, f.other);
            net_.cut(f.other, f.node);
        } else {
            net_.mend(f.node, f.other);
            net_.mend(f.other, f.node);
        }
    }

    // The faults of all datagrams: the worst of those under way.
    void set_common() {
        faults worst = calm_;
        for (const under_way& each : active_) {
            const auto amount = static_cast<std::uint32_t>(each.fault.amount);
            if (each.fault.kind == fault_kind::loss) worst.loss = std::max(worst.loss, amount);
            if (each.fault.kind == fault_kind::duplication)
                worst.duplication = std::max(worst.duplication, amount);
            if (each.fault.kind != fault_kind::slow) continue;
            worst.delay_max =
                std::max<duration>(worst.delay_max, std::chrono::milliseconds(amount));
            worst.shape = delay_shape::heavy;
        }
        net_.set_faults(worst);
    }

    Network& net_;
    faults calm_;
    std::vector<under_way> active_;
    std::array<std::uint64_t, detail::fault_names.size()> begun_{};
};

namespace detail {

// Leaves out ever smaller stretches of a list as long as the rest still fails.
template <class T, class Fails>
void shrink_list(std::vector<T>& list, Fails&& fails) {
    for (std::size_t size = std::max<std::size_t>(list.size() / 2, 1); !list.empty(); size /= 2) {
        for (std::size_t at = 0; at < list.size();) {
            auto shorter = list;
            const auto first = shorter.begin() + static_cast<std::ptrdiff_t>(at);
            shorter.erase(first,
                          first + static_cast<std::ptrdiff_t>(std::min(size, list.size() - at)));
            if (fails(shorter))
                list = std::move(shorter);
            else
                at += size;
        }
        if (size == 1) return;
    }
}

} // namespace detail

/// A schedule that still fails and from which no single fault or operation can be left out; faults
/// are dropped first. Precondition: fails(schedule) is true and depends on the schedule alone.
template <class Fails>
schedule shrink(schedule failing, Fails&& fails) {
    detail::shrink_list(failing.faults, [&](const std::vector<fault>& fewer) {
        schedule tried = failing;
        tried.faults = fewer;
        return fails(tried);
    });
    detail::shrink_list(failing.operations, [&](const std::vector<operation>& fewer) {
        schedule tried = failing;
        tried.operations = fewer;
        return fails(tried);
    });
    return failing;
}

} // namespace joinery::testing
