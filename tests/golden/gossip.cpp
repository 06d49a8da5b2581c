// SPDX-License-Identifier: Apache-2.0
#include <gossip/detail/frame.hpp>
#include <gossip/detail/member_record.hpp>
#include <gossip/detail/message.hpp>
#include <gossip/engine.hpp>
#include <merkle/index.hpp>
#include <merkle/reconciler.hpp>
#include <merkle/responder.hpp>

#include "causal_types.hpp"
#include "family.hpp"

namespace golden {

namespace gossip = joinery::gossip;
namespace detail = joinery::gossip::detail;
namespace merkle = joinery::merkle;

namespace {

std::string show_bytes(detail::bytes_view all) { return json_text(hex(all)); }

template <class T, class F>
std::string each_of(const std::vector<T>& all, F f) {
    std::vector<std::string> parts;
    for (const T& each : all) parts.push_back(f(each));
    return listed(parts);
}

std::string show_ranges(const std::vector<detail::item_range>& all) {
    return each_of(all, [](const detail::item_range& r) {
        return listed({show(r.origin), show(r.lo), show(r.hi)});
    });
}
std::string show_versions(const std::vector<detail::entry_version>& all) {
    return each_of(all, [](const auto& e) { return listed({show(e.id), show(e.version)}); });
}

std::string shown(const detail::digest_message& m) {
    return object({{"nonce", show(m.nonce)},
                   {"flags", show(m.stand.flags)},
                   {"schema", show(m.stand.schema)},
                   {"root", show(m.stand.root)},
                   {"context", show(m.stand.context)},
                   {"entries", show(m.stand.entries)},
                   {"adverts", show_ranges(m.adverts)}});
}
std::string shown(const detail::pull_message& m) {
    return object(
        {{"nonce", show(m.nonce)}, {"tries", show(m.tries)}, {"ranges", show_ranges(m.ranges)}});
}
std::string shown(const detail::items_message& m) {
    return object(
        {{"items", each_of(m.items, [](const detail::item& i) {
              return listed({show(i.key.origin), show(i.key.sequence), show_bytes(i.bytes)});
          })}});
}
template <detail::kind Of>
std::string shown(const detail::session_message<Of>& m) {
    return object({{"field", show(m.field)}, {"frame", show_bytes(m.frame)}});
}
std::string shown(const detail::differences_message& m) {
    return object(
        {{"field", show(m.field)}, {"salt", show(m.salt)}, {"entries", show_versions(m.entries)}});
}
std::string shown(const detail::ask_message& m) {
    return object({{"ids", show(m.ids)}, {"held", show_bytes(m.held)}});
}
std::string shown(const detail::answer_message& m) {
    return object({{"part", show_bytes(m.part)}});
}
std::string shown(const detail::context_message& m) {
    return object({{"field", show(m.field)}, {"root", show(m.root)}, {"part", show_bytes(m.part)}});
}
std::string shown(const detail::fields_message& m) {
    return object(
        {{"salt", show(m.salt)}, {"fields", each_of(m.fields, [](const auto& f) {
                                      return listed({show(f.id), show(f.root), show(f.context)});
                                  })}});
}
std::string shown(const detail::offer_message& m) {
    return object({{"digest", show(m.digest)}, {"length", show(m.length)}});
}
std::string shown(const detail::want_message& m) {
    return object({{"digest", show(m.digest)}, {"ranges", each_of(m.ranges, [](const auto& r) {
                                                    return listed({show(r.offset), show(r.length)});
                                                })}});
}
std::string shown(const detail::piece_message& m) {
    return object(
        {{"digest", show(m.digest)}, {"offset", show(m.offset)}, {"bytes", show_bytes(m.bytes)}});
}

std::string shown(const detail::member_record& r) {
    std::vector<member> all{
        {"name", show(r.name)}, {"version", show(r.version)}, {"status", show(r.status)}};
    if (r.status == gossip::member_status::alive)
        all.insert(all.end(), {{"boot", show(r.boot)},
                               {"incarnation", show(r.incarnation)},
                               {"address", show(r.address)},
                               {"zone", show(r.zone)},
                               {"metadata", show(r.metadata)}});
    else
        all.emplace_back("accuser", show(r.accuser));
    return object(all);
}
std::string show_records(const std::vector<detail::member_record>& all) {
    return each_of(all, [](const detail::member_record& r) { return shown(r); });
}
std::string shown(const detail::ping_for_message& m) {
    return object({{"nonce", show(m.nonce)},
                   {"name", show(m.name)},
                   {"address", show(m.address)},
                   {"records", show_records(m.records)}});
}
std::string shown(const detail::nack_message& m) { return object({{"nonce", show(m.nonce)}}); }
std::string shown(const detail::rumors_message& m) {
    return object({{"records", show_records(m.records)}});
}
std::string shown(const detail::sync_message& m) {
    return object({{"from", show(m.from)}, {"after", show(m.after)}, {"sums", show(m.sums)}});
}
std::string shown(const detail::page_message& m) {
    return object(
        {{"next", show(m.next)}, {"after", show(m.after)}, {"records", show_records(m.records)}});
}

template <class Message>
std::optional<Message> decoded(std::span<const std::byte> in, wire::error& why) {
    wire::reader r(in);
    if (r.u8() != static_cast<std::uint8_t>(Message::of)) r.fail(wire::errc::wrong_type);
    Message m;
    if (r.ok()) m.read(r);
    if (r.ok() && r.left() != 0) r.fail(wire::errc::trailing_bytes);
    why = r.error();
    if (!r.ok()) return std::nullopt;
    // the engine's own way to decode must agree
    Message again;
    if (!detail::decode_body(in.subspan(1), {}, again)) why = {wire::errc::bad_value, 0};
    return m;
}

template <class Message>
codec message_codec(const char* type) {
    codec made{type,
               [](std::span<const std::byte> in, wire::error& why) -> std::optional<bytes> {
                   const auto m = decoded<Message>(in, why);
                   if (!m) return std::nullopt;
                   return detail::encode_message(*m);
               },
               [](std::span<const std::byte> in) {
                   wire::error why;
                   return shown(*decoded<Message>(in, why));
               }};
    made.framed = false;
    return made;
}

template <class Message>
void add(family& all, const char* type, const std::vector<Message>& messages) {
    for (const Message& m : messages)
        all.add(message_codec<Message>(type), detail::encode_message(m));
}

// A datagram of the cluster "golden" with a secret of three bytes.
const bytes cluster_secret = from_hex("010203");

const detail::sender nobody;

detail::frame frame_of(const detail::sender& who) {
    return detail::frame("golden", wire::keyed_hasher(cluster_secret), who);
}

std::optional<bytes> recode_datagram(std::span<const std::byte> in, wire::error& why) {
    using status = enum gossip::receipt::status;
    detail::sender from;
    detail::bytes_view message;
    const auto found = frame_of(nobody).open(in, {}, from, message);
    if (found == status::ok) return frame_of(from).seal(message);
    why.code = found == status::foreign_cluster ? wire::errc::wrong_type : wire::errc::bad_value;
    return std::nullopt;
}

std::string show_datagram(std::span<const std::byte> in) {
    detail::sender from;
    detail::bytes_view message;
    frame_of(nobody).open(in, {}, from, message);
    return object({{"cluster", json_text("golden")},
                   {"secret", show_bytes(cluster_secret)},
                   {"name", show(from.name)},
                   {"incarnation", show(from.incarnation)},
                   {"address", show(from.address)},
                   {"message", show_bytes(message)}});
}

const wire::digest one{1, 2}, two{0xffeeddccbbaa9988, 0x1122334455667788};

void add_dissemination(family& all, detail::bytes_view delta) {
    add<detail::digest_message>(
        all, "message.digest",
        {{}, {77, {3, two.lo, one, two, 1000}, {{ada, 1, 1}, {eve, 5, 300}}}});
    add<detail::pull_message>(all, "message.pull", {{}, {two.hi, 2, {{bob, 0, 0}, {ada, 7, 90}}}});
    add<detail::items_message>(all, "message.items", {{}, {{{{ada, 1}, delta}, {{eve, 300}, {}}}}});
    add<detail::offer_message>(all, "message.offer", {{two, 1U << 20U}});
    add<detail::want_message>(all, "message.want", {{two, {{0, 1300}, {2600, 1300}}}});
    add<detail::piece_message>(all, "message.piece", {{two, 2600, delta}});
}

void add_repair(family& all, detail::bytes_view delta) {
    // Frames as merkle::reconciler and merkle::responder make them; the message takes any bytes.
    const wire::keyed_hasher hasher(cluster_secret);
    merkle::index here(hasher), there(hasher);
    here.set(two.hi, one);
    there.set(two.hi, one);
    there.set(two.lo, two);
    merkle::reconciler<merkle::index> asking(0x0123456789abcdef);
    asking.start(here);
    const auto question = *asking.poll(here);
    const auto replied = merkle::responder(0xfedcba9876543210).receive(there, question, 5);
    add<detail::question_message>(all, "message.question", {{}, {0xfedcba98, question}});
    add<detail::reply_message>(all, "message.reply", {{}, {0xfedcba98, replied.frames.at(0)}});
    add<detail::differences_message>(all, "message.differences",
                                     {{0xfedcba98, 9, {{5, 0}, {6, 0x55667788}}}});
    add<detail::ask_message>(all, "message.ask", {{{1, two.hi}, {}}, {{7}, delta}});
    add<detail::answer_message>(all, "message.answer", {{delta}});
    add<detail::fields_message>(all, "message.fields", {{}, {9, {{7, two.hi, 0}, {8, 1, two.lo}}}});
    add<detail::context_message>(all, "message.context", {{0xfedcba98, one, delta}});
}

// Records end where their length says, so that later versions may add to them.
void add_membership(family& all) {
    detail::member_record alive{"node1", 5, {}, 0, 9, 1, "node1:7000", "zone", {std::byte{7}}};
    detail::member_record dead;
    dead.name = "node2";
    dead.version = two.hi;
    dead.status = gossip::member_status::suspect;
    dead.accuser = 77;
    add<detail::nack_message>(all, "message.nack", {{two.lo}});
    detail::sync_message sums{3, "node", {}};
    sums.sums[31] = 0xfedcba98;
    add<detail::sync_message>(all, "message.sync", {{}, sums});
    const std::size_t canonical = all.codecs.size();
    add<detail::ping_for_message>(all, "message.ping_for", {{1, "node2", "", {alive}}});
    add<detail::rumors_message>(all, "message.rumors", {{}, {{alive, dead}}});
    add<detail::page_message>(all, "message.page", {{32, "", {}}, {4, "node1", {dead, alive}}});
    for (std::size_t i = canonical; i < all.codecs.size(); ++i) all.codecs[i].canonical = false;
}

} // namespace

template <class State>
struct show_type<detail::image<State>> {
    static std::string of(const detail::image<State>& i) {
        return object({{"origin", show(i.origin)},
                       {"next_sequence", show(i.next_sequence)},
                       {"state", show(i.state)}});
    }
};

family gossip_family() {
    family all("gossip");
    all.memory_multiple = 32;
    crdt::or_set<std::string> set;
    set.add(ada, "x");
    const bytes delta = wire::encode_nested(set);
    add_dissemination(all, delta);
    add_repair(all, delta);
    add_membership(all);
    codec datagram{"datagram", recode_datagram, show_datagram};
    datagram.framed = false;
    const auto message = detail::encode_message(detail::answer_message{delta});
    all.add(datagram, frame_of({"node1", 1, "node1:7000"}).seal(message));
    all.add(datagram, frame_of({"ada", ~std::uint64_t{0}, ""}).seal(message));
    all.add<detail::image<crdt::or_set<std::string>>>("gossip_snapshot<or_set<string>>",
                                                      {{}, {named, 300, set}});
    return all;
}

} // namespace golden
