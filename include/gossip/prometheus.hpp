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

namespace detail {

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

using counted = statistics;
inline constexpr metric counters[] = {
    {"datagrams_sent_total", &counted::datagrams_out},
    {"datagrams_received_total", &counted::datagrams_in},
    {"bytes_sent_total", &counted::bytes_out},
    {"bytes_received_total", &counted::bytes_in},
    {"updates_total", &counted::updates},
    {"items_made_total", &counted::items_made},
    {"items_pushed_total", &counted::pushes},
    {"items_relayed_total", &counted::items_relayed},
    {"items_received_total", &counted::items_received},
    {"items_duplicate_total", &counted::items_duplicate},
    {"pulls_total", &counted::pulls},
    {"pull_retries_total", &counted::pull_retries},
    {"pulls_given_up_total", &counted::pulls_given_up},
    {"merges_that_grew_total", &counted::merges_grew},
    {"merges_redundant_total", &counted::merges_redundant},
    {"repair_sessions_total", &counted::repair_sessions},
    {"repair_sessions_given_up_total", &counted::sessions_given_up},
    {"session_frames_sent_total", &counted::session_frames},
    {"entries_repaired_total", &counted::entries_repaired},
    {"blobs_verified_total", &counted::blobs_verified},
    {"blobs_failed_total", &counted::blobs_failed},
    {"blobs_given_up_total", &counted::blobs_given_up},
    {"dropped_unproven_total", &counted::dropped_unproven},
    {"dropped_outgoing_total", &counted::dropped_outgoing},
    {"dropped_superseded_total", &counted::superseded_bulk},
    {"dropped_relay_items_total", &counted::dropped_relay_items},
    {"dropped_events_total", &counted::dropped_events},
    {"items_too_large_total", &counted::items_too_large},
    {"payload_deferred_total", &counted::deferred_bulk},
    {"slowdowns_total", &counted::slowdowns},
    {"skipped_fields_total", &counted::skipped_fields},
    {"out_of_memory_total", &counted::out_of_memory}};
inline constexpr metric refusals[] = {
    {"foreign", &counted::refused_foreign},     {"old_secret", &counted::refused_old_secret},
    {"malformed", &counted::refused_malformed}, {"unsupported", &counted::refused_unsupported},
    {"oversized", &counted::refused_oversized}, {"own", &counted::refused_own},
    {"clock", &counted::refused_clock},         {"peers", &counted::refused_peers},
    {"stale", &counted::refused_stale}};
inline constexpr metric gauges[] = {{"health", &counted::health},
                                    {"entries", &counted::entries},
                                    {"relay_bytes", &counted::relay_bytes},
                                    {"relay_bytes_max", &counted::relay_bytes_max},
                                    {"outgoing_datagrams", &counted::outgoing},
                                    {"outgoing_datagrams_max", &counted::outgoing_max},
                                    {"pulls_waiting", &counted::pulls_waiting},
                                    {"pulls_waiting_max", &counted::pulls_waiting_max}};
inline constexpr metric member_gauges[] = {{"alive", &counted::members_alive},
                                           {"suspect", &counted::members_suspect},
                                           {"dead", &counted::members_dead},
                                           {"left", &counted::members_left}};
using counted_members = membership_statistics;
inline constexpr membership_metric membership_counters[] = {
    {"probes_total", &counted_members::probes},
    {"probes_failed_total", &counted_members::probes_failed},
    {"indirect_probes_total", &counted_members::indirect_probes},
    {"late_answers_total", &counted_members::late_answers},
    {"nacks_total", &counted_members::nacks},
    {"suspicions_total", &counted_members::suspicions},
    {"denials_total", &counted_members::denials},
    {"deaths_total", &counted_members::deaths},
    {"refutations_total", &counted_members::refutations},
    {"stalls_total", &counted_members::stalls},
    {"replays_total", &counted_members::replays},
    {"stale_statements_total", &counted_members::stale},
    {"strangers_total", &counted_members::strangers},
    {"refused_members_total", &counted_members::refused_members},
    {"syncs_total", &counted_members::syncs},
    {"pages_total", &counted_members::pages},
    {"rumors_told_total", &counted_members::rumors_told}};

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

} // namespace detail

/// The statistics of one node as Prometheus text; times are in nanoseconds.
inline std::string to_prometheus(const statistics& of, std::string_view node,
                                 std::span<const lag> lags = {}) {
    detail::exposition text(node);
    for (const auto& each : detail::counters) {
        text.family(each.name, "counter");
        text.sample(of.*each.value);
    }
    text.family("refused_total", "counter");
    for (const auto& each : detail::refusals) text.sample(of.*each.value, "reason", each.name);
    text.family("message_bytes_sent_total", "counter");
    for (std::size_t kind = 1; kind < statistics::kinds; ++kind)
        text.sample(of.bytes_out_by_kind[kind], "kind", detail::kind_names[kind]);
    text.family("message_bytes_received_total", "counter");
    for (std::size_t kind = 1; kind < statistics::kinds; ++kind)
        text.sample(of.bytes_in_by_kind[kind], "kind", detail::kind_names[kind]);
    for (const auto& each : detail::membership_counters) {
        text.family("membership_" + std::string(each.name), "counter");
        text.sample(of.membership.*each.value);
    }
    text.family("members", "gauge");
    for (const auto& each : detail::member_gauges) text.sample(of.*each.value, "status", each.name);
    for (const auto& each : detail::gauges) {
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
