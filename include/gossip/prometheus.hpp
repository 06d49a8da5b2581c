// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gossip/statistics.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace joinery::gossip {

namespace detail::prometheus {

struct metric {
    std::string_view name;
    std::uint64_t statistics::*value;
};
struct membership_metric {
    std::string_view name;
    std::uint64_t membership_statistics::*value;
};

inline constexpr std::array<std::string_view, statistics::kinds> kind_names{
    "none",   "digest",  "pull",  "items", "question", "reply",  "differences", "ask",
    "answer", "context", "offer", "want",  "piece",    "ping",   "ack",         "ping_for",
    "nack",   "rumors",  "sync",  "page",  "rekeyed",  "fields", "advert"};

using s = statistics;
inline constexpr metric counters[] = {{"datagrams_sent_total", &s::datagrams_out},
                                      {"datagrams_received_total", &s::datagrams_in},
                                      {"bytes_sent_total", &s::bytes_out},
                                      {"bytes_received_total", &s::bytes_in},
                                      {"updates_total", &s::updates},
                                      {"items_made_total", &s::items_made},
                                      {"items_pushed_total", &s::pushes},
                                      {"items_relayed_total", &s::items_relayed},
                                      {"items_received_total", &s::items_received},
                                      {"items_duplicate_total", &s::items_duplicate},
                                      {"pulls_total", &s::pulls},
                                      {"pull_retries_total", &s::pull_retries},
                                      {"pulls_given_up_total", &s::pulls_given_up},
                                      {"merges_that_grew_total", &s::merges_grew},
                                      {"merges_redundant_total", &s::merges_redundant},
                                      {"repair_sessions_total", &s::repair_sessions},
                                      {"repair_sessions_given_up_total", &s::sessions_given_up},
                                      {"session_frames_sent_total", &s::session_frames},
                                      {"entries_repaired_total", &s::entries_repaired},
                                      {"blobs_verified_total", &s::blobs_verified},
                                      {"blobs_failed_total", &s::blobs_failed},
                                      {"blobs_given_up_total", &s::blobs_given_up},
                                      {"dropped_unproven_total", &s::dropped_unproven},
                                      {"dropped_outgoing_total", &s::dropped_outgoing},
                                      {"dropped_superseded_total", &s::superseded_bulk},
                                      {"dropped_relay_items_total", &s::dropped_relay_items},
                                      {"dropped_events_total", &s::dropped_events},
                                      {"items_too_large_total", &s::items_too_large},
                                      {"payload_deferred_total", &s::deferred_bulk},
                                      {"slowdowns_total", &s::slowdowns},
                                      {"skipped_fields_total", &s::skipped_fields},
                                      {"out_of_memory_total", &s::out_of_memory}};
inline constexpr metric refusals[] = {
    {"foreign", &s::refused_foreign},     {"old_secret", &s::refused_old_secret},
    {"malformed", &s::refused_malformed}, {"unsupported", &s::refused_unsupported},
    {"oversized", &s::refused_oversized}, {"own", &s::refused_own},
    {"clock", &s::refused_clock},         {"peers", &s::refused_peers},
    {"stale", &s::refused_stale}};
inline constexpr metric gauges[] = {{"health", &s::health},
                                    {"entries", &s::entries},
                                    {"relay_bytes", &s::relay_bytes},
                                    {"relay_bytes_max", &s::relay_bytes_max},
                                    {"outgoing_datagrams", &s::outgoing},
                                    {"outgoing_datagrams_max", &s::outgoing_max},
                                    {"pulls_waiting", &s::pulls_waiting},
                                    {"pulls_waiting_max", &s::pulls_waiting_max}};
inline constexpr metric member_gauges[] = {{"alive", &s::members_alive},
                                           {"suspect", &s::members_suspect},
                                           {"dead", &s::members_dead},
                                           {"left", &s::members_left}};
using m = membership_statistics;
inline constexpr membership_metric membership_counters[] = {
    {"probes_total", &m::probes},
    {"probes_failed_total", &m::probes_failed},
    {"indirect_probes_total", &m::indirect_probes},
    {"late_answers_total", &m::late_answers},
    {"nacks_total", &m::nacks},
    {"suspicions_total", &m::suspicions},
    {"denials_total", &m::denials},
    {"deaths_total", &m::deaths},
    {"refutations_total", &m::refutations},
    {"stalls_total", &m::stalls},
    {"replays_total", &m::replays},
    {"stale_statements_total", &m::stale},
    {"strangers_total", &m::strangers},
    {"refused_members_total", &m::refused_members},
    {"syncs_total", &m::syncs},
    {"pages_total", &m::pages},
    {"rumors_told_total", &m::rumors_told}};

/// Text in the exposition format: families with their type, samples with their labels.
class exposition {
public:
    explicit exposition(std::string_view node) : node_(escaped(node)) {}

    void family(std::string_view name, std::string_view type) {
        name_ = "joinery_gossip_" + std::string(name);
        text_ += "# TYPE " + name_ + " " + std::string(type) + "\n";
    }
    void sample(std::uint64_t value, std::string_view label = {}, std::string_view of = {}) {
        text_ += name_ + "{node=\"" + node_ + "\"";
        if (!label.empty()) text_ += "," + std::string(label) + "=\"" + escaped(of) + "\"";
        text_ += "} " + std::to_string(value) + "\n";
    }
    std::string take() { return std::move(text_); }

private:
    static std::string escaped(std::string_view text) {
        std::string safe;
        for (const char each : text) {
            if (each == '\n') {
                safe += "\\n";
                continue;
            }
            if (each == '"' || each == '\\') safe += '\\';
            safe += each;
        }
        return safe;
    }

    std::string node_;
    std::string name_;
    std::string text_;
};

} // namespace detail::prometheus

/// The statistics of one node as Prometheus text; times are in nanoseconds.
inline std::string to_prometheus(const statistics& of, std::string_view node,
                                 std::span<const lag> lags = {}) {
    namespace prometheus = detail::prometheus;
    prometheus::exposition text(node);
    for (const auto& each : prometheus::counters) {
        text.family(each.name, "counter");
        text.sample(of.*each.value);
    }
    text.family("refused_total", "counter");
    for (const auto& each : prometheus::refusals) text.sample(of.*each.value, "reason", each.name);
    text.family("message_bytes_sent_total", "counter");
    for (std::size_t kind = 1; kind < statistics::kinds; ++kind)
        text.sample(of.bytes_out_by_kind[kind], "kind", prometheus::kind_names[kind]);
    text.family("message_bytes_received_total", "counter");
    for (std::size_t kind = 1; kind < statistics::kinds; ++kind)
        text.sample(of.bytes_in_by_kind[kind], "kind", prometheus::kind_names[kind]);
    for (const auto& each : prometheus::membership_counters) {
        text.family("membership_" + std::string(each.name), "counter");
        text.sample(of.membership.*each.value);
    }
    text.family("members", "gauge");
    for (const auto& each : prometheus::member_gauges)
        text.sample(of.*each.value, "status", each.name);
    for (const auto& each : prometheus::gauges) {
        text.family(each.name, "gauge");
        text.sample(of.*each.value);
    }
    text.family("lag_deltas", "gauge");
    for (const lag& each : lags) text.sample(each.deltas, "peer", each.name);
    text.family("lag_nanoseconds", "gauge");
    for (const lag& each : lags)
        text.sample(static_cast<std::uint64_t>(each.heard_ago.count()), "peer", each.name);
    text.family("round_trip_nanoseconds", "gauge");
    for (const lag& each : lags)
        text.sample(static_cast<std::uint64_t>(each.round_trip.count()), "peer", each.name);
    return text.take();
}

} // namespace joinery::gossip
