// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <crdt/entries.hpp>
#include <crdt/replica_id.hpp>
#include <gossip/config.hpp>
#include <gossip/detail/exchange.hpp>
#include <gossip/detail/report.hpp>
#include <gossip/event.hpp>
#include <gossip/peer.hpp>
#include <gossip/statistics.hpp>
#include <wire/codec.hpp>
#include <wire/hash.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace joinery::gossip {

namespace detail {

/// What a snapshot holds: the state, and how far the items of its incarnation go.
template <class State>
struct image {
    static constexpr std::string_view schema_name = "gossip_snapshot";
    using schema_parameters = std::tuple<State>;

    crdt::replica_id origin;
    std::uint64_t next_sequence = 1;
    State state{};

    void write(wire::writer& w) const {
        origin.write(w);
        w.varint(next_sequence);
        wire::put(w, state);
    }
    void read(wire::reader& r) {
        origin.read(r);
        next_sequence = r.varint();
        wire::get(r, state);
    }
};

} // namespace detail

/// Keeps one state equal on many machines: takes datagrams in and hands datagrams out.
///
/// State      the replicated state, what is known of the peers, the deltas kept for them.
/// Value      copyable; the same calls on copies give the same bytes, events and states.
/// Invariant  no clock, thread, lock, socket or chance but the seed; no datagram above
///            max_datagram; every queue and table capped; received bytes never throw, and leave the
///            state bit-identical when refused.
/// Cost       receive O(datagram log n); an interval O(peers + relayed origins).
template <crdt::replicated State>
class engine {
public:
    /// Throws std::invalid_argument for a configuration that no datagram can be made for.
    engine(config settings, std::uint64_t seed)
        : hasher_(settings.secret), parts_(std::move(settings), seed, hasher_) {}

    const State& state() const { return parts_.local.state(); }
    crdt::replica_id self() const { return parts_.net.self; }

    /// f(State&, replica_id) makes exactly one mutator call and returns its delta, which is spread.
    /// If f throws, or with check_updates the delta is not what it did (std::logic_error), nothing
    /// has happened, provided that f itself changes nothing when it throws or check_updates is on.
    template <class F>
        requires std::convertible_to<std::invoke_result_t<F&, State&, crdt::replica_id>, State>
    State update(F f) {
        State delta{};
        const auto mutate = [&](State& state) { return State(f(state, self())); };
        if (!parts_.local.update(mutate, parts_.net.settings.check_updates, delta))
            throw std::logic_error("gossip: the delta of an update is not what the update did");
        spread(delta);
        return delta;
    }

    /// The same on one field; its delta is lifted to one of the state.
    template <class Field, class F>
        requires std::convertible_to<std::invoke_result_t<F&, Field&, crdt::replica_id>, Field>
    State update(Field State::*field, F f) {
        return update([&](State& state, crdt::replica_id id) {
            State delta{};
            delta.*field = f(state.*field, id);
            return delta;
        });
    }

    /// Joins a delta that the application has got elsewhere and spreads it like an update.
    void merge_local(const State& delta) {
        crdt::report found;
        const bool grew = parts_.local.merge(delta, found).grew;
        parts_.tell(found, parts_.net.settings.name, parts_.net.settings.address);
        if (grew) spread(delta);
    }

    /// Takes a datagram that came from `from`, the address to answer to if the sender names none.
    receipt receive(std::string_view from, std::span<const std::byte> datagram,
                    time_point now) noexcept {
        receipt result;
        try {
            parts_.receive(from, datagram, now, result);
        } catch (const std::bad_alloc&) {
            ++parts_.net.stats.out_of_memory;
            result.status = receipt::status::oversized;
        } catch (...) { // a user's cereal function threw
            parts_.net.refuse(result, receipt::status::malformed);
        }
        return result;
    }

    /// Does what is due. Late, repeated and backward ticks are harmless.
    void tick(time_point now) noexcept {
        try {
            parts_.tick(now);
        } catch (...) {
            ++parts_.net.stats.out_of_memory;
        }
    }

    /// When tick has something to do next; time_point::min() before the first.
    time_point next_deadline() const noexcept { return parts_.net.next_deadline(); }

    /// Writes the next datagram into the buffer, which should have max_datagram bytes; a datagram
    /// that does not fit is dropped and counted.
    std::optional<outgoing> poll_outgoing(std::span<std::byte> buffer) {
        return parts_.poll(buffer);
    }

    std::optional<event> poll_event() {
        parts_.number(); // what is too large is told of
        return parts_.net.poll_event();
    }

    /// The members that are known, this one excepted; those that are dead or have left too.
    std::vector<peer> members() const { return parts_.net.members(); }

    /// Those of them that are alive or only suspected.
    std::size_t live_count() const { return parts_.net.live_count(); }

    /// Says goodbye to the other members: what is left to say is polled, nothing more is answered.
    void leave() {
        if (parts_.net.group) parts_.net.group->leave();
    }
    /// What the other applications are to know of this one, from now on; restore() keeps it.
    announcement set_metadata(std::vector<std::byte> metadata) {
        return parts_.net.announce_metadata(std::move(metadata));
    }
    /// Where the others are to send from now on, as after a change of network. Until they have
    /// heard of it they send to the old address.
    announcement set_address(const std::string& address) {
        return parts_.net.announce_address(address);
    }
    /// How badly this one itself is doing: 0 well, 8 hardly at all.
    unsigned health() const { return parts_.net.group ? parts_.net.group->health() : 0; }
    /// Whether another live process of this name has won: this one is silent then.
    bool displaced() const { return parts_.net.group && parts_.net.group->displaced(); }
    /// Whether the stranger that an event join_requested told of may come in.
    void admit(const std::string& name, bool yes) {
        if (parts_.net.group) parts_.net.group->admit(name, yes);
    }

    /// The counters since the beginning, and how everything stands now.
    gossip::statistics statistics() const {
        auto all = detail::report(parts_.net);
        all.entries = parts_.local.size();
        return all;
    }
    /// How far this engine is behind each live peer.
    std::vector<lag> lags() { return detail::lags(parts_.net); }

    /// The digest of the live entries. With context_digest it tells whether two states are equal.
    wire::digest root() const { return parts_.local.root(); }
    wire::digest context_digest() const { return parts_.local.context_digest(); }

    /// The state and what a clean restart under the same incarnation needs.
    std::vector<std::byte> snapshot() const {
        return wire::encode(
            detail::image<State>{parts_.net.self, parts_.net.next_sequence, state()});
    }

    /// Takes the state of a snapshot and goes on as the given incarnation, see
    /// crdt::next_incarnation. Throws wire::decode_error; nothing has changed then.
    void restore(std::span<const std::byte> snapshot, std::uint64_t incarnation) {
        auto saved = wire::decode<detail::image<State>>(snapshot, parts_.net.settings.limits);
        parts_.net.rename(incarnation, hasher_);
        parts_.forget_items();
        if (saved.origin == self()) parts_.net.next_sequence = saved.next_sequence;
        parts_.local.assign(std::move(saved.state));
        parts_.changed();
    }

    /// The wall clock in milliseconds. Without it, stamps are believed however far ahead they are.
    void observe_wall(std::uint64_t ms) { parts_.observe_wall(ms); }

private:
    void spread(const State& delta) {
        if (delta == State{}) {
            ++parts_.net.stats.bottom_deltas;
            return;
        }
        ++parts_.net.stats.updates;
        parts_.disseminate(delta);
    }

    wire::keyed_hasher hasher_;
    detail::exchange<State> parts_;
};

} // namespace joinery::gossip
